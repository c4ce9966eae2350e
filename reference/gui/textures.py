"""Pixels on their way to the screen."""

from kivy.graphics.texture import Texture


def make_texture(size: tuple[int, int], colours: str) -> Texture:
    """A texture whose first row is the top one; ``colours`` is ``rgb`` or ``rgba``."""
    texture = Texture.create(size=size, colorfmt=colours)
    texture.flip_vertical()
    return texture
