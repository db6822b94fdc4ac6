"""One process of a machine writes for all of them.

Web processes that took turns at the database would each find their caches outdated, and would
commit smaller groups more often. So the first one to write becomes the scribe, and the others
hand it their groups over a local socket. Who the scribe is, a lock says that its death frees:
the next process to write takes over. Several machines on one PostgreSQL have a scribe each.
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
from contextlib import suppress
from typing import Any

from gevent import monkey, socket
from gevent.server import StreamServer

from tracker.store.writer import PATIENCE_SECONDS, Overloaded, Work, Writer

Group = Sequence[Work]
_Socket = monkey.get_original("socket", "socket")  # belongs to no loop, so it can be inherited
_LENGTH = struct.Struct("=I")
_DRAIN_SECONDS = 5
_ATTEMPTS = 3


class NotTaken(Exception):
    """The scribe is ending, and has not looked at the group."""


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
        """Whether this process is the scribe now."""
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def leave(self) -> None:
        """Lets another process be the scribe."""
        fcntl.lockf(self._lock, fcntl.LOCK_UN)


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


class Scribe:
    """One process's place at the desk: it writes itself, or has its groups written."""

    def __init__(self, desk: Desk, writer: Writer) -> None:
        self._desk = desk
        self._writer = writer
        self._write_here = writer.write_group
        self._server: StreamServer | None = None
        self._line: socket.socket | None = None
        self._in_hand = 0
        self._ending = False
        writer.write_group = self.write

    def write(self, group: Group) -> None:
        """Writes a group, or has it written; each work says what came of it."""
        for _ in range(_ATTEMPTS):
            if self._writes_here():
                self._write_here(group)
                return
            with suppress(NotTaken):
                self._have_written(group)
                return
        _give_up(group, "no process takes it")

    def stop(self) -> None:
        """Finishes what others handed in, and lets another process take over."""
        self._ending = True
        if self._server is None:
            return
        self._server.stop_accepting()
        self._desk.leave()
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self._in_hand and time.monotonic() < deadline:
            time.sleep(0.01)

    def _writes_here(self) -> bool:
        if self._server is None and not self._ending and self._desk.take():
            self._server = StreamServer(self._desk.socket, self._serve)
            self._server.start()
        return self._server is not None and not self._ending

    def _have_written(self, group: Group) -> None:
        """Hands a group to the scribe; NotTaken when it certainly did not look at it."""
        try:
            line = self._connected()
            _send(line, [(work.rows, work.links, work.warned, work.sampled) for work in group])
        except OSError:
            self._hang_up()
            raise NotTaken from None
        try:
            answers = _receive(line)
        except (OSError, EOFError):
            self._hang_up()
            _give_up(group, "the writing process ended")
            return
        if answers is None:
            self._hang_up()
            raise NotTaken
        for work, answer in zip(group, answers, strict=True):
            work.accepted, work.duplicates, work.linked, error = answer
            work.error = Overloaded(error) if error else None

    def _connected(self) -> socket.socket:
        if self._line is None:
            self._line = socket.socket(socket.AF_UNIX)
            self._line.settimeout(PATIENCE_SECONDS)
            self._line.connect(self._desk.path)
        return self._line

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _serve(self, line: socket.socket, _address: Any) -> None:
        """Writes what another process hands in, for as long as it does."""
        with suppress(OSError, EOFError), line:
            while True:
                works = [Work(*parts) for parts in _receive(line)]
                _send(line, None if self._ending else self._answers(works))

    def _answers(self, works: list[Work]) -> list[tuple[Any, ...]]:
        self._in_hand += 1
        try:
            self._writer.submit_all(works)
        finally:
            self._in_hand -= 1
        return [(w.accepted, w.duplicates, w.linked, w.error and str(w.error)) for w in works]


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
