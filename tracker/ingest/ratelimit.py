"""Requests per client and minute, counted together by all web processes of a machine.

The counters live in memory that the processes share by being forked from one parent, and
nowhere else. A client is a keyed hash whose random key changes daily.
"""

import fcntl
import hashlib
import mmap
import os
import struct
import tempfile
import threading
import time
import weakref

_SLOTS = 1 << 16
_SLOT = struct.Struct("=III")  # minute, tag of the client, count
_WINDOW = 60


class RateCounters:
    """Fixed one-minute windows. Must be made before the web processes fork."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SLOTS * _SLOT.size)
        self._locks = _unnamed_file()  # a byte to lock per slot; a killed process frees its locks
        weakref.finalize(self, os.close, self._locks)
        self._threads = threading.Lock()

    def count(self, client: bytes, now: float | None = None, n: int = 1) -> int:
        """Counts a request of a client; returns its requests of this minute, this one included.

        `n` counts other things than requests, such as rows read; less than 0 gives back.

        Of two clients that share a slot the later takes it over: being counted too little is
        the better error.
        """
        minute = int(time.time() if now is None else now) // _WINDOW
        place, tag = struct.unpack("=II", client[:8])
        slot = place % _SLOTS
        with self._threads:
            fcntl.lockf(self._locks, fcntl.LOCK_EX, 1, slot)
            try:
                return self._add(slot, minute & 0xFFFFFFFF, tag, n)
            finally:
                fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, slot)

    def _add(self, slot: int, minute: int, tag: int, n: int) -> int:
        last_minute, last_tag, count = _SLOT.unpack_from(self._memory, slot * _SLOT.size)
        held = count if (last_minute, last_tag) == (minute, tag) else 0
        count = max(0, held + n)
        _SLOT.pack_into(self._memory, slot * _SLOT.size, minute, tag, count)
        return int(count)


def _unnamed_file() -> int:
    descriptor, path = tempfile.mkstemp()
    os.unlink(path)
    return descriptor


def fingerprint(address: str, salt: str) -> bytes:
    """A client that can be told from others today, but not be found out."""
    return hashlib.blake2b(address.encode(), key=salt.encode()[:64], digest_size=8).digest()


def seconds_to_next_window(now: float | None = None) -> int:
    return _WINDOW - int(time.time() if now is None else now) % _WINDOW
