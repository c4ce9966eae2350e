"""The hooks of mkdocs: what the marks stand for is put into the pages, and what others have made into the site."""

import html
import json
import re
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from labkit.guide import marks, vendor

FOR_INSTRUCTORS = "For instructors"
"""The section of the table of contents that the students' guide does not have."""

_TO_INSTRUCTORS = re.compile(r"\[(?P<words>[^]]+)\]\(instructors[^)]*\)")

_FIGURE = re.compile(
    r'<figure class="cast" data-cast="(?P<name>[\w-]+)"><figcaption>(?P<title>.*?)</figcaption></figure>'
)


def on_config(config: Any, **_: Any) -> Any:
    """Leave out what is not for students, if the guide is for them."""
    if marks.without_solutions():
        config.nav = [each for each in config.nav if FOR_INSTRUCTORS not in each]
    return config


def on_files(files: Any, config: Any, **_: Any) -> Any:
    """Carry what others have made. Raises PluginError, which mkdocs shows as one line."""
    try:
        for place, path in vendor.files():
            files.append(File.generated(config, place, abs_src_path=str(path)))
    except FileNotFoundError as error:
        raise PluginError(str(error)) from None
    if marks.without_solutions():
        for file in [each for each in files if each.src_uri.startswith("instructors")]:
            files.remove(file)
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put in what the marks stand for. Raises PluginError."""
    if marks.without_solutions():
        markdown = _TO_INSTRUCTORS.sub(r"\g<words>", markdown)
    try:
        return marks.put_in(markdown)
    except LookupError as error:
        raise PluginError(f"labs/{page.file.src_uri}: {error.args[0]}") from None


def on_page_content(content: str, **_: Any) -> str:
    """Put recordings in. They are part of the page, so that it plays them also when it was opened as a file."""
    return _FIGURE.sub(_figure, content)


def _figure(match: re.Match[str]) -> str:
    cast = (marks.RECORDINGS / f"{match['name']}.cast").read_text(encoding="utf-8")
    still = (marks.RECORDINGS / f"{match['name']}.txt").read_text(encoding="utf-8")
    title = match["title"]
    # "</" would end the script's element.
    data = json.dumps(cast, ensure_ascii=False).replace("</", "<\\/")
    return (
        f'<figure class="cast" id="cast-{match["name"]}" data-search-exclude>'
        f'<div class="cast-player" role="group" aria-label="Recording: {html.escape(title)}"></div>'
        f'<script type="application/json">{data}</script>'
        f'<pre class="cast-still" tabindex="0" aria-label="Its last screen">{html.escape(still)}</pre>'
        f"<figcaption>{title}</figcaption></figure>"
    )
