"""Files of every kind that the window shows, made from nothing: for pictures of the window, and to try things with."""

import math
import random
import subprocess
from pathlib import Path

from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps

_INK, _BLUE, _PAPER = "#17202a", "#1670b8", "#ffffff"
_EVENING = ("#2b1d55", "#f4a261", "#fff1c9", ("#6d4a78", "#4a3463", "#2a2148"))
_NIGHT = ("#06122b", "#1f6f8b", "#dff3ff", ("#1b5068", "#123c54", "#0a2338"))
_FINE = 2  # drawn so many times larger, and made smaller: smooth edges


def make_files(folder: Path) -> list[Path]:
    """A JPEG, a PNG, an animated GIF, an MP3, a WAV, an MP4, a PDF, and a JPEG that has lost its end."""
    _lake(3200, 1600, *_EVENING).save(folder / "lake.jpg", quality=92)
    _network(2880, 1280, 0.0).save(folder / "diagram.png")
    frames = [_network(720, 320, each / 30, packets=True) for each in range(30)]
    frames[0].save(folder / "packets.gif", save_all=True, append_images=frames[1:], duration=60, loop=0)
    _ffmpeg(["-f", "lavfi", "-i", "sine=frequency=330:duration=127", "-b:a", "192k"], folder / "song.mp3")
    _ffmpeg(["-f", "lavfi", "-i", "sine=frequency=880:duration=14"], folder / "bell.wav")
    night = folder / "night.png"
    _lake(1920, 900, *_NIGHT).save(night)
    drift = (
        "zoompan=z='1.05+0.001*on':x='(iw-iw/zoom)/2':y='(ih-ih/zoom)/2':d=150:s=1280x600:fps=25,noise=alls=3:allf=t"
    )
    _ffmpeg(["-i", str(night), "-vf", drift, "-pix_fmt", "yuv420p"], folder / "night.mp4")
    night.unlink()
    pages = [_network(1240, 1754, 0.0, title=f"Page {number}") for number in range(1, 5)]
    pages[0].save(folder / "handout.pdf", save_all=True, append_images=pages[1:])
    whole = (folder / "lake.jpg").read_bytes()
    (folder / "broken.jpg").write_bytes(whole[: len(whole) // 3])
    names = ("lake.jpg", "diagram.png", "packets.gif", "song.mp3", "bell.wav", "night.mp4", "handout.pdf", "broken.jpg")
    return [folder / name for name in names]


def _ffmpeg(arguments: list[str], target: Path) -> None:
    subprocess.run([get_ffmpeg_exe(), "-v", "error", *arguments, str(target)], check=True)


def _lake(width: int, height: int, top: str, low: str, light: str, hills: tuple[str, ...]) -> Image.Image:
    """Hills behind each other, a sun or a moon, and all of it again in the water."""
    shore = height * 3 // 5
    sky = ImageOps.colorize(Image.linear_gradient("L").resize((width, shore)), top, low)
    disc = Image.new("L", (width, shore))
    x, y, radius = width * 0.64, shore * 0.5, shore * 0.11
    ImageDraw.Draw(disc).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    glow = disc.filter(ImageFilter.GaussianBlur(radius)).point(lambda value: value * 0.9)
    sky.paste(light, mask=ImageChops.lighter(disc.filter(ImageFilter.GaussianBlur(2)), glow))
    draw = ImageDraw.Draw(sky)
    draw_wave = random.Random(top)  # other hills under another sky
    for number, colour in enumerate(hills):
        waves = [(draw_wave.uniform(1, 3) * 2**octave, draw_wave.uniform(0, 7), 0.5**octave) for octave in range(6)]
        ridge = []
        for x in range(0, width + 8, 8):
            sway = sum(share * math.sin(pace * math.pi * x / width + start) for pace, start, share in waves)
            ridge.append((x, shore * (0.62 + 0.13 * number + 0.10 * sway)))
        draw.polygon([*ridge, (width, shore), (0, shore)], fill=colour)
    picture = Image.new("RGB", (width, height))
    picture.paste(sky)
    water = ImageOps.flip(sky).crop((0, 0, width, height - shore)).filter(ImageFilter.BoxBlur(6))
    picture.paste(Image.blend(water, Image.new("RGB", water.size, top), 0.35), (0, shore))
    grain = Image.effect_noise((width, height), 40).convert("RGB")  # as every camera has
    return Image.blend(picture, grain, 0.1)


def _network(width: int, height: int, at: float, packets: bool = False, title: str = "") -> Image.Image:
    """A server and four clients; ``at`` is how far a message has come: to the server, and on to the others."""
    size = (width * _FINE, height * _FINE)
    picture = Image.new("RGB", size, _PAPER)
    draw = ImageDraw.Draw(picture)
    unit = size[0] / 48
    middle = (size[0] / 2, size[1] / 2)
    font = ImageFont.load_default(unit * 1.5)
    places = [(middle[0] + side * unit * 17, middle[1] + up * unit * 6.5) for side in (-1, 1) for up in (-1, 1)]
    for place in places:
        draw.line((*middle, *place), fill=_INK, width=max(2, int(unit / 6)))
    if packets:
        legs = [(places[0], middle)] if at < 0.5 else [(middle, place) for place in places[1:]]
        part = at * 2 % 1
        for (x, y), (to_x, to_y) in legs:
            dot = (x + (to_x - x) * part, y + (to_y - y) * part)
            draw.circle(dot, unit * 0.9, fill="#e4572e")
    for place, label in [(middle, "server"), *zip(places, ("sravya", "sanjay", "arjun", "lin"), strict=True)]:
        half = (unit * 5, unit * 2.2)
        box = (place[0] - half[0], place[1] - half[1], place[0] + half[0], place[1] + half[1])
        strong = label == "server"
        draw.rounded_rectangle(box, unit, fill=_BLUE if strong else _PAPER, outline=_BLUE, width=max(2, int(unit / 4)))
        draw.text(place, label, fill=_PAPER if strong else _INK, font=font, anchor="mm")
    draw.text((unit * 4, unit * 4), title, fill=_INK, font=font)
    return picture.reduce(_FINE)
