"""Starting the client with a host that is none: one line that says so, and exit status 1."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.reference.live import ROOT

NO_SUCH_HOST = """
import socket

def getaddrinfo(*_, **__):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

socket.getaddrinfo = getaddrinfo
from reference.client.__main__ import main
raise SystemExit(main(["no.such.host", "5050", "--yes", "--mode", "terminal"]))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, without input."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("host", [".x", "a" * 70, "a..b"])
def test_what_cannot_be_a_host_is_named_in_one_line(host: str) -> None:
    """A part of a host's name is from 1 to 63 characters long; Python raises no OSError for others."""
    done = run("-m", "reference.client", host, "5050", "--yes")
    assert done.returncode == 1
    assert done.stderr == f"Cannot connect to {host} port 5050: Not the name of a host\n"


def test_a_host_that_does_not_resolve_is_named_in_one_line() -> None:
    """The reason is the system's. (No name is looked up: the test asks nobody outside of this machine.)"""
    done = run("-c", NO_SUCH_HOST)
    assert done.returncode == 1
    assert done.stderr == "Cannot connect to no.such.host port 5050: Name or service not known\n"
