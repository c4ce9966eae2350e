"""How a program with threads waits for Ctrl-C or SIGTERM and never misses it.

A handler runs in the main thread, and one that waits for a lock (Event.wait, Queue.get) wakes for it only if the signal
comes while it sleeps: a signal in the moment before is not noticed until the next one. So the signals are held back,
which keeps them, and asked for with sigwait(3).
"""

import os
import signal

_ENDINGS = {signal.SIGINT, signal.SIGTERM}


def hold_back() -> None:
    """Keep the signals for `wait`. Call this before the first thread starts: threads inherit it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)


def wait() -> None:
    """Wait for one of the signals. From then on they end the program in the usual way: whoever asks twice means it."""
    signal.sigwait(_ENDINGS)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDINGS)


def ask() -> None:
    """Have `wait` return; any thread may call this."""
    os.kill(os.getpid(), signal.SIGTERM)
