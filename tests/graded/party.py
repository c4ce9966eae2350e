"""Who takes part in a story: the server, and people at their terminals."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.graded.lines import in_order, is_line, is_question, own_words, without_prompt
from tests.graded.program import Program
from tests.graded.report import Unmet, condition
from tests.graded.terminal import Terminal

if TYPE_CHECKING:
    from tests.graded.story import Story

CONNECT = "Would you like to connect (yes/no)?"
MODE = "2.GUI Mode"  # the last line of this question
NAME = "Enter your Name :"
RECEIVED = "Successfully received: "
# Seconds after which somebody whose Ctrl-C has had no effect presses it again. One that comes between Python's showing
# of a question and its reading of the answer is not noticed before the next key.
PRESS_AGAIN = 2.0


class Party:
    """One program of a story, and what can be asked of it. Formats as its name."""

    def __init__(self, story: Story, name: str, folder: Path, program: Program) -> None:
        self.story = story
        self.name = name
        self.folder = folder
        self.program = program
        self._interrupted = False

    def __str__(self) -> str:
        return self.name

    # What it does.

    def presses(self, key: str) -> None:
        """A key, as "Ctrl-C"."""
        with self.story.step(f"{self} presses {key}"):
            if key == "Ctrl-C":
                self.program.rest()
            self._terminal().press(key)
            self._interrupted = key == "Ctrl-C"

    def gets(self, number: signal.Signals) -> None:
        """A signal, as `kill` sends it."""
        with self.story.step(f"{self} gets {number.name}"):
            self.program.rest()
            self.program.send_signal(number)

    # What it shows.

    def sees(self, *lines: str, in_vain: Callable[[], str] = lambda: "") -> None:
        """Each of these lines, whole, in this order; other lines may stand in between."""
        expected = ", then ".join(map(repr, lines))
        with self.story.step(f"{self} sees {expected}"):
            self.wait_for(f"{self} sees {expected}", lambda: in_order(lines, self.program.lines()), in_vain)

    def sees_all(self, lines: Iterable[str]) -> None:
        """Each of these lines, in any order; quick for many."""
        expected = set(lines)
        with self.story.step(f"{self} sees {len(expected)} lines"):
            self.wait_for(
                f"{self} sees {len(expected)} lines",
                lambda: expected.issubset(self.shown()),
            )

    def sees_where(self, what: str, test: Callable[[str], bool], in_vain: Callable[[], str] = lambda: "") -> str:
        """A line for which a function says yes; returns it. The other one says when it can come no more, and why."""
        with self.story.step(f"{self} sees {what}"):
            self.wait_for(f"{self} sees {what}", lambda: any(map(test, self.program.lines())), in_vain)
            return next(filter(test, self.program.lines()))

    def sees_that(self, what: str, holds: Callable[[list[str]], bool]) -> None:
        """Lines of which this is true, all taken together."""
        with self.story.step(f"{self} sees {what}"):
            self.wait_for(f"{self} sees {what}", lambda: holds(self.program.lines()))

    def never_sees(self, *lines: str) -> None:
        """None of these lines, though all that was said later has been seen everywhere."""
        self.story.everyone_talks()
        forbidden = " or ".join(map(repr, lines))
        with self.story.step(f"{self} never sees {forbidden}"):
            for line in lines:
                if self.count(line):
                    raise Unmet(f"{self} never sees {line!r}", "it is on the screen")

    def sees_once(self, *lines: str) -> None:
        """Each of these lines exactly once, though all that was said later has been seen."""
        self.sees(*lines)
        self.story.everyone_talks()
        with self.story.step(f"{self} saw that just once"):
            for line in lines:
                if (times := self.count(line)) != 1:
                    raise Unmet(f"{self} sees {line!r} once", f"it is there {times} times")

    def adds_no_words(self, *lines: str) -> None:
        """Each of these lines, that it has shown already, has at most a prompt before it."""
        expected = f"{self} shows {', '.join(map(repr, lines))} with no word before it"
        with self.story.step(expected):
            self.wait_for(expected, lambda: not any(own_words(line, self.program.lines()) for line in lines))

    def shown(self) -> list[str]:
        """All that it has shown, without its prompts."""
        return [without_prompt(line) for line in self.program.lines() if without_prompt(line) or not line]

    def count(self, line: str) -> int:
        """How many times a line has been shown."""
        return sum(is_line(line, shown) for shown in self.program.lines())

    def ends(self, status: int) -> None:
        """By itself, with this exit status."""
        with self.story.step(f"{self} ends with exit status {status}"):
            expected = f"{self} ends with exit status {status}"
            self.wait_for(expected, lambda: self.program.status is not None)
            # Its last words may still be on the way to the screen.
            if self.program.exit_status() != status:
                raise Unmet(expected, f"it {condition(self.program)}")

    def wait_for(self, expected: str, happened: Callable[[], bool], in_vain: Callable[[], str] = lambda: "") -> None:
        """Wait until something has happened; raise Unmet when it has not or no longer can.

        `in_vain` says what has happened in its place, and waiting is of no use any more; or nothing.
        """
        story = self.story
        with story.changed:
            story.changed.wait_for(lambda: happened() or self.program.over or bool(in_vain()), story.patience)
            if happened():
                return
            if instead := in_vain():
                raise Unmet(expected, instead)
            if self.program.over:
                raise Unmet(expected, f"{self} {condition(self.program)}")
            raise Unmet(expected, f"{story.patience:.0f} seconds went by", hung=True)

    def _terminal(self) -> Terminal:
        assert isinstance(self.program, Terminal), f"{self} has no terminal"
        return self.program


class Server(Party):
    """The server; what it shows is on its own terminal."""

    def __init__(self, story: Story, name: str, folder: Path, program: Program, port: int) -> None:
        super().__init__(story, name, folder, program)
        self.port = port


class Person(Party):
    """Someone with a client. `present` from joining until leaving."""

    present = False
    has_joined = False

    def __init__(self, story: Story, name: str, folder: Path, program: Program) -> None:
        super().__init__(story, name, folder, program)
        self._answered = Counter[str]()

    def types(self, line: str) -> None:
        """A line and Enter."""
        with self.story.step(f"{self} types {line!r}"):
            self.program.type(line)

    def types_without_enter(self, part: str) -> None:
        """Part of a line that stays half-typed."""
        with self.story.step(f"{self} types {part!r} without Enter"):
            self.program.write(part)

    def goes_in(self) -> None:
        """Answer whatever is asked, as it comes, until the chat is joined."""
        with self.story.step(f"{self} joins"):
            self.answer_until_joined()

    def answer_until_joined(self) -> None:
        """Answer the contract's questions, in the order they come, until this person is in."""
        replies = {CONNECT: "yes", MODE: "1", NAME: self.name}
        answered = Counter({question: self._answered[question] for question in replies})

        def asked() -> str | None:
            return next((q for q in replies if self._asked(q) > self._answered[q]), None)

        while True:
            self.wait_for(f"{self} is in the chat", lambda: self.story.is_in(self) or asked() is not None)
            question = asked()
            if question is None:
                break
            if self._answered[question] > answered[question]:
                raise Unmet(f"the answer to {question!r} is accepted", "it is asked again")
            self.answer(question, replies[question])
        self._is_here()

    def wait_until_joined(self) -> None:
        """For someone whose client was given the answers beforehand."""
        self.wait_for(f"{self} is in the chat", lambda: self.story.is_in(self))
        self._is_here()

    def answers(self, question: str, reply: str) -> None:
        """A question, once it is there."""
        with self.story.step(f"{self} answers {question!r} with {reply!r}"):
            self._waits_for_question(question, "")
            self.answer(question, reply)

    def answer(self, question: str, reply: str) -> None:
        """Type the reply to a question that is on the screen."""
        self._answered[question] += 1
        self.program.type(reply)

    def ends_unless(self, what: str, holds: Callable[[list[str]], bool], status: int) -> bool:
        """Whether it has ended, with this status, in place of showing lines of which this is true."""
        expected = f"{self} sees {what}, or ends with exit status {status}"
        with self.story.step(expected):
            self.wait_for(expected, lambda: holds(self.program.lines()) or self.program.over)
            if holds(self.program.lines()):
                return False
            if self.program.status != status:
                raise Unmet(expected, f"it {condition(self.program)}")
            self.present = False
            return True

    def is_asked(self, question: str) -> None:
        """A question that was not answered before."""
        with self.story.step(f"{self} is asked {question!r}"):
            self._waits_for_question(question, "")

    def is_asked_again(self, question: str) -> None:
        """A question that was answered before."""
        with self.story.step(f"{self} is asked {question!r} again"):
            self._waits_for_question(question, " again")

    def answers_up_to_the_name(self) -> None:
        """Say yes, and choose the terminal if that is asked; stop at the question for the name."""
        self.answers(CONNECT, "yes")
        with self.story.step(f"{self} is asked for the name"):
            self.wait_for(
                f"{self} is asked {MODE!r} or {NAME!r}",
                lambda: self._asked(MODE) > 0 or self._asked(NAME) > 0,
            )
            if not self._asked(NAME):
                self.answer(MODE, "1")
                self.wait_for(f"{self} is asked {NAME!r}", lambda: self._asked(NAME) > 0)

    def is_told_why_before(self, question: str) -> None:
        """A question again, with a line of explanation since the last time."""
        self.is_asked_again(question)
        with self.story.step(f"{self} was told why"):
            lines = self.program.lines()
            asked = [i for i, line in enumerate(lines) if is_question(question, line)]
            between = lines[asked[-2] + 1 : asked[-1]]
            if not any(line.strip() for line in between):
                raise Unmet(f"a line with the reason before {question!r}", "there is none")

    def sees_one_more_line(self, before: int, typed: str) -> str:
        """A line that was not among the first `before`, beside what was typed; returns it."""

        def more() -> list[str]:
            lines = self.program.lines()[before:]
            return [line for line in lines if line.strip() and not line.endswith(typed.rstrip())]

        with self.story.step(f"{self} sees one more line"):
            self.wait_for(f"{self} sees one more line", lambda: bool(more()))
            return more()[0]

    def leaves(self) -> None:
        """With `!q`; the client says so and ends."""
        self.types("!q")
        self.sees("Disconnected")
        self.ends(0)

    def ends(self, status: int) -> None:
        """By itself, with this exit status."""
        self.present = False
        with self.story.step(f"{self} ends with exit status {status}"):
            if self._interrupted and self.program.exit_status(PRESS_AGAIN) is None:
                self._terminal().press("Ctrl-C")
            super().ends(status)

    def vanishes(self) -> None:
        """Without a word, as when the power goes (`kill -9`)."""
        with self.story.step(f"{self} vanishes (kill -9)"):
            self.present = False
            self.program.kill()

    def has(self, name: str, content: bytes) -> str:
        """A file of this name and content in the folder where the client runs. Returns the name."""
        with self.story.step(f"{self} has a file {name!r} of {len(content)} bytes"):
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return name

    def received(
        self, content: bytes, times: int = 1, downloads: str = "downloads", in_vain: Callable[[], str] = lambda: ""
    ) -> Path:
        """The file of the first `Successfully received:` line, or of a later one by its number,
        lies in this person's downloads folder and has this content. Returns its path.
        """
        expected = f"{self} received {len(content)} bytes as they were sent"
        with self.story.step(expected):
            self.wait_for(expected, lambda: len(self._received()) >= times, in_vain)
            path = self.folder / self._received()[times - 1]
            # Only the folder itself may lie behind a link: a client that makes one shows us somebody else's file.
            own = self.folder.resolve() / downloads / self.name
            if path.resolve().parent != own:
                raise Unmet(f"the file is in {downloads}/{self}/", f"it is said to be {path}")
            if not path.is_file():
                raise Unmet(expected, f"there is no file {path}")
            if path.read_bytes() != content:
                raise Unmet(expected, f"{path.stat().st_size} bytes with other content are there")
            return path

    def received_somewhere(self, content: bytes) -> Path:
        """One file has arrived, with this content, directly in this person's downloads; returns its path.

        The `Successfully received:` line need not be readable: the name may be one that cannot be shown.
        """
        expected = f"{self} received {len(content)} bytes as they were sent"
        own = self.folder / "downloads"
        with self.story.step(expected):
            self.wait_for(expected, lambda: bool(self._received()))
            here = [path for path in own.glob("*/*") if self.is_own(path) and path.read_bytes() == content]
            if len(here) != 1:
                found = [str(path) for path in self.folder.rglob("*") if path.is_file()]
                raise Unmet(f"one file in {own}/{self}/ has these bytes", f"there are {found}")
            return here[0]

    def received_all(self, *contents: bytes) -> None:
        """So many files have arrived, in any order, each with one of these contents."""
        expected = f"{self} received {len(contents)} files as they were sent"
        with self.story.step(expected):
            self.wait_for(expected, lambda: len(self._received()) >= len(contents))
            paths = [self.folder / line for line in self._received()]
            if sorted(path.read_bytes() for path in paths if self.is_own(path)) != sorted(contents):
                raise Unmet(expected, f"other bytes are in {[path.name for path in paths]}")

    def is_own(self, path: Path) -> bool:
        """Whether it is a file, and no link on the way leads to one of somebody else."""
        return path.is_file() and path.resolve().is_relative_to(self.folder.resolve())

    def _waits_for_question(self, question: str, again: str) -> None:
        def in_vain() -> str:
            too_late = question == MODE and self._asked(NAME)
            return f"{NAME!r} came where the mode was to be asked{again}" if too_late else ""

        self.wait_for(
            f"{self} is asked {question!r}{again}", lambda: self._asked(question) > self._answered[question], in_vain
        )

    def _received(self) -> list[str]:
        lines = self.program.lines()
        return [line.split(RECEIVED, 1)[1] for line in lines if RECEIVED in line]

    def _is_here(self) -> None:
        self.present = self.has_joined = True

    def _asked(self, question: str) -> int:
        return sum(is_question(question, line) for line in self.program.lines())
