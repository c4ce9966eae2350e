"""Who leads a terminal's session, as a shell does in a window: somebody who outlives the program.

When the leader of a session ends, the kernel hangs up its terminal, and throws away what the other side has not
taken yet (`disassociate_ctty` and `tty_ldisc_hangup` in Linux). A program that says goodbye and ends at once would
lose its last lines, if it were the leader itself: 1 of 20 did here, after Ctrl-C.

And whoever stands between a program and the driver: a program may do to its parent what it likes.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import termios
from typing import NoReturn

# From the keyboard, to everyone in front of the terminal: meant for the program alone.
KEYS = {signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP}
# What tells the leader that everything has been read.
ALL_READ = signal.SIGUSR1


def lead(mark: bytes, patience: float) -> None:
    """Fork: return in the program's process, and in the leader's wait for the program's end, and end as it did.

    Before that the leader shows the mark, which nothing comes behind, and waits until it is told that it has been
    read: `patience` seconds at most. To be called in a terminal's first process, when it has no files open that
    matter.
    """
    blocked = {*KEYS, ALL_READ, signal.SIGALRM}
    signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    program = os.fork()
    if program == 0:
        for number in KEYS:
            # A shell has what it runs in the background ignore some, and so would all that is started from there.
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
        return
    status = _wait_for(program)
    # Ctrl-S may have stopped the terminal, and only what TCOOFF has stopped is started by TCOON.
    termios.tcflow(1, termios.TCOOFF)
    termios.tcflow(1, termios.TCOON)
    if select.select([], [1], [], patience)[1]:  # else nobody reads
        os.write(1, mark)
        signal.setitimer(signal.ITIMER_REAL, patience)
        signal.sigwait({ALL_READ, signal.SIGALRM})  # macOS has no sigtimedwait
    _end_as(status)


def stand_between() -> None:
    """Fork: return in the program's process, and in its parent wait for the program's end, and end as it did.

    For a program without a terminal, in its first process: what it does to its parent, as a SIGSTOP, does nothing to
    whoever started it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, KEYS)
    program = os.fork()
    if program == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, KEYS)
        return
    _end_as(_wait_for(program))


def _wait_for(program: int) -> int:
    os.closerange(3, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 20))  # whoever waits for these to close
    return os.waitpid(program, 0)[1]


def _end_as(status: int) -> NoReturn:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it has left its own, if any
        if number != signal.SIGKILL:  # which nobody may change
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))
