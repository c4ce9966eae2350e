"""Fetching a file chunk by chunk: which questions are asked, which answers are taken, and how much is under way."""

import hashlib
import itertools
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.protocol import ID_SIZE, MAX_CHUNK, Data, End, Get, ProtocolError
from reference.pull import FIRST_WINDOW, MAX_WINDOW, MIN_WINDOW, Damaged, Pull

ID = bytes(ID_SIZE)


class Owner:
    """Whoever has the file, behind a line that carries so many bytes a second."""

    def __init__(self, content: bytes, bytes_per_second: float = float("inf"), delay: float = 0.0) -> None:
        self.content = content
        self.now = 0.0
        self._speed = bytes_per_second
        self._delay = delay
        self._free_at = 0.0
        self._coming: deque[tuple[float, Data | End]] = deque()

    def clock(self) -> float:
        """The time, for the pull."""
        return self.now

    def answer(self, get: Get) -> Data | End:
        """What the file has there."""
        if get.offset == len(self.content):
            return End(ID, hashlib.sha256(self.content).digest())
        return Data(ID, get.offset, self.content[get.offset : get.offset + get.size])

    def ask(self, get: Get) -> None:
        """Put the answer on the line, behind those that are on it."""
        answer = self.answer(get)
        size = len(answer.data) if isinstance(answer, Data) else 0
        self._free_at = max(self._free_at, self.now + self._delay) + size / self._speed
        self._coming.append((self._free_at, answer))

    def next_answer(self) -> Data | End:
        """Wait for the next answer."""
        self.now, answer = self._coming.popleft()
        return answer

    @property
    def under_way(self) -> int:
        """Bytes that were asked for and have not come."""
        return sum(len(answer.data) for _, answer in self._coming if isinstance(answer, Data))


def fetch(owner: Owner) -> tuple[bytes, list[int]]:
    """Fetch the whole file; also, how many bytes were under way after each round of questions."""
    pull, content, under_way = Pull(ID, len(owner.content), owner.clock), bytearray(), []
    while True:
        for get in pull.questions():
            owner.ask(get)
        under_way.append(owner.under_way)
        answer = owner.next_answer()
        if isinstance(answer, End):
            pull.finish(answer)
            return bytes(content), under_way
        pull.take(answer)
        content += answer.data
        assert pull.arrived == len(content)


def content_of(size: int) -> bytes:
    """So many bytes, none like its neighbours."""
    return hashlib.shake_128(b"seed").digest(size)


def code_of(error: pytest.ExceptionInfo[ProtocolError]) -> str:
    """The code of the error that was raised."""
    return error.value.code


@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 16_384, 16_385, 100_000, 3_000_000])
def test_a_file_of_any_size_arrives_whole(size: int) -> None:
    """Nothing is asked twice or left out, and the last question is answered by the end."""
    content = content_of(size)
    assert fetch(Owner(content))[0] == content


def test_an_empty_file_is_one_question() -> None:
    """The first question of an empty file is at its end already."""
    pull = Pull(ID, 0)
    assert [get.offset for get in pull.questions()] == [0]
    assert list(pull.questions()) == []
    pull.finish(End(ID, hashlib.sha256(b"").digest()))


def test_questions_are_in_order_and_without_gaps() -> None:
    """Each question begins where the one before ends; the last one is at the end of the file."""
    owner = Owner(content_of(50_000))
    gets = list(Pull(ID, 50_000, owner.clock).questions())
    for before, after in itertools.pairwise(gets):
        assert after.offset == min(before.offset + before.size, 50_000)
    assert gets[-1].offset == 50_000


def test_nothing_new_is_asked_while_the_window_is_full() -> None:
    """As much as the first window is asked for, and then answers are waited for."""
    pull = Pull(ID, 10**9)
    assert sum(get.size for get in pull.questions()) == FIRST_WINDOW
    assert list(pull.questions()) == []


def test_on_a_fast_line_the_window_grows_to_its_most() -> None:
    """Answers that come at once are a line that takes more."""
    _, under_way = fetch(Owner(content_of(8 * MAX_WINDOW), bytes_per_second=1e9, delay=0.001))
    assert MAX_WINDOW <= max(under_way) < MAX_WINDOW + MAX_CHUNK


@pytest.mark.parametrize("speed", [64_000, 1_000_000, 12_500_000])
def test_on_a_slow_line_little_is_under_way(speed: int) -> None:
    """A text never waits half a second behind a file, and the line is kept busy all the same."""
    owner = Owner(content_of(10_000_000), bytes_per_second=speed, delay=0.02)
    _, under_way = fetch(owner)
    assert max(under_way[len(under_way) // 2 :]) / speed < 0.5
    assert owner.now < 1.1 * 10_000_000 / speed + 0.5


def test_on_the_slowest_line_the_window_does_not_shrink_to_nothing() -> None:
    """However slow, one small question is always open."""
    _, under_way = fetch(Owner(content_of(500_000), bytes_per_second=500))
    assert min(under_way[:-5]) >= MIN_WINDOW // 4
    assert max(under_way[-20:]) <= 2 * MIN_WINDOW


def test_a_line_that_gets_faster_again_is_used_again() -> None:
    """The window grows back when answers come quickly once more."""
    owner = Owner(content_of(20_000_000), bytes_per_second=64_000)
    pull = Pull(ID, len(owner.content), owner.clock)
    widest = 0
    while pull.arrived < len(owner.content):
        for get in pull.questions():
            owner.ask(get)
        if pull.arrived > 1_000_000:
            owner._speed = 1e9
            widest = max(widest, owner.under_way)
        answer = owner.next_answer()
        assert isinstance(answer, Data)
        pull.take(answer)
    assert widest >= MAX_WINDOW


def test_one_late_burst_narrows_the_window_once() -> None:
    """Answers to what was asked before the window changed say nothing about the line since."""
    pull, now = Pull(ID, 10**9, lambda: now[0]), [0.0]
    owner = Owner(content_of(10**6))
    gets = deque(pull.questions())
    now[0] = 0.001
    pull.take(_data(owner, gets.popleft()))  # the fastest answer: the others are measured by it
    gets.extend(pull.questions())
    now[0] = 5.0
    while gets:
        pull.take(_data(owner, gets.popleft()))
    assert FIRST_WINDOW // 2 <= sum(get.size for get in pull.questions()) <= FIRST_WINDOW


def test_bytes_that_nobody_asked_for_are_out_of_turn() -> None:
    """Data before any question is refused."""
    with pytest.raises(ProtocolError) as error:
        Pull(ID, 100).take(Data(ID, 0, b"x"))
    assert code_of(error) == "out-of-turn"


@pytest.mark.parametrize("offset", [1, 16_384, 100_000])
def test_bytes_from_another_place_are_out_of_turn(offset: int) -> None:
    """The first answer must be that to the first question."""
    pull = Pull(ID, 100_000)
    list(pull.questions())
    with pytest.raises(ProtocolError) as error:
        pull.take(Data(ID, offset, bytes(16_384)))
    assert code_of(error) == "out-of-turn"


@pytest.mark.parametrize("size", [1, 16_383, 16_385])
def test_more_or_fewer_bytes_than_asked_for_are_a_bad_field(size: int) -> None:
    """An answer has exactly the bytes that were asked for."""
    pull = Pull(ID, 100_000)
    assert next(pull.questions()).size == 16_384
    with pytest.raises(ProtocolError) as error:
        pull.take(Data(ID, 0, bytes(size)))
    assert code_of(error) == "bad-field"


def test_the_last_bytes_are_no_more_than_the_file_has() -> None:
    """A question may reach beyond the end of the file, its answer may not."""
    pull = Pull(ID, 10)
    assert next(pull.questions()).size > 10
    with pytest.raises(ProtocolError) as error:
        pull.take(Data(ID, 0, bytes(11)))
    assert code_of(error) == "bad-field"


def test_bytes_behind_the_end_are_out_of_turn() -> None:
    """The question at the end of the file is answered by end, not by more data."""
    pull = Pull(ID, 10)
    list(pull.questions())
    pull.take(Data(ID, 0, bytes(10)))
    with pytest.raises(ProtocolError) as error:
        pull.take(Data(ID, 10, b"x"))
    assert code_of(error) == "out-of-turn"


@pytest.mark.parametrize("answers", [0, 1, 2])
def test_an_end_before_the_end_is_out_of_turn(answers: int) -> None:
    """A file is not at its end while bytes are missing."""
    owner = Owner(content_of(40_000))
    pull = Pull(ID, 40_000)
    gets = list(pull.questions())
    for get in gets[:answers]:
        pull.take(_data(owner, get))
    with pytest.raises(ProtocolError) as error:
        pull.finish(End(ID, bytes(32)))
    assert code_of(error) == "out-of-turn"


def test_an_end_that_nobody_asked_for_is_out_of_turn() -> None:
    """Not even an empty file ends before it is asked for."""
    with pytest.raises(ProtocolError) as error:
        Pull(ID, 0).finish(End(ID, hashlib.sha256(b"").digest()))
    assert code_of(error) == "out-of-turn"


def test_a_second_end_is_out_of_turn() -> None:
    """The end answers one question, once."""
    pull, end = Pull(ID, 0), End(ID, hashlib.sha256(b"").digest())
    list(pull.questions())
    pull.finish(end)
    with pytest.raises(ProtocolError) as error:
        pull.finish(end)
    assert code_of(error) == "out-of-turn"


def test_a_file_with_a_wrong_byte_is_damaged() -> None:
    """The hash is over the bytes that came, whatever the sender says."""
    owner = Owner(content_of(40_000))
    pull = Pull(ID, 40_000)
    for get in pull.questions():
        answer = owner.answer(get)
        if isinstance(answer, Data):
            flipped = bytes([answer.data[0] ^ 1]) if get.offset == 16_384 else answer.data[:1]
            pull.take(Data(ID, get.offset, flipped + answer.data[1:]))
        else:
            with pytest.raises(Damaged):
                pull.finish(answer)


@settings(derandomize=True, deadline=None, database=None, max_examples=50)
@given(
    size=st.integers(0, 300_000),
    speed=st.floats(1_000, 1e9),
    delay=st.floats(0, 2),
)
def test_a_file_arrives_whole_over_any_line(size: int, speed: float, delay: float) -> None:
    """Whatever the window does, no byte is lost and the questions never run dry."""
    content = content_of(size)
    fetched, under_way = fetch(Owner(content, speed, delay))
    assert fetched == content
    assert max(under_way) < MAX_WINDOW + MAX_CHUNK


def _data(owner: Owner, get: Get) -> Data:
    answer = owner.answer(get)
    assert isinstance(answer, Data)
    return answer
