"""What the stories of a task say together: whether it stands, and which half is broken if not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from labkit.student.run import Result
from labkit.student.stories import Told

# With each pair whose other half is not the student's: whose fault it is, and what else may have played that half.
BROKEN = {
    "your-server": ("Your server is at fault", "the reference's client"),
    "your-client": ("Your client is at fault", "the reference's server"),
}
# What a story says over the screen of such a program: in one of bare frames there is none.
_REFERENCE = re.compile(r"^--- .*\((the reference's \w+)\): ", re.MULTILINE)


@dataclass
class Group:
    """The stories that can pass as soon as one task is done, and what has come of them so far."""

    place: str
    wanted: list[Told] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all of them have been told."""
        return len(self.results) == len(self.wanted)

    @property
    def failed(self) -> list[Result]:
        """Those that went wrong."""
        return [result for result in self.results if result.outcome == "failed"]

    @property
    def left_out(self) -> list[Result]:
        """Those that could not be told here."""
        return [result for result in self.results if result.outcome == "skipped"]

    def of_scene(self, scene: str) -> tuple[list[Result], bool]:
        """What came of one story with each pair, and whether all pairs have told it."""
        results = [result for result in self.results if result.told.scene == scene]
        return results, len(results) == sum(told.scene == scene for told in self.wanted)


def grouped(wanted: Iterable[Told]) -> list[Group]:
    """The stories by the task after which they can pass, in their order."""
    groups: dict[str, Group] = {}
    for told in wanted:
        groups.setdefault(told.place, Group(told.place)).wanted.append(told)
    return list(groups.values())


def first_failure(group: Group) -> Result | None:
    """The failure that says most: of the task itself, with the reference on one side, on the plain network if there."""

    def says_less(result: Result) -> tuple[bool, bool, bool]:
        told = result.told
        return told.task != group.place, told.pair == "both-yours", "[direct" not in told.name

    return min(group.failed, key=says_less, default=None)


def blame(results: list[Result]) -> str:
    """Which half is broken, as far as one story told with each pair can say."""
    return whose_fault((result.told.pair, result.outcome, result.text) for result in results)


def whose_fault(tellings: Iterable[tuple[str, str, str]]) -> str:
    """The same of tellings: the pair, what came of it, and the text of a failure."""
    tellings = list(tellings)
    texts = {pair: text for pair, outcome, text in tellings if outcome == "failed"}
    halves = texts.keys() & BROKEN.keys()
    tried = any(BROKEN[pair][1] in _REFERENCE.findall(texts[pair]) for pair in halves)
    if len(halves) == 2:
        other = ", each with the reference on the other side" if tried else ""
        return f"Both your server and your client fail{other}"
    if halves:
        fault, other = BROKEN[halves.pop()]
        return fault + (f": it fails with {other} too" if tried else "")
    if "both-yours" in texts and any(pair in BROKEN for pair, _, _ in tellings):
        return "Your server and your client each pass with the reference on the other side, but not together"
    return ""


def points(groups: Iterable[Group]) -> tuple[int, int]:
    """How many points were earned, and how many there are. A story earns its own when it passes however it is told."""
    worth: dict[str, int] = {}
    lost: set[str] = set()
    for group in groups:
        worth.update((told.test, told.points) for told in group.wanted)
        passed = {result.told.id for result in group.results if result.outcome == "passed"}
        lost.update(told.test for told in group.wanted if told.id not in passed)
    return sum(worth[test] for test in worth.keys() - lost), sum(worth.values())
