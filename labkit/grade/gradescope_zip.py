"""``python -m labkit gradescope``: the autograder zip that Gradescope makes its container from."""

from __future__ import annotations

import argparse
import sys
import zipfile
from pathlib import Path

from labkit import ladder
from labkit.grade import config as configuration
from labkit.grade.command import stages
from labkit.grade.config import BadConfig

FOLDERS = ("labkit", "reference", "stages", "tests/graded", "requirements")
FILES = ("pyproject.toml", "tests/conftest.py", "LICENSE")
KINDS = {".py", ".toml", ".txt", ".sh", ".kv", ".j2", ".json"}

# The base image is Ubuntu. 22.04 has Python 3.10: choose 24.04 (or newer) in the assignment's settings, or have this
# install a newer one.
SETUP = """#!/usr/bin/env bash
# Gradescope runs this once, when it makes the image.
set -e
cd /autograder/source
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -q --no-install-recommends bubblewrap util-linux libgl1 libegl1 python3-venv
python=$(sh requirements/find_python.sh "") || {
    apt-get install -y -q --no-install-recommends software-properties-common
    add-apt-repository -y ppa:deadsnakes/ppa
    apt-get install -y -q --no-install-recommends python3.12 python3.12-venv
    python=python3.12
}
"$python" requirements/install.py grade
"""

RUN = """#!/usr/bin/env bash
# Gradescope runs this for each submission. What it must not read is for root alone.
cd /autograder/source || exit 1
chmod 711 /autograder/source
chmod -R go-rwx labkit reference stages tests setup.sh *.toml *.txt 2>/dev/null
chmod -R go-rwx /autograder/results /autograder/submission
exec .venv/bin/python -m labkit.grade.harness /autograder
"""


def main(arguments: list[str]) -> int:
    """Make the zip; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m labkit gradescope", description="Make the autograder zip.")
    parser.add_argument("--stages", help="which to grade, as 1-3 (default: those in the configuration, else all)")
    parser.add_argument("--config", type=Path, help="the class's configuration")
    parser.add_argument("--to", type=Path, default=Path("autograder.zip"), help="default: autograder.zip")
    options = parser.parse_args(arguments)
    try:
        config = configuration.read(options.config)
        wanted = stages(options.stages) if options.stages else sorted(config.stages) or sorted(ladder.STAGES)
        make(options.to, wanted, options.config)
    except (BadConfig, argparse.ArgumentTypeError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"Cannot write {options.to}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{options.to}: upload it under Configure Autograder, with Ubuntu 24.04 or newer as the base image")
    return 0


def make(target: Path, wanted: list[int], config: Path | None) -> None:
    """Write the zip. Raises OSError."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in FOLDERS:
            for path in sorted((ladder.ROOT / folder).rglob("*")):
                if path.suffix in KINDS and "__pycache__" not in path.parts and path.is_file():
                    archive.write(path, path.relative_to(ladder.ROOT))
        for name in FILES:
            archive.write(ladder.ROOT / name, name)
        for name, text in {"setup.sh": SETUP, "run_autograder": RUN}.items():
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.external_attr = 0o100755 << 16
            archive.writestr(info, text)
        archive.writestr("stages.txt", ",".join(map(str, wanted)) + "\n")
        if config is not None:
            archive.write(config, "grade.toml")
