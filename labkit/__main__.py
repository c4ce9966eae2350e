"""The kit's tools: ``python -m labkit`` lists them, ``python -m labkit wiretap --help`` tells about one."""

import errno
import importlib
import os
import sys
from io import TextIOWrapper

# What each is called, the module whose main(arguments) it is, and what it is for. Imported only when it is asked for.
COMMANDS = {
    "start": ("labkit.student.start", "begin a stage of the lab: its files, with tasks to be filled in"),
    "check": ("labkit.student.check", "check your work on a stage, task by task"),
    "watch": ("labkit.student.watch", "check it at each save"),
    "hint": ("labkit.student.hint", "one more hint for a task each time"),
    "diff": ("labkit.student.diff", "what a stage adds to the one before"),
    "bots": ("labkit.student.bots", "have scripted people join a server"),
    "matrix": ("labkit.matrix", "check the tests: other styles must pass, buggy programs be caught"),
    "mutants": ("labkit.mutants", "check the tests: what small changes to the stages do they not notice?"),
    "grade": ("labkit.grade.command", "grade a class, each submission in a sandbox"),
    "release": ("labkit.release.command", "make the student kit: no solutions, no hidden tests, no later stages"),
    "gradescope": ("labkit.grade.gradescope_zip", "make the autograder zip for Gradescope"),
    "wiretap": ("labkit.wiretap.command", "show every frame that passes between clients and a server"),
    "vectors": ("labkit.vectors.command", "check a program in any language against the protocol's test vectors"),
}


def main(arguments: list[str]) -> int:
    """Run one of the tools; returns its exit status, 2 if there is none of that name."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0 if arguments else 2
    if arguments[0] not in COMMANDS:
        print(f"python -m labkit: no tool '{arguments[0]}': it is one of {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    module, _ = COMMANDS[arguments[0]]
    if isinstance(sys.stdout, TextIOWrapper):  # names of files need not be text, nor can every terminal show all text
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status: int = importlib.import_module(module).main(arguments[1:])
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter's own flush would complain
        if error.errno == errno.ENOSPC:  # else nobody reads any more (head, less)
            print(f"Cannot write {error.filename or 'any more'}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # while it was still loading: what runs for long has an answer of its own
        return 130
    return status


def usage() -> str:
    """The tools, one a line."""
    lines = [f"  {name:<9} {purpose}" for name, (_, purpose) in COMMANDS.items()]
    return "\n".join(["usage: python -m labkit TOOL [options, see TOOL --help]", "", *lines])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
