"""Ends on the wire: goodbye, silence, FIN and RST, from either side. Stage 5."""

from __future__ import annotations

import signal

import pytest

from reference.protocol import (
    Bye,
    Data,
    Get,
    Hello,
    Left,
    Offer,
    OfferFrom,
    Ping,
    Pong,
    Refused,
    Text,
    TextFrom,
    encode,
)
from tests.graded.bare import BareClient, raw_frame
from tests.graded.story import Story

pytestmark = pytest.mark.stage(5)

task = pytest.mark.task


def bare_people(chat: Story, count: int) -> list[BareClient]:
    """So many clients of bare frames, who join one after the other."""
    people = [chat.bare_client() for _ in range(count)]
    for person in people:
        person.joins()
    return people


def shows_after(chat: Story, leaver: BareClient, others: list[BareClient], line: str, never: str) -> None:
    """The server shows one line about the one who has gone and not the other, and the others are told once."""
    server = chat.the_server()
    server.sees(line)
    for other in others:
        other.gets_exactly(Left(leaver.name))
    others[0].says("go on")
    others[1].hears(others[0], "go on")
    server.sees(f"[{others[0]}] go on")
    chat.agrees(f"it shows that once, and never {never!r}", server.count(line) == 1 and not server.count(never))
    chat.agrees("the others were told once", all(len(other.got(Left)) == 1 for other in others))


# --- The client leaves --------------------------------------------------------------------------------------------


@task("5.1", role="client", points=3)
@pytest.mark.parametrize("how", ["!q", "Ctrl-C", "Ctrl-D", "SIGTERM"])
def test_a_client_says_goodbye_and_then_ends_the_connection(chat: Story, how: str) -> None:
    """Bye is the last frame, and the end of the stream follows; nothing of `!q` is sent as a text."""
    sravya, server = chat.bare_server()
    text = chat.drawn.text()
    sravya.types(text)
    server.gets_exactly(Text(text))
    if how == "!q":
        sravya.types("!q")
    elif how == "SIGTERM":
        sravya.gets(signal.SIGTERM)
    else:
        sravya.presses(how)
    server.gets_next(Bye)
    server.is_hung_up_on()
    chat.agrees("bye was the last frame", isinstance(server.sees[-1], Bye), f"then came {server.sees[-1]}")
    server.goes()
    sravya.sees_where("Disconnected", lambda line: line.endswith("Disconnected"))
    sravya.ends(0)
    chat.agrees("no traceback is shown", not any("Traceback" in line for line in sravya.program.lines()))


@task("5.1", role="client", points=1)
def test_a_word_that_only_begins_with_q_is_no_goodbye(chat: Story) -> None:
    """A command is a word, not its first letters."""
    sravya, server = chat.bare_server()
    sravya.types("!quit")
    sravya.types(chat.drawn.text())
    got = server.gets_any(Text, Bye)
    chat.agrees("a text comes, and no goodbye", isinstance(got, Text), f"it sent {got}")


@task("5.1", role="client", points=1)
def test_a_client_says_goodbye_only_to_a_server_that_knows_the_word(chat: Story) -> None:
    """For others the end of the stream must do."""
    sravya, server = chat.bare_server(can=("roster", "files"))
    sravya.types("!q")
    server.is_hung_up_on()
    server.goes()
    sravya.ends(0)
    chat.agrees("it sent no bye", not server.got(Bye))


@task("5.1", role="client", points=1)
def test_a_client_ends_even_if_the_server_does_not_let_go(chat: Story) -> None:
    """A server that never answers keeps nobody from leaving."""
    sravya, server = chat.bare_server()
    sravya.types("!q")
    server.gets_next(Bye)
    sravya.ends(0)


@task("5.1", role="client", points=1)
@pytest.mark.stages("client")
def test_a_client_that_leaves_hears_what_was_still_on_its_way(chat: Story) -> None:
    """It ends its own direction first, and shows what comes until the server has ended the other."""
    sravya, server = chat.bare_server()
    name, text = chat.drawn.name(), chat.drawn.text()
    sravya.types("!q")
    server.gets_next(Bye)
    server.is_hung_up_on()
    server.says(name, text)
    server.goes()
    sravya.sees(f"[{name}] {text}")
    sravya.ends(0)


# --- The client is left -------------------------------------------------------------------------------------------


@task("5.2", role="client", points=2, needs=("5.1",))
def test_a_client_shows_that_the_server_has_closed_the_chat(chat: Story) -> None:
    """The server says goodbye: no accident, and exit status 0."""
    sravya, server = chat.bare_server()
    server.sends(Bye())
    server.goes()
    sravya.sees("The server has closed the chat")
    sravya.ends(0)


@task("5.2", role="client", points=2, needs=("5.1",))
@pytest.mark.stages("client")
@pytest.mark.parametrize("how", ["closed", "reset", "broken"])
def test_an_end_without_goodbye_is_an_accident(chat: Story, how: str) -> None:
    """The client does not say that the server has closed the chat; it says what happened, without a traceback."""
    sravya, server = chat.bare_server()
    name = chat.drawn.name()
    server.says(name, "hello")
    sravya.sees(f"[{name}] hello")
    before = sravya.program.lines()
    if how == "closed":
        server.goes()
    elif how == "reset":
        server.vanishes()
    else:
        server.sends_bytes("no JSON", raw_frame("T", b"hello"))
        server.goes()
    sravya.ends(1)
    lines = sravya.program.lines()
    chat.agrees("it says that something happened", len(lines) > len(before), f"{lines}")
    chat.agrees("it is no goodbye", not sravya.count("The server has closed the chat"), f"{lines}")
    chat.agrees("no traceback is shown", not any("Traceback" in line for line in lines), f"{lines}")


@task("5.2", role="client", points=1, needs=("5.1",))
def test_a_server_that_knows_no_goodbye_need_not_say_it(chat: Story) -> None:
    """A server of the stages before just ends: that is how it closes the chat."""
    sravya, server = chat.bare_server(can=("roster", "files"))
    server.goes()
    sravya.sees("The server has closed the chat")
    sravya.ends(0)


# --- The server is left -------------------------------------------------------------------------------------------


@task("5.3", role="server", points=2)
def test_a_goodbye_is_believed(chat: Story) -> None:
    """The server shows it as one, ends the connection, and tells the others once."""
    chat.server()
    leaver, *others = bare_people(chat, 3)
    leaver.sends(Bye())
    leaver.is_hung_up_on()
    shows_after(chat, leaver, others, f"[{leaver}] !DISCONNECT", f"[{leaver}] connection lost")


@task("5.3", role="server", points=2)
@pytest.mark.parametrize("how", ["closes", "resets", "stops in the midst of a frame"])
def test_who_goes_without_goodbye_is_lost(chat: Story, how: str) -> None:
    """However the connection ends."""
    chat.server()
    leaver, *others = bare_people(chat, 3)
    if how == "resets":
        leaver.vanishes()
    elif how == "closes":
        leaver.goes()
    else:
        leaver.sends_bytes("half a text", encode(Text("never to end"))[:12])
        leaver.goes()
    shows_after(chat, leaver, others, f"[{leaver}] connection lost", f"[{leaver}] !DISCONNECT")


@task("5.3", role="server", points=1)
@pytest.mark.stages("server")
def test_who_cannot_say_goodbye_is_not_blamed(chat: Story) -> None:
    """A client of the stages before just ends: that is how it leaves."""
    chat.server()
    leaver = chat.bare_client()
    leaver.joins(can=("roster", "files"))
    others = bare_people(chat, 2)
    leaver.goes()
    shows_after(chat, leaver, others, f"[{leaver}] !DISCONNECT", f"[{leaver}] connection lost")


@task("5.3", role="server", points=1)
def test_who_never_joined_is_not_shown_as_gone(chat: Story) -> None:
    """One who connects, says nothing or is refused, and goes, was never there."""
    server = chat.server()
    silent, refused = chat.bare_client(), chat.bare_client("")
    silent.goes()
    refused.sends(Hello("", ("roster", "bye")))
    refused.gets(Refused)
    refused.goes()
    last, other = bare_people(chat, 2)
    last.sends(Bye())
    other.gets_exactly(Left(last.name))
    server.sees(f"[{last}] !DISCONNECT")
    shown = [line for line in server.shown() if "DISCONNECT" in line or "lost" in line]
    chat.agrees("the server shows just the one who was there", shown == [f"[{last}] !DISCONNECT"], f"it shows {shown}")


@task("5.3", role="server", points=1)
def test_what_was_said_before_goodbye_is_heard_and_what_comes_after_is_not(chat: Story) -> None:
    """All in one piece: a text, bye, another text."""
    chat.server()
    leaver, listener, speaker = bare_people(chat, 3)
    leaver.sends(Text("before"), Bye(), Text("after"))
    listener.hears(leaver, "before")
    listener.gets_exactly(Left(leaver.name))
    speaker.says("go on")
    listener.hears(speaker, "go on")
    chat.agrees("nothing came after", TextFrom(leaver.name, "after") not in listener.sees)


@task("5.3", role="server", points=1)
def test_a_name_is_free_once_the_others_know_that_its_owner_has_gone(chat: Story) -> None:
    """Also after an accident, in the midst of sending a file."""
    chat.server()
    leaver, listener = bare_people(chat, 2)
    file_id = chat.drawn.content(16)
    leaver.sends(Offer(file_id, "half.txt", 100_000))
    get = leaver.gets(Get)
    leaver.sends(Data(file_id, 0, bytes(get.size)))
    leaver.vanishes()
    listener.gets_exactly(Left(leaver.name))
    again = chat.bare_client(leaver.name)
    again.joins()
    again.says("back")
    listener.hears(again, "back")


# --- The server ends ----------------------------------------------------------------------------------------------


@task("5.4", role="server", points=3, needs=("5.1",))
def test_ctrl_c_says_goodbye_to_all_who_know_the_word(chat: Story) -> None:
    """Everybody's connection ends; nobody is told that somebody else left; the last line and exit status are right."""
    server = chat.server()
    people = bare_people(chat, 3)
    old = chat.bare_client()
    old.joins(can=())
    silent = chat.bare_client()
    people[0].says("still here")
    people[1].hears(people[0], "still here")
    server.presses("Ctrl-C")
    for person in people:
        person.gets(Bye)
        person.is_hung_up_on()
        chat.agrees(f"{person} was told of nobody's leaving", not person.got(Left), f"it got {person.got(Left)}")
    for other in (old, silent):
        other.is_hung_up_on()
        chat.agrees(f"{other} got no bye", not other.got(Bye))
    server.ends(0)
    lines = [line.removeprefix("^C") for line in server.shown()]
    chat.agrees("its last line is [SERVER TERMINATED]", lines[-1] == "[SERVER TERMINATED]", f"they are {lines}")
    shown = [line for line in lines if "DISCONNECT" in line or "lost" in line or "Traceback" in line]
    chat.agrees("it shows of nobody that they left", not shown, f"it shows {shown}")


@task("5.4", role="server", points=1, needs=("5.1",))
@pytest.mark.direct
def test_one_who_does_not_read_does_not_keep_the_server_from_ending(chat: Story) -> None:
    """Nor one in the midst of a file."""
    server = chat.server()
    sender, stuck, other = bare_people(chat, 3)
    sender.sends(Offer(chat.drawn.content(16), "half.txt", 100_000))
    sender.gets(Get)
    stuck.says("I do not read")
    other.hears(stuck, "I do not read")
    server.presses("Ctrl-C")
    server.ends(0)


@task("5.4", role="both", points=2, needs=("5.1", "5.2"))
def test_a_restart_finds_the_port_free_although_everybody_was_there(chat: Story) -> None:
    """The one who ends a connection first keeps its address for a minute: that must not matter."""
    first = chat.server()
    people = [chat.join() for _ in range(3)]
    first.presses("Ctrl-C")
    first.ends(0)
    for person in people:
        person.sees("The server has closed the chat")
        person.ends(0)
    chat.server(first.port)
    sravya, sanjay = chat.join(), chat.join()
    hello = chat.drawn.text()
    sravya.types(hello)
    sanjay.sees(f"[{sravya}] {hello}")


# --- Silence ------------------------------------------------------------------------------------------------------


@task("5.5", role="server", points=3, needs=("5.1", "5.3"))
@pytest.mark.stages("server")
@pytest.mark.direct
def test_who_is_silent_is_asked_and_who_stays_silent_is_given_up(chat: Story) -> None:
    """A pulled cable says nothing. Who answers stays, and who never heard of ping is left in peace."""
    chat.hurries_clocks()
    server = chat.server()
    old = chat.bare_client()
    old.joins(can=("roster", "files"))
    gone, alive = bare_people(chat, 2)
    gone.answers_pings = False
    gone.gets(Ping)
    alive.gets_exactly(Left(gone.name))
    server.sees(f"[{gone}] connection lost")
    while len(alive.got(Ping)) < 3:  # by the third, `old` has been silent for half as long again as `gone` was
        alive.gets(Ping)
    alive.says("still here")
    server.sees(f"[{alive}] still here")
    old.hears(alive, "still here")
    old.goes()
    alive.gets_exactly(Left(old.name))
    chat.agrees("who never heard of ping was not asked", not old.got(Ping))


@task("5.5", role="server", points=1)
@pytest.mark.stages("server")
@pytest.mark.direct(tapped=True)
def test_silence_in_the_midst_of_a_frame_loses_no_bytes(chat: Story) -> None:
    """Whoever is asked then, and goes on, is heard; the pong comes behind. (To give them up at once is allowed.)"""
    chat.hurries_clocks()
    chat.server()
    listener, speaker = chat.bare_client(), chat.bare_client()
    listener.joins(can=("roster", "files"))  # is not asked, so it need not answer
    speaker.joins()
    text = chat.drawn.text()
    frame = encode(Text(text))
    speaker.sends_bytes("half a text", frame[:9])
    with chat.step(f"{speaker} is asked whether it is there, or given up"):
        while not isinstance(asked := speaker._next("a ping"), Ping | None):
            pass
    if asked:
        speaker.sends_bytes("the other half", frame[9:])
        listener.hears(speaker, text)


@task("5.5", role="server", points=1)
def test_the_server_answers_or_ignores_a_clients_ping(chat: Story) -> None:
    """And an unasked answer: neither is a reason to end."""
    chat.server()
    asking, listener = bare_people(chat, 2)
    asking.sends(Ping(), Pong(), Text("still here"))
    listener.hears(asking, "still here")


@task("5.5", role="client", points=2)
def test_a_client_answers_a_ping(chat: Story) -> None:
    """Each one, also while its person types nothing, and shows nothing of it."""
    sravya, server = chat.bare_server()
    for _ in range(3):
        server.sends(Ping())
        server.gets_next(Pong)
    server.says("somebody", "hello")
    sravya.sees("[somebody] hello")
    lines = [line for line in sravya.program.lines() if "ping" in line.lower() or "pong" in line.lower()]
    chat.agrees("it shows nothing of it", not lines, f"it shows {lines}")


@task("5.5", role="client", points=1, needs=("5.1",))
def test_a_client_says_that_it_knows_goodbye_and_ping(chat: Story) -> None:
    """In its hello: a server asks nobody who did not."""
    from tests.graded.party import NAME

    sravya, server = chat.bare_server_that_refuses("another one, please")
    sravya.answers(NAME, chat.drawn.name())
    hello = server.gets_next(Hello)
    chat.agrees("both are among its features", {"bye", "ping"} <= set(hello.features), f"they are {hello.features}")


@task("5.3", role="both", points=2, needs=("5.1", "5.2"))
def test_a_sender_killed_in_the_midst_of_a_file_harms_nobody(chat: Story) -> None:
    """`kill -9` while a large file is on its way: the others are told, and chat and send on."""
    server = chat.server()
    sravya, sanjay, meera = chat.join(), chat.join(), chat.join()
    name = sravya.has("large.zip", chat.drawn.content(20_000_000))
    sravya.types(f"!send {name}")
    server.sees(f"[{sravya}] !send {name}")
    sravya.vanishes()
    server.sees(f"[{sravya}] connection lost")
    sanjay.sees(f"{sravya} exited the chat")
    content = chat.drawn.content(1_000)
    sanjay.has("small.zip", content)
    sanjay.types("!send small.zip")
    sanjay.sees("File Successfully sent")
    meera.received_all(content)
    chat.everyone_talks()


@task("5.3", role="server", points=1)
def test_a_file_that_was_whole_outlives_its_sender(chat: Story) -> None:
    """What was stored can be fetched, also when the one who sent it has left."""
    chat.server()
    sender, receiver = bare_people(chat, 2)
    content = chat.drawn.content(50_000)
    sender.uploads(chat.drawn.content(16), "whole.zip", content)
    offer = receiver.gets(OfferFrom)
    sender.sends(Bye())
    receiver.gets_exactly(Left(sender.name))
    chat.agrees("it is as it was", receiver.downloads(offer) == content)
