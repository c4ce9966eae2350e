"""Opens every page of the built site in Chromium, as readers do: ``python -m labkit.guide.crawl``.

The browser's part is crawl.mjs (playwright-core drives, axe-core judges). This serves the site on a free port, starts
that, and ends both.
"""

from __future__ import annotations

import argparse
import http.server
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from labkit import ladder

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE = ladder.ROOT / "site"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DEADLINE = 1_200.0
"""Seconds for all pages: they take two minutes on an idle machine."""


def main(arguments: list[str]) -> int:
    """Open all pages; the exit status is 1 if one has a fault, 2 if they cannot be opened."""
    parser = argparse.ArgumentParser(prog="crawl", description="Open every page of the guide in a browser.")
    parser.add_argument("pages", nargs="*", help="only pages with one of these in their address")
    parser.add_argument("--pictures", type=Path, help="save pictures of the pages to this folder")
    options = parser.parse_args(arguments)
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    node = shutil.which("node") or shutil.which("nodejs")
    if not browser or not node or not (SITE / "index.html").is_file():
        print("The crawl needs Chromium, Node.js and the built site: make check-docs", file=sys.stderr)
        return 2
    pages = [page for page in pages_of(SITE) if not options.pages or any(each in page for each in options.pages)]
    with served(SITE) as address:
        command = [node, str(Path(__file__).with_name("crawl.mjs")), browser, address]
        command += [str(options.pictures.resolve()) if options.pictures else "-", *pages]
        try:
            return subprocess.call(command, cwd=ladder.ROOT, timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            print(f"The crawl did not end within {DEADLINE:g} seconds", file=sys.stderr)
            return 1


def pages_of(site: Path) -> list[str]:
    """Every page's address within the site."""
    found = [path.relative_to(site).as_posix() for path in site.rglob("index.html")]
    return sorted(page.removesuffix("index.html") for page in found)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine alone; yields its address."""
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass  # a line for each file would hide what matters


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
