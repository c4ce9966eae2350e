"""Any program in any language can be checked: a right one passes, and of a wrong one the report says what differs."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.vectors.cases import Case, Vector, cases, load
from labkit.vectors.compare import differs, first_difference

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "labs" / "examples" / "gmc.js"
NODE = shutil.which("node")
DEADLINE = 300.0

needs_node = pytest.mark.skipif(NODE is None, reason="no node here: `make test` installs it as root on Debian")

HELLO = next(vector for vector in load() if vector.name == "hello")
TWO = next(vector for vector in load() if len(vector.frames) == 2 and vector.error is None)
WRONG = next(vector for vector in load() if vector.error)

OTHER_NAME = HELLO.data.replace(b"sravya", b"sanjay")

ANSWERS_RIGHT = """\
import json, sys
from reference.protocol import *
def fields(frame):
    said = {"type": wire_name(type(frame))}
    for name in frame.__slots__:
        value = getattr(frame, name)
        said["from" if name == "sender" else name] = value.hex() if isinstance(value, bytes) else value
    return said
def build(accepts, said):
    kind = next(kind for kind in accepts.values() if wire_name(kind) == said.pop("type"))
    values = {"sender" if name == "from" else name: value for name, value in said.items()}
    for name in {"id", "sha256", "data", "token"} & values.keys(): values[name] = bytes.fromhex(values[name])
    return kind(**values)
for line in sys.stdin:
    question = json.loads(line)
    accepts = FROM_CLIENT if question["from"] == "client" else FROM_SERVER
    if "frame" in question:
        answer = {"hex": encode(build(accepts, question["frame"])).hex()}
    else:
        decoder, frames, error = Decoder(accepts), [], None
        try:
            for piece in question["hex"]:
                decoder.feed(bytes.fromhex(piece))
                while (frame := decoder.next_frame()) is not None: frames.append(fields(frame))
        except ProtocolError as found: error = found.code
        answer = {"frames": frames, "error": error}
    BREAK
    print(json.dumps(answer), flush=True)
"""


def check(command: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the tool on a program."""
    arguments = [sys.executable, "-m", "labkit", "vectors", "--cmd", command, *options]
    return subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, timeout=DEADLINE, check=False)


def python(folder: Path, source: str) -> str:
    """The command that runs this source."""
    path = folder / "program.py"
    path.write_text(f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{source}", encoding="utf-8")
    return shlex.join([sys.executable, str(path)])


@needs_node
def test_every_vector_round_trips_through_the_example() -> None:
    """The example in JavaScript has no mistake, and at most a hundred lines."""
    done = check("node labs/examples/gmc.js")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.startswith(f"{len(load())} of {len(load())} vectors right")
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 100


@needs_node
@pytest.mark.parametrize(
    ("right", "wrong", "reported"),
    [
        ("1 + body.length", "body.length", "differs at byte 3: must be 00 00 00 [3d]"),
        ("readUInt32BE", "readUInt32LE", "frame 1 is missing: a hello from byte 0 on"),
        ("if (this.buffer.length < 4 + length) return;", "", "decoded byte by byte: "),
        ("fatal: true", "fatal: false", "the error must be bad-utf8"),
        ("chunk: 262144", "chunk: 262143", "data of 262,144 bytes, the most"),
    ],
    ids=lambda value: value[:20],
)
def test_a_mistake_in_the_example_is_found_and_located(tmp_path: Path, right: str, wrong: str, reported: str) -> None:
    """Each plausible mistake is reported with the vector, the way it was fed, and where it differs."""
    source = EXAMPLE.read_text(encoding="utf-8")
    assert right in source
    program = tmp_path / "wrong.js"
    program.write_text(source.replace(right, wrong), encoding="utf-8")
    done = check(f"node {shlex.quote(str(program))}")
    assert done.returncode == 1
    assert reported in done.stdout


def test_a_right_program_passes(tmp_path: Path) -> None:
    """The reference, asked over pipes, agrees with itself."""
    done = check(python(tmp_path, ANSWERS_RIGHT.replace("BREAK", "pass")), "--only", "hello")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("source", "words", "patience"),
    [
        ("pass", "it ended with status 0 before the last question", 30),
        ("sys.exit(3)", "it ended with status 3", 30),
        ("print('not JSON', flush=True); sys.stdin.read()", "the answer is not JSON on one line: 'not JSON'", 30),
        ("sys.stdin.read()", "does it flush its output after each line?", 1),
    ],
)
def test_a_program_that_does_not_answer_gets_one_line(tmp_path: Path, source: str, words: str, patience: int) -> None:
    """The line says what it did and what to do."""
    done = check(python(tmp_path, source), "--patience", str(patience))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert words in done.stderr


def test_a_program_that_is_not_there_gets_one_line() -> None:
    """The reason is the system's."""
    done = check("./nosuch")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "cannot run ./nosuch: No such file or directory" in done.stderr


def test_bytes_come_whole_one_by_one_and_cut_at_every_place() -> None:
    """A short vector is cut everywhere; pieces always make up the whole."""
    for vector in load():
        asked = [case.pieces for case in cases(vector) if case.pieces is not None]
        assert all(b"".join(pieces) == vector.data for pieces in asked)
        if len(vector.data) <= 64:
            assert {len(pieces[0]) for pieces in asked if len(pieces) == 2} >= set(range(2, len(vector.data)))


@pytest.mark.parametrize(
    ("vector", "answer", "words"),
    [
        (TWO, {"frames": TWO.frames[:1], "error": None}, "frame 2 is missing"),
        (TWO, {"frames": [*TWO.frames, {"type": "bye"}], "error": None}, "one frame too many"),
        (HELLO, {"frames": [{**HELLO.frames[0], "name": "x"}], "error": None}, "'name' must be 'sravya', not 'x'"),
        (HELLO, {"frames": [{"type": "hello", "name": "sravya"}], "error": None}, "not missing"),
        (HELLO, {"frames": [7], "error": None}, "not 7"),
        (HELLO, {"frames": HELLO.frames, "error": "bad-json"}, "the error must be None, not 'bad-json'"),
        (WRONG, {"frames": WRONG.frames}, f"the error must be {WRONG.error}, not None"),
        (HELLO, [], "must be a JSON object"),
        (HELLO, {}, "the answer must be"),
    ],
)
def test_a_wrong_decoding_is_reported(vector: Vector, answer: object, words: str) -> None:
    """Which frame, from which byte on, which field."""
    assert words in str(differs(Case(vector, [vector.data]), answer))


def test_an_encoding_with_spaces_and_another_order_is_right() -> None:
    """How JSON is written is the sender's choice."""
    body = b'{ "features" : ["roster", "files", "bye", "ping"], "name": "s\\u0072avya" }'
    frame = (1 + len(body)).to_bytes(4, "big") + b"H" + body
    assert differs(Case(HELLO, None), {"hex": frame.hex()}) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"hex": HELLO.data[:-1].hex()}, "not one whole frame"),
        ({"hex": (HELLO.data + b"x").hex()}, "not one whole frame"),
        ({"hex": OTHER_NAME.hex()}, "'name' must be 'sravya', not 'sanjay'; differs at byte 15: must be …"),
        ({"hex": "zz"}, "the answer must be"),
        ({}, "the answer must be"),
    ],
)
def test_a_wrong_encoding_is_reported_with_the_byte(answer: object, words: str) -> None:
    """What is wrong with the frame, and the first byte that differs."""
    assert words in str(differs(Case(HELLO, None), answer))


def test_the_first_difference_shows_the_bytes_around_it() -> None:
    """A short encoding differs where it ends."""
    assert (
        first_difference(b"abcdef", b"abXdef")
        == "differs at byte 2: must be 61 62 [63] 64 65 66, is 61 62 [58] 64 65 66"
    )
    assert first_difference(b"abc", b"ab") == "differs at byte 2: must be 61 62 [63], is 61 62 [the end]"
