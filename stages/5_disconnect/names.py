"""Names for files that come in. What somebody else calls a file must never decide where it lands."""

import os

DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"COM{n}" for n in range(10)), *(f"LPT{n}" for n in range(10))}
MAX_NAME = 150  # bytes of a file's name: systems take 255, and " (1)" or ".part" must fit too


def safe_name(name):
    """Return a name that is safe in any folder, whatever somebody made up: ../../.bashrc, CON, an escape."""
    name = name.replace("\\", "/").split("/")[-1]
    name = "".join(each if each.isprintable() and each not in '<>:"|?*' else "_" for each in name)
    name = name.strip(". ")  # a dot in front hides a file, and Windows drops dots and spaces at the end
    if name.split(".")[0].strip().upper() in DEVICES:
        name = "_" + name
    stem, ending = os.path.splitext(name)
    stem = stem.encode()[: MAX_NAME - len(ending.encode())].decode(errors="ignore")
    name = (stem + ending).encode()[:MAX_NAME].decode(errors="ignore")
    return name or "file"


def free_path(folder, name):
    """Return a path in folder that nobody has: image.jpg, or else image (1).jpg, image (2).jpg, …"""
    stem, ending = os.path.splitext(name)
    path, number = os.path.join(folder, name), 0
    while True:
        try:
            open(path, "xb").close()  # "x" fails for a name that exists, be it a link to elsewhere
            return path
        except FileExistsError:
            number += 1
            path = os.path.join(folder, f"{stem} ({number}){ending}")
