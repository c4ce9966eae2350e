"""The sandbox of one submission: who may see and use what, and the launcher that each of its programs is started by.

A session is the grading of one submission. Its tests run outside of the sandbox but inside the session's own network,
processes and mounts (session.py). Every program under test is started by a launcher, a small shell script written here:
it gives the program its own view of the files (its working directory, /tmp, the submission, Python, the system's
libraries, all but the first two read-only), its own processes, its own user and its limits. The reference's side of a
mixed story is started in the same way, as another user who sees the reference instead of the submission.

Four kinds: bubblewrap; unshare(1), setpriv(1) and prlimit(1), which need root; "container", another user and limits
only, for a container that is thrown away after one submission; and none at all.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

from labkit import ladder
from labkit.grade.config import Limits

KINDS = ("bubblewrap", "unshare", "container", "none")

# Users that no machine has: for each session others, so that two that run at the same time share no limit.
FIRST_USER, USERS = 100_000_000, 1_000_000_000
SPAN = 1 << 22
"""A container's programs are each another user: the session's first and its own process number, which is below this
(proc(5), pid_max)."""

TOOLS = {
    "bubblewrap": ("bwrap", "unshare", "prlimit", "setpriv", "choom", "env"),
    "unshare": ("unshare", "prlimit", "setpriv", "choom", "env", "mount", "chroot"),
    "container": ("prlimit", "setpriv", "choom", "env"),
}

# What programs need of /etc: where libraries lie, fonts, the time zone. Nothing that tells who uses this machine.
ETC = ("ld.so.cache", "alternatives", "fonts", "localtime", "ssl/openssl.cnf")


ROUGH = ("tests/graded/rough", "tests/graded/hasty")
"""What a story may put before a program to make its races certain, and its clock fast."""


class CannotGrade(Exception):
    """There can be no grading; the text says why, and what to do."""


@dataclass(frozen=True)
class Place:
    """Where one session's files are. From inside are seen `submission`, and of `disk` what a launcher picks."""

    root: Path

    @property
    def submission(self) -> Path:
        """The programs of one stage."""
        return self.root / "work"

    @property
    def disk(self) -> Path:
        """A small file system of its own for each story, in memory."""
        return self.root / "disk"

    @property
    def chat(self) -> Path:
        """The working directories of a story's programs."""
        return self.disk / "chat"

    @property
    def kit(self) -> Path:
        """Copies of what programs need of the checkout: the reference, and what makes races certain."""
        return self.root / "kit"

    @property
    def started(self) -> Path:
        """A file for each program that was to be started, which says whether it was."""
        return self.root / "started"

    @property
    def launcher(self) -> Path:
        """The script."""
        return self.root / "launch"


@dataclass(frozen=True)
class Users:
    """Whom the programs run as; None is the user who grades."""

    submission: int
    reference: int


@dataclass(frozen=True)
class Sandbox:
    """One session's sandbox."""

    kind: str
    place: Place
    limits: Limits
    users: Users = field(default_factory=lambda: Users(_a_user(), _a_user()))

    @property
    def above(self) -> int:
        """How many processes of the launcher stand above a program's own."""
        return {"bubblewrap": 2, "unshare": 2}.get(self.kind, 0)

    def session(self, command: list[str]) -> list[str]:
        """The command that runs the tests in the session's own network, processes and mounts.

        It ends with the thread that starts it, however that ends.
        """
        ends = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        if self.kind not in ("bubblewrap", "unshare"):
            return [*ends, *command]
        as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        return [
            *ends, "unshare", *as_root, "--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child",
            "--mount-proc", "--", *command,
        ]  # fmt: skip

    def write_launcher(self) -> None:
        """Write the script, and the files that it shows to programs."""
        self.place.started.mkdir(exist_ok=True)
        text = {"bubblewrap": _bubblewrap, "unshare": _unshare, "container": _container}[self.kind](self)
        self.place.launcher.write_text(text, encoding="utf-8")
        self.place.launcher.chmod(0o700)
        for name, line in {"passwd": "student:x:{0}:{0}::/tmp:/bin/sh\n", "hosts": "127.0.0.1 localhost\n"}.items():
            (self.place.root / name).write_text(line.format(self.users.submission), encoding="utf-8")


def choose(wanted: str) -> str:
    """The kind of sandbox to use: the one that is asked for, or with "auto" the best there is. Raises CannotGrade."""
    if wanted in ("container", "none"):
        return wanted
    reasons = []
    for kind in ("bubblewrap", "unshare") if wanted == "auto" else (wanted,):
        problem = why_not(kind)
        if problem is None:
            return kind
        reasons.append(f"{kind}: {problem}")
    raise CannotGrade(
        f"There is no sandbox here ({'; '.join(reasons)}). Install bubblewrap (sudo apt-get install bubblewrap); or, "
        "only for programs that you trust with this machine, say SANDBOX=none"
    )


def why_not(kind: str) -> str | None:
    """Why a kind of sandbox cannot be used on this machine; None if it can."""
    if not sys.platform.startswith("linux"):
        return "it needs Linux"
    if kind == "unshare" and os.geteuid() != 0:
        return "without bubblewrap it takes root"
    missing = [tool for tool in TOOLS[kind] if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} not installed"
    probe = Sandbox(kind, Place(Path("/nowhere")), Limits()).session(["true"])
    if kind == "bubblewrap":
        probe += [] if os.geteuid() == 0 else ["bwrap", "--unshare-user", "--ro-bind", "/", "/", "true"]
    done = subprocess.run(probe, capture_output=True, text=True, errors="replace")
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it does not work"])[-1]


def check_python() -> None:
    """Programs run as other users must be able to read this Python. Raises CannotGrade."""
    for path in map(Path, _python()) if os.geteuid() == 0 else ():
        for folder in (path, path / "lib", path / "bin"):
            if folder.exists() and folder.stat().st_mode & 0o005 != 0o005:
                raise CannotGrade(f"Other users cannot read {folder}, where Python is: chmod -R a+rX {path}")


def _a_user() -> int:
    return FIRST_USER + secrets.randbelow(USERS)


# ---- The launchers ---------------------------------------------------------------------------


def _bubblewrap(sandbox: Sandbox) -> str:
    place = sandbox.place
    see = " ".join(f"--ro-bind {quote(path)} {quote(path)}" for path in _python())
    etc = " ".join(f"--ro-bind-try /etc/{name} /etc/{name}" for name in ETC)
    links = " ".join(f"--symlink {os.readlink(f'/{name}')} /{name}" for name in _links())
    folders = " ".join(f"--ro-bind-try /{name} /{name}" for name in ("bin", "lib", "lib64") if name not in _links())
    # Parents that are not named are made for root alone.
    rough = " ".join(f"--ro-bind {quote(str(place.kit / name))} {quote(str(ladder.ROOT / name))}" for name in ROUGH)
    seen = [*map(Path, _python()), *(ladder.ROOT / name for name in ROUGH), place.chat / "x"]
    parents = {parent for path in seen for parent in path.parents}
    made = " ".join(f"--perms 0755 --dir {quote(str(path))}" for path in sorted(parents - {Path("/")}))
    # As root there is no user namespace: RLIMIT_NPROC holds for a user that setpriv changes to, not for one that
    # bubblewrap maps. The three capabilities are what setpriv needs, and drops.
    root = "--cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_SETPCAP"
    return f"""#!/bin/sh
{_beginning(sandbox)}
set -- {_inside(sandbox)} "$@"
[ -z "$PYTHONPATH" ] || set -- {rough} "$@"
[ -z "$KIVY_HOME" ] || set -- --bind "${{KIVY_HOME%/*}}" "${{KIVY_HOME%/*}}" "$@"
exec bwrap --unshare-pid --unshare-uts --hostname lab --die-with-parent --json-status-fd 9 \\
    {root if os.geteuid() == 0 else "--unshare-user"} --perms 0755 --dir /etc --ro-bind /usr /usr \\
    {links} {folders} {etc} --bind "$tmp" /tmp {made} {see} \\
    --ro-bind {quote(str(place.root / "passwd"))} /etc/passwd --ro-bind {quote(str(place.root / "hosts"))} /etc/hosts \\
    --proc /proc --dev /dev --size 33554432 --perms 1777 --tmpfs /dev/shm \\
    --ro-bind "$own" "$seen" --bind "$PWD" "$PWD" --chdir "$PWD" "$@" 9>{quote(str(place.started))}/$$
"""


def _unshare(sandbox: Sandbox) -> str:
    # The first process only waits; the second is number 1 of the program's own processes, and makes its file system.
    inside = sandbox.place.root / "inside"
    inside.write_text(_new_root(sandbox), encoding="utf-8")
    return f"""#!/bin/sh
{_beginning(sandbox)}
export tmp own seen user group nproc
exec unshare --mount --pid --fork --kill-child --uts sh {quote(str(inside))} $$ "$@"
"""


def _new_root(sandbox: Sandbox) -> str:
    place = sandbox.place
    seen = "\n".join(f"show {quote(path)}" for path in [*_python(), "/usr"])
    links = "\n".join(f'ln -s {os.readlink(f"/{name}")} "$new/{name}"' for name in _links())
    rough = "; ".join(f"show {quote(str(place.kit / name))} ro {quote(str(ladder.ROOT / name))}" for name in ROUGH)
    etc = "\n".join(f"[ ! -e /etc/{name} ] || show /etc/{name}" for name in ETC)
    return f"""set -e
umask 022
new={quote(str(place.root / "new"))}
show() {{
    as=${{3:-$1}}
    if [ -d "$1" ]; then mkdir -p "$new$as"; else mkdir -p "$new${{as%/*}}"; touch "$new$as"; fi
    mount --bind "$1" "$new$as"
    [ "$2" = rw ] || mount -o remount,bind,ro,nosuid "$new$as"
}}
mount -t tmpfs -o mode=755,size=1m tmpfs "$new"
mkdir -p "$new/tmp" "$new/proc" "$new/dev" "$new/etc"
mount --bind "$tmp" "$new/tmp"
{seen}
{links}
{etc}
mount -t proc -o nosuid,nodev,noexec proc "$new/proc"
mkdir "$new/dev/shm"
mount -t tmpfs -o mode=1777,size=32m tmpfs "$new/dev/shm"
for each in null zero full random urandom tty; do
    touch "$new/dev/$each"
    mount --bind "/dev/$each" "$new/dev/$each"
done
cp {quote(str(place.root / "passwd"))} {quote(str(place.root / "hosts"))} "$new/etc"
show "$own" ro "$seen"
if [ -n "$PYTHONPATH" ]; then {rough}; fi
if [ -n "$KIVY_HOME" ]; then show "${{KIVY_HOME%/*}}" rw; fi
show "$PWD" rw
mount -o remount,ro "$new"
echo child-pid >{quote(str(place.started))}/$1
shift
chroot "$new" {_inside(sandbox, '--chdir="$PWD"')} "$@"
exit $?
"""


def _container(sandbox: Sandbox) -> str:
    return f"""#!/bin/sh
{_beginning(sandbox)}
trap - INT QUIT TSTP
export TMPDIR="$tmp" HOME="$tmp"
# What the checkout has is for root alone: the reference and what makes races certain were copied.
export PYTHONPATH="$(echo "$PYTHONPATH" | sed 's#{ladder.ROOT}#{sandbox.place.kit}#g')"
echo child-pid >{quote(str(sandbox.place.started))}/$$
exec {_inside(sandbox)} "$@"
"""


def _beginning(sandbox: Sandbox) -> str:
    """Who is to be started, where its /tmp is, and whose it all is."""
    place, users = sandbox.place, sandbox.users
    container = sandbox.kind == "container"
    mine = '"$PWD" "$tmp" ${KIVY_HOME:+"${KIVY_HOME%/*}"}'
    return f"""# Written by labkit/grade/sandbox.py. Arguments: whose side, and the command.
set -e
# Ctrl-C is meant for the program alone: what stands above it must outlive it.
trap '' INT QUIT TSTP
case $1 in
reference)
    own={quote(str(place.kit / "reference"))} seen={quote(str(ladder.ROOT / "reference"))}
    user={users.reference} nproc=4096 ;;
*)
    own={quote(str(place.submission))} seen={quote(str(place.submission))}
    user={users.submission} nproc={sandbox.limits.threads} ;;
esac
shift
group=$user
{"user=$((user + $$))  # with no files of their own to see, each program is somebody else" if container else ""}
tmp={quote(str(place.disk / "tmp"))}/$$
mkdir "$tmp"
chmod 700 {mine}
{f'chown -R "$user:$group" {mine}' if os.geteuid() == 0 else ""}"""


def _inside(sandbox: Sandbox, chdir: str = "") -> str:
    """The words before the program's own command: its limits, and its user."""
    limits, mega = sandbox.limits, 1024 * 1024
    user = "setpriv --reuid=$user --regid=$group --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all"
    return (
        f"/usr/bin/env {chdir} --default-signal=INT,QUIT,TSTP MALLOC_ARENA_MAX=2 "
        f"choom -n 1000 -- prlimit --nproc=$nproc --core=0 --nofile=1024 --fsize={limits.file_mb * mega} "
        f"--cpu={limits.cpu_seconds} --data={limits.memory_mb * mega} --as={4 * limits.memory_mb * mega} "
        f"{user if os.geteuid() == 0 else ''}"
    )


def _python() -> list[str]:
    """The folders of this Python: the programs under test run with the same."""
    return sorted({str(Path(prefix).resolve()) for prefix in (sys.base_prefix, sys.prefix) if not _in_usr(prefix)})


def _in_usr(path: str) -> bool:
    return Path(path).resolve().is_relative_to("/usr")


def _links() -> list[str]:
    """Those of /bin, /lib and so on that are links into /usr, as on most systems today."""
    return [name for name in ("bin", "sbin", "lib", "lib32", "lib64") if os.path.islink(f"/{name}")]
