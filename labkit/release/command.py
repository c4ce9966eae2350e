"""``python -m labkit release 1-2``: the student kit as a folder and a zip."""

from __future__ import annotations

import argparse
import shutil
import sys
import zipfile
from pathlib import Path

from labkit import ladder
from labkit.grade import config as configuration
from labkit.grade.command import stages
from labkit.grade.config import BadConfig, Config
from labkit.release import hiding
from labkit.tasks import in_order

# Folders and files that go as they are. The reference takes part in the checks, so students have it.
WHOLE = (
    "reference", "labkit/student", "labkit/proxy", "labkit/wiretap", "requirements/find_python.sh",
    "requirements/install.py", "requirements/client.txt", "requirements/gui.txt", "requirements/test.txt",
    "LICENSE", "pyproject.toml", ".gitignore", ".gitattributes",
)  # fmt: skip
MODULES = ("__init__", "demo", "ending", "ladder", "picture", "regions", "scratch", "tasks")
PAGES = (
    "start-here", "how-to-work", "protocol", "see-the-wire", "troubleshooting", "faq", "glossary", "names-that-attack"
)  # fmt: skip
LEFT_OUT = ("__pycache__", "*.pyc", "diff.py")

README = """# GroupMediaChat Lab: the student kit

Stages {stages}. Python 3.11 or newer and make; on Windows use WSL.

```
make start STAGE={first}                   # your folder: work/{folder}
make run-server DIR=work/{folder}      # in one terminal
make run-client DIR=work/{folder}      # in two others
make check STAGE={first}                   # task by task, until one falls short
```

The guide is in `labs/`: begin with [Start here](labs/start-here.md), then [stage {first}](labs/stage-{first}.md).
Without make: `python3 -m labkit` lists the tools.

A check tells most stories three times: with your server and your client, and with the reference on one side, so that it
can say which half is broken. So the reference is here too, in `reference/`, and you may read it: it is another program
than the one you write, built for thousands of clients. Copying from it shows.
"""


def main(arguments: list[str]) -> int:
    """Make the kit; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m labkit release", description="Make the student kit.")
    parser.add_argument("stages", type=stages, help="as 1-2; their starters have the stages before them in them")
    parser.add_argument("--config", type=Path, help="the class's configuration, for which tests are hidden")
    parser.add_argument("--to", type=Path, default=Path("release"), help="the folder to put it in (default: release)")
    options = parser.parse_args(arguments)
    name = f"groupmediachat-lab-{'-'.join(map(str, options.stages))}"
    try:
        folder = make(options.to / name, options.stages, configuration.read(options.config))
        path = zipped(folder)
    except BadConfig as error:
        print(error, file=sys.stderr)
        return 2
    except FileExistsError as error:
        print(f"{error.filename} is there already: remove it, or say --to somewhere else", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"The student kit for stages {', '.join(map(str, options.stages))}: {folder} and {path}")
    return 0


def make(folder: Path, wanted: list[int], config: Config) -> Path:
    """Make the folder. Raises FileExistsError when it is there, and OSError."""
    folder.mkdir(parents=True)
    for name in WHOLE:
        source, target = ladder.ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(*LEFT_OUT))
        elif source.exists():
            shutil.copy2(source, target)
    for module in MODULES:
        shutil.copy2(ladder.ROOT / "labkit" / f"{module}.py", folder / "labkit")
    _write_stages(folder, wanted)
    _write_tests(folder, wanted, config)
    _write_guide(folder, wanted)
    main = (ladder.ROOT / "labkit" / "__main__.py").read_text(encoding="utf-8")
    _write(folder / "labkit" / "__main__.py", hiding.only_tools(main, lambda module: _is_there(folder, module)))
    _write(folder / "Makefile", hiding.only_targets((ladder.ROOT / "Makefile").read_text(encoding="utf-8")))
    said = {"stages": ", ".join(map(str, wanted)), "first": wanted[0], "folder": ladder.STAGES[wanted[0]].name}
    _write(folder / "README.md", README.format(**said))
    return folder


def _write_stages(folder: Path, wanted: list[int]) -> None:
    for stage in wanted:
        for name, source in ladder.sources(stage).items():
            _write(folder / "stages" / ladder.STAGES[stage].name / name, hiding.without_solutions(source))
    toml = (ladder.ROOT / "stages" / "tasks.toml").read_text(encoding="utf-8")
    _write(folder / "stages" / "tasks.toml", hiding.only_tasks(toml, wanted))


def _write_tests(folder: Path, wanted: list[int], config: Config) -> None:
    def is_wanted(name: str, task: str) -> bool:
        return in_order(task)[0] in wanted and config.visibility_of(name) == "visible"

    graded = ladder.ROOT / "tests" / "graded"
    shutil.copytree(graded, folder / "tests" / "graded", ignore=shutil.ignore_patterns("test_*", *LEFT_OUT))
    shutil.copy2(ladder.ROOT / "tests" / "conftest.py", folder / "tests")
    for path in sorted(graded.glob("test_*.py")):
        text = hiding.only_tests(path.read_text(encoding="utf-8"), is_wanted)
        if text is not None:
            _write(folder / "tests" / "graded" / path.name, text)


def _write_guide(folder: Path, wanted: list[int]) -> None:
    labs = ladder.ROOT / "labs"
    pages = {
        f"{page}.md" for page in (*PAGES, *(f"stage-{stage}" for stage in wanted)) if (labs / f"{page}.md").exists()
    }
    for name in sorted(pages):
        text = hiding.page_for_students((labs / name).read_text(encoding="utf-8"))
        for file in hiding.linked(text):
            source = labs / file
            if source.suffix != ".md" and source.is_file():  # a picture, or data
                _copy(source, folder / "labs" / file)
        text = hiding.only_links(text, lambda file: file in pages or (folder / "labs" / file).exists())
        _write(folder / "labs" / name, text)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


def _is_there(folder: Path, module: str) -> bool:
    path = folder / module.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def zipped(folder: Path) -> Path:
    """The folder as a zip beside it."""
    path = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder.parent))
    return path
