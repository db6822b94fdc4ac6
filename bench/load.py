"""A load generator: keep-alive connections that each send a request when the last is answered."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_END = b"\r\n\r\n"


@dataclass
class Load:
    """What came of a run."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency, in ms, that this share of the requests did not exceed."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def errors(self, expected: int) -> int:
        return sum(n for status, n in self.statuses.items() if status != expected)


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load, request: Callable[[], bytes], until: float) -> None:
        self.load, self.request, self.until = load, request, until
        self.received = b""
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.began = time.perf_counter()
        if self.began >= self.until:
            self.transport.close()
        else:
            self.transport.write(self.request())

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(_END)
        if not found or len(body) < _content_length(head):
            return
        self.received = b""
        status = int(head[9:12])
        self.load.statuses[status] = self.load.statuses.get(status, 0) + 1
        self.load.latencies.append(time.perf_counter() - self.began)
        self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        self.closed.set_result(None)


def _content_length(head: bytes) -> int:
    lower = head.lower()
    start = lower.index(b"content-length:") + 15
    end = lower.find(b"\r\n", start)
    return int(lower[start : end if end > 0 else None])


async def _run(port: int, request: Callable[[], bytes], connections: int, seconds: float) -> Load:
    loop = asyncio.get_running_loop()
    load = Load()
    began = time.perf_counter()
    until = began + seconds
    made = [
        await loop.create_connection(lambda: _Connection(load, request, until), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.closed for _, protocol in made))
    load.seconds = time.perf_counter() - began
    return load


def run(port: int, request: Callable[[], bytes], connections: int = 64, seconds: float = 8) -> Load:
    """Loads a server for some seconds."""
    return asyncio.run(_run(port, request, connections, seconds))


def post(path: str, body: bytes, headers: str = "") -> bytes:
    """The bytes of a POST request of JSON."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"{headers}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
