"""All reports of a class, made from its results alone: they can be made again at any time."""

from __future__ import annotations

import json
from pathlib import Path

from labkit.grade.config import Config
from labkit.grade.marks import is_due_over, set_mark
from labkit.grade.reports import classpage, gradebook, gradescope, junit, studentpage
from labkit.grade.result import Result
from labkit.grade.roster import Roster
from labkit.grade.store import Store
from labkit.grade.store import write as write_file


def write(store: Store, results: list[Result], config: Config, people: Roster) -> None:
    """Compute the marks, and write everything. Reports of students that are gone go too."""
    overrides = store.overrides()
    for result in results:
        set_mark(result, config, overrides.get(result.key))
        store.keep(result)
        students = store.folder / "students"
        write_file(students / f"{result.key}.html", studentpage.html(result, config, is_due_over(config)))
        write_file(students / f"{result.key}.md", studentpage.markdown(result, config, is_due_over(config)))
        for_gradescope = store.folder / "gradescope" / result.key / "results.json"
        if result.mark["mark"] is None:
            for_gradescope.unlink(missing_ok=True)
        else:
            document = json.dumps(gradescope.document(result, config), indent=1, ensure_ascii=False)
            write_file(for_gradescope, document + "\n")
    _remove_others(store.folder / "students", {result.key for result in results})
    write_file(store.folder / "index.html", classpage.html(results, config, people))
    write_file(store.folder / "canvas.csv", gradebook.canvas(results, config, people))
    write_file(store.folder / "moodle.csv", gradebook.moodle(results, config, people))
    write_file(store.folder / "marks.csv", gradebook.plain(results, config))
    write_file(store.folder / "junit.xml", junit.document(results))


def _remove_others(folder: Path, keys: set[str]) -> None:
    for path in folder.glob("*"):
        if path.suffix in (".html", ".md") and path.stem not in keys:
            path.unlink()
