"""Install one group of locked packages into .venv: `python3 requirements/install.py client`.

make calls this when a group's stamp (.venv/client.stamp) is missing or older than its lock
(requirements/client.txt), so a start that finds everything there does not come here.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

VENV = Path(".venv")
PYTHON = VENV / "bin" / "python"
# Exists while nobody changes .venv. Whoever dies in the middle leaves it missing.
READY = VENV / "ready"


def main(group: str) -> int:
    """Install the group unless it is there, and return the exit status."""
    os.chdir(Path(__file__).resolve().parent.parent)
    try:
        # Two terminals may start at the same moment; the lock ends with the process, however
        # that ends. It stands on this file because .venv may be thrown away meanwhile.
        with open(__file__) as lock:
            wait_for(lock.fileno())
            if not is_installed(group):
                install(group)
            stamp(group).touch()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"Could not install into .venv: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: the next start installs again", file=sys.stderr)
        return 130
    return 0


def wait_for(lock: int) -> None:
    """Wait until nobody else installs."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Waiting for another start that is installing ...", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)


def stamp(group: str) -> Path:
    """Return the file whose time says when the group was installed."""
    return VENV / f"{group}.stamp"


def is_installed(group: str) -> bool:
    """Tell whether .venv is whole, of this Python, and has the group as it is locked now."""
    lock = Path("requirements", f"{group}.txt")
    return is_whole() and stamp(group).exists() and stamp(group).stat().st_mtime_ns >= lock.stat().st_mtime_ns


def is_whole() -> bool:
    """Tell whether .venv was left in order and is of the Python that runs this."""
    return READY.exists() and PYTHON.resolve() == Path(sys.executable).resolve()


def install(group: str) -> None:
    """Bring .venv to what the lock says.

    Raises OSError or CalledProcessError when .venv cannot be made, SystemExit when pip fails.
    """
    print(f"Installing the {group} packages into .venv, this once ...", flush=True)
    if not is_whole():
        create_venv()
    READY.unlink(missing_ok=True)
    status = subprocess.call(
        [
            *(PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input"),
            *("install", "--require-hashes", "--requirement", f"requirements/{group}.txt"),
        ]
    )
    if status >= 0:  # not killed: pip is through, or has put everything back
        READY.touch()
    if status != 0:
        instead = " (the client runs without them: python3 -m reference.client 127.0.0.1 5050)"
        sys.exit(
            f"Could not install the {group} packages, the next start tries again"
            + (instead if group == "client" else "")
        )


def create_venv() -> None:
    """Make .venv anew: an interrupted install, or one of another Python, is not worth mending."""
    try:
        import ensurepip  # noqa: F401  (Debian has it in a package of its own)
        import venv
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        sys.exit(f"Python's venv module is missing: sudo apt-get install python{version}-venv")
    # First what says that all is well: emptying a folder can be interrupted too.
    for promise in [READY, *VENV.glob("*.stamp")]:
        promise.unlink(missing_ok=True)
    venv.create(VENV, clear=True, symlinks=True, with_pip=True)


if __name__ == "__main__":
    if sys.prefix != sys.base_prefix:  # a .venv cannot be made anew by its own Python, but by the one it was made of
        base = os.path.realpath(sys.executable)
        os.execv(base, [base, *sys.argv])
    sys.exit(main(sys.argv[1]))
