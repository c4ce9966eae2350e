"""The progress of a class: a bar with what runs and how long is left, or plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from labkit.grade.result import Result
from reference.printable import one_line


class Progress:
    """Shows how far it is. A context manager."""

    def __init__(self, total: int, done: int) -> None:
        self._total, self._done = total, done
        self._began = time.monotonic()
        self._fresh = 0
        self._running: list[str] = []
        self._bar = None
        if sys.stdout.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(elapsed_when_finished=True),
                TextColumn("{task.fields[running]}", markup=False), speed_estimate_period=3600,
            )  # fmt: skip
            self._task = self._bar.add_task("", total=total, completed=done, running="")

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begins(self, key: str) -> None:
        """A submission's grading begins."""
        self._running.append(key)
        self._show()

    def ends(self, result: Result) -> None:
        """One has been graded."""
        self._running.remove(result.key)
        self._done += 1
        self._fresh += 1
        earned = sum(stage.earned for stage in result.stages)
        points = sum(stage.points for stage in result.stages)
        what = f"{earned} of {points} points"
        if result.fault or result.not_graded:
            what = f"not graded: {one_line(result.fault.splitlines()[0]) if result.fault else what}"
        line = f"{self._done:4} of {self._total}  {one_line(result.name)}: {what}, {result.seconds:.0f} s"
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False)
        else:
            print(f"{line}; {self._left()}", flush=True)
        self._show()

    def _show(self) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, running=" ".join(self._running))

    def _left(self) -> str:
        if self._done >= self._total:
            return "done"
        seconds = (time.monotonic() - self._began) / max(self._fresh, 1) * (self._total - self._done)
        return f"about {seconds / 60:.0f} min left" if seconds > 90 else f"about {seconds:.0f} s left"
