"""Do the stories notice a bug? Asked by the matrix and the mutants of programs that are known to have one."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from labkit.student.run import Options, collect, run
from labkit.student.stories import Told

PATIENCE = 5.0
"""Seconds that a story waits: what a bug keeps from happening is waited for in vain again and again."""

TRIES = 3
"""How often a program is told all stories, if each time another one fails that then passes."""


def failing_story(options: Options) -> Told | None:
    """The first story that fails, and fails again when it is told once more: a busy machine is no proof.

    None if nothing fails. Raises CheckFailed.
    """
    told = None
    for _ in range(TRIES):
        told = _first_failing(options)
        if told is None or _first_failing(replace(options, story=told.name)):
            break
    return told


def _first_failing(options: Options) -> Told | None:
    with closing(run(options, collect(options))) as results:
        return next((result.told for result in results if result.outcome == "failed"), None)
