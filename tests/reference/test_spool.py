"""The spool: files pulled from the one who offers, chunk by chunk, and handed to those who ask."""

from __future__ import annotations

import errno
import hashlib
import random
from collections.abc import Iterable

import pytest

from reference import spool as spool_module
from reference.outbox import Overflow
from reference.protocol import (
    BYE,
    MAX_CHUNK,
    RESUME,
    ROSTER,
    Abort,
    Data,
    End,
    Frame,
    Get,
    Offer,
    OfferFrom,
    ProtocolError,
    Stored,
    TextFrom,
    encode,
)
from reference.room import Entry, Member, Room
from reference.spool import MAX_FILES_EACH, MAX_WAITING_GETS, Spool
from reference.store import Store
from tests.reference.people import BASIC, Lines, Mailbox, enter, make_room, take

ID = bytes(range(16))
CONTENT = random.Random(5).randbytes(300_000)


class Chat:
    """A room with a spool, and ann, bob and eve in it."""

    def __init__(
        self, folder: str | None = None, max_file: int = 10**6, max_total: int = 2 * 10**6, max_files: int = 100
    ) -> None:
        self.lines = Lines()
        self.room: Room = make_room(self.lines)
        self.spool = Spool(self.room, folder, max_file, max_total, max_files)
        self.ann, self.bob, self.eve = (enter(self.room, name) for name in ("ann", "bob", "eve"))
        self.forget()

    def forget(self) -> None:
        """Look only at what comes from now on."""
        for member in (self.ann, self.bob, self.eve):
            take(member)

    def offer(self, content: bytes = CONTENT, file_id: bytes = ID, sender: Member | None = None) -> None:
        """Ann offers a file, unless it is somebody else."""
        self.spool.offer(sender or self.ann, Offer(file_id, "a.txt", len(content)))

    def upload(self, content: bytes = CONTENT, sender: Member | None = None, up_to: int | None = None) -> list[Frame]:
        """Answer what the server asks (only up to an offset), and return what it says in the end."""
        sender = sender or self.ann
        while True:
            frames = take(sender)
            questions = [frame for frame in frames if isinstance(frame, Get)]
            if not questions:
                return frames
            for get in questions:
                if up_to is not None and get.offset >= up_to:
                    return frames
                if get.offset >= len(content):
                    self.spool.end(sender, End(get.id, hashlib.sha256(content).digest()))
                else:
                    data = content[get.offset : get.offset + get.size]
                    self.spool.data(sender, Data(get.id, get.offset, data))

    def leave(self, member: Member) -> None:
        """Someone goes, as a session does it."""
        self.room.leave(member, "")
        self.spool.gone(member)


@pytest.fixture
def chat() -> Iterable[Chat]:
    """A room with a spool."""
    chat = Chat()
    yield chat
    chat.spool.close()


def fetch(chat: Chat, member: Member, size: int, file_id: bytes = ID) -> list[Frame]:
    """Everything a member gets who asks for the whole file in large chunks."""
    for offset in [*range(0, size, MAX_CHUNK), size]:
        chat.spool.get(member, Get(file_id, offset, MAX_CHUNK))
    return take(member)


# --- How it should go ----------------------------------------------------------------------------------------------


def test_offer_is_passed_on_and_asked_for(chat: Chat):
    """The others are offered the file at once, and the server begins to ask the sender."""
    chat.offer()
    assert take(chat.bob) == take(chat.eve) == [OfferFrom("ann", ID, "a.txt", len(CONTENT))]
    questions = take(chat.ann)
    assert questions
    assert all(isinstance(each, Get) and each.id == ID for each in questions)
    assert chat.lines[-1] == "[ann] !send a.txt"


def test_file_arrives_whole(chat: Chat):
    """The sender is told when the server has it all, and receivers get the same bytes and the same hash."""
    chat.offer()
    take(chat.bob)
    assert chat.upload() == [Stored(ID)]
    assert chat.lines[-1] == f"Received a.txt ({len(CONTENT)} bytes)"
    *chunks, end = fetch(chat, chat.bob, len(CONTENT))
    assert b"".join(chunk.data for chunk in chunks if isinstance(chunk, Data)) == CONTENT
    assert end == End(ID, hashlib.sha256(CONTENT).digest())


def test_empty_file_arrives(chat: Chat):
    """No byte, but an end: who asks for offset 0 of nothing waits for the sender's end."""
    chat.offer(b"")
    take(chat.bob)
    chat.spool.get(chat.bob, Get(ID, 0, 1))
    assert take(chat.bob) == []
    assert chat.upload(b"") == [Stored(ID)]
    assert take(chat.bob) == [End(ID, hashlib.sha256(b"").digest())]


def test_file_is_passed_on_while_it_arrives(chat: Chat):
    """Who asks for bytes that have not come is answered when they have, not when the file is whole."""
    chat.offer()
    take(chat.bob)
    chat.spool.get(chat.bob, Get(ID, 1000, 5000))
    chat.spool.get(chat.bob, Get(ID, len(CONTENT), 1))
    assert take(chat.bob) == []
    chat.upload(up_to=10_000)
    assert take(chat.bob) == [Data(ID, 1000, CONTENT[1000:6000])]


def test_sender_may_go_when_the_file_is_stored(chat: Chat):
    """Stored means stored: the receivers need the server only."""
    chat.offer()
    chat.upload()
    chat.leave(chat.ann)
    chat.forget()
    assert fetch(chat, chat.bob, len(CONTENT))[-1] == End(ID, hashlib.sha256(CONTENT).digest())


def test_bytes_go_when_everyone_is_done(chat: Chat):
    """Fetched, refused or left: when nobody needs a file any more, the server has it no longer."""
    chat.offer()
    chat.upload()
    fetch(chat, chat.bob, len(CONTENT))
    take(chat.eve)
    chat.spool.abort(chat.eve, Abort(ID, "no, thanks"))
    assert isinstance(fetch(chat, chat.eve, 0)[0], Abort)
    chat.offer(b"the id is free again")
    assert isinstance(take(chat.ann)[0], Get)


def test_who_can_come_back_may_ask_again_until_it_has_the_file(chat: Chat):
    """The end may have been on its way when the connection broke: the server lets go when it hears `abort`."""
    for member in (chat.bob, chat.eve):
        chat.leave(member)
    dan = enter(chat.room, "dan", (*BASIC, RESUME))
    chat.offer()
    chat.upload()
    take(dan)
    whole = fetch(chat, dan, len(CONTENT))
    chat.spool.lost(dan)
    assert fetch(chat, dan, len(CONTENT)) == whole
    chat.spool.abort(dan, Abort(ID, "it has arrived"))
    assert isinstance(fetch(chat, dan, 0)[0], Abort)


def test_file_with_nobody_to_get_it_is_not_kept(chat: Chat):
    """Alone in the room, the sender is told as ever, and nothing stays."""
    chat.leave(chat.bob)
    chat.leave(chat.eve)
    chat.offer()
    assert chat.upload()[-1] == Stored(ID)
    chat.offer()
    assert isinstance(take(chat.ann)[0], Get)


# --- Who may have it -----------------------------------------------------------------------------------------------


def test_others_files_do_not_make_a_sender_send_twice(chat: Chat):
    """Its connection breaks before it hears that a file is stored; when it comes back, that is still known."""
    ann, bob = (enter(chat.room, name, (*BASIC, RESUME)) for name in ("Ann M.", "Bob M."))
    chat.offer(b"", ID, ann)
    chat.upload(b"", ann)
    for number in range(300):
        chat.offer(b"", number.to_bytes(16, "big"), bob)
        chat.upload(b"", bob)
        for member in (chat.ann, chat.eve, chat.bob, ann):
            chat.spool.abort(member, Abort(number.to_bytes(16, "big"), "it has arrived"))
    take(ann)
    chat.forget()
    chat.offer(b"", ID, ann)
    assert take(ann) == [Stored(ID)]
    assert take(chat.eve) == []


def test_a_file_that_is_here_already_is_not_asked_for_again(chat: Chat):
    """Its sender comes back so late that nobody remembers whether it was told."""
    ann = enter(chat.room, "Ann M.", (*BASIC, RESUME))
    chat.offer(b"", ID, ann)
    chat.upload(b"", ann)
    ann.outcomes.clear()
    chat.spool.lost(ann)
    chat.offer(b"", ID, ann)
    assert take(ann)[-1:] == [Stored(ID)]


def test_late_joiner_cannot_get_what_was_not_offered_to_them(chat: Chat):
    """An id is no key: a file is for those who were here when it was offered."""
    chat.offer()
    chat.upload()
    dan = enter(chat.room, "dan")
    take(dan)
    assert fetch(chat, dan, 0) == [Abort(ID, "the server does not have it, or no longer")]


def test_who_takes_no_files_is_not_offered_any(chat: Chat):
    """A client without the feature neither sees the offer nor keeps the file from being forgotten."""
    old = enter(chat.room, "old", features=[ROSTER, BYE])
    take(old)
    chat.offer()
    assert take(old) == []


def test_nobody_can_send_the_bytes_of_anothers_file(chat: Chat):
    """Data and end count only from the one who offered."""
    chat.offer()
    take(chat.ann)
    chat.spool.data(chat.bob, Data(ID, 0, b"forged"))
    chat.spool.end(chat.bob, End(ID, bytes(32)))
    chat.spool.abort(chat.bob, Abort(ID, "forged"))
    take(chat.eve)
    chat.spool.get(chat.eve, Get(ID, 0, 1))
    assert take(chat.eve) == []


def test_id_in_use_is_not_taken(chat: Chat):
    """Two files cannot have one id, whoever offers; the first goes on."""
    chat.offer()
    take(chat.bob)
    chat.spool.offer(chat.bob, Offer(ID, "b.txt", 1))
    assert take(chat.bob) == [Abort(ID, "this id is in use")]
    chat.spool.offer(chat.ann, Offer(ID, "b.txt", 1))
    assert Abort(ID, "this id is in use") in take(chat.ann)


# --- Calling it off ------------------------------------------------------------------------------------------------


def test_sender_calls_off(chat: Chat):
    """Changed while being sent, for example: everyone who was offered it is told why, and its bytes are gone."""
    chat.offer()
    chat.upload(up_to=50_000)
    chat.forget()
    chat.spool.abort(chat.ann, Abort(ID, "it was changed"))
    assert take(chat.bob) == take(chat.eve) == [Abort(ID, "it was changed")]
    assert take(chat.ann) == []
    assert isinstance(fetch(chat, chat.bob, 0)[0], Abort)


def test_sender_leaves_midway(chat: Chat):
    """What was not whole when its sender went is called off."""
    chat.offer()
    chat.upload(up_to=50_000)
    chat.forget()
    chat.leave(chat.ann)
    assert Abort(ID, "ann has left") in take(chat.bob)
    assert Abort(ID, "ann has left") in take(chat.eve)


def test_who_comes_back_while_being_given_up_learns_that_the_file_is_called_off(chat: Chat):
    """The place is given up and then the files: who resumes in between would wait for questions that never come."""
    chat.offer()
    chat.upload(up_to=100_000)
    chat.spool.gone(chat.ann)  # and not room.leave: her connection is a new one by now
    assert take(chat.ann)[-1] == Abort(ID, "ann has left")


def test_who_comes_back_while_being_given_up_learns_that_nothing_answers_any_more(chat: Chat):
    """What they asked for on the new connection, in that very moment, would be forgotten."""
    chat.offer()
    take(chat.bob)
    chat.spool.get(chat.bob, Get(ID, 0, 1))
    chat.spool.gone(chat.bob)
    assert take(chat.bob) == [Abort(ID, "your place was given up")]


def test_a_file_that_ends_while_it_is_called_off_is_not_stored(chat: Chat):
    """Its sender was told that, and its receivers that nobody gets it."""

    class Ending(Mailbox):
        def send(self, frames: bytes) -> None:
            super().send(frames)
            if isinstance(self.frames[-1], Abort):
                chat.spool.end(chat.ann, End(ID, hashlib.sha256(b"").digest()))

    chat.bob.outbox = Ending()
    chat.offer(b"")
    take(chat.ann)
    chat.spool.abort(chat.ann, Abort(ID, "never mind"))
    assert take(chat.ann) == []


def test_calling_off_comes_after_the_offer(chat: Chat):
    """However short the time between them, and whoever is just sending: or the receivers would begin to fetch."""
    chat.spool.offer(chat.ann, Offer(bytes(16), "a.txt", 1))
    chat.room.add(Entry(None, encode(TextFrom("eve", "x"))))
    chat.spool.abort(chat.ann, Abort(bytes(16), "never mind"))
    assert [type(frame) for frame in take(chat.bob)] == [OfferFrom, TextFrom, Abort]


def test_who_asks_in_the_moment_of_calling_off_learns_why(chat: Chat):
    """A question that crosses the calling-off is not answered "the server does not have it" before the reason comes."""

    class Asking(Mailbox):
        def send(self, frames: bytes) -> None:
            if not self.frames:
                chat.spool.get(dan, Get(bytes(16), 0, 1))  # as dan's own thread may, just before this arrives
            super().send(frames)

    dan = enter(chat.room, "dan")
    chat.offer(file_id=bytes(16))
    dan.outbox = Asking()
    chat.spool.abort(chat.ann, Abort(bytes(16), "never mind"))
    assert take(dan) == [Abort(bytes(16), "never mind")]


def test_receiver_calls_off_for_itself_alone(chat: Chat):
    """One whose disk is full does not stop the others."""
    chat.offer()
    take(chat.bob)
    take(chat.eve)
    chat.spool.get(chat.bob, Get(ID, 0, 1))
    chat.spool.abort(chat.bob, Abort(ID, "no space left"))
    chat.spool.get(chat.eve, Get(ID, 0, 3))
    chat.upload()
    assert take(chat.eve) == [Data(ID, 0, CONTENT[:3])]
    assert take(chat.bob) == []


def test_answers_that_cross_the_calling_off_are_ignored(chat: Chat):
    """The sender may have answered before it heard: that is no fault."""
    chat.offer()
    get = next(frame for frame in take(chat.ann) if isinstance(frame, Get))
    chat.spool.abort(chat.ann, Abort(ID, "never mind"))
    chat.spool.data(chat.ann, Data(ID, 0, CONTENT[: get.size]))
    chat.spool.end(chat.ann, End(ID, bytes(32)))
    chat.spool.abort(chat.ann, Abort(ID, "twice"))
    assert take(chat.ann) == []


def test_damaged_file_is_called_off(chat: Chat):
    """A hash that is not that of the bytes: nobody is left with a broken file, the sender told as well."""
    chat.offer(b"good")
    take(chat.bob)
    take(chat.ann)
    chat.spool.data(chat.ann, Data(ID, 0, b"evil"))
    chat.spool.end(chat.ann, End(ID, hashlib.sha256(b"good").digest()))
    assert take(chat.bob) == take(chat.ann) == [Abort(ID, "it arrived damaged")]


# --- Bounds --------------------------------------------------------------------------------------------------------


def test_too_large_a_file_is_not_taken(chat: Chat):
    """The sender is told the limit, and nobody else hears of it."""
    chat.spool.offer(chat.ann, Offer(ID, "film.mp4", 10**6 + 1))
    assert take(chat.ann) == [Abort(ID, "too large: this server takes files up to 1000000 bytes")]
    assert take(chat.bob) == []


def test_spool_is_bounded_in_all(chat: Chat):
    """What all files together may have counts from the offer, before a byte has come."""
    for number in range(2):
        chat.spool.offer(chat.ann, Offer(bytes([number]) * 16, "film.mp4", 10**6))
    take(chat.bob)
    chat.spool.offer(chat.bob, Offer(ID, "straw.txt", 1))
    assert take(chat.bob) == [Abort(ID, "the server has no room for it now")]


def test_one_sender_has_so_many_files_at_a_time(chat: Chat):
    """Each costs a descriptor; another sender is not affected."""
    for number in range(MAX_FILES_EACH + 1):
        chat.offer(b"1", file_id=bytes([number]) * 16)
    assert take(chat.ann)[-1] == Abort(
        bytes([MAX_FILES_EACH]) * 16, f"{MAX_FILES_EACH} of your files are still on their way: send it later"
    )
    take(chat.bob)
    chat.offer(b"1", file_id=ID, sender=chat.bob)
    assert isinstance(take(chat.bob)[0], Get)


def test_files_are_bounded_in_all():
    """Empty files cost descriptors too: no number of senders can use up the server's."""
    chat = Chat(max_files=1)
    chat.offer(b"")
    take(chat.bob)
    chat.offer(b"", file_id=bytes(16), sender=chat.bob)
    assert take(chat.bob) == [Abort(bytes(16), "the server has no room for it now")]


def test_questions_that_wait_are_bounded(chat: Chat):
    """Who asks for the same bytes over and over is told to stop."""
    chat.offer()
    for _ in range(MAX_WAITING_GETS):
        chat.spool.get(chat.bob, Get(ID, 0, 1))
    with pytest.raises(Overflow):
        chat.spool.get(chat.bob, Get(ID, 0, 1))


def test_question_beyond_the_end_breaks_the_protocol(chat: Chat):
    """There is nothing there, and never will be."""
    chat.offer()
    with pytest.raises(ProtocolError):
        chat.spool.get(chat.bob, Get(ID, len(CONTENT) + 1, 1))


def test_bytes_nobody_asked_for_break_the_protocol(chat: Chat):
    """A sender cannot fill the server's disk by itself."""
    chat.offer()
    take(chat.ann)
    with pytest.raises(ProtocolError):
        chat.spool.data(chat.ann, Data(ID, 100_000, b"unasked"))


# --- The disk ------------------------------------------------------------------------------------------------------


def test_full_disk_calls_the_file_off(chat: Chat, monkeypatch: pytest.MonkeyPatch):
    """Everyone concerned is told in one line, and what had been stored is given back."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    chat.offer()
    get = next(frame for frame in take(chat.ann) if isinstance(frame, Get))
    chat.forget()
    monkeypatch.setattr(Store, "write", full)
    chat.spool.data(chat.ann, Data(ID, 0, CONTENT[: get.size]))
    for member in (chat.ann, chat.bob, chat.eve):
        assert take(member) == [Abort(ID, "the server's disk is full")]
    monkeypatch.undo()
    chat.offer()
    assert isinstance(take(chat.ann)[0], Get)


def test_unreadable_disk_is_told_to_who_asked(chat: Chat, monkeypatch: pytest.MonkeyPatch):
    """A question never stays without an answer, or its receiver would wait for ever."""

    def broken(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    chat.offer()
    chat.upload()
    take(chat.bob)
    monkeypatch.setattr(Store, "read", broken)
    chat.spool.get(chat.bob, Get(ID, 0, 1))
    assert take(chat.bob) == [Abort(ID, "the server cannot read it")]


def test_missing_folder_is_told_to_the_sender():
    """A spool that cannot be written to takes no file, and nobody else hears of the offer."""
    chat = Chat(folder="/nonexistent/folder")
    chat.offer()
    assert take(chat.ann) == [Abort(ID, "the server cannot store it")]
    assert take(chat.bob) == []


def test_nothing_is_left_in_the_folder(tmp_path):
    """The bytes are in a file without a name: whatever happens to the server, nothing stays behind."""
    chat = Chat(folder=str(tmp_path))
    chat.offer()
    chat.upload(up_to=100_000)
    assert list(tmp_path.iterdir()) == []
    chat.spool.close()


def test_answers_are_put_in_order_under_the_lock(chat: Chat, monkeypatch: pytest.MonkeyPatch):
    """A question that waited is queued before anybody can ask the next one: a receiver takes answers in order only."""
    held = []
    monkeypatch.setattr(type(chat.bob.outbox), "send_later", lambda *_: held.append(chat.spool._lock.locked()))
    chat.offer()
    chat.spool.get(chat.bob, Get(ID, 0, 1000))  # waits: nothing has arrived yet
    chat.upload(up_to=100_000)
    chat.spool.get(chat.bob, Get(ID, 1000, 1000))  # is there already
    assert held == [True, True]


def test_files_that_nobody_fetches_do_not_keep_a_sender_from_sending(chat: Chat):
    """Only what is on its way counts: somebody who leaves files lying must not silence the others."""
    for number in range(MAX_FILES_EACH + 4):
        content = bytes([number])
        chat.offer(content, bytes([number]) * 16)
        assert Stored(bytes([number]) * 16) in chat.upload(content)


def test_what_does_not_move_goes_for_a_newer_file(chat: Chat, monkeypatch: pytest.MonkeyPatch):
    """Begun and left, or fetched by nobody: the oldest such file goes first, and all who knew of it are told."""
    left, unfetched, newer = (bytes([number]) * 16 for number in range(3))
    chat.offer(bytes(900_000), left)
    chat.offer(b"small", unfetched, chat.bob)
    chat.upload(b"small", chat.bob)
    chat.forget()
    monkeypatch.setattr(spool_module, "IDLE_SECONDS", -1.0)
    chat.offer(bytes(1_000_000), bytes([9]) * 16, chat.eve)
    assert not [frame for frame in take(chat.bob) if isinstance(frame, Abort)]  # both fit
    chat.offer(bytes(900_000), newer, chat.eve)
    reason = "the server needs the room for newer files"
    assert Abort(left, reason) in take(chat.ann)
    assert Abort(left, reason) in take(chat.bob)
    assert any(isinstance(frame, Get) and frame.id == newer for frame in take(chat.eve))


def test_what_moves_stays(chat: Chat):
    """No file that still comes or goes is called off for a newer one: that one is refused."""
    chat.offer(bytes(1_000_000))
    chat.offer(bytes(1_000_000), bytes(16), chat.bob)
    chat.forget()
    chat.offer(b"one more", bytes([1]) * 16, chat.eve)
    assert Abort(bytes([1]) * 16, "the server has no room for it now") in take(chat.eve)
    assert not [frame for frame in take(chat.ann) if isinstance(frame, Abort)]
