"""Transcript 4: files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.graded.party import Person
from tests.graded.story import Story

pytestmark = pytest.mark.stage(3)


@pytest.mark.every_network
@pytest.mark.task("3.4", role="both", points=3, needs=("3.1", "3.2", "3.3", "3.5"))
def test_a_file_reaches_all_the_others_as_it_is(chat: Story) -> None:
    """Lines in order on each side; the same bytes in each receiver's downloads folder."""
    server = chat.server()
    sravya, sanjay, meera = chat.join(), chat.join(), chat.join()
    content = chat.drawn.content(chat.drawn.between(2_000, 6_000))
    name = sravya.has(chat.drawn.file_name(), content)
    size = len(content)
    sravya.types(f"!send {name}")
    sravya.sees(f"Sending {name} ({size} bytes)", "File Successfully sent")
    server.sees(f"[{sravya}] !send {name}", f"Received {name} ({size} bytes)")
    for receiver in (sanjay, meera):
        path = receiver.received(content)
        receiver.sees(f"[{sravya}] !send {name}", f"Receiving {name} ({size} bytes)")
        chat.agrees(f"it is called {name}", path.name == name, f"it is called {path.name}")
    sravya.never_sees(f"Receiving {name} ({size} bytes)", f"[{sravya}] !send {name}")


@pytest.mark.direct
@pytest.mark.task("3.3", role="both", points=2, needs=("3.1", "3.2", "3.4", "3.5"))
def test_files_of_any_size_arrive_whole(chat: Story) -> None:
    """Nothing at all, around the usual buffer sizes, and the transcript's own."""
    chat.server()
    sravya, sanjay = chat.join(), chat.join()
    for number, size in enumerate([0, 1, 1023, 1024, 65_536, 1_012_995], 1):
        content = chat.drawn.content(size)
        name = sravya.has(f"{number}-{chat.drawn.file_name()}", content)
        sravya.types(f"!send {name}")
        sanjay.received(content, times=number)
        sravya.sees(f"Sending {name} ({size} bytes)", "File Successfully sent")


@pytest.mark.every_network
@pytest.mark.task("3.5", role="both", points=2, needs=("3.1", "3.2", "3.3", "3.4"))
def test_texts_and_files_do_not_get_into_each_other(chat: Story) -> None:
    """What is said while a file is on its way arrives, and the file is still whole."""
    chat.server()
    sravya, sanjay = chat.join(), chat.join()
    content = chat.drawn.content(5_000)
    name = sravya.has(chat.drawn.file_name(), content)
    texts = [chat.drawn.text() for _ in range(3)]
    sravya.types(f"!send {name}")
    for text in texts:
        sravya.types(text)
        sanjay.types(text)
    sanjay.received(content)
    sravya.sees("File Successfully sent")
    sanjay.sees_once(*(f"[{sravya}] {text}" for text in texts))
    sravya.sees_once(*(f"[{sanjay}] {text}" for text in texts))


@pytest.mark.task("3.5", role="both", points=2, needs=("3.1", "3.2", "3.3", "3.4"))
def test_two_files_at_the_same_time_do_not_mix(chat: Story) -> None:
    """Two people send to each other: each gets the other's file, and nobody their own."""
    chat.server()
    sravya, sanjay = chat.join(), chat.join()
    contents = [chat.drawn.content(chat.drawn.between(1_000, 4_000)) for _ in range(2)]
    first = sravya.has(chat.drawn.file_name(), contents[0])
    second = sanjay.has(chat.drawn.file_name(), contents[1])
    sravya.types(f"!send {first}")
    sanjay.types(f"!send {second}")
    sanjay.received(contents[0])
    sravya.received(contents[1])
    sravya.never_sees(f"Receiving {first} ({len(contents[0])} bytes)")
    sanjay.never_sees(f"Receiving {second} ({len(contents[1])} bytes)")


@pytest.mark.task("3.2", role="both", points=1, needs=("3.1", "3.3", "3.4", "3.5"))
def test_only_the_base_name_travels(chat: Story) -> None:
    """Whoever sends from a folder tells nobody which one."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    content = chat.drawn.content(100)
    name = chat.drawn.file_name()
    sravya.has(f"holidays/2021/{name}", content)
    sravya.types(f"!send holidays/2021/{name}")
    sanjay.sees(f"[{sravya}] !send {name}", f"Receiving {name} (100 bytes)")
    sanjay.received(content)
    server.sees(f"[{sravya}] !send {name}", f"Received {name} (100 bytes)")


def cannot_send(sender: Person, why_wrong: str) -> Callable[[], str]:
    """What somebody is told who could have sent a file, once it is on the screen, and why it is wrong."""

    def told() -> str:
        line = next((line for line in sender.shown() if line.startswith(("Cannot send", "Send what?"))), "")
        return f"{sender} sees {line!r}, but {why_wrong}" if line else ""

    return told


@pytest.mark.task("3.2", role="both", points=1, needs=("3.1", "3.3", "3.4", "3.5"))
def test_a_path_with_spaces_is_typed_as_in_a_shell(chat: Story) -> None:
    """In quotes of either kind, or with a backslash before each space."""
    chat.server()
    sravya, sanjay = chat.join(), chat.join()
    meant = {
        "'": "quotes are no part of the path",
        '"': "quotes are no part of the path",
        "": "a backslash before a blank makes that blank a part of the path",
    }
    for number, before_and_after in enumerate(meant, 1):
        content = chat.drawn.content(100)
        name = sravya.has(f"my {number} {chat.drawn.file_name()}", content)
        typed = before_and_after + name + before_and_after
        sravya.types("!send " + (typed if before_and_after else typed.replace(" ", r"\ ")))
        cannot = cannot_send(sravya, meant[before_and_after])
        sanjay.sees(f"[{sravya}] !send {name}", in_vain=cannot)
        path = sanjay.received(content, times=number, in_vain=cannot)
        chat.agrees(f"it is called {name!r}", path.name == name, f"it is called {path.name!r}")


@pytest.mark.task("3.2", role="both", points=1, needs=("3.1",))
def test_what_cannot_be_sent_gets_a_reason_and_the_chat_goes_on(chat: Story) -> None:
    """No such file, a folder, a quote too few, nothing: a line for the sender, none for others."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    for path in ("missing.jpg", ".", "'unclosed", ""):
        before = len(sravya.program.lines())
        sravya.types(f"!send {path}")
        reason = sravya.sees_one_more_line(before, typed=f"!send {path}")
        chat.agrees("it is a reason", "Traceback" not in reason, f"it is {reason!r}")
    hello = chat.drawn.text()
    sravya.types(hello)
    sanjay.sees(f"[{sravya}] {hello}")
    server.sees(f"[{sravya}] {hello}")
    said = [line for line in sanjay.program.lines() if f"[{sravya}] !send" in line]
    chat.agrees(f"{sanjay} heard nothing of it", not said, f"there is {said}")


@pytest.mark.task("3.6", role="both", points=2, needs=("3.1", "3.2", "3.3", "3.4", "3.5"))
def test_a_file_of_the_same_name_is_not_overwritten(chat: Story) -> None:
    """Both files are there in the end, each with its own content."""
    chat.server()
    sravya, sanjay = chat.join(), chat.join()
    first, second = chat.drawn.content(300), chat.drawn.content(200)
    name = sravya.has(chat.drawn.file_name(), first)
    sravya.types(f"!send {name}")
    path = sanjay.received(first)
    sravya.sees("File Successfully sent")
    sravya.has(name, second)
    sravya.types(f"!send {name}")
    other = sanjay.received(second, times=2)
    chat.agrees("they are two files", path != other, f"both are {path}")
    chat.agrees("the first is as it was", path.read_bytes() == first)


@pytest.mark.task("3.4", role="both", points=1, needs=("3.1", "3.2", "3.3", "3.5"))
def test_who_comes_later_gets_no_file_of_before(chat: Story) -> None:
    """A file goes to those who are there; somebody new starts with what is said next."""
    chat.server()
    sravya, sanjay = chat.join(), chat.join()
    content = chat.drawn.content(100)
    name = sravya.has(chat.drawn.file_name(), content)
    sravya.types(f"!send {name}")
    sanjay.received(content)
    sravya.sees("File Successfully sent")
    meera = chat.join()
    meera.never_sees(f"[{sravya}] !send {name}", f"Receiving {name} (100 bytes)")
