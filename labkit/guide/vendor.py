"""What of others the site carries, so that it asks no other host: Mermaid, the player and the fonts.

They come from npm (`make docs` runs `npm ci`, see package.json) and are copied into the site when it is built.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit import ladder

NODE_MODULES = ladder.ROOT / "node_modules"
FOLDER = "assets/vendor"

FILES = {
    "mermaid.min.js": "mermaid/dist/mermaid.min.js",
    "mermaid.LICENSE.txt": "mermaid/LICENSE",
    "asciinema-player.min.js": "asciinema-player/dist/bundle/asciinema-player.min.js",
    "asciinema-player.css": "asciinema-player/dist/bundle/asciinema-player.css",
    "asciinema-player.LICENSE.txt": "asciinema-player/LICENSE",
    "inter.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "inter-ext.woff2": "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
    "inter.LICENSE.txt": "@fontsource-variable/inter/LICENSE",
    "jetbrains-mono.woff2": "@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2",
    "jetbrains-mono.LICENSE.txt": "@fontsource-variable/jetbrains-mono/LICENSE",
}
"""What each is called in the site, and where it lies in node_modules."""


@dataclass(frozen=True)
class Package:
    """One package that is in the site, by itself or within Mermaid or the player."""

    name: str
    version: str
    licence: str


def files() -> Iterator[tuple[str, Path]]:
    """Each file's place in the site, and the file. Raises FileNotFoundError when npm has not brought it."""
    for name, source in FILES.items():
        path = NODE_MODULES / source
        if not path.is_file():
            raise FileNotFoundError(f"there is no node_modules/{source}: make docs installs it (npm ci)")
        yield f"{FOLDER}/{name}", path


def carried() -> list[Package]:
    """Every package that the lock names, but for those that only check the site."""
    lock = json.loads((ladder.ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = [
        Package(path.rpartition("node_modules/")[2], each["version"], each.get("license", "see its files"))
        for path, each in lock["packages"].items()
        if path and not each.get("dev")
    ]
    return sorted(packages, key=lambda each: each.name)
