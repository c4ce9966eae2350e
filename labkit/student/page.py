"""What a check shows: a line for each task, and the story of what falls short."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import closing
from pathlib import Path

from labkit.student.run import Options, collect, run
from labkit.student.verdict import Group, blame, first_failure, grouped, points
from labkit.tasks import in_order, tasks

GREEN, RED, YELLOW, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
ERASE_LINE = "\r\x1b[K"


class Page:
    """One check as it is seen."""

    def __init__(self, stage: int, folder: Path, seed: int, *, go_on: bool) -> None:
        self._stage = stage
        self._folder = folder
        self._seed = seed
        self._go_on = go_on
        self._is_live = sys.stdout.isatty()
        self._in_colour = self._is_live and "NO_COLOR" not in os.environ
        self._heading = 0
        self._task: str | None = None  # the one asked for, if one is

    def tell(self, options: Options) -> int:
        """Run the check; returns the exit status."""
        began = time.monotonic()
        print(f"Checking {self._folder} as stage {self._stage} (seed {self._seed})", flush=True)
        self._task = options.task
        wanted = collect(options)
        if not wanted:
            print("There is no such story" if options.story else "There are no stories to check this by")
            return 1
        groups = grouped(wanted)
        self._tell_stories(groups, options)
        if any(group.failed for group in groups) and not self._go_on:
            return 1
        return self._sum_up(groups, time.monotonic() - began)

    def _sum_up(self, groups: list[Group], seconds: float) -> int:
        earned, all_points = points(groups)
        left_out = sum(len(group.left_out) for group in groups)
        short = ", ".join(dict.fromkeys(self._task or group.place for group in groups if group.failed))
        so_many = f"{earned} of {all_points} points in {seconds:.0f} seconds"
        if short:
            self._print(f"\n{self._paint(RED, 'Falls short')}: {short}; {so_many}")
        elif left_out:
            self._print(f"\nNothing fails, but {left_out} stories were left out, so this is no full pass; {so_many}")
        else:
            self._print(f"\n{self._paint(GREEN, 'Everything passes')}: {so_many}")
        return 1 if short or left_out else 0

    def _tell_stories(self, groups: list[Group], options: Options) -> None:
        """Tell all stories, or until a task falls short."""
        by_place = {group.place: group for group in groups}
        waiting = list(groups)
        with closing(run(options, [told for group in groups for told in group.wanted])) as results:
            for result in results:
                by_place[result.told.place].results.append(result)
                while waiting and (waiting[0].complete or self._has_seen_enough(waiting[0])):
                    self._close(waiting[0])
                    if waiting.pop(0).failed and not self._go_on:
                        return
                if waiting:
                    self._show_progress(waiting[0])

    def _has_seen_enough(self, group: Group) -> bool:
        """Whether a story has failed, and been told with each pair, so that the broken half is known."""
        return not self._go_on and any(group.of_scene(result.told.scene)[1] for result in group.failed)

    def _close(self, group: Group) -> None:
        """Show what has come of a task."""
        self._head(group)
        if group.failed:
            mark, told = self._paint(RED, "✗"), f"{len(group.failed)} of {len(group.results)} stories fail"
        elif group.left_out:
            mark, told = self._paint(YELLOW, "-"), f"{len(group.left_out)} left out: {group.left_out[0].text}"
        else:
            mark, told = self._paint(GREEN, "✓"), f"{len(group.wanted)} stories"
        self._print(f"  {mark} {self._title(group)}  ({told})")
        if group.failed:
            self._tell_failure(group)

    def _title(self, group: Group) -> str:
        """The group's task; or the one asked for, which has no other's line beside it, only what else it needs."""
        number = self._task or group.place
        return f"{number} {tasks()[number].title}" + (f", with {group.place}" if number != group.place else "")

    def _tell_failure(self, group: Group) -> None:
        result = first_failure(group)
        assert result is not None
        task = tasks()[result.told.task]
        others = sorted({other.told.name for other in group.failed} - {result.told.name})
        self._print(f"\n{result.told.name} fails:\n{result.text.rstrip()}\n")
        if whose := blame(group.of_scene(result.told.scene)[0]):
            self._print(whose)
        if others:
            self._print(f"Fails as well: {', '.join(others)}")
        if "\nseed: " not in result.text:  # an error of the test itself is no story, and has none of this
            self._print(f"Task {task.number}: {task.title} ({', '.join(task.files)})\nGuide: {task.anchor}")
            self._print(f"Hint: {task.hints[0]}")
            self._print(f"One more hint: make hint TASK={task.number}")
        elif hinted := re.search(r"^task (\S+): .*\nhint: ", result.text, re.MULTILINE):
            self._print(f"One more hint: make hint TASK={hinted[1]}")

    def _head(self, group: Group) -> None:
        stage = in_order(group.place)[0]
        if stage != self._heading:
            self._heading = stage
            self._print(f"\nStage {stage}")

    def _show_progress(self, group: Group) -> None:
        if self._is_live:
            told = f"{len(group.results)} of {len(group.wanted)}"
            print(f"{ERASE_LINE}  … {self._title(group)}  ({told})", end="", flush=True)

    def _print(self, text: str) -> None:
        print((ERASE_LINE if self._is_live else "") + text, flush=True)

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{PLAIN}" if self._in_colour else text
