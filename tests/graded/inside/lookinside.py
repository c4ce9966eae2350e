"""A Kivy module: it runs inside any Kivy program, and does there what somebody at the window would do.

Kivy loads it from `mods` in KIVY_HOME when the configuration there says so
(https://kivy.org/doc/stable/api-kivy.modules.html). It connects to the port in LOOKINSIDE_PORT, where each line is a
question in JSON, and answers with a line of JSON.
"""

import json
import os
import socket
import threading
from typing import Any

from kivy.clock import Clock


def start(window: Any, context: Any) -> None:
    """Kivy makes the window."""
    threading.Thread(target=serve, daemon=True).start()


def stop(window: Any, context: Any) -> None:
    """Kivy unloads the module."""


def serve() -> None:
    """Answer questions, one after the other, for as long as somebody asks."""
    with socket.create_connection(("127.0.0.1", int(os.environ["LOOKINSIDE_PORT"]))) as sock:
        for line in sock.makefile():
            answer = on_the_windows_thread(json.loads(line))
            sock.sendall(json.dumps(answer).encode() + b"\n")


def on_the_windows_thread(question: dict[str, Any]) -> Any:
    """Do something between two frames, and return what comes of it."""
    answers: list[Any] = []
    done = threading.Event()

    def do(_: float) -> None:
        # Late: while this module is loaded, the one that makes the window is still being loaded itself.
        import lookinside_do  # type: ignore[import-not-found]

        try:
            answers.append(lookinside_do.DO[question.pop("do")](**question))
        except Exception as error:
            answers.append({"error": f"{type(error).__name__}: {error}"})
        done.set()

    Clock.schedule_once(do)
    done.wait()
    return answers[0]
