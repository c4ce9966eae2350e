# mypy: ignore-errors
"""A server of coroutines."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "common"))

import chat


class Service:
    """One room, and a coroutine for each who is connected."""

    def __init__(self):
        self.room = chat.Room()

    async def talk(self, reader, writer):
        """Serve one client until it goes."""
        member, decoder = chat.Member(writer.write), chat.Decoder()
        with contextlib.suppress(OSError, asyncio.CancelledError):  # cancelled when the server ends
            try:
                while data := await reader.read(65536):
                    for kind, fields in decoder.feed(data):
                        self.room.received(member, kind, fields)
            except chat.Broken as error:
                writer.write(chat.refusal(error))
        self.room.gone(member)
        writer.close()


async def main():
    """Run the server; returns the exit status."""
    ip, port = chat.address("server.py")
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, over.set)
    try:
        await asyncio.start_server(Service().talk, ip, port)
    except OSError as error:
        error.strerror = error.strerror.rpartition(": ")[2]
        return chat.cannot_listen(ip, port, error)
    chat.welcome_lines(ip)
    await over.wait()
    chat.show("[SERVER TERMINATED]")
    return 0


status = asyncio.run(main())
sys.exit(status)
