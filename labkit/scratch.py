"""A folder for the time being in which programs under test may do what they like."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A new folder, which is removed in the end, whatever is in it by then."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        with suppress(OSError):
            remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder, however deep others lie in it: each is moved up, where its path is short, and emptied there.

    shutil.rmtree calls itself for each that lies in another, and a thousand of them are too many for Python. Raises
    OSError.
    """
    to_empty = [folder]
    while to_empty:
        here = to_empty.pop()
        for entry in list(os.scandir(here)):
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry, 0o700)
                to_empty.append(folder / uuid4().hex)
                os.rename(entry, to_empty[-1])
            else:
                os.unlink(entry)
        if here != folder:
            os.rmdir(here)
    os.rmdir(folder)
