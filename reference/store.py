"""The bytes of one file in the spool, written by one thread and read by many."""

import tempfile
from threading import Lock


class Store:
    """A temporary file without a name: it goes when it is closed, or when the process ends, however that happens."""

    def __init__(self, folder: str | None) -> None:
        """Raises OSError when there is no such folder, or no descriptor left."""
        # Guards the file's position, and keeps it from being closed in the midst of a read: its descriptor could be
        # somebody's socket by then. (os.pread would not need a position, but Windows has none.)
        self._lock = Lock()
        self._file = tempfile.TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115 - closed in close()

    def write(self, offset: int, data: bytes) -> None:
        """Raises OSError, as when the disk is full; ValueError when it has been closed."""
        rest = memoryview(data)
        with self._lock:
            self._file.seek(offset)
            while rest:  # a raw file may take less than it is given
                rest = rest[self._file.write(rest) :]

    def read(self, offset: int, size: int) -> bytes:
        """Exactly these bytes. Raises OSError; ValueError when it has been closed."""
        with self._lock:
            self._file.seek(offset)
            data = self._file.read(size)
        if len(data) != size:
            raise OSError(f"{len(data)} of {size} bytes at {offset}")
        return data

    def close(self) -> None:
        """Drop the bytes."""
        with self._lock:
            self._file.close()
