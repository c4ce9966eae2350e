"""Transcript 5: leave."""

from __future__ import annotations

import signal

import pytest

from tests.graded.story import Story

pytestmark = pytest.mark.stage(5)


@pytest.mark.every_network
@pytest.mark.task("5.1", role="both", points=2, needs=("5.3",))
def test_q_leaves_and_everyone_is_told_once(chat: Story) -> None:
    """The one who leaves, the others and the server each see their line; exit status 0."""
    server = chat.server()
    sravya, sanjay, meera = chat.join(), chat.join(), chat.join()
    sravya.leaves()
    server.sees(f"[{sravya}] !DISCONNECT")
    sanjay.sees_once(f"{sravya} exited the chat")
    meera.sees_once(f"{sravya} exited the chat")
    sanjay.never_sees(f"[{sravya}] !DISCONNECT")
    server.never_sees(f"[{sravya}] connection lost")


@pytest.mark.parametrize("key", ["Ctrl-C", "Ctrl-D"])
@pytest.mark.task("5.1", role="both", points=1, needs=("5.3",))
def test_a_key_leaves_like_q(chat: Story, key: str) -> None:
    """Ctrl-C and Ctrl-D end a client as `!q` does, with exit status 0 and no traceback."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    chat.everyone_talks()
    sravya.presses(key)
    sravya.ends(0)
    server.sees(f"[{sravya}] !DISCONNECT")
    sanjay.sees(f"{sravya} exited the chat")
    errors = [line for line in sravya.program.lines() if "Traceback" in line]
    chat.agrees("no traceback is shown", not errors)


@pytest.mark.task("5.1", role="both", points=1, needs=("5.3",))
def test_sigterm_leaves_like_q(chat: Story) -> None:
    """A client told to end says goodbye first, and ends with exit status 0."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    chat.everyone_talks()
    sravya.gets(signal.SIGTERM)
    sravya.ends(0)
    server.sees(f"[{sravya}] !DISCONNECT")
    sanjay.sees(f"{sravya} exited the chat")


@pytest.mark.every_network
@pytest.mark.task("5.3", role="both", points=2, needs=("5.1",))
def test_one_who_vanishes_is_noticed(chat: Story) -> None:
    """The server prints that the connection is lost, the others that this person has left."""
    server = chat.server()
    sravya, sanjay, meera = chat.join(), chat.join(), chat.join()
    sravya.vanishes()
    server.sees(f"[{sravya}] connection lost")
    sanjay.sees(f"{sravya} exited the chat")
    meera.sees(f"{sravya} exited the chat")
    server.never_sees(f"[{sravya}] !DISCONNECT")
    sanjay.sees_once(f"{sravya} exited the chat")


@pytest.mark.task("5.3", role="both", points=1, needs=("5.1",))
def test_the_server_stays_when_the_last_one_leaves(chat: Story) -> None:
    """An empty room is no reason to end: whoever comes next finds it, and is alone at first."""
    server = chat.server()
    sravya = chat.join()
    sravya.leaves()
    server.sees(f"[{sravya}] !DISCONNECT")
    sanjay = chat.join()
    sanjay.sees("Total No of Clients: 1", f"Client 1 : {sanjay}")
    meera = chat.join()
    hello = chat.drawn.text()
    meera.types(hello)
    sanjay.sees(f"[{meera}] {hello}")


@pytest.mark.task("5.1", role="both", points=1, needs=("5.3",))
def test_what_was_said_just_before_leaving_arrives(chat: Story) -> None:
    """A text and a goodbye sent together: first the one, then the other."""
    server = chat.server()
    sravya, sanjay = chat.join(), chat.join()
    bye = chat.drawn.text()
    sravya.types(bye)
    sravya.leaves()
    sanjay.sees(f"[{sravya}] {bye}", f"{sravya} exited the chat")
    server.sees(f"[{sravya}] {bye}", f"[{sravya}] !DISCONNECT")


@pytest.mark.task("5.3", role="both", points=1, needs=("5.1",))
def test_many_come_and_go(chat: Story) -> None:
    """Joining and leaving over and over leaves nobody behind."""
    server = chat.server()
    sravya = chat.join()
    for number in range(5):
        guest = chat.join()
        sravya.sees(f"{guest} joined the chat!")
        if number % 2:
            guest.leaves()
        else:
            guest.vanishes()
        sravya.sees(f"{guest} exited the chat")
    last = chat.join()
    last.sees("Total No of Clients: 2", f"Client 1 : {sravya}", f"Client 2 : {last}")
    hello = chat.drawn.text()
    last.types(hello)
    sravya.sees(f"[{last}] {hello}")
    server.sees(f"[{last}] {hello}")
