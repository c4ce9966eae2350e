"""The program under test: it gets one JSON object a line and answers with one."""

import json
import os
import select
import subprocess
import time
from types import TracebackType
from typing import Any

MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of one answer: the longest right one is a welcome of a megabyte, escaped."""


class ProgramError(Exception):
    """The program cannot be started, ends, says nothing or something else than JSON: no more can be asked."""


class Program:
    """A running program. Raises ProgramError if it cannot be started.

    It is asked one thing at a time, so a program that reads line by line and flushes needs no threads.
    """

    def __init__(self, command: list[str], patience: float) -> None:
        self._patience = patience
        try:
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        except OSError as error:
            raise ProgramError(f"cannot run {command[0]}: {error.strerror}") from None
        self._received = bytearray()

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe:
                pipe.close()
        self._child.kill()
        self._child.wait()

    def ask(self, question: dict[str, Any]) -> Any:
        """Send a question, wait for the answer. Raises ProgramError."""
        line = self._exchange(json.dumps(question, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            shown = ascii(line[:60].decode(errors="replace"))
            raise ProgramError(f"the answer is not JSON on one line: {shown}") from None

    def _exchange(self, question: bytes) -> bytes:
        """Write the question and read the answer's line, both at once: the program may begin to answer early."""
        deadline = time.monotonic() + self._patience
        assert self._child.stdin
        assert self._child.stdout
        to_program, from_program = self._child.stdin.fileno(), self._child.stdout.fileno()
        rest = memoryview(question)
        searched = 0
        while (end := self._received.find(b"\n", searched)) == -1:
            searched = len(self._received)
            if searched > MAX_ANSWER:
                raise ProgramError(f"the answer is longer than {MAX_ANSWER:,} bytes")
            writable = [to_program] if rest else []
            can_read, can_write, _ = select.select([from_program], writable, [], max(0.0, deadline - time.monotonic()))
            if can_read:
                self._received += self._read(from_program)
            elif can_write:
                rest = rest[self._write(to_program, rest) :]
            else:
                raise ProgramError(f"no answer within {self._patience:g} s: does it flush its output after each line?")
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return line

    def _read(self, from_program: int) -> bytes:
        data = os.read(from_program, 64 * 1024)
        if not data:
            raise self._ended()
        return data

    def _write(self, to_program: int, rest: memoryview) -> int:
        try:
            # A pipe that is ready takes this much at once (PIPE_BUF, pipe(7)): so write never blocks.
            return os.write(to_program, rest[: select.PIPE_BUF])
        except BrokenPipeError:
            raise self._ended() from None

    def _ended(self) -> ProgramError:
        try:
            status = self._child.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return ProgramError("it has closed its input or output before the last question")
        return ProgramError(f"it ended with status {status} before the last question")
