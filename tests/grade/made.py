"""Results as a grading makes them, for the reports' tests."""

from __future__ import annotations

from labkit.grade.config import Config
from labkit.grade.marks import set_mark
from labkit.grade.result import Result, StageResult, Story, Telling

HOSTILE = "<script>alert(1)</script> ```` =1+1 ␛[2J"


def story(test: str, task: str, points: int, outcome: str, text: str = "") -> Story:
    """A story that was told once."""
    name = f"{test}[direct-your-server]"
    telling = Telling(f"tests/graded/x.py::{name}", name, "your-server", "direct")
    telling.outcome, telling.text, telling.seconds = outcome, text, 0.5
    return Story(test, task, points, "What it is about.", [telling])


def result(key: str = "ada", config: Config | None = None, *stories: Story, **student: str) -> Result:
    """A result of stage 1, with a mark."""
    told = list(stories) or [story("test_one", "1.1", 3, "passed"), story("test_two", "1.2", 1, "failed", HOSTILE)]
    made = Result(
        key, {"name": key.capitalize(), "id": "", "email": "", **student},
        {
            "file": f"{key}.zip", "sha256": "0" * 64, "submitted": "", "late": False,
            "problems": ["a link <b>: left out"],
        },
        "0.1.0+00000000", 7, "bubblewrap", "f", "2026-11-23T10:00:00+00:00", 12.5, [StageResult(1, "1_text", told)],
    )  # fmt: skip
    set_mark(made, config or Config())
    return made
