"""How fast the worker empties the outbox into a receiver on the same machine."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from bench.servers import database, environment, running
from bench.table import Row
from tracker.config import load_settings
from tracker.jobs.engines import own_database
from tracker.store import deliveries
from tracker.store.deliveries import Message
from tracker.store.subscriptions import create_subscription

DELIVERIES = 5_000
_BODY = '{"type":"quota_exceeded","timestamp":"2026-11-20T09:15:00Z","data":{"quotaType":"seats"}}'
_ANSWER = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


class Receiver:
    """Answers every request with 204 and remembers its id, and when it came."""

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.times: list[float] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        await reader.readexactly(int(fields[b"Content-Length"]))
        self.ids.append(fields[b"webhook-id"])
        self.times.append(time.monotonic())
        writer.write(_ANSWER)
        await writer.drain()
        writer.close()


@contextmanager
def receiving() -> Iterator[tuple[Receiver, str]]:
    """A receiver in a thread of its own, and its URL."""
    receiver, loop = Receiver(), asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncio.start_server(receiver.answer, "127.0.0.1", 0, backlog=256)
    )
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield receiver, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def _fill_outbox(url: str, receiver: str) -> None:
    settings = load_settings(environment(url))
    held = own_database(settings)
    with held.write() as connection:
        webhook, _ = create_subscription(
            connection, "default", "bench", receiver, ["*"], "bench", settings.secret_key
        )
        deliveries.enqueue(
            connection,
            [
                Message(webhook, "default", str(uuid4()), "quota_exceeded", _BODY)
                for _ in range(DELIVERIES)
            ],
        )


def emptying(kind: str) -> Iterator[Row]:
    """One webhook of one tenant, `flask worker`, from the first delivery to the last."""
    with database(kind) as url, receiving() as (receiver, address):
        _fill_outbox(url, address)
        with running(url, "worker", TRACKER_ALLOW_PRIVATE_WEBHOOKS="1"):
            deadline = time.monotonic() + 300
            while len(receiver.ids) < DELIVERIES and time.monotonic() < deadline:
                time.sleep(0.05)
    arrived = len(receiver.ids)
    rate = (arrived - 1) / (receiver.times[-1] - receiver.times[0])
    behind = f"{arrived:,} of {DELIVERIES:,}, {arrived - len(set(receiver.ids))} twice"
    yield Row(f"webhook deliveries, {kind}", f"{rate:,.0f}/s", ">= 200/s", behind)


def rows(kinds=("sqlite", "postgresql")) -> Iterator[Row]:
    """Every figure of deliveries."""
    for kind in kinds:
        yield from emptying(kind)
