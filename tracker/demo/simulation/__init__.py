"""A simulated marketplace with trips, and a dozen businesses: what `flask demo load` loads.

Everything comes from one seed: the same seed, length, size and end give the same lines, with
the same event ids, so that importing them again changes nothing. All of it is invented.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from tracker.demo.simulation.business import BUSINESSES, BusinessTenant
from tracker.demo.simulation.marketplace import TENANT, Draft, Marketplace
from tracker.demo.simulation.rhythm import EVENINGS, OFFICE, Period, Schedule, seeded
from tracker.demo.simulation.trips import Trips
from tracker.demo.simulation.visitors import Visitors
from tracker.demo.simulation.world import World

SAMPLE_TENANTS = {TENANT: "Marketplace (sample)"} | {
    business.tenant: business.name for business in BUSINESSES
}
"""Id and name of every tenant the simulation writes for."""

Line = dict[str, Any]

_MARKETPLACE_SHARE = 0.64
_TRIPS_SHARE = 0.18
_BUSINESS_SHARE = 1 - _MARKETPLACE_SHARE - _TRIPS_SHARE


class Source(Protocol):
    """A part of the simulation: makes the lines that begin on a day."""

    def day(self, day: int) -> list[Draft]: ...


def simulate(seed: int, days: int, events: int, until: datetime) -> Iterator[tuple[str, Line]]:
    """About `events` lines of `flask events import` with their tenants, in time order.

    They cover `days` calendar days (UTC), of which the last one ends at `until`.
    """
    period = Period.ending(until, days)
    ids = seeded(seed, "ids")
    for at, tenant, line in _in_order(_sources(seed, period, events), period):
        if "event_type" in line:
            line = _stamped(line, at, ids)
        yield tenant, line


def _sources(seed: int, period: Period, events: int) -> list[Source]:
    return [
        *_marketplace(seed, period, events),
        *_businesses(seed, period, events * _BUSINESS_SHARE),
    ]


def _marketplace(seed: int, period: Period, events: int) -> list[Source]:
    """The marketplace and its trip planner, which share their visitors."""
    rng = seeded(seed, "marketplace")
    visitors = Visitors(seeded(seed, "visitors"))
    visits = Schedule(period, EVENINGS, events * _MARKETPLACE_SHARE, rng)
    return [
        Marketplace(World(seed, period), visitors, visits, rng),
        Trips(period, visitors, events * _TRIPS_SHARE, seeded(seed, "trips")),
    ]


def _businesses(seed: int, period: Period, lines: float) -> list[Source]:
    whole = sum(business.size for business in BUSINESSES)
    sources: list[Source] = []
    for business in BUSINESSES:
        rng = seeded(seed, business.tenant)
        rhythm = replace(OFFICE, since=business.since, left=business.left)
        schedule = Schedule(period, rhythm, lines * business.size / whole, rng)
        sources.append(BusinessTenant(business, period, schedule, rng))
    return sources


def _in_order(sources: list[Source], period: Period) -> Iterator[Draft]:
    """All drafts up to the period's end by time; what begins before midnight may end after it."""
    waiting: list[Draft] = []
    for day in range(period.days):
        for source in sources:
            waiting += source.day(day)
        waiting.sort(key=_time)
        end = min(period.midnight(day + 1), period.until)
        ready = sum(1 for draft in waiting if draft[0] < end)
        yield from waiting[:ready]
        del waiting[:ready]


def _time(draft: Draft) -> int:
    return draft[0]


def _stamped(line: Line, at: int, ids: random.Random) -> Line:
    occurred = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    return line | {"event_id": _ordered_id(at, ids), "occurred_at": occurred[:-6] + "Z"}


def _ordered_id(at: int, ids: random.Random) -> str:
    """A UUIDv7: 48 bits of time, then random bits, here from the seeded stream."""
    bits = ids.getrandbits(74)
    value = at << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & (1 << 62) - 1
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
