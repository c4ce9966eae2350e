"""Frames, clients and threads as they are on the wire, where polite programs never go: stage 1."""

from __future__ import annotations

import json
import time

import pytest

from reference.protocol import MAX_TEXT, Hello, Refused, Text, TextFrom, Welcome, encode
from tests.graded.bare import BareClient, features, raw_frame
from tests.graded.machine import crowding, memory, threads
from tests.graded.report import Unmet
from tests.graded.story import Story

pytestmark = pytest.mark.stage(1)

task = pytest.mark.task


NO_LETTER = "\xff"  # as a byte by itself it is neither ASCII nor UTF-8


def two_bare(chat: Story) -> tuple[BareClient, BareClient]:
    """Two clients of bare frames who have joined."""
    first, second = chat.bare_client(), chat.bare_client()
    first.joins()
    second.joins()
    return first, second


def namesake_of(chat: Story, first: BareClient) -> BareClient:
    """Another one of the same name; of another name where the server lets nobody share one, as from stage 2 on."""
    second = chat.bare_client(first.name)
    second.sends(Hello(second.name, features(chat.setting.stage)))
    if isinstance(second.gets_any(Welcome, Refused), Refused):
        second.name = chat.drawn.name()
        second.joins()
    return second


# --- Frames -------------------------------------------------------------------------------------------------------


@task("1.1", role="server", points=2, needs=("1.3", "1.4"))
def test_frames_that_come_in_one_piece_are_frames_of_their_own(chat: Story) -> None:
    """Hello and ten texts in a single segment: the server finds each."""
    server = chat.server()
    listener, speaker = chat.bare_client(), chat.bare_client()
    listener.joins()
    texts = [chat.drawn.text() for _ in range(10)]
    speaker.sends(Hello(speaker.name), *map(Text, texts))
    for text in texts:
        listener.hears(speaker, text)
    server.sees(*(f"[{speaker}] {text}" for text in texts))


@task("1.1", role="client", points=2, needs=("1.6",))
def test_a_client_finds_each_of_many_frames_in_one_piece(chat: Story) -> None:
    """Ten texts in a single segment are ten lines."""
    sravya, server = chat.bare_server()
    name, texts = chat.drawn.name(), [chat.drawn.text() for _ in range(10)]
    server.sends(*(TextFrom(name, text) for text in texts))
    sravya.sees(*(f"[{name}] {text}" for text in texts))


@task("1.2", role="server", points=2, needs=("1.1", "1.3", "1.4"))
def test_a_server_that_receives_a_few_bytes_at_once_still_finds_every_frame(chat: Story) -> None:
    """Each recv ends in the midst of a length, of a word, of a letter of several bytes."""
    chat.makes_races_certain()
    server = chat.server()
    listener, speaker = two_bare(chat)
    for text in ("é€😀" * 20, chat.drawn.text(), "कि あ 🎉 " * 30):
        text = f"{text} {chat.drawn.between(1, 10**6)}"
        speaker.says(text)
        listener.hears(speaker, text)
        server.sees(f"[{speaker}] {text}")


@task("1.2", role="client", points=2, needs=("1.1", "1.6"))
@pytest.mark.stages("client")
def test_a_client_that_receives_a_few_bytes_at_once_still_finds_every_frame(chat: Story) -> None:
    """Each recv ends in the midst of a length, of a word, of a letter of several bytes."""
    chat.makes_races_certain()
    sravya, server = chat.bare_server()
    name = chat.drawn.name()
    for text in ("é€😀" * 20, chat.drawn.text(), "あ 🎉 " * 30):
        text = f"{text} {chat.drawn.between(1, 10**6)}"
        server.says(name, text)
        sravya.sees(f"[{name}] {text}")


@task("1.2", role="server", points=1, needs=("1.1",))
def test_a_stream_that_ends_in_the_midst_of_a_frame_is_at_its_end(chat: Story) -> None:
    """The server waits for no more of it, and ends its own side."""
    chat.server()
    half = chat.bare_client()
    half.joins()
    half.sends_bytes("half a text", encode(Text("never to end"))[:12])
    half.says_no_more()
    half.is_hung_up_on()


@task("1.1", role="server", points=1, needs=("1.2", "1.3", "1.4"))
@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_a_text_of_4096_bytes_passes(chat: Story, letter: str) -> None:
    """The longest there may be, of whatever letters."""
    chat.server()
    listener, speaker = two_bare(chat)
    text = letter * (MAX_TEXT // len(letter.encode()))
    speaker.says(text)
    listener.hears(speaker, text)


@task("1.1", role="client", points=1, needs=("1.2", "1.6"))
def test_a_client_shows_a_text_of_4096_bytes(chat: Story) -> None:
    """All of it, as one line."""
    sravya, server = chat.bare_server()
    name = chat.drawn.name()
    text = "".join(chat.drawn.pick(*"abcdefghij é") for _ in range(3_500)).strip() + "!"
    server.says(name, text)
    sravya.sees(f"[{name}] {text}")


@task("1.1", role="server", points=1, needs=("1.3", "1.4"))
@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("a length of nothing", b"\0\0\0\0T"),
        ("a length of two megabytes", b"\0\x20\0\0T"),
        ("a length of two gigabytes", b"\x80\0\0\0T"),
        ("a length of four gigabytes", b"\xff\xff\xff\xffT"),
        ("a frame that is not JSON", raw_frame("T", b"hello")),
        ("a frame that is not UTF-8", raw_frame("T", b'{"text": "\xff\xfe"}')),
        ("a frame that is no object", raw_frame("T", b'["hello"]')),
        ("a text without text", raw_frame("T", b"{}")),
        ("a text that is a number", raw_frame("T", b'{"text": 5}')),
        ("a text of 4,097 bytes", raw_frame("T", b'{"text": "%s"}' % (b"x" * 4097))),
        ("half a character", raw_frame("T", b'{"text": "\\ud800"}')),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_breaks_the_rules_is_hung_up_on_and_nobody_else(chat: Story, what: str, data: bytes) -> None:
    """The reason first, then the end, without waiting for more; the others chat on."""
    chat.server()
    listener, speaker = two_bare(chat)
    rude = chat.bare_client()
    rude.joins()
    rude.sends_bytes(what, data)
    rude.gets(Refused)
    rude.is_hung_up_on()
    hello = chat.drawn.text()
    speaker.says(hello)
    listener.hears(speaker, hello)
    chat.agrees(f"nothing came of {what}", all(frame.sender != str(rude) for frame in listener.got(TextFrom)))  # type: ignore[union-attr]


@task("1.1", role="server", points=1, needs=("1.3", "1.4"))
def test_the_first_frame_must_be_hello(chat: Story) -> None:
    """Who talks before that is told why and hung up on, and nobody hears it."""
    chat.server()
    listener, speaker = two_bare(chat)
    early = chat.bare_client()
    early.says(chat.drawn.text())
    early.gets_next(Refused)
    early.is_hung_up_on()
    hello = chat.drawn.text()
    speaker.says(hello)
    listener.hears(speaker, hello)
    chat.agrees("nobody else was heard", len(listener.got(TextFrom)) == 1)


@task("1.1", role="server", points=1, needs=("1.3", "1.4"))
def test_the_server_ignores_what_it_does_not_know(chat: Story) -> None:
    """A newer client's frames and fields are no reason to end: what one knows still counts."""
    chat.server()
    listener, speaker = chat.bare_client(), chat.bare_client()
    listener.joins()
    hello = b'{"name": "%s", "features": ["time-travel"], "age": 7}' % speaker.name.encode()
    speaker.sends_bytes("a hello with more than we know", raw_frame("H", hello))
    speaker.gets_next(Welcome)
    speaker.sends_bytes("a frame of an unknown type", raw_frame("Z", b'{"a": [1, 2]}'))
    text = chat.drawn.pick("a", "b") + str(chat.drawn.between(1, 10**6))
    speaker.sends_bytes("a text with more than we know", raw_frame("T", b'{"mood": 1, "text": "%s"}' % text.encode()))
    listener.hears(speaker, text)


@task("1.1", role="client", points=1, needs=("1.6",))
def test_a_client_ignores_what_it_does_not_know(chat: Story) -> None:
    """A newer server's frames and fields are no reason to end."""
    sravya, server = chat.bare_server()
    name, text = chat.drawn.name(), f"hello {chat.drawn.between(1, 10**6)}"
    server.sends_bytes("a frame of an unknown type", raw_frame("Z", b'{"a": [1, 2]}'))
    body = b'{"from": "%s", "text": "%s", "mood": 1}' % (name.encode(), text.encode())
    server.sends_bytes("a text with more than we know", raw_frame("T", body))
    sravya.sees(f"[{name}] {text}")


@task("1.1", role="server", points=1, needs=("1.3", "1.4"))
def test_the_server_ignores_a_kind_that_is_no_letter(chat: Story) -> None:
    """As any kind that it does not know: what comes after it still counts."""
    chat.server()
    listener, speaker = two_bare(chat)
    speaker.sends_bytes("a frame of kind 0xff", raw_frame(NO_LETTER, b"{}"))
    text = chat.drawn.text()
    speaker.says(text)
    listener.hears(speaker, text)


@task("1.1", role="client", points=1, needs=("1.6",))
def test_a_client_ignores_a_kind_that_is_no_letter(chat: Story) -> None:
    """As any kind that it does not know: what comes after it is shown."""
    sravya, server = chat.bare_server()
    server.sends_bytes("a frame of kind 0xff", raw_frame(NO_LETTER, b"{}"))
    name, text = chat.drawn.name(), chat.drawn.text()
    server.says(name, text)
    sravya.sees(f"[{name}] {text}")


# --- A thread per client ------------------------------------------------------------------------------------------


@task("1.3", role="server", points=3, needs=("1.1",))
@pytest.mark.direct
def test_architecture_the_servers_threads_come_and_go_with_its_clients(chat: Story) -> None:
    """One thread more for each client, from connecting to the end of the connection."""
    server = chat.server()
    count = 6
    before = threads(server.program.own_pid)

    def now() -> int:
        return threads(server.program.own_pid)

    people = [chat.bare_client() for _ in range(count)]
    for person in people[: count // 2]:
        person.joins()
    chat.comes_true(
        f"the server has {count} threads more with {count} clients", lambda: now() >= before + count,
        lambda: f"it had {before} before, and has {now()}",
    )  # fmt: skip
    for number, person in enumerate(people):
        person.goes() if number % 2 else person.vanishes()
    chat.comes_true(
        "the server has its threads of before, now that they are gone", lambda: now() <= before + 1,
        lambda: f"it had {before} before, and has {now()}",
    )  # fmt: skip


@task("1.3", role="server", points=2, needs=("1.1", "1.4"))
def test_who_connects_and_says_nothing_keeps_nobody_out(chat: Story) -> None:
    """Not before the others join, and not between them."""
    chat.server()
    chat.bare_client()
    listener = chat.bare_client()
    listener.joins()
    half = chat.bare_client()
    half.sends_bytes("half a hello", encode(Hello(half.name))[:9])
    speaker = chat.bare_client()
    speaker.joins()
    hello = chat.drawn.text()
    speaker.says(hello)
    listener.hears(speaker, hello)


@task("1.3", role="server", points=2, needs=("1.1", "1.2", "1.4"))
@pytest.mark.direct
def test_twenty_clients_hear_each_other(chat: Story) -> None:
    """What each says reaches all the others once, and in one person's order."""
    server = chat.server()
    people = []
    for _ in range(20):
        people.append(chat.bare_client())
        people[-1].joins()  # before the next one connects: a server may refuse when so many are in
    said = {str(person): [chat.drawn.text() for _ in range(3)] for person in people}
    for turn in range(3):
        for person in people:
            person.says(said[str(person)][turn])
    for person in people:
        for speaker in people:
            if speaker is not person:
                last = said[str(speaker)][-1]
                if TextFrom(str(speaker), last) not in person.sees:
                    person.hears(speaker, last)
        with chat.step(f"{person} heard each of the others three times, in order"):
            for speaker in people:
                heard = [frame.text for frame in person.got(TextFrom) if frame.sender == str(speaker)]  # type: ignore[union-attr]
                expected = [] if speaker is person else said[str(speaker)]
                chat.agrees(f"{person} heard {speaker}", heard == expected, f"{heard} instead of {expected}")
    server.sees_all(f"[{person}] {text}" for person in people for text in said[str(person)])


# --- To all the others --------------------------------------------------------------------------------------------


@task("1.4", role="server", points=3, needs=("1.1", "1.2", "1.3"))
@pytest.mark.direct
def test_no_frame_is_torn_when_several_talk_at_once(chat: Story) -> None:
    """Two threads that write to one socket at the same time mix their frames, unless a lock keeps them apart."""
    chat.makes_races_certain()
    chat.server()
    listener = chat.bare_client()
    listener.joins()
    speakers = [chat.bare_client() for _ in range(3)]
    for speaker in speakers:
        speaker.joins()
    texts = {speaker: [f"{number} {chat.drawn.text()}" for number in range(15)] for speaker in speakers}
    for speaker in speakers:
        speaker.sends(*map(Text, texts[speaker]))
    with chat.step(f"{listener} hears all of it, each person's in order"):
        for _ in range(15 * len(speakers)):
            listener.gets(TextFrom)
        for speaker in speakers:
            heard = [frame.text for frame in listener.got(TextFrom) if frame.sender == str(speaker)]  # type: ignore[union-attr]
            chat.agrees("in order", heard == texts[speaker], f"of {speaker} it heard {heard}")


@task("1.4", role="server", points=2, needs=("1.1", "1.2", "1.3", "1.5"))
@pytest.mark.direct
def test_who_does_not_read_keeps_nobody_out_and_once_gone_holds_up_nobody(chat: Story) -> None:
    """A stuck laptop may delay a text, but not close the door; when it goes, everyone else gets what was said."""
    chat.server()
    leaver, stuck, listener, speaker = (chat.bare_client(receive_buffer=4096 * (n == 1)) for n in range(4))
    for person in (leaver, stuck, listener, speaker):
        person.joins()
    said = until_it_stalls(chat, speaker, listener)
    leaver.goes()
    newcomer = chat.bare_client()
    newcomer.joins()
    stuck.vanishes()
    last = chat.drawn.text()
    speaker.says(last)
    listener.hears(speaker, last)
    heard = [frame.text for frame in listener.got(TextFrom) if frame.sender == str(speaker)]  # type: ignore[union-attr]
    chat.agrees(
        f"{listener} heard all that {speaker} said", heard == [*said, last], f"{len(heard)} of {len(said) + 1} texts"
    )


def until_it_stalls(chat: Story, speaker: BareClient, listener: BareClient) -> list[str]:
    """Say long texts until one does not come through, because somebody does not read; but no more than 6 MB.

    A server that reads slowly from who says so much at once has shown within some seconds what it has to show; on a
    busy machine it takes longer.
    """
    said: list[str] = []
    enough = time.monotonic() + 5 * max(1.0, crowding())
    with chat.step(f"{speaker} says long texts until {listener} hears no more of them"):
        listener.sock.settimeout(chat.patience / 5)  # a busy server takes a second, and is not stuck
        try:
            while len(said) < 1_500 and time.monotonic() < enough:
                said.append(f"{len(said)} " + "x" * 4_000)
                speaker._send(encode(Text(said[-1])))
                while listener.sees[-1:] != [TextFrom(str(speaker), said[-1])]:
                    if listener._next("") is None:
                        return said
        except Unmet:
            pass  # somebody holds it up
        finally:
            listener.sock.settimeout(chat.patience)
    return said


@task("1.4", role="server", points=1, needs=("1.1", "1.3"))
def test_who_speaks_hears_no_echo_and_is_not_confused_with_a_namesake_in_brackets(chat: Story) -> None:
    """The speaker gets nothing back; the others get the sender's name in a field of its own."""
    chat.server()
    listener, speaker = two_bare(chat)
    text = f"[{listener}] {chat.drawn.text()}"
    speaker.says(text)
    listener.hears(speaker, text)
    answer = chat.drawn.text()
    listener.says(answer)
    speaker.hears(listener, answer)
    chat.agrees("that was all it heard", len(speaker.got(TextFrom)) == 1, f"it heard {speaker.got(TextFrom)}")


@task("1.4", role="server", points=1, needs=("1.1", "1.3"))
def test_two_of_one_name_hear_each_other(chat: Story) -> None:
    """A name says who speaks, not which connection it is: that is no reason to leave somebody out."""
    chat.server()
    first = chat.bare_client()
    first.joins()
    second = namesake_of(chat, first)
    hello, answer = chat.drawn.text(), chat.drawn.text()
    second.says(hello)
    first.hears(second, hello)
    first.says(answer)
    second.hears(first, answer)


@task("1.4", role="server", points=1, needs=("1.1", "1.3"))
def test_nobody_speaks_in_somebody_elses_name(chat: Story) -> None:
    """Whoever says in the frame whom it is from is still heard as who they are."""
    server = chat.server()
    listener, speaker = two_bare(chat)
    text = chat.drawn.text()
    body = json.dumps({"from": str(listener), "text": text}).encode()
    speaker.sends_bytes(f"a text that says it is from {listener}", raw_frame("T", body))
    listener.hears(speaker, text)
    server.sees(f"[{speaker}] {text}")


# --- Gone ---------------------------------------------------------------------------------------------------------


@task("1.5", role="server", points=2, needs=("1.1", "1.3"))
@pytest.mark.direct
def test_who_has_gone_is_forgotten(chat: Story) -> None:
    """The server's memory does not grow with everyone who ever came."""
    server = chat.server()
    hello = tuple(f"feature {number}" for number in range(1_500))  # a tenth of a megabyte, once it is unpacked

    def come_and_go(times: int) -> None:
        with chat.step(f"{times} people come and go, one after the other"):
            for number in range(times):
                guest = chat.bare_client(chat.drawn.name())
                guest.joins(hello)
                guest.vanishes() if number % 2 else guest.goes()

    come_and_go(120)  # before that, a program that leaves circles of objects to the collector still takes more
    before = memory(server.program.own_pid)
    come_and_go(250)
    limit = 7_000_000

    def grown() -> int:
        return memory(server.program.own_pid) - before

    chat.comes_true(
        "the server needs little more memory than before", lambda: grown() < limit, lambda: f"{grown():,} bytes more"
    )


@task("1.5", role="server", points=2, needs=("1.1", "1.3", "1.4"))
@pytest.mark.parametrize("how", ["resets", "closes", "stops in the midst of a frame"])
def test_one_whose_connection_breaks_harms_nobody(chat: Story, how: str) -> None:
    """However it ends, and also when others are just talking to it."""
    server = chat.server()
    listener, lost, speaker = (chat.bare_client() for _ in range(3))
    for person in (listener, lost, speaker):
        person.joins()
    if how == "resets":
        lost.vanishes()
    elif how == "closes":
        lost.goes()
    else:
        lost.sends_bytes("half a text", encode(Text("never to end"))[:12])
        lost.goes()
    texts = [chat.drawn.text() for _ in range(20)]
    for text in texts:
        speaker.says(text)
    for text in texts:
        listener.hears(speaker, text)
    newcomer = chat.bare_client()
    newcomer.joins()
    newcomer.says(texts[0])
    listener.hears(newcomer, texts[0])
    chat.agrees("the server shows no traceback", not any("Traceback" in line for line in server.program.lines()))


@task("1.5", role="server", points=1, needs=("1.1", "1.3", "1.4"))
def test_when_one_of_two_of_one_name_goes_the_other_stays(chat: Story) -> None:
    """Only the connection that has ended is forgotten."""
    chat.server()
    first, speaker = two_bare(chat)
    second = namesake_of(chat, first)
    second.says_no_more()
    second.is_hung_up_on()
    hello = chat.drawn.text()
    speaker.says(hello)
    first.hears(speaker, hello)


# --- The client's two threads -------------------------------------------------------------------------------------


@task("1.6", role="client", points=2, needs=("1.1",))
def test_a_client_shows_what_comes_while_its_person_types_nothing(chat: Story) -> None:
    """One thread listens to the server, one to the keyboard: neither waits for the other."""
    sravya, server = chat.bare_server()
    name = chat.drawn.name()
    for _ in range(3):
        text = chat.drawn.text()
        server.says(name, text)
        sravya.sees(f"[{name}] {text}")
    mine = chat.drawn.text()
    sravya.types(mine)
    server.gets_exactly(Text(mine))


@task("1.6", role="client", points=1, needs=("1.1",))
def test_an_empty_line_is_not_sent(chat: Story) -> None:
    """Nor one of blanks: nobody wants to read nothing."""
    sravya, server = chat.bare_server()
    for line in ("", "   "):
        sravya.types(line)
    text = chat.drawn.text()
    sravya.types(text)
    got = server.gets_next(Text)
    chat.agrees(f"the first text is {text!r}", got.text == text, f"it is {got.text!r}")


@task("1.6", role="client", points=1, needs=("1.1",))
def test_nothing_received_is_obeyed(chat: Story) -> None:
    """Neither by the terminal (escapes) nor by the client, and no text can forge another line."""
    sravya, server = chat.bare_server()
    name, forged = chat.drawn.name(), f"[somebody] {chat.drawn.text()}"
    server.says(name, f"\x1b[2J\x1b[H\x07clear\r{forged}")
    server.says(name, f"first\n{forged}")
    for text in ("!q", "!DISCONNECT", "[x] y", "yes"):
        server.says(name, text)
        sravya.sees(f"[{name}] {text}")
    lines = sravya.program.lines()
    chat.agrees("no line is forged", not any(line.startswith(forged) for line in lines), f"the lines are {lines}")
    mine = chat.drawn.text()
    sravya.types(mine)
    server.gets_exactly(Text(mine))


@task("1.6", role="client", points=1, needs=("1.1",))
@pytest.mark.parametrize("key", ["Ctrl-C", "Ctrl-D"])
def test_a_key_ends_a_client_without_a_traceback(chat: Story, key: str) -> None:
    """Exit status 0; the server sees the connection end."""
    sravya, server = chat.bare_server()
    mine = chat.drawn.text()
    sravya.types(mine)
    server.gets_exactly(Text(mine))
    sravya.presses(key)
    server.is_hung_up_on()
    sravya.ends(0)
    chat.agrees("no traceback is shown", not any("Traceback" in line for line in sravya.program.lines()))


@task("1.6", role="client", points=1, needs=("1.1",))
def test_a_client_ends_when_the_server_has_ended(chat: Story) -> None:
    """The thread that listens notices; it ends the whole program, although the other one waits for a line."""
    sravya, server = chat.bare_server(can=())
    server.goes()
    sravya.sees("The server has closed the chat")
    sravya.ends(0)


@task("1.6", role="client", points=1, needs=("1.1",))
def test_a_refused_name_is_asked_again_on_the_same_connection(chat: Story) -> None:
    """With the server's reason before the question."""
    from tests.graded.party import NAME

    sravya, server = chat.bare_server_that_refuses("this name is taken by a reason of our own")
    sravya.sees("this name is taken by a reason of our own")
    other = chat.drawn.name()
    sravya.answers(NAME, other)
    hello = server.gets_next(Hello)
    chat.agrees(f"it says hello as {other!r}", hello.name == other, f"as {hello.name!r}")
