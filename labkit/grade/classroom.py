"""Grades all submissions, some at the same time, and keeps each result as soon as it is there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field

from labkit.grade.config import Config
from labkit.grade.inbox import Submission
from labkit.grade.job import Job, grade
from labkit.grade.result import Result
from labkit.grade.store import Store
from labkit.grade.version import kit_version


@dataclass
class Watcher:
    """Who is told how it goes; each may be any function."""

    begins: Callable[[str], None] = lambda key: None
    ends: Callable[[Result], None] = lambda result: None


@dataclass
class Class:
    """A class's grading: what is to be graded, and how."""

    config: Config
    stages: list[int]
    seed: int
    sandbox: str
    store: Store
    redo: set[str] = field(default_factory=set)

    def job(self, submission: Submission) -> Job:
        """A submission as work to be done. Its files are read here."""
        unpacked = submission.read()
        digest = hashlib.sha256()
        for path, content in sorted(unpacked.files.items()):
            digest.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
        about = {
            "file": submission.file,
            "sha256": digest.hexdigest(),
            "submitted": submission.submitted.isoformat() if submission.submitted else "",
            "late": submission.late,
            "problems": list(unpacked.problems),
        }
        asked = [digest.hexdigest(), self.seed, self.stages, kit_version(), self.config.fingerprint, self.sandbox]
        fingerprint = hashlib.sha256(repr(asked).encode()).hexdigest()[:16]
        return Job(
            submission.key, submission.student, about, unpacked.files, self.stages, self.config, self.seed,
            self.sandbox, kit_version(), fingerprint,
        )  # fmt: skip

    def adopt(self, submissions: Iterable[Submission]) -> None:
        """Give results of the same files to whom they belong by now: a roster says better who somebody is."""
        now = {each.file: each for each in submissions}
        for result in list(self.store.results()):
            owner = now.get(str(result.submission["file"]))
            if owner is not None and owner.key != result.key:
                self.store.rename(result, owner.key, owner.student)

    def is_done(self, job: Job) -> bool:
        """Whether there is a result of just this work. What could not be graded is tried anew at each start."""
        result = self.store.read(job.key)
        return (
            result is not None
            and result.fingerprint == job.fingerprint
            and not (result.fault or result.not_graded or job.key in self.redo)
        )

    def grade(self, jobs: Iterable[Job], executor: Executor, at_once: int, watcher: Watcher) -> None:
        """Grade them. No more than `at_once` are handed over, so that the rest is not kept in memory twice."""
        waiting = iter(jobs)
        running: dict[Future[Result], Job] = {}
        more = True
        while more or running:
            while more and len(running) < at_once:
                job = next(waiting, None)
                if job is None:
                    more = False
                else:
                    watcher.begins(job.key)
                    running[executor.submit(grade, job)] = job
            for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                self._keep(running.pop(future), future, watcher)

    def _keep(self, job: Job, future: Future[Result], watcher: Watcher) -> None:
        error = future.exception()
        if error is not None:  # the worker itself has gone; a fault of the submission it cannot be
            result = Result(
                job.key, job.student, dict(job.submission), job.kit, job.seed, job.sandbox, job.fingerprint, "", 0.0,
                [], fault=f"the worker went wrong: {type(error).__name__}: {error}",
            )  # fmt: skip
        else:
            result = future.result()
        self.store.keep(result)
        watcher.ends(result)
