# ruff: noqa: E501 (the code of attacks is quoted as it runs)
"""Attacks on the grader: submissions that try to get points, to see what they must not, or to do harm.

Each says what it tries and what must stay true. Most are the solution of stage 1 with something before it: a probe prints
GOT for what it got and HELD for what it did not, and its lines before the server's own cost the story of the server's
lines its point (SAYS), but not the story of a text (TEXT), which it tells as the solution does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labkit import ladder

SAYS, TEXT, FILE = 1, 3, 3
"""Points of the three stories that attacks are graded by."""

POINTS = {
    "*": 0,
    "test_the_server_says_where_it_is_and_that_it_listens": SAYS,
    "test_a_text_reaches_everyone_else_and_the_server": TEXT,
    "test_a_file_reaches_all_the_others_as_it_is": FILE,
}

TOKEN = "the-token-that-nobody-may-see"
"""Stands in every file, variable and answer that an attack must not get."""

MARKER = "left-by-an-attack"
"""In the command line of every process that an attack tries to leave behind, and the name of files that it tries to."""


@dataclass(frozen=True)
class World:
    """What is outside of the sandbox, for attacks to aim at."""

    inbox: Path
    out: Path
    port: int
    abstract: str


@dataclass(frozen=True)
class Attack:
    """One submission. `held` is how many HELD lines its report must show, and it must show no GOT."""

    name: str
    tries: str
    stays: str
    files: Callable[[World], dict[str, str]]
    points: int
    held: int = 0
    stage: int = 1
    has_neighbour: bool = False
    folder: str = ""


PROBE = """
import os, sys
def attempt(what, do):
    try:
        got = do()
    except BaseException as error:
        print("HELD", what, type(error).__name__, flush=True)
    else:
        print("GOT" if got else "HELD", what, repr(got)[:40], flush=True)
def read(path):
    return open(path, errors="replace").read() or "empty"
def listed(path):
    return os.listdir(path)
def write(path):
    open(path, "a").write("harm")
    return True
"""


def solution(stage: int = 1, **before: str) -> dict[str, str]:
    """A solution, with something before its programs."""
    files = ladder.solution(stage)
    for program, code in before.items():
        files[f"{program}.py"] = code + "\n" + files[f"{program}.py"]
    return files


def in_server(code: str) -> Callable[[World], dict[str, str]]:
    """The solution, with this at the beginning of its server."""
    return lambda world: solution(server=code)


def probe(*attempts: tuple[str, str]) -> Callable[[World], dict[str, str]]:
    """The solution, with attempts at the beginning of its server: what each is, and the expression that is true if got.

    `{root}`, `{inbox}`, `{out}`, `{port}`, `{abstract}`, `{home}` and `{prefix}` are where those are outside.
    """

    def files(world: World) -> dict[str, str]:
        import sys

        places = {
            "root": ladder.ROOT, "inbox": world.inbox, "out": world.out, "port": world.port, "home": Path.home(),
            # Where Python lies in the user's home, the folders on the way to it are there, with nothing else in them.
            "towards_python": sys.base_prefix.removeprefix(str(Path.home())).strip("/").split("/")[0],
            "abstract": world.abstract, "prefix": sys.prefix, "token": TOKEN[:8], "rest": TOKEN[8:],
        }  # fmt: skip
        lines = [f"attempt({what!r}, lambda: {do.format_map(places)})" for what, do in attempts]
        return solution(server=PROBE + "\n".join(lines))

    return files


def attack(
    name: str, tries: str, stays: str, files: Callable[[World], dict[str, str]], points: int, **more: object
) -> Attack:
    """An attack, as the table writes it."""
    return Attack(name, tries, stays, files, points, **more)  # type: ignore[arg-type]


def probing(name: str, tries: str, stays: str, *attempts: tuple[str, str]) -> Attack:
    """An attack by a probe: all its attempts are held."""
    return Attack(name, tries, stays, probe(*attempts), TEXT, held=len(attempts))


NEVER_SLEEPS = "import time\nwhile True: time.sleep(1000)\n"
PUT_MARKER = "import os\nfor place in ('/tmp', '.', '/dev/shm', os.path.expanduser('~'), os.path.dirname(os.path.abspath(__file__)), '..'):"

USING_UP = [
    attack(
        "fork bomb", "forks as fast as it can", "it is stopped, and nobody else notices",
        in_server("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"), 0, has_neighbour=True,
    ),
    attack(
        "thread bomb", "starts threads as fast as it can", "it runs into its own limit",
        in_server("import threading, time\nwhile True:\n    try: threading.Thread(target=time.sleep, args=[99]).start()\n"
                  "    except RuntimeError: pass\n"), 0, has_neighbour=True,
    ),
    attack(
        "memory", "asks for memory without end", "it runs into its own limit",
        in_server("hoard = []\nwhile True:\n    try: hoard.append(bytearray(b'x') * 50_000_000)\n"
                  "    except MemoryError: pass\n"), 0, has_neighbour=True,
    ),
    attack(
        "memory of many", "has each of many children take as much as one may", "they are stopped together",
        in_server("import os, time\nfor _ in range(24):\n    if os.fork() == 0:\n        hoard = bytearray(b'x') * 500_000_000\n"
                  "        time.sleep(1000)\ntime.sleep(1000)\n"), 0, has_neighbour=True,
    ),
    attack(
        "memory in files of memory", "fills files in memory, which no process's limit counts", "they are stopped together",
        in_server("import os, time\nhoard = []\nfor _ in range(100):\n    fd = os.memfd_create('x'); hoard.append(fd)\n"
                  "    try: os.write(fd, b'x' * 100_000_000)\n    except OSError: pass\ntime.sleep(1000)\n"),
        0, has_neighbour=True,
    ),
    attack(
        "disk", "fills the disk", "its own small disk is full, no other",
        in_server("import itertools\nfor n in itertools.count():\n    try: open(f'{n}.bin', 'wb').write(b'x' * 50_000_000)\n"
                  "    except OSError: pass\n"), 0, has_neighbour=True,
    ),
    attack(
        "many files", "makes files without end", "its own small disk has no more of them, no other",
        in_server("import itertools\nfor n in itertools.count():\n    try: open(f'/tmp/{n}', 'w').close()\n"
                  "    except OSError: pass\n"), 0, has_neighbour=True,
    ),
    attack(
        "one huge file", "makes a file of a terabyte", "no file is that large; it gets a signal or an error",
        in_server("import os, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_DFL)\nos.truncate(os.open('x', 66), 2**40)\n"), 0,
    ),
    attack(
        "output flood", "prints as fast as it can", "it is told no more than a story's time",
        in_server("while True: print('A' * 1000)\n"), 0, has_neighbour=True,
    ),
    attack("sleep", "never says that it listens", "it costs a story's time, no more", in_server(NEVER_SLEEPS), 0),
    attack(
        "deaf to signals", "ignores every signal that can be ignored, and hangs when it is to end", "it is killed",
        in_server("import signal\nfor n in range(1, 32):\n    try: signal.signal(n, signal.SIG_IGN)\n"
                  "    except (OSError, ValueError): pass\n" + NEVER_SLEEPS), 0,
    ),
    attack(
        "daemon", "forks twice, leaves its session and lives on", "it is gone when its story is",
        in_server("import os, sys\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        os.closerange(0, 99)\n"
                  f"        os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(9999)', '{MARKER}'])\n"
                  "    os._exit(0)\n"), SAYS + TEXT,
    ),
    attack(
        "processor", "has many processes that reckon", "they are stopped, and nobody else notices",
        in_server("import os\nfor _ in range(100):\n    if os.fork() == 0:\n        while True: pass\n"), 0, has_neighbour=True,
    ),
    attack(
        "open files", "opens files without end", "it runs into its own limit",
        in_server("import time\nhoard = []\nwhile len(hoard) < 99999:\n    try: hoard.append(open('/dev/null'))\n"
                  "    except OSError: time.sleep(1)\n"), 0,
    ),
]  # fmt: skip

KILLING = [
    attack(
        "kill everything", "sends SIGKILL to all it can, and to each number", "only itself is there to be killed",
        in_server("import os\nfor n in range(2, 3000):\n    if n != os.getpid():\n        try: os.kill(n, 9)\n"
                  "        except OSError: pass\n"
                  "try: os.kill(-1, 9)\nexcept OSError: pass\n"), SAYS + TEXT, has_neighbour=True,
    ),
    probing(
        "processes", "looks for other processes, and what they were started with",
        "it sees its own alone, and no seed, test or path of the grader",
        ("others", "[n for n in os.listdir('/proc') if n.isdigit() and int(n) not in (1, os.getpid())]"),
        ("words", "[n for n in os.listdir('/proc') if n.isdigit() and ('pytest' in read('/proc/'+n+'/cmdline') "
                  "or 'driver' in read('/proc/'+n+'/cmdline'))]"),
        ("memory of 1", "open('/proc/1/mem', 'rb')"), ("files of 1", "os.listdir('/proc/1/root/etc')"),
        ("environment of 1", "read('/proc/1/environ')"),
    ),
    probing(
        "trace", "attaches to the process above it, as a debugger does", "it may not",
        ("ptrace", "__import__('ctypes').CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0"),
        ("seize", "__import__('ctypes').CDLL(None).ptrace(0x4206, 1, 0, 0) == 0"),
    ),
    probing(
        "become root", "asks for more rights, new devices, mounts", "it gets none",
        ("root", "os.setuid(0) or True"), ("user 1000", "os.setuid(1000) or True"), ("groups", "os.setgroups([0]) or True"),
        ("device", "os.mknod('disk', 0o60666, 0xfe00) or True"),
        ("mount", "__import__('ctypes').CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0"),
        ("setuid program", "[p for p in ('/usr/bin/su', '/usr/bin/sudo') if os.path.exists(p) and "
                           "'NoNewPrivs:\\t0' in read('/proc/self/status')]"),
        ("chroot", "os.chroot('/') or True"),
    ),
]  # fmt: skip

READING = [
    probing(
        "tests", "reads the tests", "they are not there",
        ("graded", "listed('{root}/tests/graded')[2:]"), ("a test", "read('{root}/tests/graded/test_3_text.py')"),
        ("kit", "listed('{root}/tests/kit')"), ("labkit", "listed('{root}/labkit')"),
    ),
    probing(
        "solutions", "reads the solutions", "they are not there",
        ("stages", "listed('{root}/stages')"), ("server", "read('{root}/stages/1_text/server.py')"),
        ("history", "listed('{root}/.git')"),
    ),
    probing(
        "other submissions", "reads what others have handed in", "it is not there",
        ("inbox", "listed('{inbox}')"), ("one", "read('{inbox}/victim/1_text/server.py')"),
        ("beside its own", "[n for n in listed(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) "
                           "if n not in ('work', 'disk')]"),
    ),
    probing(
        "results", "reads the results", "they are not there",
        ("out", "listed('{out}')"), ("results", "listed('{out}/results')"), ("class", "read('{out}/class.json')"),
    ),
    probing(
        "reference", "reads the reference while it takes part", "it is not there",
        ("folder", "listed('{root}/reference')"), ("module", "__import__('reference')"),
        ("source", "read('{root}/reference/server.py')"),
    ),
    probing(
        "environment", "looks for secrets in its environment", "there are none, and nothing of the grader",
        ("secret", "[n for n, v in os.environ.items() if '{token}' + '{rest}' in v]"),
        ("grader", "[n for n, v in os.environ.items() if n.startswith(('PYTEST', 'SSH', 'DBUS', 'SUDO', 'GIT'))]"),
        ("test", "[v for v in os.environ.values() if 'test_' in v]"),
        ("own path", "[w for w in (os.getcwd(), __file__) if 'test_' in w or 'text_reaches' in w]"),
    ),
    probing(
        "machine", "reads whatever a machine has of its user", "it is not there",
        ("home", "[n for n in listed('{home}') if n != '{towards_python}']"), ("shadow", "read('/etc/shadow')"),
        ("passwd", "[l for l in read('/etc/passwd').splitlines() if not l.startswith('student')]"),
        ("keys", "listed('{home}/.ssh')"), ("var", "listed('/var')"), ("sys", "listed('/sys')"), ("run", "listed('/run')"),
    ),
    probing(
        "other terminals", "opens the terminals of the others", "it has none but its own",
        ("pts", "[n for n in listed('/dev/pts') if n.isdigit()]"), ("console", "open('/dev/console', 'rb', 0).read(1)"),
    ),
    probing(
        "messages to itself", "leaves something for the next story, and finds it there", "every story begins afresh",
        ("in /tmp", "os.path.exists('/tmp/" + MARKER + "') or open('/tmp/" + MARKER + "', 'w').close()"),
        ("in shm", "os.path.exists('/dev/shm/" + MARKER + "') or open('/dev/shm/" + MARKER + "', 'w').close()"),
        ("here", "os.path.exists('" + MARKER + "') or open('" + MARKER + "', 'w').close()"),
        ("at home", "os.path.exists(os.path.expanduser('~/" + MARKER + "2')) "
                    "or open(os.path.expanduser('~/" + MARKER + "2'), 'w').close()"),
    ),
]  # fmt: skip

WRITING = [
    probing(
        "write results", "writes its own result", "it cannot",
        ("result", "write('{out}/results/x.json')"), ("class", "open('{out}/class.json', 'r+')"),
        ("overrides", "write('{out}/overrides.json')"),
    ),
    probing(
        "write tests", "changes the tests and what they use", "it cannot",
        ("a test", "write('{root}/tests/graded/test_3_text.py')"), ("story", "write('{root}/tests/graded/story.py')"),
        ("rough", "write('{root}/tests/graded/rough/sitecustomize.py')"), ("reference", "write('{root}/reference/room.py')"),
    ),
    probing(
        "write the grader's Python", "puts code where the grader's Python would run it", "it cannot",
        ("site-packages", "write('{prefix}/lib/python3.11/site-packages/sitecustomize.py')"),
        ("pth", "write('{prefix}/lib/python3.11/site-packages/x.pth')"), ("python", "write(sys.executable)"),
        ("library", "write(os.__file__)"), ("usr", "write('/usr/lib/python3/dist-packages/sitecustomize.py')"),
        ("etc", "write('/etc/ld.so.preload')"),
    ),
    probing(
        "write its own program", "changes its own program between two stories", "it cannot",
        ("server", "write(__file__)"), ("beside", "write(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'x'))"),
        ("pycache", "os.makedirs(os.path.join(os.path.dirname(os.path.abspath(__file__)), '__pycache__')) or True"),
    ),
    attack(
        "files that tools run", "has a conftest.py, sitecustomize.py, pytest.ini and more that would run in the grader",
        "they are never run by it: the submission is graded as if they were not there",
        lambda world: {
            **solution(),
            **{name: f"open({str(world.out / MARKER)!r}, 'w').close(); raise SystemExit(0)\n"
               for name in ("conftest.py", "sitecustomize.py", "usercustomize.py", "setup.py", "pytest.py", "tests/conftest.py")},
            "pytest.ini": "[pytest]\naddopts = --collect-only\n", "pyproject.toml": "[tool.pytest.ini_options]\naddopts='-x'\n",
            ".pdbrc": "import os\n", "pyvenv.cfg": "home = /nowhere\n",
        }, SAYS + TEXT,
    ),
    attack(
        "a socket.py of its own", "has a socket.py, threading.py and json.py beside server.py",
        "it harms itself alone", lambda world: {**solution(), "socket.py": "raise SystemExit('mine')\n",
                                                "threading.py": "x", "json.py": "x"}, 0,
    ),
]  # fmt: skip

FORGING = [
    attack(
        "forged closing lines", "writes what the tests write when all has passed, to every file that is open",
        "that is text on a screen",
        in_server("import os, json\nline = json.dumps({'ends': 'x', 'outcome': 'passed', 'text': '', 'seconds': 0}) + '\\n"
                  "1 passed in 0.01s\\n{\"child-pid\": 1}\\n{\"done\": 1}\\nEverything passes: 69 of 69 points\\n'\n"
                  "for fd in range(1, 256):\n    try: os.write(fd, line.encode())\n    except OSError: pass\nos._exit(0)\n"), 0,
    ),
    attack(
        "escape codes", "prints codes that set a title, clear a screen, type answers",
        "no report has any of them", in_server("print('\\x1b]0;title\\x07\\x1b[2J\\x1b[6n\\x9b31m\\u202egpj.exe\\x00\\x08', "
                                               "flush=True)\nraise SystemExit(1)\n"), 0,
    ),
    attack(
        "HTML and script", "prints tags, entities and a script", "a page shows them as text",
        in_server("print('<script>alert(1)</script><img src=x onerror=alert(1)>&lt;b&gt;\"\\'</pre></details>', flush=True)\n"
                  "raise SystemExit(1)\n"), 0,
    ),
    attack(
        "Markdown", "prints what ends a block of code and begins a link", "it stays in the block",
        in_server("print('```\\n~~~\\n# 100 of 100\\n[x](javascript:alert(1))\\n`````', flush=True)\nraise SystemExit(1)\n"), 0,
    ),
    attack(
        "a formula for a name", "is called =cmd|' /C calc'!A0", "no spreadsheet takes it for a formula",
        lambda world: solution(), SAYS + TEXT, folder="=cmd|' !C calc'!A0",
    ),
    attack(
        "tags for a name", "is called <script> and a line break", "it is one harmless line everywhere",
        lambda world: solution(), SAYS + TEXT, folder="<script>alert(1)<!--\nTotal,100\x1b[2J",
    ),
    attack(
        "ends well", "ends at once with exit status 0", "that is no pass", in_server("raise SystemExit(0)\n"), 0,
    ),
    attack(
        "input for its own terminal", "types into its terminal what the tests would read", "that is its own screen alone",
        in_server("import fcntl\nfor letter in b'[SERVER LISTENING]\\n':\n    try: fcntl.ioctl(0, 0x5412, bytes([letter]))\n"
                  "    except OSError: pass\n" + NEVER_SLEEPS), 0,
    ),
]  # fmt: skip

REACHING = [
    probing(
        "another submission's server", "connects to a server outside of its own network", "there is nothing",
        ("host", "__import__('socket').create_connection(('127.0.0.1', {port}), 2)"),
        ("interfaces", "[n for _, n in __import__('socket').if_nameindex() if n != 'lo']"),
    ),
    probing(
        "the outside", "connects to the outside", "there is no way",
        ("address", "__import__('socket').create_connection(('192.0.2.1', 80), 2)"),
        ("name", "__import__('socket').getaddrinfo('example.org', 80)"),
        ("packet", "__import__('socket').socket(2, 2).sendto(b'x', ('192.0.2.1', 53))"),
        ("raw", "__import__('socket').socket(17, 3)"),
    ),
    probing(
        "sockets of the machine", "connects to Docker, X, D-Bus", "they are not there",
        ("docker", "__import__('socket').socket(1).connect('/var/run/docker.sock') or True"),
        ("X", "__import__('socket').socket(1).connect('/tmp/.X11-unix/X0') or True"),
        ("abstract", "__import__('socket').socket(1).connect('\\0{abstract}') or True"),
        ("bus", "__import__('socket').socket(1).connect('/run/dbus/system_bus_socket') or True"),
    ),
]  # fmt: skip

ANSWERS = (
    "import sys\nprint(sys.argv[1])\nprint('[ACTIVATING SERVER]')\n"
    "print('For Server Termination, use the Keyboard Interrupt (Ctrl-C)')\nprint('[SERVER LISTENING]', flush=True)\n"
)

HANDS_ON = """
import socket, threading
def listening():
    return [int(line.split()[1].split(":")[1], 16) for line in list(open("/proc/net/tcp"))[1:] if line.split()[3] == "0A"]
def copy(a, b):
    while data := a.recv(4096):
        b.sendall(data)
own = socket.create_server((sys.argv[1], int(sys.argv[2])))
for _ in range(5):
    sock, _ = own.accept()
    for port in listening():
        if port != int(sys.argv[2]):
            other = socket.create_connection(("127.0.0.1", port))
            for pair in ((sock, other), (other, sock)):
                threading.Thread(target=copy, args=pair, daemon=True).start()
            break
"""

TALKS_TO_ITSELF = """
for question in ("Would you like to connect (yes/no)? ", "Enter your Name : "):
    name = input(question)
while True:
    print(f"[{name}] {input()}", flush=True)
"""

RECEIVES = "    def receive(self, fields):\n"
"""Where a client of stage 3 begins to receive a file."""

SAYS_RECEIVED = """
        self.chat.show(f"[{fields['from']}] !send {fields['name']}")
        self.chat.show(f"Receiving {fields['name']} ({fields['size']} bytes)")
        self.chat.show(f"Successfully received: {own}/{fields['name']}")
        return
"""

LINKS = (
    RECEIVES
    + """        own = os.path.join("downloads", names.safe_name(self.chat.name))
        os.makedirs("downloads", exist_ok=True)
        if not os.path.islink(own):
            os.symlink("../../person1", own)
"""
    + SAYS_RECEIVED
)

PEEKS = (
    RECEIVES
    + """        import glob, shutil
        own = os.path.join("downloads", names.safe_name(self.chat.name))
        os.makedirs(own, exist_ok=True)
        for path in glob.glob("../*/" + fields["name"]) + glob.glob("/proc/*/cwd/" + fields["name"]):
            shutil.copy(path, own)
"""
    + SAYS_RECEIVED
)


def with_files(begins: str) -> Callable[[World], dict[str, str]]:
    """The solution of stage 3 with another way to receive."""
    files = solution(3)
    assert files["files.py"].count(RECEIVES) == 1
    return lambda world: {**files, "files.py": files["files.py"].replace(RECEIVES, begins)}


CHEATING = [
    attack(
        "hard-coded lines", "prints the lines that the tests look for, and the transcript's names and texts",
        "only what is always the same can be had so: names and texts are drawn anew",
        lambda world: {**solution(), "server.py": ANSWERS + "print('sravya\\nsanjay\\n[sravya] hello', flush=True)\n" + NEVER_SLEEPS}, 0,
    ),
    attack(
        "only the first lines", "prints the four lines that the server begins with, and does nothing",
        "it has the one point that is for these lines", lambda world: {**solution(), "server.py": ANSWERS + NEVER_SLEEPS}, SAYS,
    ),
    attack(
        "a client that talks to itself", "shows every line that it is given as if it had come from others",
        "what others typed it cannot know", lambda world: {**solution(), "client.py": TALKS_TO_ITSELF}, SAYS,
    ),
    attack(
        "a server that hands on", "looks for the reference's server and hands everything on to it",
        "there is none to be found where its own server is tested",
        lambda world: {**solution(), "server.py": ANSWERS + HANDS_ON}, SAYS,
    ),
    attack(
        "a link for the downloads", "has a link to the sender's folder where its downloads should be",
        "a link is not followed", with_files(LINKS), 0, stage=3,
    ),
    attack(
        "fetches the sender's file", "looks for the file in the folders around its own", "they are not there",
        with_files(PEEKS), 0, stage=3,
    ),
]  # fmt: skip

ATTACKS = [*USING_UP, *KILLING, *READING, *WRITING, *FORGING, *REACHING, *CHEATING]
