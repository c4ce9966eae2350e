"""A class of sixty, made from the solutions, wheats, chaffs, starters and attacks, and what each must earn."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from labkit import ladder
from tests.grade.attacks import ATTACKS, World
from tests.kit.chaffs import chaffs
from tests.kit.wheats import Wheat, wheats

POINTS = {
    "*": 0,
    # Stage 1
    "test_the_server_says_where_it_is_and_that_it_listens": 1,
    "test_a_text_reaches_everyone_else_and_the_server": 3,
    "test_architecture_the_servers_threads_come_and_go_with_its_clients": 2,
    # Stage 2
    "test_the_roster_has_everyone_with_oneself_last": 3,
    "test_the_welcome_names_everyone_with_the_newcomer_last": 2,
    "test_the_server_says_that_it_knows_rosters": 1,
    "test_a_taken_name_is_refused_and_another_is_taken_on_the_same_connection": 2,
    "test_names_that_look_the_same_are_the_same": 1,
    "test_a_name_that_nobody_could_read_is_refused": 1,
    "test_any_other_name_is_welcome": 1,
    "test_those_who_are_there_are_told_once_who_comes": 2,
    "test_who_does_not_know_notices_gets_none": 1,
    "test_everyone_is_told_once_who_has_gone": 2,
    "test_who_never_joined_is_never_said_to_have_gone": 1,
    "test_a_client_shows_the_roster_it_is_given": 2,
    "test_a_client_shows_who_comes_and_who_goes": 2,
}
"""The stories that the class is graded by: quick ones, among them each that catches one of the chaffs below."""

ALL = sum(POINTS.values())

# What each chaff loses: the stories that its bug is in the way of.
LOSES: dict[str, tuple[str, ...]] = {
    "roster-without-oneself": (
        "test_a_taken_name_is_refused_and_another_is_taken_on_the_same_connection",
        "test_the_roster_has_everyone_with_oneself_last",
        "test_the_welcome_names_everyone_with_the_newcomer_last",
    ),
    "roster-in-another-order": (
        "test_a_taken_name_is_refused_and_another_is_taken_on_the_same_connection",
        "test_the_roster_has_everyone_with_oneself_last",
        "test_the_welcome_names_everyone_with_the_newcomer_last",
    ),
    "newcomer-first": (
        "test_a_taken_name_is_refused_and_another_is_taken_on_the_same_connection",
        "test_the_roster_has_everyone_with_oneself_last",
        "test_the_welcome_names_everyone_with_the_newcomer_last",
        "test_those_who_are_there_are_told_once_who_comes",
    ),
    "no-roster": (
        "test_the_roster_has_everyone_with_oneself_last",
        "test_the_welcome_names_everyone_with_the_newcomer_last",
    ),
    "rosters-unannounced": (
        "test_the_roster_has_everyone_with_oneself_last",
        "test_the_server_says_that_it_knows_rosters",
    ),
    "second-replaces-the-first": (
        "test_a_taken_name_is_refused_and_another_is_taken_on_the_same_connection",
        "test_names_that_look_the_same_are_the_same",
    ),
    "large-and-small-letters": ("test_names_that_look_the_same_are_the_same",),
    "empty-names": (
        "test_a_name_that_nobody_could_read_is_refused",
        "test_who_never_joined_is_never_said_to_have_gone",
    ),
    "endless-names": ("test_a_name_that_nobody_could_read_is_refused",),
    "names-measured-in-bytes": (
        "test_a_taken_name_is_refused_and_another_is_taken_on_the_same_connection",
        "test_a_text_reaches_everyone_else_and_the_server",
        "test_any_other_name_is_welcome",
        "test_everyone_is_told_once_who_has_gone",
        "test_those_who_are_there_are_told_once_who_comes",
    ),
    "names-with-escapes": ("test_a_name_that_nobody_could_read_is_refused",),
    "refused-is-hung-up-on": (
        "test_a_name_that_nobody_could_read_is_refused",
        "test_a_taken_name_is_refused_and_another_is_taken_on_the_same_connection",
    ),
    "refused-without-a-reason": (
        "test_a_name_that_nobody_could_read_is_refused",
        "test_a_taken_name_is_refused_and_another_is_taken_on_the_same_connection",
    ),
    "refused-for-good": ("test_a_taken_name_is_refused_and_another_is_taken_on_the_same_connection",),
    "told-of-oneself": ("test_those_who_are_there_are_told_once_who_comes",),
    "only-the-first-is-told": ("test_those_who_are_there_are_told_once_who_comes",),
    "nobody-is-told-who-comes": ("test_those_who_are_there_are_told_once_who_comes",),
    "told-twice-who-comes": ("test_those_who_are_there_are_told_once_who_comes",),
    "notices-for-those-who-know-none": ("test_who_does_not_know_notices_gets_none",),
    "nobody-is-told-who-goes": (
        "test_everyone_is_told_once_who_has_gone",
        "test_who_does_not_know_notices_gets_none",
    ),
    "who-never-came-goes": ("test_who_never_joined_is_never_said_to_have_gone",),
    "numbers-from-0": (
        "test_a_client_shows_the_roster_it_is_given",
        "test_the_roster_has_everyone_with_oneself_last",
    ),
    "no-total": (
        "test_a_client_shows_the_roster_it_is_given",
        "test_the_roster_has_everyone_with_oneself_last",
    ),
    "other-words-for-joined": ("test_a_client_shows_who_comes_and_who_goes",),
    "no-exit-notice": ("test_a_client_shows_who_comes_and_who_goes",),
}

ATTACKS_IN_CLASS = (
    "fork bomb", "memory", "one huge file", "daemon", "kill everything", "tests", "solutions", "results", "environment",
    "write tests", "files that tools run", "forged closing lines", "HTML and script", "only the first lines",
    "a client that talks to itself",
)  # fmt: skip


@dataclass(frozen=True)
class Pupil:
    """One submission of the class: how it is handed in, and what it must earn, in points of `POINTS`."""

    file: str
    kind: str
    hand_in: Callable[[Path], None]
    earns: int
    loses: tuple[str, ...] = ()


def the_class(world: World) -> list[Pupil]:
    """All sixty."""
    return [*_solutions(), *_wheats(), *_chaffs(), *_starters(), *_attacks(world)]


# ---- Handed in as people and platforms do ----------------------------------------------------


def _folder(name: str, files: Mapping[str, str], within: str = "") -> Callable[[Path], None]:
    def hand_in(inbox: Path) -> None:
        for path, text in files.items():
            target = inbox / name / within / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")

    return hand_in


def zipped(files: Mapping[str, str], within: str = "") -> bytes:
    """The files as a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(within + path, text)
    return out.getvalue()


def tarred(files: Mapping[str, str], mode: str, within: str = "") -> bytes:
    """The files as a tar, packed as "w:gz" or "w:bz2" says."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for path, text in files.items():
            info = tarfile.TarInfo(within + path)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def _bytes(name: str, content: bytes) -> Callable[[Path], None]:
    def hand_in(inbox: Path) -> None:
        (inbox / name).parent.mkdir(parents=True, exist_ok=True)
        (inbox / name).write_bytes(content)

    return hand_in


def _solutions() -> list[Pupil]:
    files = ladder.solution(2)
    noise = {"__MACOSX/._server.py": "\x00", ".DS_Store": "\x00", "__pycache__/x.pyc": "\x00"}
    ways = {
        "plain folder": _folder("plain folder", files),
        "zip.zip": _bytes("zip.zip", zipped(files)),
        "a folder in a zip.zip": _bytes("a folder in a zip.zip", zipped(files, "My Lab (final)/")),
        "from a Mac.zip": _bytes("from a Mac.zip", zipped({**files, **noise}, "lab/")),
        "tar.tar.gz": _bytes("tar.tar.gz", tarred(files, "w:gz", "./")),
        "bzip.tar.bz2": _bytes("bzip.tar.bz2", tarred(files, "w:bz2")),
        "doejane_LATE_1001_2002_lab 2.zip": _bytes("doejane_LATE_1001_2002_lab 2.zip", zipped(files, "lab/")),
        "Борис Иванов_77_assignsubmission_file_": _bytes(
            "Борис Иванов_77_assignsubmission_file_/работа.zip", zipped(files, "моя работа/")
        ),
        "submission_5005": _folder("submission_5005", files),
        "stages": _folder("stages", {**_in("1_text", ladder.solution(1)), **_in("2_roster", files)}),
    }
    return [Pupil(name, "solution", hand_in, ALL) for name, hand_in in ways.items()]


def _in(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in files.items()}


def _wheats() -> list[Pupil]:
    found = []
    for wheat in wheats():
        loses = tuple(test for test in POINTS if test.startswith(wheat.fails or ("-",)))
        found.append(
            Pupil(
                f"wheat {wheat.name}", "wheat", _folder(f"wheat {wheat.name}", wheat_files(wheat)), _after(loses), loses
            )
        )
    return found


def wheat_files(wheat: Wheat) -> dict[str, str]:
    """A wheat as a student would hand it in: its own program, and the solution's other half."""
    common = Path(__file__).parents[1] / "kit" / "wheats"
    files = ladder.solution(wheat.stage)
    for path in (common / wheat.name).glob("*.py"):
        beside = 'parents[1] / "common"', 'parent / "common"'  # in the kit all of them share one
        files[path.name] = path.read_text(encoding="utf-8").replace(*beside)
    for path in (common / "common").glob("*.py"):
        files[f"common/{path.name}"] = path.read_text(encoding="utf-8")
    return files


def _chaffs() -> list[Pupil]:
    by_name = {each.name: each for each in chaffs()}
    return [
        Pupil(f"chaff {name}", "chaff", _folder(f"chaff {name}", by_name[name].files()), _after(loses), loses)
        for name, loses in LOSES.items()
    ]


def _starters() -> list[Pupil]:
    found = []
    for number, done in enumerate([(), ("2.1",), ("2.1", "2.2"), ("2.1", "2.2", "2.3")], 1):
        files = ladder.starter(2, frozenset(done))
        found.append(Pupil(f"starter {number}", "starter", _folder(f"starter {number}", files), STARTERS[number - 1]))
    return found


STARTERS = (7, 10, 15, 17)


def _attacks(world: World) -> list[Pupil]:
    by_name = {attack.name: attack for attack in ATTACKS}
    found = []
    for name in ATTACKS_IN_CLASS:
        attack = by_name[name]
        # A server that works as the solution's does has its threads too, and so has the one beside a false client.
        earns = attack.points + (2 if attack.points >= 3 or name == "a client that talks to itself" else 0)
        files = _in("1_text", attack.files(world))
        found.append(Pupil(f"attack {name}", "attack", _folder(f"attack {name}", files), earns))
    return found


def _after(loses: tuple[str, ...]) -> int:
    return ALL - sum(POINTS[test] for test in loses)
