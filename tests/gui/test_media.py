"""Sound and video: proved by what reaches the audio driver, by position, and by pixels that change."""

import math
import os
import struct
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from reference.gui import rows
from tests.gui.desk import ROOT
from tests.gui.rig import Rig
from tests.gui.test_files import arrives


def make(path: Path, *source: str) -> Path:
    """A sound or a video, made by FFmpeg."""
    subprocess.run([get_ffmpeg_exe(), "-v", "error", "-y", *source, str(path)], check=True)
    return path


def make_video(folder: Path) -> Path:
    """A minute that changes all the time: long enough for a machine that has much else to do."""
    picture = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=10:d=60", "-f", "lavfi", "-i", "sine=d=60")
    return make(folder / "clip.mp4", *picture, "-pix_fmt", "yuv420p")


def test_a_video_plays_where_it_stands(rig: Rig, tmp_path: Path):
    """Play: the position moves and the pixels change. Pause: both stay."""
    rig.joined()
    row = arrives(rig, make_video(tmp_path))
    assert row.kind == rows.VIDEO
    assert abs(row.file.preview.duration - 60) < 0.3
    view = rig.view(row)
    rig.click(rig.button("Play", view))
    seen = set()
    row.file.bind(picture=lambda _, picture: seen.add(picture[0] if picture else b""))
    rig.until(lambda: len(seen) > 5)
    assert row.file.position > 0
    rig.click(rig.button("Pause", view))
    rig.frames(20)
    at = row.file.position
    rig.frames(20)
    assert row.file.position == pytest.approx(at, abs=0.1)


@pytest.mark.parametrize("ending", ["mp3", "ogg", "wav", "flac"])
def test_a_sound_reaches_the_audio_driver(tmp_path: Path, ending: str):
    """A tone played here is the tone that comes out there (SDL's driver that writes a file)."""
    sound = make(tmp_path / f"tone.{ending}", "-f", "lavfi", "-i", "sine=frequency=441:duration=1.5")
    played = tmp_path / "played.raw"
    script = (
        "import sys, time, pathlib\n"
        "from reference.gui.player import Player\n"
        "player = Player(pathlib.Path(sys.argv[1]), video=False)\n"
        "until = time.monotonic() + 30\n"
        "while player.position < 1 and time.monotonic() < until:\n"
        "    player.frame(); time.sleep(0.02)\n"
        "assert player.position >= 1, player.position\n"
        "player.close()\n"
    )
    environment = {**os.environ, "SDL_AUDIODRIVER": "disk", "SDL_DISKAUDIOFILE": str(played), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script, str(sound)], env=environment, check=True, timeout=60)
    samples = [each for (each,) in struct.iter_unpack("<h", played.read_bytes()[: played.stat().st_size // 2 * 2])]
    loud = [each for each in samples if abs(each) > 500]
    assert len(loud) > 20_000


def test_a_sound_shows_its_position_and_ends(rig: Rig, tmp_path: Path):
    """Play, wait, and it is over."""
    path = tmp_path / "short.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(each / 4))) for each in range(24_000)))
    rig.joined()
    row = arrives(rig, path)
    assert row.kind == rows.SOUND
    positions = []
    row.file.bind(position=lambda _, position: positions.append(position))
    rig.click(rig.button("Play", rig.view(row)))
    rig.until(lambda: row.file.player is None)
    assert max(positions) > 0
    assert not row.file.playing


def test_one_thing_plays_at_a_time(rig: Rig, tmp_path: Path):
    """Who starts another ends the first."""
    rig.joined()
    first = arrives(rig, make(tmp_path / "one.mp3", "-f", "lavfi", "-i", "sine=d=9"))
    second = arrives(rig, make(tmp_path / "two.mp3", "-f", "lavfi", "-i", "sine=d=9"))
    rig.app.conversation.act(first, "Play")
    rig.frames(5)
    rig.app.conversation.act(second, "Play")
    assert first.file.player is None
    assert second.file.playing


def test_a_broken_video_is_a_card_with_the_reason(rig: Rig, tmp_path: Path):
    """It begins like an MP4 and is noise."""
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"\x00\x00\x00\x20ftypisom" + os.urandom(200_000))
    rig.joined()
    assert arrives(rig, path).file.note.startswith("Cannot be shown: it is damaged")
