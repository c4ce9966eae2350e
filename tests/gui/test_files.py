"""Files in the window: what comes, what goes, what cannot be shown."""

import os
import struct
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from reference.client.events import FileFailed, FileOffered, FileProgress, FileReceived, FileSent
from reference.gui import opening, rows
from reference.gui.rows import FileItem
from tests.gui.rig import Rig, is_near


def arrives(rig: Rig, path: Path) -> Any:
    """A file is offered and is here; its row, when its preview is there."""
    number = len(rig.rows)
    rig.happens(FileOffered(number, "sanjay", path.name, path.stat().st_size, False))
    rig.happens(FileReceived(number, path.name, path))
    row = rig.rows[-1]
    rig.until(lambda: row.file.preview is not None)
    rig.frames(4)
    return row


def test_a_picture_is_shown_where_it_arrives(rig: Rig, tmp_path: Path):
    """Its pixels are where the preview should be, each half where it belongs."""
    image = Image.new("RGB", (1200, 800), (200, 30, 30))
    image.paste((30, 30, 200), (0, 400, 1200, 800))
    image.save(tmp_path / "two.jpg", quality=95)
    rig.joined()
    row = arrives(rig, tmp_path / "two.jpg")
    view = rig.view(row).ids.picture
    x, y = view.to_window(view.center_x, view.y)
    assert is_near(rig.pixel(x, y + view.height * 0.75), (200, 30, 30))
    assert is_near(rig.pixel(x, y + view.height * 0.25), (30, 30, 200))
    assert row.line == "[sanjay] !send two.jpg"
    assert row.file.status.startswith("Successfully received: ")


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.bmp", "a.gif", "wrong-ending.txt"])
def test_each_format_is_known_by_its_content(rig: Rig, tmp_path: Path, name: str):
    """An ending is only what the sender says."""
    Image.new("RGB", (64, 64), (10, 200, 90)).save(tmp_path / name, format="PNG" if name.endswith("txt") else None)
    rig.joined()
    row = arrives(rig, tmp_path / name)
    assert row.kind == rows.PICTURE
    assert is_near(rig.middle(rig.view(row).ids.picture), (10, 200, 90))


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_an_animation_moves(rig: Rig, tmp_path: Path, ending: str):
    """Its frames come one after the other, and begin anew."""
    colours = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    first, *others = (Image.new("RGB", (80, 80), colour) for colour in colours)
    path = tmp_path / f"moving.{ending}"
    first.save(path, save_all=True, append_images=others, duration=60, loop=0)
    rig.joined()
    view = rig.view(arrives(rig, path)).ids.picture
    for colour in [*colours, colours[0]]:
        rig.until(partial(_looks, rig, view, colour))


def test_a_broken_picture_is_a_card_with_the_reason(rig: Rig, tmp_path: Path):
    """A JPEG of a real size that ends in the middle."""
    path = tmp_path / "broken.jpg"
    Image.effect_noise((1500, 1000), 90).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    rig.joined()
    row = arrives(rig, path)
    assert row.kind == rows.FILE
    assert row.file.note.startswith("Cannot be shown: it is damaged")
    assert rig.button("Save as", rig.view(row))


def test_what_only_claims_to_be_a_picture_is_a_card(rig: Rig, tmp_path: Path):
    """Random bytes named .jpg."""
    path = tmp_path / "noise.jpg"
    path.write_bytes(os.urandom(200_000))
    rig.joined()
    assert arrives(rig, path).file.note == "Cannot be shown: it is no picture, whatever its name says"


def test_a_picture_bomb_is_not_decoded(rig: Rig, tmp_path: Path):
    """A small file that claims 60,000 by 60,000 pixels: nobody tries."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    rig.joined()
    assert arrives(rig, path).file.note == "Cannot be shown: it has more than 50 million pixels"


def test_a_click_opens_a_picture_large_and_escape_closes_it(rig: Rig, tmp_path: Path):
    """As large as the window."""
    Image.new("RGB", (1600, 1200), (120, 20, 220)).save(tmp_path / "big.png")
    rig.joined()
    row = arrives(rig, tmp_path / "big.png")
    rig.click(rig.view(row).ids.picture)
    viewer = rig.dialog()
    rig.until(lambda: viewer.texture is not None)
    rig.frames(20)
    assert viewer.texture.width > 700
    assert is_near(rig.pixel(450, 500), (120, 20, 220))
    rig.press(27)
    rig.until(lambda: viewer.parent is None)


def test_progress_goes_to_the_card_and_never_to_the_list(rig: Rig):
    """A bar, and bytes of bytes."""
    rig.joined()
    rig.happens(FileOffered(1, "sanjay", "big.iso", 4_000_000, False))
    row = rig.rows[-1]
    assert row.file.status == "Receiving big.iso (4000000 bytes)"
    rig.happens(FileProgress(1, "big.iso", 1_000_000, 4_000_000))
    view = rig.view(row)
    assert view.progress == 0.25
    assert view.about.startswith("1.0 MB of 4.0 MB")


def test_cancel_and_try_again(rig: Rig):
    """A transfer can be called off, and a failed one fetched again."""
    rig.joined()
    rig.happens(FileOffered(7, "sanjay", "big.iso", 4_000_000, False))
    row = rig.rows[-1]
    rig.click(rig.button("Cancel", rig.view(row)))
    assert rig.client.cancelled == [7]
    rig.happens(FileFailed(7, "big.iso", "you called it off"))
    assert row.file.status == "big.iso was called off: you called it off"
    rig.click(rig.button("Try again", rig.view(row)))
    assert rig.client.got == [7]
    assert row.file.state == FileItem.COMING


def test_a_large_file_waits_for_a_click(rig: Rig):
    """Above --auto-get nothing comes by itself."""
    rig.joined()
    rig.happens(FileOffered(3, "sanjay", "film.mkv", 9 * 10**9, True))
    row = rig.rows[-1]
    assert "9.0 GB" in rig.view(row).about
    rig.click(rig.button("Download", rig.view(row)))
    assert rig.client.got == [3]


def test_what_is_no_longer_there_is_said(rig: Rig):
    """And the card stays as it is."""
    rig.joined()
    rig.happens(FileOffered(3, "sanjay", "film.mkv", 9 * 10**9, True))
    rig.client.has_offers = False
    rig.click(rig.button("Download", rig.view(rig.rows[-1])))
    assert rig.root.told == "film.mkv is no longer there"


def test_an_own_file_stands_on_the_right_and_becomes_sent(rig: Rig, tmp_path: Path):
    """With the words of the transcripts."""
    path = tmp_path / "notes.txt"
    path.write_text("notes")
    rig.joined()
    rig.root.send_file(path)
    rig.frames(3)
    row = rig.rows[-1]
    assert row.mine
    assert row.file.status == "Sending notes.txt (5 bytes)"
    rig.happens(FileSent(1, "notes.txt"))
    assert row.file.status == "File Successfully sent"


def test_what_cannot_be_sent_is_said_in_a_line(rig: Rig, tmp_path: Path):
    """No such file; a server that takes none."""
    rig.joined()
    rig.root.send_file(tmp_path / "gone.txt")
    assert rig.root.told == "Cannot send gone.txt: No such file or directory"
    rig.client.takes_files = False
    rig.root.send_file(tmp_path)
    assert rig.root.told == "This server does not take files"


def test_files_dropped_on_the_window_are_sent(rig: Rig, tmp_path: Path):
    """Drag and drop."""
    from kivy.core.window import Window

    path = tmp_path / "drop é.txt"
    path.write_text("x")
    rig.joined()
    Window.dispatch("on_drop_file", os.fsencode(path), 10, 10)
    assert rig.client.sent == [path]


def test_a_program_from_others_is_not_started(tmp_path: Path):
    """Opening one would run it."""
    for name in ("setup.EXE", "run.sh", "app.desktop", "x.jar"):
        with pytest.raises(opening.NotOpened, match="not started"):
            opening.open_file(tmp_path / name)


def test_saving_overwrites_nothing(tmp_path: Path):
    """A file of that name stays."""
    source, folder = tmp_path / "a.txt", tmp_path / "there"
    source.write_text("new")
    folder.mkdir()
    assert opening.save_file(source, folder) == folder / "a.txt"
    with pytest.raises(FileExistsError):
        opening.save_file(source, folder)


def test_pixels_of_pictures_out_of_sight_leave_the_memory(rig: Rig, tmp_path: Path):
    """And are decoded again when one scrolls back."""
    from reference.gui.previews import Kept

    rig.joined()
    rig.app.conversation._kept = Kept(most=800_000)
    seen = []
    for number in range(8):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (360, 260), (10 + 25 * number, 100, 50)).save(path)
        seen.append(arrives(rig, path))
    assert not seen[0].file.preview.frames
    rig.history.scroll_y = 1
    rig.until(lambda: seen[0].file.preview.frames)
    rig.frames(4)
    assert is_near(rig.middle(rig.view(seen[0]).ids.picture), (10, 100, 50))


def test_pictures_that_were_never_in_sight_leave_the_memory(rig: Rig, tmp_path: Path):
    """In a flood a picture is out of sight before it is decoded."""
    from reference.gui.previews import Kept

    rig.joined()
    rig.app.conversation._kept = Kept(most=800_000)
    for _ in range(40):
        rig.app.conversation.say("hello")
    rig.history.scroll_y = 1
    rig.frames(4)
    seen = []
    for number in range(8):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (360, 260), (10, 100, 50)).save(path)
        seen.append(arrives(rig, path))
    assert [bool(row.file.preview.frames) for row in seen] == [False] * 6 + [True] * 2


def _looks(rig: Rig, view: Any, colour: tuple[int, ...]) -> bool:
    return is_near(rig.middle(view), colour, 40)
