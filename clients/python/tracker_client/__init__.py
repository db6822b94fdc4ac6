"""Reports trip creations and business events to Tracker, out of the caller's way.

    client = Tracker("https://tracker.example.com", key="trk_...")
    with client.track_trip(session_id=sid, input_snapshot=form) as trip:
        trip.succeeded(create_trip(form).id)

Nothing here raises into the caller or waits for the network: events go into a bounded
queue, and a daemon thread sends them. What can't be sent is counted in `dropped` and
logged (logger `tracker_client`).
"""

import atexit
import email.utils
import gzip
import json
import logging
import math
import os
import random
import re
import threading
import time
import urllib.error
import urllib.request
import uuid
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

__all__ = ["Tracker", "Trip"]

log = logging.getLogger("tracker_client")

_EVENTS = "/api/events"
_LINK = "/api/sessions/link"
_MOST_BYTES = 400_000  # of one request; the service takes 512 KiB
_MOST_EVENTS = 500
_LONGEST_PAUSE = 60.0
_QUIET_SECONDS = 60.0
_LAST_WORD = 0.2  # seconds of closing in which what is lost is counted
_HALF = re.compile(r"\\ud[89ab]..(?!\\ud[c-f])|(?<!\\ud[89ab]..)\\ud[c-f]..")
"""The escape of a surrogate without its other half."""


class Tracker:
    """Sends to one Tracker service with one tenant's write key. Thread-safe, fork-safe.

    `queue_size`: events that may wait; what comes when it is full is dropped.
    `batch_size`: most events in a request. `linger`: seconds to wait for more of them.
    `timeout`: seconds for one request. `give_up_after`: seconds for a batch, retries
    included. `exit_timeout`: longest wait for what is left when the process ends.
    Without a URL or a key nothing is sent, and the log says so.
    """

    def __init__(
        self,
        url: str | None,
        key: str | None,
        *,
        queue_size: int = 10_000,
        batch_size: int = 200,
        linger: float = 0.2,
        timeout: float = 5.0,
        give_up_after: float = 3600.0,
        exit_timeout: float = 2.0,
    ) -> None:
        self._url, self._key = _text(url or "").rstrip("/"), key or ""
        self._queue_size = queue_size
        self._batch_size = max(1, min(batch_size, _MOST_EVENTS))
        self._linger = linger
        self._timeout = timeout
        self._give_up_after = give_up_after
        self._exit_timeout = exit_timeout
        self._enabled = self._url.startswith(("http://", "https://")) and bool(self._key)
        if not self._enabled:
            log.warning("tracker: nothing will be sent, for that takes an http(s) URL and a key")
        self._start_empty()
        _trackers.add(self)
        atexit.register(self._at_exit)

    def _start_empty(self) -> None:
        """Also in a forked child: the parent sends what the parent has queued."""
        self._changed = threading.Condition()
        self._queue: deque[_Item] = deque()
        self._in_flight = 0
        self._hurries = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self._logged: dict[str, float] = {}
        self.sent = 0
        """Events and links that the service has taken."""
        self.dropped = 0
        """Events and links that were given up; the log says why."""

    def track_trip(
        self,
        request_id: object = None,
        session_id: object = None,
        user_id: object = None,
        input_snapshot: Mapping[str, Any] | None = None,
        effective_defaults: Mapping[str, Any] | None = None,
        prompt_contract_version: str | None = None,
    ) -> "Trip":
        """One attempt to create a trip, as a context manager. Ids may be numbers or UUIDs."""
        attempted = {
            "input_snapshot": {} if input_snapshot is None else input_snapshot,
            "effective_defaults": effective_defaults,
            "prompt_contract_version": prompt_contract_version,
        }
        who = {"session_id": session_id, "user_id": user_id}
        return Trip(self, _id(request_id) or f"req_{uuid.uuid4().hex}", who, _given(attempted))

    def log_event(
        self,
        name: str,
        data: Mapping[str, Any] | None = None,
        *,
        request_id: object = None,
        session_id: object = None,
        user_id: object = None,
        occurred_at: datetime | str | None = None,
    ) -> None:
        """Report an event of the catalog. `data` is its payload; the time defaults to now."""
        event = {
            "event_type": name,
            "event_id": _ordered_id(),
            "occurred_at": datetime.now(UTC) if occurred_at is None else occurred_at,
            "session_id": _id(session_id),
            "user_id": _id(user_id),
            "request_id": _id(request_id),
            "payload": {} if data is None else data,
        }
        self._enqueue(_EVENTS, _given(event))

    def link(self, session_id: object, user_id: object = None, email: str | None = None) -> None:
        """Attach an identity to all that the session does; call it in the login handshake."""
        who = {"session_id": _id(session_id), "user_id": _id(user_id), "email": email}
        self._enqueue(_LINK, _given(who))

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait at most `timeout` seconds until all is sent; whether it is."""
        with self._changed:
            self._hurries += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(self._idle, timeout)
            finally:
                self._hurries -= 1

    def close(self, timeout: float = 5.0) -> bool:
        """Flush, then stop; what is left and what comes later is dropped."""
        patience = min(_LAST_WORD, timeout)
        done = self.flush(timeout - patience)
        with self._changed:
            self._closed = True
            left = len(self._queue)
            self._queue.clear()
            self._changed.notify_all()  # who pauses before trying again gives up
            self._changed.wait_for(lambda: not self._in_flight, patience)
            unsure = self._in_flight
        if left:
            self._drop(left, f"not sent within {timeout:g} s of closing")
        if unsure:
            log.warning("tracker: nobody knows whether %d arrived: no answer until the end", unsure)
        return done

    def _at_exit(self) -> None:
        if not self._idle():
            self.close(self._exit_timeout)

    def _idle(self) -> bool:
        return not self._queue and not self._in_flight

    def _enqueue(self, path: str, body: dict[str, Any]) -> None:
        """Serialised at once, for what the caller changes later is not what happened."""
        try:
            reason = _faulty_values(body) or self._refusal_of(_Item(path, _json(body)))
        except Exception as error:  # telemetry never fails the caller
            reason = f"{type(error).__name__}: {error}"
        if reason:
            self._drop(1, reason)

    def _refusal_of(self, item: "_Item") -> str:
        """Why the item can't be queued; empty when it now is."""
        if len(item.body) > _MOST_BYTES:
            return f"larger than {_MOST_BYTES} bytes"
        with self._changed:
            if not self._enabled or self._closed:
                return "the tracker is closed" if self._closed else "there is no URL or no key"
            if len(self._queue) >= self._queue_size:
                return f"the queue is full ({self._queue_size})"
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="tracker-client", daemon=True)
                thread.start()
                self._thread = thread
            self._queue.append(item)
            self._changed.notify_all()
            return ""

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                self._deliver(batch)
            except Exception as error:  # the thread outlives whatever a batch does to it
                self._drop(len(batch), f"{type(error).__name__}: {error}")
            with self._changed:
                self._in_flight = 0
                self._changed.notify_all()

    def _next_batch(self) -> list["_Item"]:
        """Waits for something to send; empty once the tracker is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            self._changed.wait_for(self._batch_ready, self._linger)
            batch = self._take()
            self._in_flight = len(batch)
            return batch

    def _batch_ready(self) -> bool:
        return bool(self._hurries or self._closed or len(self._queue) >= self._batch_size)

    def _take(self) -> list["_Item"]:
        """The next events as one batch, or the next link alone: the order is kept."""
        batch: list[_Item] = []
        size = 0
        while self._queue and len(batch) < self._batch_size:
            size += len(self._queue[0].body) + 2
            if batch and (_LINK in (batch[0].path, self._queue[0].path) or size > _MOST_BYTES):
                break
            batch.append(self._queue.popleft())
        return batch

    def _deliver(self, batch: list["_Item"]) -> None:
        """Send until the service has answered for good, with growing pauses."""
        deadline = time.monotonic() + self._give_up_after
        attempt = 0
        while (answer := self._post(batch)).passing:
            # a pause of nothing, or until a time that is past, would hammer an ailing service
            pause = answer.retry_after or _backoff(attempt)
            if time.monotonic() + pause > deadline or self._closed_within(pause):
                self._drop(len(batch), f"given up: {answer.reason}")
                return
            attempt += 1
        self._conclude(batch, answer)

    def _closed_within(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._closed, seconds)

    def _conclude(self, batch: list["_Item"], answer: "_Answer") -> None:
        if answer.status not in (200, 202):
            self._drop(len(batch), f"refused: {answer.reason}")
            return
        rejected = answer.body.get("rejected", [])
        self.sent += len(batch) - len(rejected)
        for verdict in rejected:
            name = json.loads(batch[verdict["index"]].body)["event_type"]
            self._drop(1, f"refused: {name}: {verdict['code']}{_faults(verdict)}")

    def _post(self, batch: list["_Item"]) -> "_Answer":
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
        }
        body = gzip.compress(_request_body(batch).encode(), 5)
        request = urllib.request.Request(self._url + batch[0].path, body, headers)  # noqa: S310
        try:
            with _opener.open(request, timeout=self._timeout) as response:
                return _Answer(response.status, _json_object(response.read()))
        except urllib.error.HTTPError as error:
            with error:
                pause = _seconds(error.headers.get("Retry-After"))
                return _Answer(error.code, _json_object(_rest(error)), pause)
        except Exception as error:  # a network fails in many ways, all of them passing
            return _Answer(0, {}, problem=f"{type(error).__name__}: {error}")

    def _drop(self, number: int, reason: str) -> None:
        """Count, and say so: each reason at most once a minute."""
        with self._changed:
            self.dropped += number
            now = time.monotonic()
            self._logged = {r: at for r, at in self._logged.items() if now - at < _QUIET_SECONDS}
            quiet = reason in self._logged
            self._logged.setdefault(reason, now)
        if not quiet:
            log.warning("tracker: dropped %d (%d so far): %s", number, self.dropped, reason)


class Trip:
    """One attempt to create a trip: reports the attempt, its duration and its outcome.

    The first outcome stands. An exception that leaves the block is a failure with its
    class name as error code, and goes on untouched. A block that ends without an outcome
    leaves the attempt pending.
    """

    def __init__(
        self, tracker: Tracker, request_id: str, who: dict[str, Any], attempted: dict[str, Any]
    ) -> None:
        self.request_id = request_id
        self._tracker = tracker
        self._who = who
        self._attempted = attempted
        self._began = 0.0
        self._ended = False

    def __enter__(self) -> "Trip":
        self._began = time.monotonic()
        self._report("create_trip_attempted", self._attempted)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.failed(kind.__name__)
        elif not self._ended:
            log.warning("tracker: trip attempt %s ended without an outcome", self.request_id)

    def succeeded(self, trip_id: object) -> None:
        """The trip exists."""
        self._end("create_trip_succeeded", {"trip_id": _text(trip_id)[:200]})

    def failed(self, error_code: object) -> None:
        """There will be no trip, for this reason."""
        self._end("create_trip_failed", {"error_code": _text(error_code)[:100]})

    def _end(self, name: str, data: dict[str, Any]) -> None:
        if not self._ended:
            self._ended = True
            duration = round((time.monotonic() - self._began) * 1000)
            self._report(name, {**data, "duration_ms": duration})

    def _report(self, name: str, data: dict[str, Any]) -> None:
        self._tracker.log_event(name, data, request_id=self.request_id, **self._who)


class _Item(NamedTuple):
    path: str
    body: str


class _Answer(NamedTuple):
    """`status` is 0 when there was none; then `problem` says why."""

    status: int
    body: dict[str, Any]
    retry_after: float | None = None
    problem: str = ""

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in (0, 429) or self.status >= 500

    @property
    def reason(self) -> str:
        fault = self.body.get("error", {})
        said = f" {fault.get('code')}: {fault.get('message')}{_faults(fault)}" if fault else ""
        return f"HTTP {self.status}{said}" if self.status else self.problem


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to another place."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def _request_body(batch: list[_Item]) -> str:
    if batch[0].path == _LINK:
        return batch[0].body
    events = ", ".join(item.body for item in batch)
    return f'{{"events": [{events}], "sent_at": "{datetime.now(UTC).isoformat()}"}}'


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _id(value: object) -> str | None:
    """As the service takes ids, for applications have numbers and UUIDs; an empty text is none."""
    return None if value is None else _text(value) or None


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # the caller's own object, and no reason to fail the caller
        return type(value).__name__


def _json(body: Mapping[str, Any]) -> str:
    """In ASCII, with the sign for a lost character where half of one is.

    Text that was decoded with `surrogateescape`, or cut in UTF-16, has such halves; they are
    no Unicode, and the service would refuse the event for them.
    """
    # behind an escaped backslash the letters of an escape are none
    text = json.dumps(body, default=_plain).replace("\\\\", "\\u005c")
    return _HALF.sub(r"\\ufffd", text)


def _plain(value: Any) -> Any:
    """Times in UTC (without a zone they are local), mappings as objects."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else dict(value)


def _faulty_values(body: Mapping[str, Any]) -> str:
    """The event's name and every place that JSON can't hold; empty when there is none."""
    checked = {name: value for name, value in body.items() if name != "occurred_at"}
    faults = [fault for name, value in checked.items() for fault in _not_json(value, name)]
    return f"{body.get('event_type', 'link')}: {'; '.join(faults)}" if faults else ""


def _not_json(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                yield f"{path} must have strings as keys"
            yield from _not_json(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _not_json(item, f"{path}.{number}")
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{path} must be a finite number"
    elif not isinstance(value, str | int | float | None):
        yield f"{path} must be JSON, not {type(value).__name__}"


def _ordered_id() -> str:
    """A UUIDv7: ordered by time, which is what the service's database likes best."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return str(uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62))


def _backoff(attempt: int) -> float:
    """Half a second, doubling up to a minute; at random down to half, so that crowds disperse."""
    longest = min(_LONGEST_PAUSE, 0.5 * 2.0 ** min(attempt, 10))
    return random.uniform(longest / 2, longest)  # noqa: S311 (jitter, not a secret)


def _seconds(retry_after: str | None) -> float | None:
    """A Retry-After header as seconds from now; it holds a number or a date."""
    text = (retry_after or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _rest(answer: urllib.error.HTTPError) -> bytes:
    """What the answer says besides its status; nothing when it breaks off."""
    try:
        return answer.read()
    except Exception:  # the status alone says whether to try again
        return b""


def _json_object(body: bytes) -> dict[str, Any]:
    """The answer's JSON; nothing when it is something else, such as a proxy's error page."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _faults(fault: Mapping[str, Any]) -> str:
    fields = fault.get("fields", [])
    return "".join(f"; {field['path']}: {field['message']}" for field in fields)


_trackers: weakref.WeakSet[Tracker] = weakref.WeakSet()


def _empty_in_child() -> None:
    for tracker in list(_trackers):
        tracker._start_empty()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_empty_in_child)
