"""Taking in files of events, as a server would send them, in large transactions."""

import hashlib
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select

from tracker.catalog.calendar import Calendar
from tracker.catalog.links import parse_link
from tracker.catalog.parsing import Refusal, Row, SampledOut, Terms, parse
from tracker.catalog.spelling import read_value
from tracker.config import Settings
from tracker.model import Tenant
from tracker.store.budgets import chosen_sampling
from tracker.store.database import Database
from tracker.store.linking import AlreadyLinked, Link, Linked
from tracker.store.settings import choices_in, terms_for
from tracker.store.uniques import SessionKey
from tracker.store.warnings import Warned, warning_of
from tracker.store.writer import Work, Writer

CHUNK = 2000

Line = tuple[str, Any]
"""A tenant and one line: its JSON value, or its bytes."""


@dataclass
class Totals:
    """What came of an import."""

    accepted: int = 0
    duplicates: int = 0
    linked: int = 0
    rejected: int = 0
    faults: list[tuple[int, str, str]] = field(default_factory=list)
    """Refused lines as (line number from 1, code, reason)."""


@dataclass
class _Batch:
    """Lines for one transaction, which stores its events before its links."""

    rows: list[Row] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    """The links' line numbers."""
    warned: list[Warned] = field(default_factory=list)
    sampled: list[Row] = field(default_factory=list)
    linked: set[SessionKey] = field(default_factory=set)

    def add_link(self, link: Link, number: int) -> None:
        self.links.append(link)
        self.places.append(number)
        self.linked.add(link.session)

    def links_before(self, row: Row) -> bool:
        """Whether a link came first of the session that an event names somebody for.

        The first identity wins, so that the one has to be stored before the other.
        """
        return bool(row["email"]) and (row["tenant_id"], row["session_id"]) in self.linked


class Importer:
    """Parses lines and commits them, some thousand at a time. Doing it twice changes nothing."""

    def __init__(
        self, database: Database, settings: Settings, shift: timedelta = timedelta()
    ) -> None:
        self._database = database
        self._writer = Writer(database, gather=0)
        self._settings = settings
        self._shift = shift
        self._now = datetime.now(UTC)
        self._calendar = Calendar(settings.zone)
        self._seen: Counter[bytes] = Counter()
        with database.read(None) as session:
            tenants = session.execute(select(Tenant.id, Tenant.settings))
            self._terms = {row.id: self._terms_of(row.id, row.settings) for row in tenants}

    def _terms_of(self, tenant_id: str, chosen: dict[str, Any]) -> Terms:
        return terms_for(
            tenant_id,
            choices_in(chosen, chosen_sampling(chosen)),
            self._settings,
            self._calendar,
            received_at=self._now,
            source="import",
            with_key=True,
            clock_offset=self._shift,
        )

    def run(
        self, lines: Iterable[Line], progress: Callable[[int], object] = lambda _lines: None
    ) -> Totals:
        """Imports all lines. `progress` is told how many each commit settled."""
        totals = Totals()
        numbered = enumerate(lines, start=1)
        while chunk := list(islice(numbered, CHUNK)):
            self._commit(chunk, totals)
            is_first_of_many = chunk[0][0] == 1 and len(chunk) == CHUNK
            if is_first_of_many:
                self._database.learn_what_it_holds()
            progress(len(chunk))
        return totals

    def _commit(self, chunk: list[tuple[int, Line]], totals: Totals) -> None:
        self._receive()
        batch = _Batch()
        for number, (tenant_id, line) in chunk:
            terms = self._terms[tenant_id]
            for sent in _values(line):
                try:
                    if isinstance(sent, dict) and "event_type" not in sent:
                        batch.add_link(self._link(sent, tenant_id), number)
                    else:
                        row = parse(self._with_id(sent, tenant_id), terms)
                        if batch.links_before(row):
                            self._store(batch, totals)
                            batch = _Batch()
                        batch.rows.append(row)
                except SampledOut as left_out:
                    batch.sampled.append(left_out.args[0])
                except Refusal as refusal:
                    batch.warned += self._refused(number, sent, refusal, terms, totals)
        self._store(batch, totals)

    def _receive(self) -> None:
        """What is committed together was received together, and no earlier.

        Who follows the feed looks a minute back, and large files take longer.
        """
        self._now = datetime.now(UTC)
        for terms in self._terms.values():
            terms.received_at = self._now

    def _store(self, batch: "_Batch", totals: Totals) -> None:
        work = self._writer.submit(
            Work(rows=batch.rows, links=batch.links, warned=batch.warned, sampled=batch.sampled)
        )
        totals.accepted += work.accepted
        totals.duplicates += work.duplicates
        self._count_links(work, batch.places, totals)

    def _link(self, sent: dict[str, Any], tenant_id: str) -> Link:
        asked = parse_link(sent, with_key=True)
        return Link(tenant_id, str(asked.session_id), asked.email, asked.user_id, self._now)

    def _with_id(self, sent: Any, tenant_id: str) -> Any:
        """The event with an id made from its line, so that a second run finds a duplicate."""
        if not isinstance(sent, dict) or sent.get("event_id") is not None:
            return sent
        try:
            text = orjson.dumps(sent)
        except TypeError:  # nested too deep, which is refused in a moment
            return sent
        digest = hashlib.sha256(tenant_id.encode() + text).digest()
        self._seen[digest] += 1
        numbered = hashlib.sha256(digest + self._seen[digest].to_bytes(8, "big")).digest()
        return sent | {"event_id": str(UUID(bytes=numbered[:16], version=5))}

    def _refused(
        self, number: int, sent: Any, refusal: Refusal, terms: Terms, totals: Totals
    ) -> list[Warned]:
        reason = "; ".join(f"{path} {rule}".strip() for path, rule in refusal.faults)
        totals.rejected += 1
        totals.faults.append((number, refusal.code, reason))
        return [] if refusal.code == "invalid_link" else [warning_of(sent, refusal, terms)]

    def _count_links(self, work: Work, places: list[int], totals: Totals) -> None:
        for number, outcome in zip(places, work.linked, strict=True):
            if isinstance(outcome, Linked):
                totals.linked += outcome.is_new
            elif isinstance(outcome, AlreadyLinked):
                totals.rejected += 1
                reason = "the session is linked to another identity"
                totals.faults.append((number, "already_linked", reason))


def _values(line: Any) -> Iterator[Any]:
    """The events, or the link, that a line holds."""
    if isinstance(line, bytes):
        line = line.removeprefix(BOM_UTF8)  # Windows begins files with it
        if not line.strip():
            return
        try:
            line = read_value(line)
        except orjson.JSONDecodeError:
            line = None
    if isinstance(line, dict) and isinstance(line.get("events"), list):
        yield from line["events"]
    else:
        yield line


def newest_moment(lines: Iterable[bytes]) -> datetime | None:
    """The latest `occurred_at` of a file's events, for shifting all of them."""
    newest = None
    for line in lines:
        for sent in _values(line):
            try:
                moment = datetime.fromisoformat(sent["occurred_at"])
            except (TypeError, KeyError, ValueError):
                continue
            if moment.tzinfo and (newest is None or moment > newest):
                newest = moment
    return newest
