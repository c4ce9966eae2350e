"""Names, texts and files drawn afresh for every story, so that there is nothing to overfit to."""

from __future__ import annotations

import random
import unicodedata

LONGEST_NAME = 32

_ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "aáàâäeéèêiíoóöuúüñçßøåłžš",
    "абвгдежзийклмнопрстуфхцчшщыэюя",
    "αβγδεζηθικλμνξοπρστυφχψω",
)
_WORDS = (
    *("hello", "hi", "see you at 5", "what?", "(never mind)", "50% done", "C:\\temp", "1.5 MB"),
    *("[note]", "a: b", "{braces}", '"quoted"', "it's", "tab-less", "#7", "x = y + 1;", "~"),
    *("grüße", "été", "naïve", "привет", "как дела", "καλημέρα", "שלום", "नमस्ते", "హలో"),
    *("こんにちは", "你好", "안녕", "😀", "🎉🎉", "👩‍💻", "🇮🇳", "❤️", "→", "½"),
)


class Drawn:
    """Draws from a seed: the same seed gives the same story."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._taken: set[str] = set()

    def name(self) -> str:
        """A name nobody in this story has, 1 to 32 letters and digits of one alphabet."""
        while True:
            letters = self._random.choice(_ALPHABETS)
            length = self._random.choice((1, 2, 3, 5, 6, 7, 8, 12, 20, LONGEST_NAME))
            name = "".join(self._random.choices(letters, k=length))
            name = name.capitalize()[:LONGEST_NAME]
            folded = unicodedata.normalize("NFKC", name).casefold()
            if name[0].isalpha() and folded not in self._taken:
                self._taken.add(folded)
                return name

    def text(self) -> str:
        """A line to say, in any script, from a word to several screen rows; never a command."""
        words = self._random.choices(_WORDS, k=self._random.choice((1, 2, 3, 5, 8, 30)))
        # The number makes it unlike every other text of the story.
        return f"{' '.join(words)} {self._random.randrange(10**9)}"

    def content(self, size: int) -> bytes:
        """The bytes of a file: any value, so text handling anywhere on the way shows."""
        return self._random.randbytes(size)

    def file_name(self) -> str:
        """A plain file name with a usual ending."""
        stem = "".join(self._random.choices(_ALPHABETS[0], k=self._random.randint(3, 12)))
        return f"{stem}.{self._random.choice(('pdf', 'jpg', 'mp4', 'txt', 'zip'))}"

    def between(self, low: int, high: int) -> int:
        """A number, both ends included."""
        return self._random.randint(low, high)

    def pick(self, *choices: str) -> str:
        """One of these."""
        return self._random.choice(choices)
