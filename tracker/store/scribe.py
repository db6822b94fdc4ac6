"""One process of a machine writes for all of them.

Web processes that took turns at the database would each find their caches outdated, would commit
smaller groups more often, and could not read requests while they write. So one process does
nothing but write: the scribe. The others hand it their groups over a local socket. Who it is, a
lock says that its death frees: the process that is started in its place takes the lock, and the
groups that wait. Several machines on one PostgreSQL have a scribe each.
"""

import fcntl
import os
import pickle
import shutil
import struct
import tempfile
import time
import weakref
from collections.abc import Sequence
from typing import Any

from gevent import monkey, socket
from gevent.server import StreamServer

from tracker.store.writer import PATIENCE_SECONDS, Overloaded, Work, Writer

Group = Sequence[Work]
_Socket = monkey.get_original("socket", "socket")  # belongs to no loop, so it can be inherited
_LENGTH = struct.Struct("=I")
_AGAIN_SECONDS = 0.05


class NotTaken(Exception):
    """The scribe is gone, and has not seen the group."""


class Desk:
    """Where the processes of a machine find the scribe. Must be made before they fork."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="tracker-")  # nobody else may enter it
        self.path = f"{folder}/scribe"
        self._bound = _Socket(socket.AF_UNIX)
        self._bound.bind(self.path)
        self._bound.listen()
        self._lock = os.open(f"{folder}/lock", os.O_RDWR | os.O_CREAT, 0o600)
        weakref.finalize(self, _remove, folder, os.getpid())

    @property
    def socket(self) -> socket.socket:
        """What the others connect to, for this process's loop to accept."""
        return socket.socket(socket.AF_UNIX, fileno=os.dup(self._bound.fileno()))

    def take(self) -> bool:
        """Whether this process is the scribe, from now on until it ends."""
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


class Scribe:
    """Writes what the other processes hand in."""

    def __init__(self, desk: Desk, writer: Writer) -> None:
        self._writer = writer
        writer.gather_seconds = 0  # while one group is written the next ones gather by themselves
        self._lines = 0
        StreamServer(desk.socket, self._serve).start()

    def finish(self, seconds: float) -> None:
        """Writes on until the others have ended, for so long at most."""
        deadline = time.monotonic() + seconds
        while self._lines and time.monotonic() < deadline:
            time.sleep(_AGAIN_SECONDS)

    def _serve(self, line: socket.socket, _address: Any) -> None:
        self._lines += 1
        try:
            while True:
                works = [Work(*parts) for parts in _receive(line)]
                self._writer.submit_all(works)
                _send(line, [_answer(work) for work in works])
        except (OSError, EOFError):
            line.close()
        finally:
            self._lines -= 1


def _answer(work: Work) -> tuple[Any, ...]:
    return work.accepted, work.duplicates, work.linked, work.error and str(work.error)


class Clerk:
    """Hands the groups of a process in at the desk."""

    def __init__(self, desk: Desk, writer: Writer) -> None:
        self._path = desk.path
        self._line: socket.socket | None = self._connect()
        writer.write_group = self.write
        writer.gather_seconds = 0

    def write(self, group: Group) -> None:
        """Has a group written; each work says what came of it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._have_written(group)
            except NotTaken:
                self._hang_up()
                if time.monotonic() < deadline:
                    time.sleep(_AGAIN_SECONDS)
                    continue
                _give_up(group, "no process writes")
            except (OSError, EOFError):
                self._hang_up()
                _give_up(group, "the writing process ended")
            return

    def _have_written(self, group: Group) -> None:
        """NotTaken when the scribe certainly has not seen the group."""
        try:
            line = self._line = self._line or self._connect()
            _send(line, [(work.rows, work.links, work.warned, work.sampled) for work in group])
        except OSError:
            raise NotTaken from None
        for work, answer in zip(group, _receive(line), strict=True):
            work.accepted, work.duplicates, work.linked, error = answer
            work.error = Overloaded(error) if error else None

    def _connect(self) -> socket.socket:
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(PATIENCE_SECONDS)
        line.connect(self._path)
        return line

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


def _give_up(group: Group, why: str) -> None:
    for work in group:
        work.error = Overloaded(why)


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
