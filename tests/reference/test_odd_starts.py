"""Programs started in odd ways, and asked for odd things: never a traceback, and never one that cannot be left."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Thread

import pytest

from reference.protocol import Refused, Text, encode
from tests.graded.implementation import free_port
from tests.reference.live import ROOT, ClientProgram, Program, ServerProgram, serving
from tests.reference.people import DEADLINE
from tests.reference.raw import Raw


def shell(command: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a line of shell to its end, in the checkout, with `client` and `server` for ours."""
    for role in ("client", "server"):
        command = command.replace(f"{role} ", f"{shlex.quote(sys.executable)} -m reference.{role} ", 1)
    return subprocess.run(
        ["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, errors="replace", input=typed
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_client_does_without_what_its_starter_closed(closed: str, tmp_path: Path) -> None:
    """No input is the end of the input, and output that nobody gets is no reason to fail."""
    with serving() as live:
        host, port = live.address
        folder = shlex.quote(str(tmp_path))
        done = shell(f"client {host} {port} --yes --mode terminal --name ann --downloads {folder} {closed}", "!q\n")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", ["--yes --mode terminal --name ann", "--yes", ""])
def test_an_input_that_cannot_be_read_is_the_end_of_the_input(arguments: str) -> None:
    """As nohup has it in a terminal: open for writing only."""
    with serving() as live:
        host, port = live.address
        done = shell(f"client {host} {port} {arguments} 0>/dev/null")
    assert done.returncode == 0
    assert done.stdout.endswith("Disconnected\n")
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("arguments", ["--yes --mode terminal --name ann", ""])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_ends_a_client_without_a_traceback(arguments: str, unbuffered: str) -> None:
    """Nobody can read what it shows, nor what it asks."""
    with serving() as live:
        host, port = live.address
        done = shell(f"PYTHONUNBUFFERED={unbuffered} exec client {host} {port} {arguments} >/dev/full")
    assert done.returncode == 0
    assert done.stderr == ""


INTERRUPTED = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == "reference.arguments":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
"""


@pytest.mark.parametrize("role", ["client", "server"])
def test_a_ctrl_c_while_it_starts_ends_it_without_a_traceback(role: str, tmp_path: Path) -> None:
    """While Python imports the parts of the program, which on a slow disk takes a second."""
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTED)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = shell(f"PYTHONPATH={shlex.quote(path)} exec {role} 127.0.0.1 0")
    assert done.returncode == -signal.SIGINT
    assert done.stdout + done.stderr == ""


def test_a_server_does_without_an_output() -> None:
    """A server started with its output closed serves, and ends when told to."""
    port = free_port()  # not one for outgoing connections: who connects to that before the server listens meets itself
    line = f"exec {shlex.quote(sys.executable)} -m reference.server 127.0.0.1 {port} >&-"
    with subprocess.Popen(["sh", "-c", line], cwd=ROOT, stderr=subprocess.PIPE, text=True) as server:
        try:
            while True:  # nothing is printed, so its port is all there is to wait for
                try:
                    raw = Raw(("127.0.0.1", port))
                    break
                except ConnectionRefusedError:
                    assert server.poll() is None
            raw.join("ann")
            raw.close()
        finally:
            server.terminate()
        assert server.wait(DEADLINE) == 0
        assert server.stderr is not None
        assert server.stderr.read() == ""


def test_a_spool_folder_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    """Not at the first file, when the one who sends it can do nothing about it."""
    done = shell(f"server 127.0.0.1 0 --spool {shlex.quote(str(tmp_path / 'nowhere'))}")
    assert done.returncode == 1
    assert done.stderr == f"cannot keep files in {tmp_path / 'nowhere'}: No such file or directory\n"


@pytest.mark.parametrize("name", ["x" * 40_000, "\udcff"], ids=["very long", "not text"])
def test_a_name_that_cannot_be_sent_is_asked_again(name: str) -> None:
    """The reason is told as for any other bad name, and the connection stays."""
    with serving() as live:
        host, port = live.address
        typed = name.encode(errors="surrogateescape") + b"\nann\n!q\n"
        command = [sys.executable, "-m", "reference.client", host, str(port), "--yes", "--mode", "terminal"]
        done = subprocess.run(command, cwd=ROOT, input=typed, capture_output=True, timeout=DEADLINE)
    assert done.returncode == 0
    assert b"Client 1 : ann" in done.stdout or b"Total No of Clients: 1" in done.stdout
    assert b"Traceback" not in done.stderr


def test_a_name_that_a_script_gives_is_not_asked_again() -> None:
    """The next line of its input is a text, which must not become its name."""
    with serving() as live, Raw(live.address) as ann:
        ann.join("ann")
        host, port = live.address
        done = shell(f"client {host} {port} --yes --mode terminal --name ann", "hello everybody\n")
    assert done.returncode == 1
    assert done.stderr == "this name is taken: start again with another --name\n"
    assert done.stdout == ""


@pytest.mark.parametrize("code", ["name-bad", "full"])
def test_a_servers_reason_is_shown_harmlessly(code: str) -> None:
    """A server is somebody else too: its words must not rewrite the screen."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(4096)
                sock.sendall(encode(Refused(code, "\x1b]0;owned\x07\nForged line")))
                while sock.recv(4096):
                    pass

        Thread(target=refuse, daemon=True).start()
        port = listener.getsockname()[1]
        done = shell(f"client 127.0.0.1 {port} --yes --mode terminal --name ann </dev/null")
    shown = done.stdout + done.stderr
    assert "owned" in shown
    assert "\x1b" not in shown
    assert "\nForged" not in shown


def test_a_client_leaves_when_nobody_reads_what_it_shows(tmp_path: Path) -> None:
    """As in `client ... | head`: the others see it go, and it does not stay behind."""
    with serving() as live, Raw(live.address) as bob:
        bob.join("bob")
        reader, writer = os.pipe()
        host, port = live.address
        command = [sys.executable, "-m", "reference.client", host, str(port), "--yes", "--mode", "terminal"]
        with subprocess.Popen(
            [*command, "--name", "ann"], cwd=ROOT, stdin=subprocess.PIPE, stdout=writer, stderr=subprocess.PIPE
        ) as ann:
            os.close(writer)
            live.shown.wait_for("ann")
            os.close(reader)
            bob.send(Text("hello"))
            assert ann.wait(DEADLINE) == 0
            assert ann.stderr is not None
            assert ann.stderr.read() == b""
        live.shown.wait_for("[ann] !DISCONNECT")


def test_one_ctrl_c_ends_a_client_whose_output_is_full(tmp_path: Path) -> None:
    """As in `client ... | less`: the thread that shows is stuck in the pipe, and the one that leaves is not."""
    with serving() as live, Raw(live.address) as bob:
        bob.join("bob")
        reader, writer = os.pipe()
        master, terminal = os.openpty()
        host, port = live.address
        command = [sys.executable, "-m", "reference.client", host, str(port), "--yes", "--mode", "terminal"]
        with subprocess.Popen([*command, "--name", "ann"], cwd=ROOT, stdin=terminal, stdout=writer) as ann:
            os.write(master, b"here\n")
            live.shown.wait_for("[ann] here")
            os.set_blocking(writer, False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(writer, bytes(4096))
            os.set_blocking(writer, True)
            bob.send(Text("hello"))
            live.shown.wait_for("[bob] hello")
            ann.send_signal(signal.SIGINT)
            try:
                assert ann.wait(DEADLINE) == 0
            finally:
                ann.kill()
        for each in (reader, writer, master, terminal):
            os.close(each)


RUN = "import os, sys; os.execv('/bin/sh', ['sh', '-c', sys.argv[1]])"

IMPATIENT = """
import os, signal, sys
from reference.client import __main__ as client

class Output:
    def write(self, text):
        os.kill(os.getpid(), signal.SIGINT)

    def flush(self):
        pass

sys.stdout = Output()
client._print_last("Disconnected")
"""


def test_a_held_ctrl_c_ends_a_client_without_a_traceback() -> None:
    """The last one comes while it prints its last line."""
    done = subprocess.run([sys.executable, "-c", IMPATIENT], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system tells nobody that a terminal is closed")
def test_a_client_under_nohup_outlives_its_terminal() -> None:
    """Which is what nohup is for."""
    with serving() as live, Raw(live.address) as bob:
        bob.join("bob")
        host, port = live.address
        line = f"trap '' HUP; exec {shlex.quote(sys.executable)} -m reference.client {host} {port} --name ann"
        with Program("-c", RUN, line + " --yes --mode terminal") as ann:
            ann.shown.wait_for("Client 2 : ann")
            ann.kill(signal.SIGHUP)
            bob.send(Text("still there?"))
            ann.shown.wait_for("[bob] still there?")
            ann.type("yes")
            live.shown.wait_for("[ann] yes")
            ann.type("!q")
            assert ann.status() == 0


@pytest.mark.parametrize("line", ["!get \u00b2", "!get " + "9" * 5000, "!get", "!get -1"])
def test_odd_numbers_are_no_files(line: str, tmp_path: Path) -> None:
    """What Python's int() refuses, and what it takes too long for, is answered like any number that no file has."""
    with ServerProgram() as server, ClientProgram(server.address, "ann", tmp_path) as ann:
        ann.joined()
        ann.type(line)
        ann.shown.wait_for("Which file? !get <number>, as it was offered")
        ann.type("!q")
        assert ann.status() == 0


def test_a_file_larger_than_any_number_on_the_wire_is_not_sent(tmp_path: Path) -> None:
    """A sparse file may claim any size."""
    memory = Path("/dev/shm")  # a file system in memory takes what one on a disk does not
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        large = Path(folder, "large")
        try:
            large.touch()
            os.truncate(large, 2**53 + 5)
        except OSError:
            pytest.skip("no file system here has files so large")
        with ServerProgram() as server, ClientProgram(server.address, "ann", tmp_path) as ann:
            ann.joined()
            ann.type(f"!send {large}")
            ann.shown.wait_for(lambda line: line.startswith(f"Cannot send {large}"))
            ann.type("!q")
            assert ann.status() == 0
