"""The options of the end-to-end tests: what is under test, and how.

Here and not beside those tests, because pytest reads options only from folders it starts in.
"""

from __future__ import annotations

import os
import random

import pytest

from tests.graded.network import NETWORKS


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two for each core with ``--numprocesses auto``: the tests wait for half of their time."""
    return 2 * (os.cpu_count() or 1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the end-to-end tests."""
    group = parser.getgroup("chat", "the end-to-end stories in tests/graded")
    group.addoption("--server", default="reference", help="`reference`, or a folder with server.py")
    group.addoption("--client", default="reference", help="`reference`, or a folder with client.py")
    group.addoption("--stage", type=int, default=5, help="leave out what comes after this stage (1 to 5)")
    group.addoption(
        "--network",
        choices=NETWORKS,
        help="tell all stories on this network (default: plain, and those about the wire on each)",
    )
    group.addoption(
        "--seed",
        type=int,
        default=random.SystemRandom().randrange(10**9),
        help="draw names, texts and files from this seed (printed when a story fails)",
    )
    group.addoption(
        "--pairs",
        action="store_true",
        help="tell each story with both sides under test, and with the reference on one side",
    )
    group.addoption("--again", help="the command that tells one story again when its name is added to it")
    group.addoption("--patience", type=float, default=30.0, help="seconds to wait for anything to happen")
    group.addoption("--launcher", help="a program that starts those under test, as implementation.py says")
    group.addoption("--launcher-above", type=int, default=0, help="how many processes it keeps above a program's own")
