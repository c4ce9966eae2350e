"""``python -m labkit vectors --cmd "node labs/examples/gmc.js"``: the command line."""

import argparse
import shlex
import sys
from collections import Counter

from labkit.proxy.options import OneLineParser
from labkit.vectors.cases import Case, Vector, cases, load
from labkit.vectors.compare import differs, shorten
from labkit.vectors.program import Program, ProgramError

REPORTED = 10
"""Vectors reported one by one: whoever has more mistakes mends these first."""

PATIENCE = 10.0

EPILOG = """\
The program reads one JSON object a line and answers each with one on a line, at once:

  {"from": "client", "hex": ["000000", "0354..."]}   decode these pieces, one after the other, as from a new connection
    {"frames": [{"type": "text", "text": "hi"}], "error": null}       "error" has a code of labs/protocol.md
  {"from": "client", "frame": {"type": "text", "text": "hi"}}         encode this frame
    {"hex": "0000000e547b..."}
"""


def main(arguments: list[str]) -> int:
    """Ask everything. Exit status 0 if all is right, 1 if not, 2 for bad arguments."""
    parser = OneLineParser(
        prog="python -m labkit vectors",
        description="Check a program in any language against the protocol's test vectors.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cmd", required=True, metavar="PROGRAM", help="how to start it, with its arguments")
    parser.add_argument("--only", default="", metavar="TEXT", help="just the vectors with this in their name")
    parser.add_argument("--patience", type=float, default=PATIENCE, metavar="SECONDS", help="for one answer (10)")
    options = parser.parse_args(arguments)
    try:
        command = shlex.split(options.cmd)
    except ValueError as error:
        parser.error(f"--cmd: {error}")
    vectors = [vector for vector in load() if options.only in vector.name]
    if not command or not vectors:
        parser.error("--cmd names no program" if vectors else f"no vector has '{options.only}' in its name")
    try:
        with Program(command, options.patience) as program:
            return _check(program, vectors)
    except ProgramError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _check(program: Program, vectors: list[Vector]) -> int:
    asked: Counter[str] = Counter()
    wrong = 0
    for vector in vectors:
        problem = None
        for case in cases(vector):
            asked["decode" if case.pieces else "encode"] += 1
            problem = _ask(program, case)
            if problem:  # one mistake shows in many cuts: the first is enough
                break
        if problem:
            wrong += 1
            if wrong <= REPORTED:
                print(f"WRONG  {vector.name}\n       {problem}", flush=True)
    if wrong > REPORTED:
        print(f"       … and {wrong - REPORTED} more")
    right = len(vectors) - wrong
    print(f"{right} of {len(vectors)} vectors right ({asked['decode']:,} decoded, {asked['encode']:,} encoded)")
    return 1 if wrong else 0


def _ask(program: Program, case: Case) -> str | None:
    try:
        problem = differs(case, program.ask(case.question))
    except ProgramError as error:
        raise ProgramError(f"{case.vector.name}, {case.how}: {error}") from None
    return f"{case.how}: {problem}\n       question: {shorten(case.question)}" if problem else None
