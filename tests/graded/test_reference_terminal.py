"""What the reference's terminal client does beyond the stages."""

from __future__ import annotations

import pytest

from tests.graded.party import NAME, Person
from tests.graded.story import Story

pytestmark = pytest.mark.reference("client")

# What a terminal sends around a paste, so that a program can tell it from typing.
PASTE_BEGIN, PASTE_END = "\x1b[200~", "\x1b[201~"


def stands_whole_at_the_end(half: str, person: Person) -> bool:
    """Whether a half-typed line is on the screen once, whole, below all that was said."""
    rows = person.program.screen()
    holding = [number for number, row in enumerate(rows) if half in row]
    said = [number for number, row in enumerate(rows) if row.startswith(("[", "Successfully"))]
    return len(holding) == 1 and rows[holding[0]].endswith(half) and holding[0] > max(said, default=-1)


@pytest.mark.every_network
def test_a_half_typed_line_survives_what_arrives(chat: Story) -> None:
    """After five messages and a file it is still whole, below them; Enter then sends it."""
    chat.server()
    sravya, sanjay = chat.join(), chat.join()
    chat.everyone_talks()
    half, rest = "this is only hal", "f of it"
    sravya.types_without_enter(half)
    sravya.sees_where("what she types", lambda line: line.endswith(half))
    texts = [chat.drawn.text() for _ in range(5)]
    for text in texts:
        sanjay.types(text)
    sravya.sees(*(f"[{sanjay}] {text}" for text in texts))
    content = chat.drawn.content(3_000)
    name = sanjay.has(chat.drawn.file_name(), content)
    sanjay.types(f"!send {name}")
    sravya.received(content)
    with chat.step(f"{sravya} still has the half line, once, whole and below all of that"):
        sravya.wait_for(f"{half!r} stands at the end", lambda: stands_whole_at_the_end(half, sravya))
    sravya.types(rest)
    sanjay.sees(f"[{sravya}] {half}{rest}")


def test_a_text_of_several_lines_shows_the_further_ones_indented(chat: Story) -> None:
    """A paste with line breaks is one text, and none of its lines passes for somebody else's."""
    server = chat.server()
    sravya, sanjay, meera = chat.join(), chat.join(), chat.join()
    chat.everyone_talks()
    first, forged = chat.drawn.text(), f"[{meera}] {chat.drawn.text()}"
    sravya.types(f"{PASTE_BEGIN}{first}\n{forged}{PASTE_END}")
    for party in (sanjay, meera, server):
        party.sees(f"[{sravya}] {first}")
        party.sees_where(f"{forged!r} indented", lambda line: line.lstrip() == forged and line[0] == " ")
    sanjay.never_sees(forged)
    server.never_sees(forged)


def test_an_unknown_command_is_not_sent(chat: Story) -> None:
    """It is answered with the list of commands."""
    chat.server()
    sravya, sanjay = chat.join(), chat.join()
    sravya.types("!sned image.jpg")
    for command in ("!send", "!who", "!help", "!q"):
        sravya.sees_where(f"{command} in the list", lambda line, c=command: c in line)  # type: ignore[misc]
    sanjay.never_sees(f"[{sravya}] !sned image.jpg", f"[{sravya}] sned image.jpg")


def test_two_exclamation_marks_send_a_command_as_a_text(chat: Story) -> None:
    """`!!q` says `!q`, which is nobody's command, neither here nor there."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    for command in ("!q", "!send image.jpg", "!help", "!!"):
        sravya.types(f"!{command}")
        sanjay.sees(f"[{sravya}] {command}")
        server.sees(f"[{sravya}] {command}")
    chat.everyone_talks()


def test_the_up_key_brings_back_what_was_typed(chat: Story) -> None:
    """History on the arrow keys."""
    chat.server()
    sravya, sanjay = chat.join(), chat.join()
    hello = chat.drawn.text()
    sravya.types(hello)
    sanjay.sees(f"[{sravya}] {hello}")
    sravya.presses("Up")
    sravya.types(" again")
    sanjay.sees(f"[{sravya}] {hello} again")


def test_tab_completes_a_path_after_send(chat: Story) -> None:
    """Enough of a file's name to know it is enough to send it."""
    chat.server()
    sravya, sanjay = chat.join(), chat.join()
    chat.everyone_talks()
    content = chat.drawn.content(100)
    name = sravya.has("holiday-pictures.zip", content)
    sravya.types_without_enter("!send holi")
    sravya.presses("Tab")
    sravya.sees_where("the whole name", lambda line: line.endswith(f"!send {name}"))
    sravya.presses("Enter")
    sanjay.received(content)


def test_tab_completes_a_command(chat: Story) -> None:
    """The start of a command is enough."""
    chat.server()
    sravya, _ = chat.join(), chat.join()
    chat.everyone_talks()
    sravya.types_without_enter("!se")
    sravya.presses("Tab")
    sravya.sees_where("the whole command", lambda line: line.rstrip().endswith("!send"))


def test_options_answer_the_questions_beforehand(chat: Story) -> None:
    """With `--yes`, `--mode` and `--name` nothing is asked."""
    chat.server()
    name = chat.drawn.name()
    sravya = chat.opens_client(name, options=("--yes", "--mode", "terminal", "--name", name))
    sravya.goes_in()
    asked = [line for line in sravya.program.lines() if line.endswith("?") or NAME in line]
    chat.agrees("nothing was asked", not asked, f"there is {asked}")
    sravya.sees("Total No of Clients: 1", f"Client 1 : {name}")


def test_a_taken_name_given_as_an_option_is_asked_again(chat: Story) -> None:
    """An option that was refused counts as an answer that was refused."""
    chat.server()
    sravya = chat.join()
    name = sravya.name
    options = ("--yes", "--mode", "terminal", "--name", name)
    sanjay = chat.opens_client(options=options)
    sanjay.goes_in()
    hello = chat.drawn.text()
    sanjay.types(hello)
    sravya.sees(f"[{sanjay}] {hello}")


def test_downloads_go_where_they_are_told(chat: Story) -> None:
    """`--downloads` names another folder; the receiver's own is made in it."""
    chat.server()
    sravya = chat.join()
    sanjay = chat.opens_client(options=("--downloads", "elsewhere"))
    sanjay.goes_in()
    content = chat.drawn.content(100)
    name = sravya.has(chat.drawn.file_name(), content)
    sravya.types(f"!send {name}")
    path = sanjay.received(content, downloads="elsewhere")
    chat.agrees(f"it is called {name}", path.name == name, f"it is called {path.name}")
