"""Which of a submission's folders is the program of which stage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from labkit.grade.session import StagePrograms

PROGRAMS = ("server.py", "client.py")
# '1_text', 'stage1', 'Stage 3', 'lab-2', 'work/3_files': one digit that stands alone.
_STAGE = re.compile(r"(?<!\d)([1-9])(?!\d)")


def find(files: Mapping[str, bytes], stages: list[int]) -> tuple[list[StagePrograms], dict[int, str], list[str]]:
    """The programs of each stage, the folder that each was found in, and what was unclear.

    A submission with one program is taken for every stage; one with a folder for each stage has them by their numbers.
    """
    folders = sorted(
        {str(PurePosixPath(path).parent) for path in files if PurePosixPath(path).name in PROGRAMS},
        key=lambda folder: (folder.count("/"), folder),
    )
    numbered: dict[int, list[str]] = {}
    for folder in folders:
        found = _STAGE.findall(PurePosixPath(folder).name)
        if found:
            numbered.setdefault(int(found[-1]), []).append(folder)
    programs, where, problems = [], {}, []
    for stage in stages:
        candidates = numbered.get(stage, []) if numbered else folders
        if not candidates:
            continue
        if len(candidates) > 1:
            problems.append(f"stage {stage} is there {len(candidates)} times: {candidates[0]} was graded")
        where[stage] = candidates[0] if candidates[0] != "." else "(top)"
        programs.append(StagePrograms(stage, _inside(files, candidates[0])))
    if not folders:
        problems.append("there is no server.py and no client.py in it")
    elif not programs:
        problems.append(f"no folder has the number of a stage that is graded: {', '.join(folders[:5])}")
    return programs, where, problems


def _inside(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    prefix = "" if folder == "." else f"{folder}/"
    return {path[len(prefix) :]: content for path, content in files.items() if path.startswith(prefix)}
