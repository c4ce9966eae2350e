"""``python -m labkit grade SUBMISSIONS``: grade a class, and write the marks and the reports."""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from labkit import ladder
from labkit.grade import config as configuration
from labkit.grade import inbox, roster
from labkit.grade.classroom import Class, Watcher
from labkit.grade.config import BadConfig, Config
from labkit.grade.inbox import Submission
from labkit.grade.job import story_names
from labkit.grade.progress import Progress
from labkit.grade.roster import BadRoster, Roster
from labkit.grade.sandbox import KINDS, CannotGrade, choose
from labkit.grade.session import clear_away
from labkit.grade.store import Store
from reference.printable import one_line


def main(arguments: list[str]) -> int:
    """Grade; returns the exit status: 0 when all is graded, 1 when something could not be, 2 for a wrong command."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        store = Store(options.out)
        options.config = options.config or _beside(options.submissions, "grade.toml")
        if options.forget or options.override:  # the reports are written anew, by what the class was graded with
            options.config = options.config or _path(store.about().get("config") or "")
            options.roster = options.roster or _path(store.about().get("roster") or "")
        config = configuration.read(options.config)
        people = roster.read(options.roster)
        if options.forget:
            return _forget(store, options.forget, config, people)
        if options.submissions is None or not options.submissions.exists():
            return _wrong(f"There is no {options.submissions or 'folder of submissions'}: make grade SUBMISSIONS=dir")
        store.prepare()
        if options.override:
            return _override(store, options, config, people)
        with inbox.opened(options.submissions) as folder:
            for name in inbox.passed_over(folder):
                print(f"PASSED OVER {one_line(name)}: no folder, zip or tar.gz", file=sys.stderr)
            return _grade(options, config, people, store, inbox.find(folder, people))
    except (BadConfig, BadRoster, CannotGrade, ValueError, zipfile.BadZipFile) as error:
        return _wrong(str(error))
    except OSError as error:
        return _wrong(f"{error.filename or options.out}: {error.strerror or error}")
    except KeyboardInterrupt:
        print("\nInterrupted: the same command goes on from here", file=sys.stderr)
        sys.stderr.flush()
        os._exit(130)  # what still runs ends with us


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m labkit grade", description="Grade a class.")
    parser.add_argument("submissions", type=_path, nargs="?", help="a folder (or the platform's zip) with all of them")
    parser.add_argument(
        "--out", type=Path, default=Path("grades"), help="where results and reports go (default: grades)"
    )
    parser.add_argument("--stages", type=stages, help="as 1-3 or 1,2 (default: those in the configuration, else all)")
    parser.add_argument("--jobs", type=int, default=2, help="how many submissions at the same time (default: 2)")
    parser.add_argument("--roster", type=_path, help="the class: a CSV, as Canvas or Moodle exports it, or your own")
    parser.add_argument("--config", type=_path, help="the configuration (default: grade.toml beside the submissions)")
    parser.add_argument("--sandbox", choices=("auto", *KINDS), default="auto", help="default: the best there is")
    parser.add_argument("--dask", metavar="tcp://…", help="grade on this Dask cluster")
    parser.add_argument("--seed", type=int, help="for names, texts and files (default: one for the class, kept)")
    parser.add_argument("--redo", metavar="NAME", action="append", default=[], help="grade this one again")
    parser.add_argument("--forget", metavar="NAME", help="delete all that is kept of a student")
    parser.add_argument(
        "--override", nargs=3, metavar=("NAME", "MARK", "REASON"), help="set a mark; MARK - takes it back"
    )
    return parser


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def stages(text: str) -> list[int]:
    """The stages in words such as 1-3 or 1,4."""
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"([1-9])(?:-([1-9]))?", part.strip())
        if not match:
            raise argparse.ArgumentTypeError(f"{text!r} is no list of stages: say 1-3 or 1,2")
        found |= set(range(int(match[1]), int(match[2] or match[1]) + 1))
    if unknown := found - ladder.STAGES.keys():
        raise argparse.ArgumentTypeError(f"there is no stage {min(unknown)}: 1 to {max(ladder.STAGES)}")
    return sorted(found)


def _beside(submissions: Path | None, name: str) -> Path | None:
    if submissions is not None and submissions.is_dir() and (submissions / name).is_file():
        return submissions / name
    return None


def _grade(
    options: argparse.Namespace, config: Config, people: Roster, store: Store, submissions: list[Submission]
) -> int:
    if not submissions:
        return _wrong(f"There are no submissions in {options.submissions}: folders, or zip or tar.gz files")
    kind = options.sandbox if options.dask else choose(options.sandbox)
    if kind == "none":
        print("WITHOUT A SANDBOX: these programs may do on this machine whatever you may", file=sys.stderr)
    clear_away()
    store.remember(config=_whole(options.config), roster=_whole(options.roster))
    seed = store.seed(options.seed if options.seed is not None else config.seed, random.SystemRandom().randrange(10**9))
    wanted = options.stages or sorted(config.stages) or sorted(ladder.STAGES)
    redo = {_named(submissions, name).key for name in options.redo}
    work = Class(config, wanted, seed, kind, store, redo)
    work.adopt(submissions)
    for stage in wanted:
        story_names(stage)  # read here, once: while pytest reads them nothing else may print
    _look_at_patterns(config, wanted)
    to_do = [each for each in submissions if not work.is_done(work.job(each))]
    print(
        f"Grading {len(submissions)} submissions, stages {', '.join(map(str, wanted))}, sandbox {kind}, seed {seed}"
        + (f"; {len(submissions) - len(to_do)} are done already" if len(to_do) < len(submissions) else ""),
        flush=True,
    )
    jobs = (work.job(each) for each in to_do)
    with _executor(options) as (executor, at_once), Progress(len(submissions), len(submissions) - len(to_do)) as bar:
        work.grade(jobs, executor, at_once, Watcher(bar.begins, bar.ends))
    return _report(store, config, people)


def _look_at_patterns(config: Config, wanted: list[int]) -> None:
    """Say which patterns fit no story: a misspelt one would hide nothing."""
    patterns = {*config.points, *config.visibility.hidden, *config.visibility.after_due}
    for stage in [*wanted, *(ladder.STAGES.keys() - set(wanted))]:
        if patterns:
            patterns -= {each for each in patterns if any(fnmatchcase(story, each) for story in story_names(stage))}
    for pattern in sorted(patterns):
        print(f"NO STORY is called {pattern}, which the configuration speaks of", file=sys.stderr)


def _whole(path: Path | None) -> str:
    return str(path.resolve()) if path else ""


@contextmanager
def _executor(options: argparse.Namespace) -> Iterator[tuple[Executor, int]]:
    """Anything that keeps to concurrent.futures: a thread for each job, or a cluster."""
    if not options.dask:
        jobs = max(1, options.jobs)
        executor = ThreadPoolExecutor(jobs)
        try:
            yield executor, jobs
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
        return
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("grading on a cluster needs its packages: make .venv/dask.stamp") from None
    with Client(options.dask, timeout=20) as client:  # type: ignore[no-untyped-call]
        workers = max(1, sum(client.nthreads().values()))
        # pure=False: the same work asked for again is to be done again.
        yield client.get_executor(pure=False, retries=1), 2 * workers


def _report(store: Store, config: Config, people: Roster) -> int:
    from labkit.grade import reports  # late: brings the charts

    results = list(store.results())
    reports.write(store, results, config, people)
    open_ones = [result for result in results if result.fault or result.not_graded]
    print(f"Marks of {len(results) - len(open_ones)} students: {store.folder / 'index.html'}, canvas.csv, moodle.csv")
    for result in open_ones:
        why = result.fault.splitlines()[0] if result.fault else f"{len(result.not_graded)} stories could not be run"
        print(f"NOT GRADED {result.name}: {why}; the same command tries again", file=sys.stderr)
    return 1 if open_ones else 0


def _override(store: Store, options: argparse.Namespace, config: Config, people: Roster) -> int:
    name, mark, reason = options.override
    result = _kept(store, name)
    if mark != "-" and not re.fullmatch(r"\d+(\.\d+)?", mark):
        return _wrong(f"{mark!r} is no mark: a number, or - to go back to the computed one")
    if mark != "-" and not reason.strip():
        return _wrong("A mark that is set needs a reason: the reports show it")
    if mark != "-" and float(mark) > config.out_of:
        print(f"{mark} is more than the full mark, which is {config.out_of:g}; it is set all the same", file=sys.stderr)
    store.override(result, None if mark == "-" else float(mark), reason)
    return _report(store, config, people)


def _forget(store: Store, name: str, config: Config, people: Roster) -> int:
    key = _kept(store, name)
    if not store.forget(key):
        return _wrong(f"Nothing is kept of {name}")
    print(f"All that was kept of {name} in {store.folder} is deleted. Delete the submission too, or it is graded again")
    _report(store, config, people)
    return 0


def _kept(store: Store, name: str) -> str:
    """The key of somebody there is a result of. Raises ValueError."""
    called = [
        result.key
        for result in store.results()
        if name in (result.key, result.student.get("name"), result.student.get("id"), result.student.get("email"))
    ]
    if name in called or len(called) == 1:
        return name if name in called else called[0]
    if called:
        raise ValueError(f"{name} is what several are called: say {' or '.join(called)}")
    raise ValueError(f"There is no result of {name} in {store.folder}")


def _named(submissions: list[Submission], name: str) -> Submission:
    for each in submissions:
        if name in (each.key, each.name, each.id, each.email, each.file):
            return each
    raise ValueError(f"There is no submission of {name}")


def _wrong(words: str) -> int:
    print(words, file=sys.stderr)
    return 2
