"""Transcript 6: the window, looked into from inside. Stage 4."""

from __future__ import annotations

import importlib.util
import struct
import zlib
from functools import partial
from pathlib import Path

import pytest

from tests.graded.party import CONNECT, MODE, NAME
from tests.graded.story import Story

pytestmark = [
    pytest.mark.stage(4),
    pytest.mark.stages("client"),
    pytest.mark.direct,
    pytest.mark.skipif(importlib.util.find_spec("kivy") is None, reason="needs Kivy: make install-gui"),
]

task = pytest.mark.task


def picture(red: int, green: int, blue: int) -> bytes:
    """A PNG of 8 by 8 pixels in one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes((red, green, blue)) * 8) * 8
    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


# --- The mode -----------------------------------------------------------------------------------------------------


@task("4.1", role="client", points=1)
def test_the_mode_is_asked_until_it_is_1_or_2(chat: Story) -> None:
    """The three lines of the transcript, and again after any other answer."""
    chat.server()
    sravya = chat.opens_client()
    sravya.answers(CONNECT, "yes")
    sravya.is_asked(MODE)
    for answer in ("", "3", "gui", "12"):
        sravya.sees("Enter your preference mode:", "1.Terminal Mode", "2.GUI Mode")
        sravya.answers(MODE, answer)
        sravya.is_asked_again(MODE)
    sravya.goes_in()


@task("4.1", role="client", points=2)
def test_the_terminal_does_not_load_kivy(chat: Story) -> None:
    """Who chooses it is in at once: Kivy takes its time, and may not even be installed."""
    chat.server()
    sravya, home = chat.opens_client_with_kivy()
    sravya.goes_in()
    files = [path.name for path in home.rglob("*")]
    chat.agrees("Kivy has not been there", not set(files) & {"logs", "icon"}, f"it has made {files}")


@task("4.1", role="client", points=2, needs=("4.2", "4.3"))
def test_the_window_has_its_title_and_a_green_first_line(chat: Story) -> None:
    """It says that one has joined."""
    chat.server()
    sravya = chat.join_by_window()
    seen = sravya.shows(
        "a first line about having joined",
        lambda seen: bool(seen["lines"]) and seen["lines"][0]["text"] == "You have joined the group chat",
    )
    red, green, blue, _ = seen["lines"][0]["color"]
    chat.agrees("it is green", green > red and green > blue, f"it is {seen['lines'][0]['color']}")
    chat.agrees("the title is GroupMediaChat", seen["title"] == "GroupMediaChat", f"it is {seen['title']!r}")


# --- Writing ------------------------------------------------------------------------------------------------------


@task("4.2", role="client", points=2, needs=("4.1",))
def test_the_window_has_a_text_box_and_two_buttons(chat: Story) -> None:
    """`Attach File` and `Send`; the box is empty."""
    chat.server()
    sravya = chat.join_by_window()
    seen = sravya.shows("a text box and two buttons", lambda seen: bool(seen["boxes"]) and len(seen["buttons"]) >= 2)
    chat.agrees("they say Attach File and Send", {"Attach File", "Send"} <= set(seen["buttons"]), f"{seen['buttons']}")
    chat.agrees("the box is empty", seen["boxes"] == [""], f"it has {seen['boxes']}")


@task("4.2", role="client", points=2, needs=("4.1", "4.3"))
@pytest.mark.parametrize("how", ["Enter", "the button"])
def test_what_is_written_is_sent_and_the_box_is_empty_again(chat: Story, how: str) -> None:
    """By Enter and by the button, time after time."""
    server = chat.server()
    sravya = chat.join_by_window()
    sanjay = chat.join()
    for _ in range(2):
        text = chat.drawn.text()
        sravya.writes(text)
        sravya.presses_enter() if how == "Enter" else sravya.presses_button("Send")
        sanjay.sees(f"[{sravya}] {text}")
        server.sees(f"[{sravya}] {text}")
        sravya.shows("an empty text box", lambda seen: seen["boxes"] == [""])


@task("4.2", role="client", points=1, needs=("4.1", "4.3"))
def test_nothing_written_is_nothing_sent(chat: Story) -> None:
    """Neither an empty box nor blanks."""
    chat.server()
    sravya = chat.join_by_window()
    sanjay = chat.join()
    sravya.presses_button("Send")
    sravya.writes("   ")
    sravya.presses_enter()
    sravya.shows("an empty text box", lambda seen: not seen["boxes"][0].strip())
    sravya.writes("hello")
    sravya.presses_button("Send")
    sanjay.sees(f"[{sravya}] hello")
    said = [line for line in sanjay.program.lines() if line.startswith(f"[{sravya}]")]
    chat.agrees("it sent just that", said == [f"[{sravya}] hello"], f"it sent {said}")


# --- Reading ------------------------------------------------------------------------------------------------------


@task("4.3", role="client", points=2, needs=("4.1", "4.2"))
def test_the_window_shows_what_a_terminal_shows(chat: Story) -> None:
    """Who is here, who comes, what they say, who goes; without anybody touching it."""
    chat.server()
    sanjay = chat.join()
    sravya = chat.join_by_window()
    sravya.shows_lines("Total No of Clients: 2", f"Client 1 : {sanjay}", f"Client 2 : {sravya}")
    meera = chat.join()
    text = chat.drawn.text()
    meera.types(text)
    sravya.shows_lines(f"{meera} joined the chat!", f"[{meera}] {text}")
    meera.presses("Ctrl-C")
    meera.ends(0)
    sravya.shows_lines(f"{meera} joined the chat!", f"[{meera}] {text}", f"{meera} exited the chat")


@task("4.3", role="client", points=2, needs=("4.1", "4.2"))
def test_a_flood_of_texts_is_shown_whole_and_in_order(chat: Story) -> None:
    """The network's thread brings them, and only the window's thread may show them."""
    chat.server()
    sravya = chat.join_by_window()
    speaker = chat.bare_client()
    speaker.joins()
    from reference.protocol import Text

    texts = [f"{number} {chat.drawn.text()}" for number in range(40)]
    speaker.sends(*map(Text, texts))
    sravya.shows_lines(*(f"[{speaker}] {text}" for text in texts))


@task("4.3", role="client", points=1, needs=("4.1", "4.2"))
def test_the_window_stays_to_say_that_the_server_has_closed_the_chat(chat: Story) -> None:
    """So that one can still read what was said."""
    server = chat.server()
    sravya = chat.join_by_window()
    server.presses("Ctrl-C")
    sravya.shows_lines("The server has closed the chat")


@task("4.3", role="client", points=1, needs=("4.1", "4.2"))
def test_a_line_is_as_high_as_its_text(chat: Story) -> None:
    """A text of several rows lies over no other."""
    chat.server()
    sravya = chat.join_by_window()
    sanjay = chat.join()
    sanjay.types("short")
    long = "word " * 150 + "end"
    sanjay.types(long)
    sravya.shows_lines(f"[{sanjay}] short", f"[{sanjay}] {long}")

    def higher(seen: dict[str, list[dict[str, float]]]) -> bool:
        heights = {line["text"]: line["height"] for line in seen["lines"]}
        return heights[f"[{sanjay}] {long}"] > 2 * heights[f"[{sanjay}] short"]  # type: ignore[index]

    sravya.shows("a long line that is higher than a short one", higher)


# --- Files --------------------------------------------------------------------------------------------------------


@task("4.4", role="client", points=3, needs=("4.1", "4.2", "4.3"))
def test_attach_file_opens_a_chooser_whose_select_sends_at_once(chat: Story) -> None:
    """The others have the file, and the window says that it was sent."""
    chat.server()
    sravya = chat.join_by_window()
    sanjay = chat.join()
    content = chat.drawn.content(5_000)
    name = sravya.has(chat.drawn.file_name(), content)
    sravya.presses_button("Attach File")
    sravya.shows("a button Select", lambda seen: "Select" in seen["buttons"])
    sravya.chooses(name)
    sravya.presses_button("Select")
    sanjay.received(content)
    sravya.shows_lines(f"Sending {name} ({len(content)} bytes)", "File Successfully sent")
    sravya.shows("no chooser any more", lambda seen: not seen["chooser"])


@task("4.4", role="client", points=1, needs=("4.1", "4.2", "4.3"))
def test_select_without_a_choice_sends_nothing(chat: Story) -> None:
    """And the chat goes on."""
    chat.server()
    sravya = chat.join_by_window()
    sanjay = chat.join()
    sravya.presses_button("Attach File")
    sravya.shows("a button Select", lambda seen: "Select" in seen["buttons"])
    sravya.presses_button("Select")
    sanjay.types("hello")
    sravya.shows_lines(f"[{sanjay}] hello")


@task("4.5", role="client", points=2, needs=("4.1", "4.2", "4.3"))
def test_a_picture_is_shown_where_it_arrives(chat: Story) -> None:
    """And where it was saved; it is there as it was sent."""
    chat.server()
    sravya = chat.join_by_window()
    sanjay = chat.join()
    content = picture(200, 30, 40)
    sanjay.has("red.png", content)
    sanjay.types("!send red.png")
    seen = sravya.shows("a picture", lambda seen: any(each["loaded"] for each in seen["pictures"]))
    paths = [Path(sravya.folder, each["source"]) for each in seen["pictures"]]
    chat.agrees("it is the one that was sent", content in [path.read_bytes() for path in paths if sravya.is_own(path)])
    sravya.shows(
        "a line that says where it is",
        lambda seen: any(line["text"].startswith("Successfully received: ") for line in seen["lines"]),
    )


def names(name: str, seen: dict[str, list[dict[str, str]]]) -> bool:
    """Whether a line says that a file of this name has been received."""
    return any("Successfully received" in line["text"] and name in line["text"] for line in seen["lines"])


@task("4.5", role="client", points=1, needs=("4.1", "4.2", "4.3"))
def test_a_file_that_is_no_picture_is_named(chat: Story) -> None:
    """Also one that only says it is a picture: that harms nobody."""
    chat.server()
    sravya = chat.join_by_window()
    sanjay = chat.join()
    for name in ("notes.pdf", "broken.png"):
        sanjay.has(name, b"this is no picture")
        sanjay.types(f"!send {name}")
        sravya.shows(f"a line that names {name}", partial(names, name))
    sanjay.types("hello")
    sravya.shows_lines(f"[{sanjay}] hello")


# --- Leaving ------------------------------------------------------------------------------------------------------


@task("4.1", role="client", points=2, needs=("4.2", "4.3"))
def test_closing_the_window_leaves_the_chat(chat: Story) -> None:
    """The program ends with exit status 0, and the others see it."""
    chat.server()
    sravya = chat.join_by_window()
    sanjay = chat.join()
    sravya.closes_the_window()
    sanjay.sees(f"{sravya} exited the chat")
    sravya.ends(0)


@pytest.mark.stage(5)
@task("5.1", role="client", points=2, needs=("5.3",))
@pytest.mark.parametrize("how", ["closing", "!q"])
def test_leaving_by_the_window_is_a_goodbye(chat: Story, how: str) -> None:
    """Its close button and `!q` both say it."""
    server = chat.server()
    sravya = chat.join_by_window()
    sanjay = chat.join()
    if how == "closing":
        sravya.closes_the_window()
    else:
        sravya.writes("!q")
        sravya.presses_enter()
    sravya.ends(0)
    server.sees(f"[{sravya}] !DISCONNECT")
    sanjay.sees(f"{sravya} exited the chat")


@task("4.1", role="client", points=1, needs=("4.2", "4.3"))
def test_a_refused_name_is_asked_again_before_the_window_opens(chat: Story) -> None:
    """In the terminal, where it was asked."""
    chat.server()
    sanjay = chat.join()
    sravya = chat.opens_client_for_window()
    sravya.answers(CONNECT, "yes")
    sravya.answers(MODE, "2")
    sravya.answers(NAME, sanjay.name)
    sravya.is_told_why_before(NAME)
