"""Files on the wire: pulled piece by piece, stored whole, passed on, and never trusted. Stage 3."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import pytest

from reference.protocol import (
    MAX_CHUNK,
    Abort,
    Data,
    End,
    Get,
    Hello,
    Offer,
    OfferFrom,
    Refused,
    Stored,
    Text,
    TextFrom,
)
from tests.graded.bare import CHUNK, BareClient, piece, raw_frame
from tests.graded.story import Story

pytestmark = pytest.mark.stage(3)

task = pytest.mark.task


def sender_and_receiver(chat: Story) -> tuple[BareClient, BareClient]:
    """Two clients of bare frames who have joined."""
    sender, receiver = chat.bare_client(), chat.bare_client()
    sender.joins()
    receiver.joins()
    return sender, receiver


def new_id(chat: Story) -> bytes:
    """16 bytes that no other file of the story has."""
    return chat.drawn.content(16)


# --- The server stores what it asks for ---------------------------------------------------------------------------


@task("3.3", role="server", points=3, needs=("3.1",))
def test_the_server_asks_for_piece_after_piece(chat: Story) -> None:
    """From the beginning, no more than 256 KiB, and each time from where it stands; at the end it says stored."""
    server = chat.server()
    sender, _ = sender_and_receiver(chat)
    content, file_id, name = chat.drawn.content(3 * CHUNK + 77), new_id(chat), chat.drawn.file_name()
    sender.sends(Offer(file_id, name, len(content)))
    at = 0
    while at < len(content):
        get = sender.gets(Get)
        chat.agrees(
            f"it asks for 1 to {MAX_CHUNK} bytes from {at}",
            (get.id, get.offset) == (file_id, at) and 1 <= get.size <= MAX_CHUNK,
            f"it asks for {get.size} from {get.offset}",
        )
        sender.sends(piece(get, content))
        at += get.size
    sender.answers_get(file_id, content)
    sender.gets_exactly(Stored(file_id))
    server.sees(f"[{sender}] !send {name}", f"Received {name} ({len(content)} bytes)")


@task("3.3", role="server", points=2, needs=("3.1", "3.4"))
@pytest.mark.stages("server")
def test_nobody_hears_of_a_file_before_it_is_whole(chat: Story) -> None:
    """And a text goes between its pieces."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    content, file_id, name = chat.drawn.content(2 * CHUNK), new_id(chat), chat.drawn.file_name()
    sender.sends(Offer(file_id, name, len(content)))
    sender.answers_get(file_id, content)
    between = chat.drawn.text()
    sender.says(between)
    receiver.hears(sender, between)
    chat.agrees("no offer has come", not receiver.got(OfferFrom))
    while sender.answers_get(file_id, content).offset < len(content):
        pass
    sender.gets_exactly(Stored(file_id))
    offer = receiver.gets(OfferFrom)
    chat.agrees("the offer is as it was", (offer.sender, offer.name) == (str(sender), name), f"it is {offer}")
    chat.agrees("the file is as it was", receiver.downloads(offer) == content)


@task("3.3", role="server", points=2, needs=("3.1",))
@pytest.mark.stages("server")
def test_a_file_with_a_wrong_hash_is_called_off(chat: Story) -> None:
    """Nobody hears of it, and its sender chats on."""
    server = chat.server()
    sender, receiver = sender_and_receiver(chat)
    content, file_id = chat.drawn.content(100), new_id(chat)
    sender.sends(Offer(file_id, chat.drawn.file_name(), len(content)))
    while (get := sender.gets(Get)).offset < len(content):
        sender.sends(piece(get, content))
    sender.sends(End(file_id, hashlib.sha256(b"something else").digest()))
    sender.gets(Abort, lambda abort: abort.id == file_id)
    hello = chat.drawn.text()
    sender.says(hello)
    receiver.hears(sender, hello)
    chat.agrees("nobody was offered it", not receiver.got(OfferFrom))
    received = [line for line in server.shown() if line.startswith("Received")]
    chat.agrees("the server does not say it received it", not received, f"it says {received}")


@task("3.3", role="server", points=1, needs=("3.1",))
def test_a_file_that_ends_too_early_is_called_off(chat: Story) -> None:
    """Its hash may be right for what came: it is not the file that was offered."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    content, file_id = chat.drawn.content(MAX_CHUNK + 100), new_id(chat)
    sender.sends(Offer(file_id, chat.drawn.file_name(), len(content)))
    half = piece(sender.answers_get(file_id, content), content)
    assert isinstance(half, Data)  # no get asks for all of it
    sender.gets(Get)
    sender.sends(End(file_id, hashlib.sha256(half.data).digest()))
    answer = sender.gets_any(Abort, Refused, Stored)
    chat.agrees("it is called off, or its sender refused", not isinstance(answer, Stored), "the server has stored it")
    speaker = chat.bare_client()
    speaker.joins()
    speaker.says("go on")
    receiver.hears(speaker, "go on")
    if receiver.got(OfferFrom) and not receiver.got(Abort):  # it may be offered before it is whole
        receiver.gets(Abort, lambda abort: abort.id == file_id)


@task("3.3", role="server", points=1, needs=("3.1",))
@pytest.mark.parametrize(
    ("what", "offset", "size"),
    [("from the middle", 10, 10), ("more than the file has", 0, 200)],
    ids=["middle", "more"],
)
@pytest.mark.stages("server")
def test_a_piece_that_nobody_asked_for_is_not_taken(chat: Story, what: str, offset: int, size: int) -> None:
    """Its sender is hung up on, or told that the file is off; the others chat on, and are offered nothing."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    file_id = new_id(chat)
    sender.sends(Offer(file_id, chat.drawn.file_name(), 100))
    sender.gets(Get)
    sender.sends(Data(file_id, offset, chat.drawn.content(size)))
    sender.gets_any(Abort, Refused)
    speaker = chat.bare_client()
    speaker.joins()
    speaker.says("go on")
    receiver.hears(speaker, "go on")
    chat.agrees("nobody was offered it", not receiver.got(OfferFrom))


@task("3.3", role="server", points=2, needs=("3.1", "3.4"))
@pytest.mark.stages("server")
def test_an_id_in_use_is_refused_and_nobody_else_can_fill_or_end_the_file(chat: Story) -> None:
    """Whoever offered it first sends it; what another sends under its id does not get into it."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    thief = chat.bare_client()
    thief.joins()
    content, file_id, name = chat.drawn.content(CHUNK + 5), new_id(chat), chat.drawn.file_name()
    sender.sends(Offer(file_id, name, len(content)))
    get = sender.gets(Get)
    thief.sends(Offer(file_id, "mine.txt", 10))
    thief.gets(Abort, lambda abort: abort.id == file_id)
    thief.sends(Data(file_id, get.offset, b"x" * 10), End(file_id, bytes(32)), Abort(file_id, "mine"), Text("done"))
    receiver.hears(thief, "done")
    sender.sends(piece(get, content))
    while sender.answers_get(file_id, content).offset < len(content):
        pass
    sender.gets_exactly(Stored(file_id))
    offer = receiver.gets(OfferFrom)
    chat.agrees(f"the file is called {name}", offer.name == name, f"it is called {offer.name}")
    chat.agrees("the file is as it was", receiver.downloads(offer) == content)


@task("3.3", role="server", points=1, needs=("3.1",))
def test_a_file_larger_than_any_disk_is_called_off_at_once(chat: Story) -> None:
    """With a reason; the chat goes on."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    file_id = new_id(chat)
    sender.sends(Offer(file_id, "everything.zip", 2**50))
    abort = sender.gets(Abort)
    chat.agrees("there is a reason", abort.id == file_id and bool(abort.reason.strip()))
    hello = chat.drawn.text()
    sender.says(hello)
    receiver.hears(sender, hello)


@task("3.3", role="server", points=2, needs=("3.1", "3.4"))
@pytest.mark.parametrize("how", ["goes", "vanishes"])
@pytest.mark.stages("server")
def test_a_sender_that_dies_in_the_midst_of_a_file_harms_nobody(chat: Story, how: str) -> None:
    """Nobody is offered half a file; other files and texts go on."""
    server = chat.server()
    sender, receiver = sender_and_receiver(chat)
    other = chat.bare_client()
    other.joins()
    content, name = chat.drawn.content(3 * CHUNK), chat.drawn.file_name()
    half, whole = new_id(chat), new_id(chat)
    sender.sends(Offer(half, name, len(content)))
    sender.answers_get(half, content)
    sender.gets(Get)
    sender.goes() if how == "goes" else sender.vanishes()
    other.uploads(whole, name, content)
    offer = receiver.gets(OfferFrom)
    chat.agrees("the whole file is offered", (offer.id, offer.sender) == (whole, str(other)), f"{offer}")
    chat.agrees("it is as it was", receiver.downloads(offer) == content)
    chat.agrees("the server shows no traceback", not any("Traceback" in line for line in server.program.lines()))


@task("3.3", role="server", points=1, needs=("3.1",))
def test_a_sender_that_does_not_answer_holds_up_nobody(chat: Story) -> None:
    """The server asks it, and goes on with the others and with what else this one says."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    sender.sends(Offer(new_id(chat), chat.drawn.file_name(), 10_000))
    sender.gets(Get)
    hello, answer = chat.drawn.text(), chat.drawn.text()
    receiver.says(hello)
    sender.hears(receiver, hello)
    sender.says(answer)
    receiver.hears(sender, answer)


@task("3.3", role="server", points=1, needs=("3.1", "3.4"))
@pytest.mark.stages("server")
def test_a_file_called_off_by_its_sender_is_offered_to_nobody(chat: Story) -> None:
    """The next one is."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    first, second, content = new_id(chat), new_id(chat), chat.drawn.content(500)
    sender.sends(Offer(first, "first.txt", 100_000))
    sender.gets(Get)
    sender.sends(Abort(first, "I have thought better of it"))
    sender.uploads(second, "second.txt", content)
    offer = receiver.gets(OfferFrom)
    chat.agrees("it is the second", offer.id == second, f"it is {offer.name}")
    chat.agrees("it is as it was", receiver.downloads(offer) == content)


@task("3.3", role="server", points=1, needs=("3.1", "3.4"))
@pytest.mark.stages("server")
def test_a_file_that_is_not_whole_is_handed_to_nobody(chat: Story) -> None:
    """Who asks for bytes that have not come is told so, or waits for them, and gets all of it later."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    witness = chat.bare_client()
    witness.joins()
    content, file_id = chat.drawn.content(CHUNK + 5), new_id(chat)
    sender.sends(Offer(file_id, chat.drawn.file_name(), len(content)))
    sender.answers_get(file_id, content)
    get = sender.gets(Get)
    rest = Get(file_id, CHUNK, 5)
    receiver.sends(rest, Text("I have asked"))
    witness.hears(receiver, "I have asked")  # so the question has been read, too
    sender.sends(piece(get, content))
    while get.offset < len(content):
        get = sender.answers_get(file_id, content)
    sender.gets_exactly(Stored(file_id))
    answer = receiver.gets_any(Abort, Data, End)  # a server that offers it sooner answers when the bytes have come
    right = isinstance(answer, Abort) or answer == piece(rest, content)
    chat.agrees("it is told that the server does not have them, or gets them", right, f"it got {answer}")
    sooner = [frame for frame in receiver.sees if isinstance(frame, OfferFrom)]
    offer = sooner[0] if sooner else receiver.gets(OfferFrom)
    chat.agrees("the file is as it was", receiver.downloads(offer) == content)


# --- The server passes on -----------------------------------------------------------------------------------------


@task("3.4", role="server", points=2, needs=("3.1", "3.3"))
def test_any_piece_can_be_asked_for_at_any_time(chat: Story) -> None:
    """The server answers with just these bytes: so a receiver may go back, or go on where it was."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    content, file_id = chat.drawn.content(50_000), new_id(chat)
    sender.uploads(file_id, chat.drawn.file_name(), content)
    receiver.gets(OfferFrom)
    for offset, size in [(0, 10), (49_990, 100), (20_000, 1), (5, CHUNK), (49_999, MAX_CHUNK)]:
        data = receiver.asks(file_id, offset, size)
        chat.agrees(f"these are the bytes from {offset}", data == content[offset : offset + len(data)] and data != b"")
    receiver.sends(Get(file_id, len(content), 10))
    end = receiver.gets(End)
    chat.agrees("the hash is right", end.sha256 == hashlib.sha256(content).digest())


@task("3.4", role="server", points=1, needs=("3.1", "3.3"))
@pytest.mark.direct
def test_no_piece_is_larger_than_a_piece_may_be(chat: Story) -> None:
    """Whoever asks for more gets less, or is refused: nobody has to hold a whole film in memory."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    size = 2 * MAX_CHUNK
    sender.uploads(new_id(chat), chat.drawn.file_name(), chat.drawn.content(size))
    offer = receiver.gets(OfferFrom)
    question = {"id": offer.id.hex(), "offset": 0, "size": size}
    receiver.sends_bytes(f"a question for {size} bytes", raw_frame("G", json.dumps(question).encode()))
    receiver.gets_any(Data, Refused, Abort)  # a larger piece than may be is no frame for it


@task("3.4", role="server", points=2, needs=("3.1", "3.3"))
@pytest.mark.direct
def test_several_who_fetch_one_file_at_once_all_get_it(chat: Story) -> None:
    """Their threads read the same stored file: nobody may move it under another's hands."""
    chat.makes_races_certain()
    chat.server()
    sender = chat.bare_client()
    sender.joins()
    receivers = [chat.bare_client() for _ in range(4)]
    for receiver in receivers:
        receiver.joins()
    content, file_id = chat.drawn.content(4_000), new_id(chat)
    sender.uploads(file_id, chat.drawn.file_name(), content)
    for receiver in receivers:
        receiver.gets(OfferFrom)
    # Each asks for all pieces at once, in an order of its own.
    offsets = [list(range(0, 4_000, 50)) for _ in receivers]
    for number, receiver in enumerate(receivers):
        offsets[number] = offsets[number][number * 20 :] + offsets[number][: number * 20]
        receiver.sends(*(Get(file_id, offset, 50) for offset in offsets[number]))
    for receiver in receivers:
        with chat.step(f"{receiver} gets each piece as it is"):
            for _ in offsets[0]:
                data = receiver.gets(Data)
                right = content[data.offset : data.offset + len(data.data)]
                chat.agrees(f"the piece from {data.offset} is right", data.data == right, "it has other bytes")


@task("3.4", role="server", points=1, needs=("3.1", "3.3"))
def test_nobody_offers_a_file_in_somebody_elses_name(chat: Story) -> None:
    """Whoever says in the offer whom it is from is still shown as who they are."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    content, file_id, name = chat.drawn.content(10), new_id(chat), chat.drawn.file_name()
    offer = {"from": str(receiver), "id": file_id.hex(), "name": name, "size": len(content)}
    sender.sends_bytes(f"an offer that says it is from {receiver}", raw_frame("O", json.dumps(offer).encode()))
    while sender.answers_get(file_id, content).offset < len(content):
        pass
    sender.gets_exactly(Stored(file_id))
    told = receiver.gets(OfferFrom)
    chat.agrees(f"it is from {sender}", told.sender == str(sender), f"it is from {told.sender}")


@task("3.4", role="server", points=1, needs=("3.1", "3.3"))
def test_a_file_that_the_server_does_not_have_is_called_off(chat: Story) -> None:
    """Whoever asks for it is told, and chats on."""
    chat.server()
    asking, listener = sender_and_receiver(chat)
    file_id = new_id(chat)
    asking.sends(Get(file_id, 0, 100))
    asking.gets(Abort, lambda abort: abort.id == file_id)
    asking.says("never mind")
    listener.hears(asking, "never mind")


@task("3.4", role="server", points=1, needs=("3.1", "3.3"))
def test_only_who_takes_files_is_offered_one(chat: Story) -> None:
    """Not the sender, and not a client that did not name files."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    old = chat.bare_client()
    old.joins(can=("roster",))
    sender.uploads(new_id(chat), chat.drawn.file_name(), chat.drawn.content(10))
    receiver.gets(OfferFrom)
    receiver.says("thanks")
    for person in (sender, old):
        person.hears(receiver, "thanks")
        chat.agrees(f"{person} was offered nothing", not person.got(OfferFrom), f"{person.got(OfferFrom)}")


@task("3.4", role="server", points=1, needs=("3.1", "3.3"))
def test_who_does_not_fetch_a_file_holds_up_nobody(chat: Story) -> None:
    """A receiver that asks for nothing gets nothing; the other has the file, and all chat on."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    idle = chat.bare_client()
    idle.joins()
    content = chat.drawn.content(200_000)
    sender.uploads(new_id(chat), chat.drawn.file_name(), content)
    chat.agrees("the file is as it was", receiver.downloads(receiver.gets(OfferFrom)) == content)
    receiver.says("thanks")
    idle.hears(receiver, "thanks")
    chat.agrees("nothing was pushed", not idle.got(Data), f"it got {len(idle.got(Data))} pieces")


@task("3.4", role="both", points=2, needs=("3.1", "3.2", "3.3", "3.5", "3.6"))
def test_two_files_of_the_same_name_at_once_both_arrive(chat: Story) -> None:
    """From two senders: each receiver has both, under two names."""
    chat.server()
    sravya, sanjay, meera = chat.join(), chat.join(), chat.join()
    name = chat.drawn.file_name()
    first, second = chat.drawn.content(150_000), chat.drawn.content(150_000)
    sravya.has(name, first)
    sanjay.has(name, second)
    sravya.types(f"!send {name}")
    sanjay.types(f"!send {name}")
    sravya.sees("File Successfully sent")
    sanjay.sees("File Successfully sent")
    sravya.received(second)
    sanjay.received(first)
    meera.received_all(first, second)


@task("3.4", role="both", points=3, needs=("3.1", "3.2", "3.3", "3.5"))
@pytest.mark.direct
def test_thirty_megabytes_pass_while_others_chat(chat: Story) -> None:
    """Everyone who takes it has it whole, and no text is lost, late or torn meanwhile."""
    chat.server()
    sravya, sanjay, meera = chat.join(), chat.join(), chat.join()
    content = chat.drawn.content(30_000_000)
    name = sravya.has(chat.drawn.file_name(), content)
    sravya.types(f"!send {name}")
    for _ in range(5):
        hello, answer = chat.drawn.text(), chat.drawn.text()
        sanjay.types(hello)
        meera.sees(f"[{sanjay}] {hello}")
        sravya.types(answer)
        sanjay.sees(f"[{sravya}] {answer}")
    sravya.sees("File Successfully sent")
    sanjay.received(content)
    meera.received(content)


# --- The client sends ---------------------------------------------------------------------------------------------


@task("3.2", role="client", points=3, needs=("3.1",))
def test_a_client_answers_each_question_with_just_that_piece(chat: Story) -> None:
    """Whatever the server asks for, in whatever order; it is sent when the server says stored, not before."""
    sravya, server = chat.bare_server()
    content = chat.drawn.content(40_000)
    name = sravya.has(chat.drawn.file_name(), content)
    sravya.types(f"!send {name}")
    sravya.sees(f"Sending {name} ({len(content)} bytes)")
    offer = server.gets_next(Offer)
    chat.agrees("the offer has its name and size", (offer.name, offer.size) == (name, 40_000), f"it is {offer}")
    for offset, size in [(0, 100), (39_950, 100), (100, CHUNK), (7, 1)]:
        server.sends(Get(offer.id, offset, size))
        data = server.gets_next(Data)
        asked_for = content[offset : offset + size]
        chat.agrees(
            f"it answers with the {len(asked_for)} bytes from {offset}",
            (data.id, data.offset, len(data.data)) == (offer.id, offset, len(asked_for)),
            f"it answers with {len(data.data)} bytes from {data.offset}",
        )
        chat.agrees("they are right", data.data == asked_for)
    server.sends(Get(offer.id, len(content), CHUNK))
    end = server.gets_next(End)
    chat.agrees("the hash is right", end.sha256 == hashlib.sha256(content).digest())
    server.says("somebody", "wait")
    sravya.sees("[somebody] wait")
    chat.agrees("it does not say yet that it is sent", not sravya.count("File Successfully sent"))
    server.sends(Stored(offer.id))
    sravya.sees("File Successfully sent")


@task("3.2", role="client", points=1, needs=("3.1",))
def test_each_file_has_an_id_of_its_own(chat: Story) -> None:
    """Also when the same file is sent again, and the person chats on meanwhile."""
    sravya, server = chat.bare_server()
    name = sravya.has(chat.drawn.file_name(), chat.drawn.content(10))
    ids = set()
    for _ in range(2):
        sravya.types(f"!send {name}")
        ids.add(server.gets_next(Offer).id)
        text = chat.drawn.text()
        sravya.types(text)
        server.gets_exactly(Text(text))
    chat.agrees("they have two ids", len(ids) == 2)


@task("3.2", role="client", points=1)
def test_a_server_without_files_is_offered_none(chat: Story) -> None:
    """The client says so, and chats on."""
    sravya, server = chat.bare_server(can=("roster",))
    name = sravya.has(chat.drawn.file_name(), chat.drawn.content(10))
    sravya.types(f"!send {name}")
    sravya.sees("This server does not take files")
    text = chat.drawn.text()
    sravya.types(text)
    got = server.gets_any(Text, Offer)
    chat.agrees("it sent nothing else", got == Text(text), f"it sent {got}")


@task("3.2", role="client", points=1)
def test_a_word_that_only_begins_with_send_sends_no_file(chat: Story) -> None:
    """A command is a word, not its first letters."""
    sravya, server = chat.bare_server()
    name = sravya.has(chat.drawn.file_name(), chat.drawn.content(10))
    sravya.types(f"!sender {name}")
    sravya.types(chat.drawn.text())
    got = server.gets_any(Text, Offer)
    chat.agrees("a text comes, and no offer", isinstance(got, Text), f"it sent {got}")


@task("3.2", role="client", points=1, needs=("3.1",))
def test_a_file_that_the_server_calls_off_is_named_with_the_reason(chat: Story) -> None:
    """The person reads why, and chats on; it is never said to be sent."""
    sravya, server = chat.bare_server()
    name = sravya.has(chat.drawn.file_name(), chat.drawn.content(10))
    sravya.types(f"!send {name}")
    offer = server.gets_next(Offer)
    server.sends(Abort(offer.id, "the disk is full of cats"))
    sravya.sees_where("the reason", lambda line: "the disk is full of cats" in line)
    text = chat.drawn.text()
    sravya.types(text)
    server.gets_exactly(Text(text))
    chat.agrees("it is not said to be sent", not sravya.count("File Successfully sent"))


# --- The client receives ------------------------------------------------------------------------------------------


@task("3.5", role="client", points=3, needs=("3.1", "3.2"))
def test_a_client_asks_for_a_file_piece_by_piece(chat: Story) -> None:
    """Each time from where it stands; what it has in the end is as it was, and nothing else is left of it."""
    chat.makes_races_certain(bytes_at_once=10_000)
    sravya, server = chat.bare_server()
    content, name, sender = chat.drawn.content(100_000), chat.drawn.file_name(), chat.drawn.name()
    server.sends_file(OfferFrom(sender, new_id(chat), name, len(content)), content)
    sravya.sees(f"[{sender}] !send {name}", f"Receiving {name} ({len(content)} bytes)")
    path = sravya.received(content)
    left = sorted(each.name for each in path.parent.iterdir())
    chat.agrees("nothing else is left in the folder", left == [path.name], f"there are {left}")


@task("3.5", role="client", points=1, needs=("3.1", "3.2"))
def test_an_empty_file_arrives_too(chat: Story) -> None:
    """Its end comes at once."""
    sravya, server = chat.bare_server()
    server.sends_file(OfferFrom("somebody", new_id(chat), "empty.txt", 0), b"")
    sravya.received(b"")


@task("3.5", role="client", points=2, needs=("3.1", "3.2"))
@pytest.mark.parametrize("how", ["a wrong hash", "too few bytes", "called off"])
def test_a_file_that_does_not_arrive_whole_is_not_kept(chat: Story, how: str) -> None:
    """Nothing is left under its name, nothing is said to be received, and the chat goes on.

    Who ends a file too early breaks the rules: then the client may also end, with a reason.
    """
    sravya, server = chat.bare_server()
    content, name = chat.drawn.content(MAX_CHUNK + 100), chat.drawn.file_name()
    offer = OfferFrom("somebody", new_id(chat), name, len(content))
    server.sends(offer)
    begun = f"Receiving {name} ({len(content)} bytes)"
    sravya.sees(begun)
    half = piece(server.gets(Get), content)
    assert isinstance(half, Data)  # no get asks for all of it
    server.sends(half)
    if how == "called off":
        server.gets(Get)
        server.sends(Abort(offer.id, "its sender has gone"))
    elif how == "too few bytes":
        server.gets(Get)
        server.sends(End(offer.id, hashlib.sha256(half.data).digest()))
    else:
        while (get := server.gets(Get)).offset < len(content):
            server.sends(piece(get, content))
        server.sends(End(offer.id, hashlib.sha256(b"something else").digest()))
    server.says("somebody", "go on")
    gone_on = "what came of the file, and the text"

    def goes_on(lines: list[str]) -> bool:
        told = any(name in line and "!send" not in line and "Receiving" not in line for line in lines)
        return told and "[somebody] go on" in sravya.shown()

    if ended := how == "too few bytes" and sravya.ends_unless(gone_on, goes_on, status=1):
        shown = sravya.shown()
        chat.agrees("it says why", any(map(str.strip, shown[shown.index(begun) + 1 :])), f"it shows {shown}")
    else:
        sravya.sees_that(gone_on, goes_on)
    lines = sravya.program.lines()
    chat.agrees("it is not said to be received", not any("Successfully received" in line for line in lines), f"{lines}")
    chat.agrees("no traceback is shown", not any("Traceback" in line for line in lines), f"{lines}")

    def kept() -> list[str]:
        names = [path.name for path in sravya.folder.rglob("*") if path.is_file()]
        return [each for each in names if not (ended and each.endswith(".part"))]  # nobody takes that for the file

    chat.comes_true("nothing of it is kept", lambda: not kept(), lambda: f"there are {kept()}")


@task("3.5", role="client", points=1, needs=("3.1", "3.2"))
def test_two_files_that_come_at_once_do_not_mix(chat: Story) -> None:
    """Their pieces take turns; each ends up whole."""
    sravya, server = chat.bare_server()
    contents = {new_id(chat): chat.drawn.content(60_000) for _ in range(2)}
    server.sends(*(OfferFrom("somebody", file_id, f"{file_id.hex()}.jpg", 60_000) for file_id in contents))
    ended = 0
    with chat.step("the server of bare frames answers each question"):
        while ended < 2:
            get = server.gets(Get)
            server.sends(piece(get, contents[get.id]))
            ended += get.offset >= 60_000
    sravya.received_all(*contents.values())


# --- Never trust a name -------------------------------------------------------------------------------------------

HOSTILE = {
    "up": "../../evil.txt",
    "the folder above": "..",
    "the folder itself": ".",
    "nothing": "",
    "blanks": "   ",
    "absolute": "/tmp/evil-{}.txt",
    "of Windows": "..\\..\\evil.txt",
    "a drive": "C:\\evil.txt",
    "a folder": ".ssh/authorized_keys",
    "hidden": ".bashrc",
    "a nul": "evil\x00.txt",
    "an escape": "\x1b[2J\x1b]0;evil\x07.txt",
    "a break": "evil\n[somebody] forged.txt",
    "too long": "e" * 300 + ".txt",
    "too long in bytes": "é" * 200 + ".txt",
    "a device": "CON.txt",
    "the program": "../../client.py",
}


@task("3.6", role="client", points=2, needs=("3.1", "3.2", "3.5"))
@pytest.mark.parametrize("kind", HOSTILE)
def test_no_name_leads_out_of_the_downloads(chat: Story, kind: str) -> None:
    """Whatever somebody calls a file, it lands in the downloads folder, as a plain file that can be seen."""
    sravya, server = chat.bare_server()
    name = HOSTILE[kind].format(chat.drawn.between(1, 10**9))
    before = everything_near(sravya.folder)
    content = chat.drawn.content(100)
    server.sends_file(OfferFrom("somebody", new_id(chat), name, len(content)), content)
    path = sravya.received_somewhere(content)
    chat.agrees("the name is safe", is_safe(path.name), f"it is {path.name!r}")
    new = everything_near(sravya.folder) - before - {path}
    others = {each for each in new if sravya.folder / "downloads" not in (each, *each.parents)}
    chat.agrees("nothing else is anywhere near", not others, f"there are {others}")
    lines = sravya.program.lines()
    chat.agrees("no line is forged", not any(line.startswith("[somebody] forged") for line in lines), f"{lines}")


def everything_near(folder: Path) -> set[Path]:
    """Every file in this folder and in the one that it is in."""
    return {path for path in folder.parent.rglob("*") if path.is_file()}


def is_safe(name: str) -> bool:
    """Whether a file of this name can be seen, and can be copied to any system."""
    stem = name.split(".")[0].upper()
    return (
        re.sub("[\u200c\u200d]", "", name).isprintable()  # the joiners of emoji and of some scripts do no harm
        and not name.startswith(".")
        and not set(name) & set('/\\:*?"<>|')
        and stem not in ("CON", "NUL", "AUX", "PRN")
        and len(name.encode()) <= 255
        and name == name.strip()
    )


@task("3.6", role="client", points=1, needs=("3.1", "3.2", "3.5"))
def test_nothing_that_is_there_is_overwritten(chat: Story) -> None:
    """Neither a file of the same name, each time that one comes, nor what a link of that name leads to."""
    sravya, server = chat.bare_server()
    folder = sravya.folder / "downloads" / sravya.name
    folder.mkdir(parents=True)
    precious = sravya.folder / "precious.txt"
    precious.write_text("precious")
    (folder / "there.txt").write_text("there")
    (folder / "link.txt").symlink_to(precious)
    (folder / "nowhere.txt").symlink_to(sravya.folder / "new.txt")
    for number, name in enumerate(["there.txt", "link.txt", "nowhere.txt", "there.txt"], 1):
        content = chat.drawn.content(100)
        server.sends_file(OfferFrom("somebody", new_id(chat), name, len(content)), content)
        sravya.received(content, times=number)
    chat.agrees("the file is as it was", (folder / "there.txt").read_text() == "there")
    chat.agrees("the link still leads to what it led to", precious.read_text() == "precious")
    chat.agrees("nothing came where a link led", not os.path.lexists(sravya.folder / "new.txt"))


# --- The frame with a file's bytes --------------------------------------------------------------------------------


@task("3.1", role="server", points=2, needs=("3.3", "3.4"))
def test_every_byte_passes_as_it_is(chat: Story) -> None:
    """In both directions, in a frame that is not JSON: 16 bytes of id, 8 of offset, then the file's."""
    chat.server()
    sender, receiver = sender_and_receiver(chat)
    content = bytes(range(256)) * 160 + b'{"text": "not JSON"}\xff\0\r\n'
    sender.uploads(new_id(chat), "bytes.bin", content)
    chat.agrees("they are as they were", receiver.downloads(receiver.gets(OfferFrom)) == content)


@task("3.1", role="server", points=1)
def test_the_server_says_that_it_takes_files(chat: Story) -> None:
    """In its welcome; without that no client offers one."""
    chat.server()
    welcome = chat.bare_client().joins()
    chat.agrees("files is among its features", "files" in welcome.features, f"they are {welcome.features}")


@task("3.1", role="client", points=1)
def test_a_client_says_that_it_takes_files(chat: Story) -> None:
    """In its hello."""
    from tests.graded.party import NAME

    sravya, server = chat.bare_server_that_refuses("another one, please")
    sravya.answers(NAME, chat.drawn.name())
    hello = server.gets_next(Hello)
    chat.agrees("files is among its features", "files" in hello.features, f"they are {hello.features}")


@task("3.1", role="server", points=1, needs=("3.3",))
@pytest.mark.parametrize(
    ("what", "letter", "body"),
    [
        ("a piece without bytes", "D", bytes(24)),
        ("an offer without a size", "O", b'{"id": "%s", "name": "a.txt"}' % (b"0" * 32)),
        ("an offer of less than nothing", "O", b'{"id": "%s", "name": "a.txt", "size": -1}' % (b"0" * 32)),
        ("an offer of half a byte", "O", b'{"id": "%s", "name": "a.txt", "size": 0.5}' % (b"0" * 32)),
        ("an offer with a short id", "O", b'{"id": "00", "name": "a.txt", "size": 1}'),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) > 1 else "",
)
def test_a_broken_frame_about_files_ends_that_connection_alone(
    chat: Story, what: str, letter: str, body: bytes
) -> None:
    """The reason, then the end; the others chat on."""
    ends_that_connection_alone(chat, what, raw_frame(letter, body), *three_people(chat))


@task("3.1", role="server", points=1, needs=("3.3", "3.4"))
def test_a_broken_question_ends_that_connection_alone(chat: Story) -> None:
    """As any broken frame about files does, although the file is there."""
    rude, listener, speaker = three_people(chat)
    file_id = new_id(chat)
    speaker.uploads(file_id, chat.drawn.file_name(), b"hello")
    rude.gets(OfferFrom)
    body = b'{"id": "%s", "size": 1}' % file_id.hex().encode()
    ends_that_connection_alone(chat, "a question without an offset", raw_frame("G", body), rude, listener, speaker)


def three_people(chat: Story) -> tuple[BareClient, BareClient, BareClient]:
    """Three clients of bare frames who have joined a server that starts."""
    chat.server()
    rude, listener = sender_and_receiver(chat)
    speaker = chat.bare_client()
    speaker.joins()
    return rude, listener, speaker


def ends_that_connection_alone(
    chat: Story, what: str, frame: bytes, rude: BareClient, listener: BareClient, speaker: BareClient
) -> None:
    """Whoever sends this frame gets the reason, then the end; the others chat on."""
    rude.sends_bytes(what, frame)
    rude.gets(Refused)
    rude.is_hung_up_on()
    speaker.says("go on")
    listener.hears(speaker, "go on")
    chat.agrees("only this was said", [frame.sender for frame in listener.got(TextFrom)] == [str(speaker)])  # type: ignore[union-attr]
