"""Sizes of files in words."""


def readable(size: int) -> str:
    """A size in bytes as people say it: ``1.0 MB`` (a million bytes, as in shops and in ``--auto-get``)."""
    if size < 1000:
        return f"{size} bytes"
    for power, unit in enumerate(("kB", "MB", "GB"), start=1):
        if size / 1000**power < 999.95:
            return f"{size / 1000**power:.1f} {unit}"
    return f"{size / 1000**4:.1f} TB"
