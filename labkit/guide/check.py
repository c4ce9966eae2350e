"""``make check-docs``: every page opened in a browser, every command of the pages run, every recording still true."""

import sys

from labkit.guide import crawl, follow, record

PARTS = {
    "crawl": lambda: crawl.main([]),
    "recordings": lambda: record.main(["--check"]),
    "follow": lambda: follow.main([]),
}


def main(arguments: list[str]) -> int:
    """Do these parts, or all; the exit status is 0 only if all is well."""
    unknown = [each for each in arguments if each not in PARTS]
    if unknown:
        print(f"there is no part {', '.join(unknown)}: they are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    return max(PARTS[name]() for name in arguments or PARTS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
