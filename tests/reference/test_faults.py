"""What can go wrong around real programs: a server and clients, each a process, and one bad thing at a time."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from labkit.proxy import Faults, Proxy
from reference.protocol import Abort, Hello, Left, Offer, OfferFrom, Refused, Text, TextFrom, Welcome
from reference.server import MAX_PER_ADDRESS
from tests.reference.live import ROOT, ClientProgram, ServerProgram
from tests.reference.people import BASIC, DEADLINE
from tests.reference.raw import Raw

ID = bytes(range(16))


@pytest.fixture
def server() -> Iterator[ServerProgram]:
    """A running server."""
    with ServerProgram() as server:
        yield server


def joined(stack: contextlib.ExitStack, server: ServerProgram, folder: Path, *names: str) -> list[ClientProgram]:
    """People who are in, in this order."""
    return [stack.enter_context(ClientProgram(server.address, name, folder)).joined() for name in names]


def files_in(folder: Path) -> dict[str, bytes]:
    """Name and content of everything under a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- The command line ----------------------------------------------------------------------------------------------


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of ours to its end, with nothing to read."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("program", ["reference.server", "reference.client"])
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["127.0.0.1"],
        ["127.0.0.1", "http"],
        ["127.0.0.1", "65536"],
        ["127.0.0.1", "-1"],
        ["127.0.0.1", "5050", "more"],
        ["127.0.0.1", "5050", "--nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_arguments(program: str, arguments: list[str]):
    """One line of usage on stderr, exit status 2."""
    done = run("-m", program, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: ")
    assert done.stderr.count("\n") == 1


def test_address_in_use(server: ServerProgram):
    """One line that names address, port and reason, exit status 1; the one who has it goes on."""
    port = str(server.address[1])
    done = run("-m", "reference.server", "127.0.0.1", port)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"cannot listen on 127.0.0.1 port {port}: Address already in use\n"
    with Raw(server.address) as ann:
        ann.join("ann")


def test_address_not_ours():
    """An address of no network of this machine (192.0.2.0/24 is nobody's, RFC 5737)."""
    done = run("-m", "reference.server", "192.0.2.1", "5050")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "cannot listen on 192.0.2.1 port 5050: Cannot assign requested address\n"


def test_address_that_is_none():
    """What cannot even be looked up."""
    done = run("-m", "reference.server", "a" * 64, "5050")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"cannot listen on {'a' * 64} port 5050: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("limit", [7, 8, 9])
def test_server_without_the_descriptors_that_it_needs(limit: int):
    """One line that names the reason, exit status 1, whichever of them it is that the system does not give."""
    few = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (limit, limit))
    with ServerProgram(preexec_fn=few, read_output=False) as server:
        output, _ = server.process.communicate(timeout=DEADLINE)
    assert (server.process.returncode, output) == (1, b"cannot start: Too many open files\n")


IMPATIENT = """
import reference.client.connection as connection
connection.PATIENCE = 0.3
from reference.client.__main__ import main
raise SystemExit(main())
"""


def test_server_that_never_answers():
    """A listener that accepts and says nothing: one line with the reason, exit status 1. (10 s, shortened here.)"""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        done = run("-c", IMPATIENT, "127.0.0.1", port, "--yes", "--mode", "terminal", "--name", "ann")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Cannot connect to 127.0.0.1 port {port}: No answer for ")
    assert done.stderr.count("\n") == 1


def test_server_that_never_accepts():
    """A listener whose queue is full, as behind a firewall: nothing answers at all."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        while True:  # until the system itself answers no more
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.2)
            try:
                waiting.connect(listener.getsockname())
            except TimeoutError:
                break
        port = str(listener.getsockname()[1])
        done = run("-c", IMPATIENT, "127.0.0.1", port, "--yes", "--mode", "terminal", "--name", "ann")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Cannot connect to 127.0.0.1 port {port}: timed out\n"


IMPATIENT_SERVER = """
import reference.server
reference.server.FLUSH_SECONDS = 0.3
"""


# --- Strangers -----------------------------------------------------------------------------------------------------


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """As many sockets as this test needs, if the system lets us have them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_PER_ADDRESS + 300
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"this system allows {hard} descriptors only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
def test_thousands_of_connections_that_never_say_hello(server: ServerProgram):
    """Some are held, the rest refused at once; from elsewhere people get in, and from here when they are gone."""
    with contextlib.ExitStack() as held:
        for _ in range(MAX_PER_ADDRESS):
            held.enter_context(Raw(server.address))
        for _ in range(1400):
            with Raw(server.address) as stranger:
                answer = stranger.next()
                assert isinstance(answer, Refused)
                assert answer.code == "full"
        with Raw(server.address, source="127.0.0.2") as ann:
            ann.join("ann")
    while True:  # the server learns of each end by itself
        with Raw(server.address) as bob:
            bob.send(Hello("bob", BASIC))
            if isinstance(bob.next(), Welcome):
                return


def test_fewer_descriptors_than_clients():
    """Where the system allows few, the rest is refused as well, and not left waiting without an answer."""
    few = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (100, 100))
    with ServerProgram(preexec_fn=few) as server, contextlib.ExitStack() as held:
        for number in range(100):
            somebody = held.enter_context(Raw(server.address))
            somebody.send(Hello(f"client {number}"))
            answer = somebody.next()
            if isinstance(answer, Refused):
                break
        assert isinstance(answer, Refused)
        assert answer.code == "full"
        assert number == 64  # some are kept for the server itself, and a fifth of the rest for files


def test_files_leave_descriptors_for_those_who_come():
    """However many are on offer where the system allows few: a newcomer is always answered."""
    few = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (64, 64))
    with ServerProgram(preexec_fn=few) as server, contextlib.ExitStack() as held:
        for number in range(4):
            sender = held.enter_context(Raw(server.address))
            sender.join(f"sender {number}")
            sender.send(*(Offer(bytes([number, each]) + bytes(14), "a.txt", 9) for each in range(16)))
        sender.until(Abort)
        answers = []
        for number in range(64):
            somebody = held.enter_context(Raw(server.address))
            somebody.send(Hello(f"client {number}", BASIC))
            answers.append(type(somebody.next()))
    assert answers.count(Welcome) > 20
    assert set(answers) == {Welcome, Refused}


# --- Slow readers --------------------------------------------------------------------------------------------------


def test_client_that_stops_for_good_costs_bounded_memory(server: ServerProgram, tmp_path: Path):
    """The others' messages keep flowing, the server's memory stays bounded, and the stuck one is dropped in the end."""
    with Raw(server.address) as ann, Raw(server.address) as bob, Raw(server.address, receive_buffer=4096) as stuck:
        for raw, name in ((ann, "ann"), (bob, "bob"), (stuck, "stuck")):
            raw.join(name)
        before = server.memory()
        count, text = 6_000, "x" * 4000  # 24 MB
        most = 0
        ahead = threading.Semaphore(250)  # ann does not run away from bob, who may have a busy machine

        def talk() -> None:
            for _ in range(count):
                assert ahead.acquire(timeout=DEADLINE)
                ann.send(Text(text))

        talking = threading.Thread(target=talk, daemon=True)
        talking.start()
        heard = 0
        left = False
        while heard < count:
            frame = bob.next()
            assert frame is not None, "bob was dropped"
            if frame == TextFrom("ann", text):
                ahead.release()
                heard += 1
                if heard % 500 == 0:
                    most = max(most, server.memory())
            left = left or frame == Left("stuck")
        talking.join(DEADLINE)
        assert left or bob.next() == Left("stuck")
        assert most - before < 16 * 2**20


def test_client_that_stops_for_a_while_has_lost_nothing(server: ServerProgram, tmp_path: Path):
    """A client program stopped (SIGSTOP) while hundreds of messages are said shows all of them when it goes on."""
    with contextlib.ExitStack() as stack:
        (bob,) = joined(stack, server, tmp_path, "bob")
        ann = stack.enter_context(Raw(server.address))
        ann.join("ann")
        bob.shown.wait_for("ann joined the chat!")
        bob.kill(signal.SIGSTOP)
        texts = [f"{number} ".ljust(1000, ".") for number in range(2000)]
        ann.send(*map(Text, texts))
        server.shown.wait_for(f"[ann] {texts[-1]}")
        bob.kill(signal.SIGCONT)
        bob.shown.wait_for(f"[ann] {texts[-1]}")
        assert [line for line in bob.shown.lines if line.startswith("[ann]")] == [f"[ann] {text}" for text in texts]


def test_server_whose_terminal_is_stopped(tmp_path: Path):
    """Nobody reads what the server prints (Ctrl-S): the chat goes on, and it ends within seconds."""
    with ServerProgram(read_output=False, code=IMPATIENT_SERVER) as server:
        assert server.process.stdout is not None
        banner = [server.process.stdout.readline().decode() for _ in range(4)]
        address = ("127.0.0.1", int(banner[-1].rpartition(":")[2]))
        with Raw(address) as ann, Raw(address) as bob:
            ann.join("ann")
            bob.join("bob")
            text = "x" * 1000
            for _ in range(1500):  # a pipe holds 64 KB, a terminal 4
                ann.send(Text(text))
                assert bob.until(TextFrom)[-1] == TextFrom("ann", text)
            assert server.end() == 0


# --- Files ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def real_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A picture, a document, a film of more than 50 MB, an empty file, and one with a name in Russian."""
    import imageio_ffmpeg
    from PIL import Image

    folder = tmp_path_factory.mktemp("files")
    noise = Image.frombytes("RGB", (640, 480), os.urandom(640 * 480 * 3))
    noise.save(folder / "image.jpg", quality=95)
    noise.save(folder / "paper.pdf")
    frame = 1280 * 720 * 3 // 2
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p",
            "-s", "1280x720", "-i", "-", "-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "film.mp4",
        ],
        cwd=folder, input=os.urandom(frame * 40), check=True,
    )  # fmt: skip
    (folder / "empty.txt").touch()
    (folder / "отчёт №1 (final).pdf").write_bytes((folder / "paper.pdf").read_bytes()[:-1] + b"\n")
    assert (folder / "film.mp4").stat().st_size >= 50_000_000
    return sorted(folder.iterdir())


def test_real_files_arrive_at_everyone(server: ServerProgram, real_files: list[Path], tmp_path: Path):
    """Three receivers have the same bytes as the sender, and both sides saw the lines of the transcript."""
    with contextlib.ExitStack() as stack:
        ann, *others = joined(stack, server, tmp_path, "ann", "bob", "eve", "zoe")
        for path in real_files:
            ann.type(f'!send "{path}"')
        for path in real_files:
            size = path.stat().st_size
            ann.shown.wait_for(f"Sending {path.name} ({size} bytes)")
            server.shown.wait_for(f"Received {path.name} ({size} bytes)")
            for other in others:
                other.shown.wait_for(f"[ann] !send {path.name}")
                other.shown.wait_for(f"Receiving {path.name} ({size} bytes)")
        ann.shown.wait_for("File Successfully sent", count=len(real_files))
        sent = {path.name: digest(path) for path in real_files}
        for other in others:
            other.shown.wait_for(lambda line: line.startswith("Successfully received: "), count=len(real_files))
            assert {path.name: digest(path) for path in other.downloads.iterdir()} == sent


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@pytest.mark.parametrize("slow_leg", ["upload", "download"])
def test_text_typed_while_a_file_crawls_arrives_first(server: ServerProgram, tmp_path: Path, slow_leg: str):
    """On a slow line a text does not wait for the file, whichever side is slow."""
    path = tmp_path / "film.bin"
    path.write_bytes(os.urandom(400_000))
    crawl = Faults(rate=200_000)
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(Proxy(target=server.address, to_server=crawl, to_client=crawl))
        addresses = [proxy.address, server.address] if slow_leg == "upload" else [server.address, proxy.address]
        ann = stack.enter_context(ClientProgram(addresses[0], "ann", tmp_path)).joined()
        bob = stack.enter_context(ClientProgram(addresses[1], "bob", tmp_path)).joined()
        ann.shown.wait_for("bob joined the chat!")
        ann.type(f"!send {path}")
        bob.shown.wait_for("Receiving film.bin (400000 bytes)")
        ann.type("while it crawls")
        bob.shown.wait_for("[ann] while it crawls")
        bob.shown.wait_for(lambda line: line.startswith("Successfully received: "))
        lines = [line.partition(":")[0] for line in bob.shown.lines]
        assert lines.index("[ann] while it crawls") < lines.index("Successfully received")
        assert (bob.downloads / "film.bin").read_bytes() == path.read_bytes()


def test_file_changed_while_being_sent(server: ServerProgram, tmp_path: Path):
    """One line on either side, no partial file, and the chat goes on."""
    path = tmp_path / "diary.txt"
    path.write_bytes(bytes(5_000_000))
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(Proxy(target=server.address, to_server=Faults(rate=500_000)))
        (bob,) = joined(stack, server, tmp_path, "bob")
        ann = stack.enter_context(ClientProgram(proxy.address, "ann", tmp_path)).joined()
        ann.type(f"!send {path}")
        bob.shown.wait_for("Receiving diary.txt (5000000 bytes)")
        with path.open("ab") as file:
            file.write(b"dear diary")
        ann.shown.wait_for("diary.txt was called off: it was changed while being sent")
        bob.shown.wait_for("diary.txt was called off: it was changed while being sent")
        assert files_in(bob.downloads) == {}
        ann.type("sorry")
        bob.shown.wait_for("[ann] sorry")


def limited(size: int) -> partial[None]:
    """No file may become larger: to a program as if the disk were full."""
    return partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size))


def test_server_disk_full(tmp_path: Path):
    """Sender and receivers are told in one line, nothing stays, and the chat goes on."""
    path = tmp_path / "film.bin"
    path.write_bytes(bytes(3_000_000))
    with ServerProgram(preexec_fn=limited(1_000_000)) as server, contextlib.ExitStack() as stack:
        ann, bob = joined(stack, server, tmp_path, "ann", "bob")
        ann.type(f"!send {path}")
        for each in (ann, bob):
            each.shown.wait_for("film.bin was called off: the server's disk is full")
        assert files_in(bob.downloads) == {}
        ann.type("never mind")
        bob.shown.wait_for("[ann] never mind")


def test_receiver_disk_full(server: ServerProgram, tmp_path: Path):
    """The one concerned is told in one line and keeps nothing of it; the sender, the others and the chat go on."""
    path = tmp_path / "film.bin"
    path.write_bytes(bytes(3_000_000))
    with contextlib.ExitStack() as stack:
        ann, eve = joined(stack, server, tmp_path, "ann", "eve")
        bob = stack.enter_context(ClientProgram(server.address, "bob", tmp_path, preexec_fn=limited(1_000_000)))
        bob.joined()
        ann.type(f"!send {path}")
        bob.shown.wait_for("film.bin was called off: cannot write it: File too large")
        ann.shown.wait_for("File Successfully sent")
        eve.shown.wait_for(lambda line: line.startswith("Successfully received: "))
        assert files_in(bob.downloads) == {}
        ann.type("did you get it?")
        bob.shown.wait_for("[ann] did you get it?")


def test_downloads_folder_not_writable(server: ServerProgram, tmp_path: Path):
    """A file stands where the folder should be (root may write everywhere else): one line, and the chat goes on."""
    (tmp_path / "blocked").touch()
    (tmp_path / "a.txt").write_text("hello")
    with contextlib.ExitStack() as stack:
        (ann,) = joined(stack, server, tmp_path, "ann")
        blocked = str(tmp_path / "blocked")
        bob = stack.enter_context(ClientProgram(server.address, "bob", tmp_path, "--downloads", blocked)).joined()
        ann.type(f"!send {tmp_path / 'a.txt'}")
        bob.shown.wait_for(lambda line: line.startswith("a.txt was called off: cannot write to "))
        ann.type("never mind")
        bob.shown.wait_for("[ann] never mind")


HOSTILE_NAMES = [
    "../../escaped.txt",
    "/etc/escaped.txt",
    "..\\..\\escaped.txt",
    "C:\\escaped.txt",
    "..",
    "",
    "nul\x00byte.txt",
    "CON",
    "com1.txt",
    ".bashrc",
    "x" * 300 + ".txt",
    "\x1b[2J\x1b]0;title\x07.txt",
    "gpj.\u202eexe",
    "line\nbreak.txt",
]


def test_hostile_file_names(server: ServerProgram, tmp_path: Path):
    """Whatever a file is called: it lands in the downloads folder, overwrites nothing, and obeys no escape code."""
    downloads = tmp_path / "downloads" / "bob"
    downloads.mkdir(parents=True)
    (downloads / "escaped.txt").write_text("mine")
    with contextlib.ExitStack() as stack:
        (bob,) = joined(stack, server, tmp_path, "bob")
        eve = stack.enter_context(Raw(server.address))
        eve.join("eve")
        for number, name in enumerate(HOSTILE_NAMES):
            eve.upload(bytes([number]) * 16, name, f"content {number}".encode())
        bob.shown.wait_for(lambda line: line.startswith("Successfully received: "), count=len(HOSTILE_NAMES))
        written = files_in(tmp_path)
        assert written.pop("downloads/bob/escaped.txt") == b"mine"
        assert sorted(written.values()) == sorted(f"content {number}".encode() for number in range(len(HOSTILE_NAMES)))
        for path in written:
            assert Path(path).parent == Path("downloads/bob")
            name = Path(path).name
            assert name.isprintable()
            assert not name.startswith(".")
            assert len(name.encode()) <= 255
            assert Path(name).stem.upper() not in ("CON", "COM1")
        for shown in (bob.shown, server.shown):
            assert "\x1b" not in "".join(shown.lines)
            assert "\u202e" not in "".join(shown.lines)


# --- The end -------------------------------------------------------------------------------------------------------


ENDINGS = pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=["Ctrl-C", "SIGTERM", "closed terminal"]
)


@ENDINGS
def test_server_ends_with_clients_in(server: ServerProgram, tmp_path: Path, number: int):
    """Everyone is told, the last line says it is over, both exit statuses are 0; a restart works at once."""
    with contextlib.ExitStack() as stack:
        ann, bob = joined(stack, server, tmp_path, "ann", "bob")
        assert server.end(number) == 0
        assert server.shown.lines[-1] == "[SERVER TERMINATED]"
        for each in (ann, bob):
            assert each.status() == 0
            assert each.shown.lines[-1] == "The server has closed the chat"
    with ServerProgram(port=server.address[1]) as again, Raw(again.address) as raw:
        raw.join("ann")


@ENDINGS
def test_impatience_does_not_change_how_the_server_ends(server: ServerProgram, number: int):
    """Ctrl-C again and again, up to the last moment: exit status 0 all the same."""
    while server.process.poll() is None:
        server.kill(number)
    assert server.status() == 0
    assert server.shown.lines[-1] == "[SERVER TERMINATED]"


def test_server_under_nohup_stays_when_its_terminal_is_closed():
    """A signal that is ignored from the start stays so."""
    with ServerProgram(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) as server:
        server.kill(signal.SIGHUP)
        with Raw(server.address) as ann:
            ann.join("ann")
        assert server.end() == 0


def test_server_ends_with_a_stuck_client_and_a_transfer_under_way():
    """Neither one who never reads nor a half-sent file keeps it longer than it waits for the last words to go."""
    with (
        ServerProgram(code=IMPATIENT_SERVER) as server,
        Raw(server.address, receive_buffer=4096) as stuck,
        Raw(server.address) as ann,
        Raw(server.address) as bob,
    ):
        for raw, name in ((stuck, "stuck"), (ann, "ann"), (bob, "bob")):
            raw.join(name)
        for _ in range(1500):  # 6 MB: more than the system's buffers take
            ann.send(Text("x" * 4000))
            bob.until(TextFrom)
        ann.send(Offer(ID, "film.mp4", 10**8))
        bob.until(OfferFrom)
        assert server.end() == 0
        assert server.shown.lines[-1] == "[SERVER TERMINATED]"


def test_server_ends_in_the_moment_it_listens():
    """Ctrl-C right after the first lines: no traceback, exit status 0."""
    with ServerProgram() as server:
        assert server.end(signal.SIGINT) == 0
        assert "Traceback" not in "\n".join(server.shown.lines)
        assert server.shown.lines[-1] == "[SERVER TERMINATED]"


def test_client_that_is_killed_has_left(tmp_path: Path):
    """Its connection is lost for the server, and for the others it left the chat, once its place is given up."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(ServerProgram("--hold", "1"))
        ann, bob = joined(stack, server, tmp_path, "ann", "bob")
        ann.shown.wait_for("bob joined the chat!")
        bob.kill(signal.SIGKILL)
        ann.shown.wait_for("bob exited the chat")
        server.shown.wait_for("[bob] connection lost")
