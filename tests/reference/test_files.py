"""Files on a client's disk: what a received name becomes, what is written where, and what is sent."""

import errno
import hashlib
import os
import stat
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.files import Changed, Download, Upload, safe_name
from reference.printable import has_control
from reference.protocol import ID_SIZE, Data, End, Get, Offer, encode

ID = bytes(range(ID_SIZE))

reliably = settings(derandomize=True, deadline=None, database=None)

# --- Names

SAFE_NAMES = {
    "an ordinary name": ("image.jpg", "image.jpg"),
    "spaces and brackets": ("отчёт №1 (final).pdf", "отчёт №1 (final).pdf"),
    "emoji, joined": ("👩\u200d👧 ❤\ufe0f.png", "👩\u200d👧 ❤\ufe0f.png"),
    "no ending": ("README", "README"),
    "two endings": ("archive.tar.gz", "archive.tar.gz"),
    "an accent in two characters": ("re\u0301sume\u0301.txt", "r\u00e9sum\u00e9.txt"),
    "a folder": ("a/b.txt", "b.txt"),
    "the root": ("/etc/passwd", "passwd"),
    "a folder of Windows": ("a\\b.txt", "b.txt"),
    "up and away": ("../../.ssh/authorized_keys", "authorized_keys"),
    "up and away on Windows": ("..\\..\\autoexec.bat", "autoexec.bat"),
    "mixed": ("..\\../x", "x"),
    "a folder alone": ("a/", "file"),
    "this folder": (".", "file"),
    "the folder above": ("..", "file"),
    "many dots": ("......", "file"),
    "a folder above at the end": ("a/..", "file"),
    "nothing": ("", "file"),
    "spaces": ("   ", "file"),
    "a drive": ("C:\\autoexec.bat", "autoexec.bat"),
    "a drive without a folder": ("C:autoexec.bat", "C_autoexec.bat"),
    "a stream of NTFS": ("a.txt:hidden", "a.txt_hidden"),
    "a share": ("\\\\server\\share\\a.txt", "a.txt"),
    "a device": ("CON", "_CON"),
    "a device with an ending": ("com1.txt", "_com1.txt"),
    "a device with two endings": ("aux.tar.gz", "_aux.tar.gz"),
    "a device with spaces": ("nul .txt", "_nul.txt"),
    "a device with a raised digit": ("LPT¹.txt", "_LPT¹.txt"),
    "a console": ("CONIN$", "_CONIN$"),
    "almost a device": ("console.txt", "console.txt"),
    "a device with words behind it": ("con artist.txt", "_con artist.txt"),
    "a device behind a control character": ("\x01con", "_con"),
    "a device that cutting uncovers": ("con" + " " * 300 + "x.txt", "_con.txt"),
    "a leading dot": (".bashrc", "_bashrc"),
    "leading dots": ("..bashrc", "_bashrc"),
    "a dot behind a space": (" .bashrc", "_bashrc"),
    "a dot at the end": ("a.txt.", "a.txt"),
    "dots and spaces at the end": ("a.txt . .", "a.txt"),
    "NUL": ("a\0.txt", "a_.txt"),
    "a line break": ("a\n.txt", "a_.txt"),
    "an escape code": ("\x1b[2Ja.txt", "_[2Ja.txt"),
    "a right-to-left override": ("\u202egpj.exe", "_gpj.exe"),
    "half a surrogate pair": ("\udc80.txt", "_.txt"),
    "what Windows reserves": ('a<b>c:d"e|f?g*h', "a_b_c_d_e_f_g_h"),
    "300 characters": ("a" * 300, "a" * 180),
    "300 characters and an ending": ("a" * 300 + ".txt", "a" * 176 + ".txt"),
    "300 characters of four bytes": ("😀" * 300 + ".txt", "😀" * 44 + ".txt"),
    "an ending of 300 characters": ("a." + "b" * 300, "a." + "b" * 178),
}


@pytest.mark.parametrize(("name", "safe"), SAFE_NAMES.values(), ids=SAFE_NAMES)
def test_a_received_name_becomes_a_safe_one(name: str, safe: str) -> None:
    """No folder, no device, nothing hidden, nothing that acts on a screen, not too long."""
    assert safe_name(name) == safe


# Random text seldom has what is dangerous: so it is put together from that.
dangerous = st.sampled_from([
    "..", ".", "/", "\\", "\0", ":", " ", "con", "NUL", "COM1", ".part", "\x1b", "\u202e", "\u0338", "é", "a" * 100,
])  # fmt: skip
names = st.text(max_size=30) | st.lists(dangerous | st.text(max_size=5), max_size=8).map("".join)


@settings(reliably, max_examples=500)
@given(names)
def test_a_safe_name_is_safe(name: str) -> None:
    """For any name: one visible, ordinary name in this folder."""
    safe = safe_name(name)
    assert safe == Path(safe).name
    assert safe not in ("", ".", "..")
    assert not set(safe) & set('<>:"|?*/\\\0')
    assert not has_control(safe)
    assert safe[0] not in ". "
    assert safe[-1] not in ". "
    assert len(safe.encode()) <= 180
    assert unicodedata.is_normalized("NFC", safe)
    assert safe.split(".")[0].strip().upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}


@settings(reliably, max_examples=500)
@given(names)
def test_a_safe_name_stays_as_it_is(name: str) -> None:
    """For any name: made safe once more, it is the same, so that what we sent back arrives as it was."""
    assert safe_name(safe_name(name)) == safe_name(name)


# --- Downloads


def receive(folder: Path, name: str, content: bytes = b"new", file_id: bytes = ID) -> Path:
    """Receive a file."""
    download = Download(folder, name, file_id)
    download.write(content)
    return download.finish()


def tree(folder: Path) -> dict[str, bytes | str]:
    """All that is in a folder: files with their bytes, links with where they point."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def test_a_file_arrives_under_its_name(tmp_path: Path) -> None:
    """Its bytes are in the folder, which is made when it is not there."""
    folder = tmp_path / "downloads" / "sravya"
    download = Download(folder, "image.jpg", ID)
    download.write(b"first ")
    download.write(b"second")
    assert download.finish() == folder / "image.jpg"
    assert tree(tmp_path) == {"downloads/sravya/image.jpg": b"first second"}


def test_an_empty_file_arrives(tmp_path: Path) -> None:
    """A file without bytes is a file."""
    assert receive(tmp_path, "empty", b"").read_bytes() == b""


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    """Until then it is a .part, which nobody opens by mistake."""
    download = Download(tmp_path, "image.jpg", ID)
    download.write(b"half")
    (part,) = tmp_path.iterdir()
    assert part.name.startswith("image.jpg.")
    assert part.suffix == ".part"
    download.discard()


def test_a_discarded_file_leaves_nothing(tmp_path: Path) -> None:
    """Called off: nothing half-done stays, and to discard it twice is no error."""
    download = Download(tmp_path, "image.jpg", ID)
    download.write(b"half")
    download.discard()
    download.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "second", "third"),
    [
        ("image.jpg", "image (1).jpg", "image (2).jpg"),
        ("README", "README (1)", "README (2)"),
        ("archive.tar.gz", "archive.tar (1).gz", "archive.tar (2).gz"),
    ],
)
def test_a_taken_name_gets_a_number(tmp_path: Path, name: str, second: str, third: str) -> None:
    """Nothing is overwritten."""
    paths = [receive(tmp_path, name, content) for content in (b"1", b"2", b"3")]
    assert [path.name for path in paths] == [name, second, third]
    assert [path.read_bytes() for path in paths] == [b"1", b"2", b"3"]


def test_two_files_of_one_name_at_once_stay_apart(tmp_path: Path) -> None:
    """Even when their ids begin alike, which a sender can arrange."""
    one = Download(tmp_path, "image.jpg", bytes(15) + b"1")
    other = Download(tmp_path, "image.jpg", bytes(15) + b"2")
    one.write(b"one")
    other.write(b"other")
    assert [one.finish().read_bytes(), other.finish().read_bytes()] == [b"one", b"other"]


def test_a_name_that_looks_like_a_part_is_no_way_to_another_file(tmp_path: Path) -> None:
    """A file sent under the name of another's .part is kept, and the other cannot take its place."""
    first = Download(tmp_path, "a", ID)
    part = next(tmp_path.iterdir()).name
    first.discard()
    planted = receive(tmp_path, part, b"planted", bytes(ID_SIZE))
    with pytest.raises(FileExistsError):
        Download(tmp_path, "a", ID)
    assert planted.read_bytes() == b"planted"


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    """A link by the name of a file that is coming leads nobody out of the folder."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / "image.jpg").symlink_to(secret)
    (folder / "image (1).jpg").symlink_to(tmp_path / "nowhere")
    assert receive(folder, "image.jpg") == folder / "image (2).jpg"
    assert secret.read_bytes() == b"secret"
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_by_that_name_is_a_taken_name(tmp_path: Path) -> None:
    """A folder is not replaced either."""
    (tmp_path / "image.jpg").mkdir()
    assert receive(tmp_path, "image.jpg").name == "image (1).jpg"


def test_a_folder_that_cannot_be_made_is_the_systems_reason(tmp_path: Path) -> None:
    """Where a file is in the way, the error says so."""
    (tmp_path / "downloads").write_bytes(b"")
    with pytest.raises(FileExistsError):
        Download(tmp_path / "downloads", "a", ID)


def test_a_file_that_cannot_get_its_name_leaves_no_empty_one(tmp_path: Path) -> None:
    """When the .part has gone, the name that was taken for it is given back."""
    download = Download(tmp_path, "image.jpg", ID)
    next(tmp_path.iterdir()).unlink()
    with pytest.raises(FileNotFoundError):
        download.finish()
    assert list(tmp_path.iterdir()) == []


@settings(reliably, max_examples=300)
@given(name=names)
def test_whatever_its_name_a_file_stays_in_its_folder_and_overwrites_nothing(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    """For any name, in a folder with that name taken by a file, a link and a folder."""
    root = tmp_path_factory.mktemp("root")
    folder = root / "home" / "downloads"
    folder.mkdir(parents=True)
    (root / "outside").write_bytes(b"outside")
    safe = safe_name(name)
    (folder / safe).write_bytes(b"mine")
    stem, dot, ending = safe.rpartition(".")
    stem, rest = (stem, dot + ending) if stem else (safe, "")
    (folder / f"{stem} (1){rest}").symlink_to(root / "outside")
    (folder / f"{stem} (2){rest}").mkdir()
    before = tree(root)

    path = receive(folder, name)

    assert path.resolve().parent == folder.resolve()
    assert stat.S_ISREG(path.lstat().st_mode)
    assert path.read_bytes() == b"new"
    after = tree(root)
    assert after.pop(str(path.relative_to(root))) == b"new"
    assert after == before


# --- Uploads


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of 10,240 bytes."""
    path = tmp_path / "image.jpg"
    path.write_bytes(bytes(range(256)) * 40)
    os.utime(path, ns=(1, 1))  # whatever is written later, the time is another
    return path


def test_an_upload_answers_what_it_is_asked(file: Path) -> None:
    """Its name is that of the file alone; each answer has the bytes from there, and the end has the hash."""
    upload, content = Upload(file), file.read_bytes()
    assert (upload.name, upload.size) == ("image.jpg", len(content))
    assert upload.answer(Get(ID, 0, 6000)) == Data(ID, 0, content[:6000])
    assert upload.answer(Get(ID, 6000, 6000)) == Data(ID, 6000, content[6000:])
    assert upload.answer(Get(ID, len(content), 6000)) == End(ID, hashlib.sha256(content).digest())


@pytest.mark.parametrize("offsets", [[], [5000, 0], [0, 0], [9000]])
def test_the_hash_is_over_the_whole_file_whatever_was_asked(file: Path, offsets: list[int]) -> None:
    """An asker may begin in the middle, ask twice, or ask for the end alone."""
    upload, content = Upload(file), file.read_bytes()
    for offset in offsets:
        assert upload.answer(Get(ID, offset, 1000)) == Data(ID, offset, content[offset : offset + 1000])
    assert upload.answer(Get(ID, len(content), 1)) == End(ID, hashlib.sha256(content).digest())


def test_an_empty_file_has_an_end_alone(tmp_path: Path) -> None:
    """Its first answer is its last."""
    (tmp_path / "empty").touch()
    assert Upload(tmp_path / "empty").answer(Get(ID, 0, 1)) == End(ID, hashlib.sha256(b"").digest())


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _shrink(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(10)


def _touch(path: Path) -> None:
    os.utime(path, ns=(2, 2))


def _rewrite(path: Path) -> None:
    path.write_bytes(path.read_bytes()[::-1])


@pytest.mark.parametrize("change", [_grow, _shrink, _touch, _rewrite])
@pytest.mark.parametrize("offset", [0, 1000, 10_240])
def test_a_file_that_changes_while_it_is_sent_is_called_off(file: Path, change, offset: int) -> None:
    """Rather than half of one version and half of another; at its end too."""
    upload = Upload(file)
    upload.answer(Get(ID, 0, 1000))
    change(file)
    with pytest.raises(Changed, match="changed while being sent"):
        upload.answer(Get(ID, offset, 1000))


def test_a_file_that_shrinks_between_the_look_and_the_read_is_called_off(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fewer bytes than there should be are not sent, even when the file seemed unchanged a moment ago."""
    upload = Upload(file)
    seen = upload._state
    _shrink(file)
    monkeypatch.setattr("reference.files._state", lambda _: seen)
    with pytest.raises(Changed):
        upload.answer(Get(ID, 0, 1000))


def test_a_closed_upload_answers_nothing(file: Path) -> None:
    """It has been called off, and questions may still come in."""
    upload = Upload(file)
    upload.close()
    with pytest.raises(ValueError, match="closed"):
        upload.answer(Get(ID, 0, 1))


def test_a_replaced_file_is_sent_as_it_was(file: Path) -> None:
    """Who saves under the same name anew leaves the old file to those who have it open."""
    upload, content = Upload(file), file.read_bytes()
    (file.parent / "new").write_bytes(b"new")
    (file.parent / "new").rename(file)
    assert upload.answer(Get(ID, 0, 100)) == Data(ID, 0, content[:100])


def test_a_folder_cannot_be_sent(tmp_path: Path) -> None:
    """And the reason says what to do."""
    with pytest.raises(IsADirectoryError, match="send the files in it"):
        Upload(tmp_path)


def test_a_file_that_is_not_there_cannot_be_sent(tmp_path: Path) -> None:
    """The system's reason."""
    with pytest.raises(FileNotFoundError):
        Upload(tmp_path / "nothing")


def test_a_pipe_cannot_be_sent(tmp_path: Path) -> None:
    """It has no size, and to open it would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="Not a regular file") as error:
        Upload(tmp_path / "pipe")
    assert error.value.errno == errno.EINVAL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such names")
def test_a_name_that_is_not_utf_8_can_be_sent(tmp_path: Path) -> None:
    """An old disk has names in Latin-1: what is not UTF-8 in them is left to a question mark."""
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    Path(os.fsdecode(path)).write_bytes(b"x")
    upload = Upload(Path(os.fsdecode(path)))
    assert upload.name == "caf?.txt"
    encode(Offer(ID, upload.name, upload.size))
