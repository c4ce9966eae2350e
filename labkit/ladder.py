"""The stages on disk: their folders, and their files with marks (labkit/regions.py says what these mean)."""

from pathlib import Path

from labkit import regions

ROOT = Path(__file__).resolve().parents[1]

STAGES = {int(folder.name[0]): folder for folder in sorted((ROOT / "stages").glob("[1-9]_*"))}
"""The folder of each stage, by its number."""


def sources(stage: int) -> dict[str, str]:
    """A stage's files with marks: their text by their name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(STAGES[stage].glob("*.py"))}


def solution(stage: int) -> dict[str, str]:
    """A stage's finished files."""
    return {name: regions.solution(source) for name, source in sources(stage).items()}


def starter(stage: int, done: frozenset[str] = frozenset()) -> dict[str, str]:
    """A stage's files with its tasks to be filled in, but for those that are done."""
    return {name: regions.starter(source, done) for name, source in sources(stage).items()}


def before(stage: int) -> dict[str, str]:
    """The files of the stage before; for stage 1, what is there before its first task."""
    rendered = {name: regions.stage_before(source) for name, source in sources(stage).items()}
    return {name: text for name, text in rendered.items() if text is not None}


def write(files: dict[str, str], folder: Path) -> None:
    """Put files into a folder that is not there yet. Raises FileExistsError, OSError."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
