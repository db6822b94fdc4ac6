"""Where the processes of a machine find the one of them that does something for all.

A desk is made before they fork. Who sits at it, a lock says that the holder's death frees: the
process that is started in its place takes the lock, and the questions that wait. What is asked
and answered goes over a local socket that nobody else may open.
"""

import fcntl
import os
import pickle
import shutil
import struct
import tempfile
import time
import weakref
from collections.abc import Callable
from typing import Any

from gevent import monkey, socket
from gevent.server import StreamServer

Finish = Callable[[float], None]
_Socket = monkey.get_original("socket", "socket")  # belongs to no loop, so it can be inherited
_LENGTH = struct.Struct("=I")
_AGAIN_SECONDS = 0.05


class NotTaken(Exception):
    """Nobody sits at the desk, and nobody has seen the question."""


class Desk:
    """One desk. Must be made before the processes fork."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="tracker-")  # nobody else may enter it
        self._path = f"{folder}/desk"
        self._bound = _Socket(socket.AF_UNIX)
        self._bound.bind(self._path)
        self._bound.listen(1024)
        self._lock = os.open(f"{folder}/lock", os.O_RDWR | os.O_CREAT, 0o600)
        weakref.finalize(self, _remove, folder, os.getpid())

    def take(self) -> bool:
        """Whether this process sits here, from now on until it ends."""
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def serve(self, answer: Callable[[Any], Any]) -> Finish:
        """Answers what is asked; returns what goes on until the others are gone, at most so long.

        Each line's questions are answered in a greenlet of its own, one after the other.
        """
        lines: set[socket.socket] = set()

        def attend(line: socket.socket, _address: Any) -> None:
            lines.add(line)
            try:
                while True:
                    _send(line, answer(_receive(line)))
            except (OSError, EOFError):
                line.close()
            finally:
                lines.remove(line)

        def finish(seconds: float) -> None:
            deadline = time.monotonic() + seconds
            while lines and time.monotonic() < deadline:
                time.sleep(_AGAIN_SECONDS)

        inherited = socket.socket(socket.AF_UNIX, fileno=os.dup(self._bound.fileno()))
        StreamServer(inherited, attend).start()
        return finish

    def line(self, patience: float | None = None) -> "Line":
        """A line to whoever sits here; `patience` is how many seconds an answer may take."""
        return Line(self._path, patience)


class Line:
    """Asks one question at a time."""

    def __init__(self, path: str, patience: float | None) -> None:
        self._path, self._patience = path, patience
        self._open: socket.socket | None = None

    def ask(self, question: Any) -> Any:
        """The answer. NotTaken when the question was certainly not seen, else OSError, EOFError."""
        try:
            if self._open is None:
                self._open = socket.socket(socket.AF_UNIX)
                self._open.settimeout(self._patience)
                self._open.connect(self._path)
            _send(self._open, question)
        except OSError:
            self.close()
            raise NotTaken from None
        try:
            return _receive(self._open)
        except (OSError, EOFError):
            self.close()
            raise

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _send(line: socket.socket, value: Any) -> None:
    frame = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    line.sendall(_LENGTH.pack(len(frame)) + frame)


def _receive(line: socket.socket) -> Any:
    (length,) = _LENGTH.unpack(_read(line, _LENGTH.size))
    return pickle.loads(_read(line, length))  # noqa: S301 - from our own processes alone


def _read(line: socket.socket, length: int) -> bytes:
    frame = bytearray()
    while len(frame) < length:
        part = line.recv(length - len(frame))
        if not part:
            raise EOFError
        frame += part
    return bytes(frame)
