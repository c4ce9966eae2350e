"""Submissions are read safely, whatever is in them."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from labkit.grade import unpack as unpacking
from labkit.grade.unpack import clean_path, unpack
from tests.grade.classes import tarred, zipped


def a_zip(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    """Write a zip with any members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in members:
            archive.writestr(info, content)
    return path


def a_tar(path: Path, *members: tarfile.TarInfo) -> Path:
    """Write a tar whose members have no content."""
    with tarfile.open(path, "w:gz") as archive:
        for info in members:
            archive.addfile(info)
    return path


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A member of a tar that is no plain file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_files_come_out_as_they_went_in(tmp_path: Path) -> None:
    """From a zip, a tar, a folder, and an archive within an archive."""
    files = {"server.py": "1", "a folder/клиент.py": "2"}
    wanted = {name: text.encode() for name, text in files.items()}
    for name, content in {
        "a.zip": zipped(files),
        "a.tar.gz": tarred(files, "w:gz"),
        "a.tgz": tarred(files, "w:gz", "./"),
    }.items():
        (tmp_path / name).write_bytes(content)
        assert unpack(tmp_path / name).files == wanted, name
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "upload.zip").write_bytes(zipped(files))
    assert unpack(tmp_path / "folder").files == {f"upload/{name}": content for name, content in wanted.items()}


@pytest.mark.parametrize(
    "name",
    [
        "../evil.py",
        "a/../../evil.py",
        "/etc/evil.py",
        "C:\\evil.py",
        "..\\evil.py",
        "a\nb.py",
        "a\x1b[2J.py",
        "x\u202ey.py",
        "e" * 300,
    ],
)
def test_a_path_that_leads_out_or_acts_is_left_out(name: str, tmp_path: Path) -> None:
    """And the report says so, in one harmless line."""
    found = unpack(a_zip(tmp_path / "a.zip", (name, b"x"), ("server.py", b"y")))
    assert list(found.files) == ["server.py"]
    assert len(found.problems) == 1
    assert found.problems[0].isprintable()


def test_links_and_devices_are_left_out(tmp_path: Path) -> None:
    """Symbolic and hard links, devices and pipes, from tars, zips and folders."""
    found = unpack(
        a_tar(
            tmp_path / "a.tar.gz",
            member("link", tarfile.SYMTYPE, "/etc/passwd"), member("hard", tarfile.LNKTYPE, "link"),
            member("device", tarfile.BLKTYPE), member("pipe", tarfile.FIFOTYPE),
        )
    )  # fmt: skip
    assert found.files == {}
    assert len(found.problems) == 4
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert unpack(a_zip(tmp_path / "b.zip", (info, b"/etc/passwd"))).files == {}
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.py").symlink_to("/etc/passwd")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.py")
    assert unpack(folder).files == {}


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_bomb_is_no_more_than_its_limit(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a header says of a size is not believed."""
    monkeypatch.setattr(unpacking, "MAX_BYTES", 1_000_000)
    huge = {"server.py": "x", "z.bin": "\0" * 30_000_000}
    path = tmp_path / f"a.{kind}"
    path.write_bytes(zipped(huge) if kind == "zip" else tarred(huge, "w:gz"))
    found = unpack(path)
    assert list(found.files) == ["server.py"]
    assert "more than" in found.problems[0]


def test_a_bomb_in_bombs_is_not_gone_into(tmp_path: Path) -> None:
    """Two archives deep, and no deeper."""
    content = zipped({"server.py": "deep"})
    for _ in range(5):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("inner.zip", content)
        content = out.getvalue()
    (tmp_path / "a.zip").write_bytes(content)
    found = unpack(tmp_path / "a.zip")
    assert found.files == {}
    assert found.problems


def test_files_without_number_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than so many are taken."""
    monkeypatch.setattr(unpacking, "MAX_FILES", 10)
    (tmp_path / "a.zip").write_bytes(zipped({f"{number}.py": "" for number in range(50)}))
    assert len(unpack(tmp_path / "a.zip").files) <= 10


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really", b"\x1f\x8b\x08 nor this"])
@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", "a.tar.xz"])
def test_what_is_no_archive_is_said_to_be_damaged(name: str, content: bytes, tmp_path: Path) -> None:
    """And nothing breaks off."""
    (tmp_path / name).write_bytes(content)
    found = unpack(tmp_path / name)
    assert found.files == {}


def test_noise_of_systems_is_passed_over(tmp_path: Path) -> None:
    """Without a word: students do not know that it is there."""
    (tmp_path / "a.zip").write_bytes(zipped({"__MACOSX/._server.py": "", "lab/.DS_Store": "", "lab/server.py": "x"}))
    found = unpack(tmp_path / "a.zip")
    assert list(found.files) == ["lab/server.py"]
    assert not found.problems


def test_the_same_name_twice_is_taken_once(tmp_path: Path) -> None:
    """The first one: so nobody can show one file and run another."""
    with pytest.warns(UserWarning, match="Duplicate"):
        path = a_zip(tmp_path / "a.zip", ("server.py", b"1"), ("server.py", b"2"))
    found = unpack(path)
    assert found.files == {"server.py": b"1"}
    assert "more than once" in found.problems[0]


def test_a_clean_path_is_left_as_it_is() -> None:
    """But for what means nothing."""
    assert clean_path("./a//b.py") == "a/b.py"
    assert clean_path("моя работа/сервер.py") == "моя работа/сервер.py"
