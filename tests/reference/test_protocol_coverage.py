"""The test vectors and unit tests take every branch of the protocol."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SETTINGS = """
[run]
branch = true
include = */reference/protocol.py
[report]
fail_under = 100
show_missing = true
"""


def test_every_branch_of_the_protocol_is_tested(tmp_path: Path) -> None:
    """A branch that no vector takes is a rule that nobody has checked."""
    (tmp_path / "settings").write_text(SETTINGS)
    coverage = [sys.executable, "-m", "coverage"]
    rc, data = f"--rcfile={tmp_path}/settings", f"--data-file={tmp_path}/data"
    # A process of its own: this one has imported the protocol already, and may be measured itself.
    tests = ["tests/reference/test_protocol.py", "-k", "not byte_by_byte and not every_position"]
    for command in (
        [*coverage, "run", rc, data, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests],
        [*coverage, "report", rc, data],
    ):
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert run.returncode == 0, run.stdout + run.stderr
