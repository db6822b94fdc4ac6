"""The sample marketplace's supply: invented experts, and which of them match what."""

import random
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Generic, TypeVar

from tracker.demo.simulation.rhythm import Period, seeded
from tracker.demo.simulation.vocabulary import (
    ADJECTIVES,
    AVAILABILITY_SUPPLY,
    BIRDS,
    CITY_SUPPLY,
    CITY_TAGS,
    LANGUAGE_SUPPLY,
)

PAGE = 10
"""Cards on the first screen of the grid."""

ANSWER = 8
"""Experts in one answer of Sage."""

FILLED_AFTER = 0.55
"""The part of the period after which the newcomers join."""

_GEMS = 8
_OVER_EXPOSED = 8
_NEWCOMERS = 3

Item = TypeVar("Item")


class Weighted(Generic[Item]):
    """Draws items by weight."""

    def __init__(self, weights: Iterable[tuple[Item, float]]) -> None:
        pairs = list(weights)
        self._items = [item for item, _ in pairs]
        self._ends = list(accumulate(weight for _, weight in pairs))

    def draw(self, rng: random.Random) -> Item:
        return self._items[bisect(self._ends, rng.random() * self._ends[-1])]


@dataclass(frozen=True)
class Expert:
    """`appeal` is how gladly people click; `prominence` how high the product ranks. Both 0 to 1."""

    id: str
    city: str
    tags: tuple[str, ...]
    languages: tuple[str, ...]
    availability: tuple[str, ...]
    rate: int
    appeal: float
    prominence: float


class World:
    """120 experts, and three newcomers. A set of experts is a bit mask, for speed."""

    def __init__(self, seed: int, period: Period) -> None:
        self._rng = seeded(seed, "world")
        self._period = period
        self.experts = [*_settled(self._rng), *_newcomers(self._rng)]
        self.appeal = {expert.id: expert.appeal for expert in self.experts}
        self.newcomers = (1 << len(self.experts)) - (1 << (len(self.experts) - _NEWCOMERS))
        self._by_value = self._index()
        self._order = self._orders()
        self.ranked = cache(self._ranked)
        self._in_range = cache(self._within_rate)

    def filled(self, day: int) -> bool:
        """Whether the newcomers have joined by that day."""
        return self._period.progress(day) >= FILLED_AFTER

    def present(self, day: int) -> int:
        everyone = (1 << len(self.experts)) - 1
        return everyone if self.filled(day) else everyone & ~self.newcomers

    def matching(self, filters: Mapping[str, object]) -> int:
        """Who passes every filter of a snapshot, present or not."""
        mask = (1 << len(self.experts)) - 1
        for name, value in filters.items():
            if name == "rate":
                mask &= self._in_range(*_bounds(value))
            else:
                for part in value if isinstance(value, list) else (value,):
                    mask &= self._by_value.get((name, part), 0)
        return mask

    def having(self, name: str, value: str) -> int:
        return self._by_value.get((name, value), 0)

    def _ranked(self, mask: int, day: int, length: int) -> tuple[str, ...]:
        """The first `length` of those in `mask`, in the product's order of that day."""
        found = (n for n in self._order[day] if mask >> n & 1)
        return tuple(self.experts[n].id for n, _ in zip(found, range(length), strict=False))

    def _within_rate(self, low: int, high: int) -> int:
        return _mask(low <= expert.rate <= high for expert in self.experts)

    def _index(self) -> dict[tuple[str, object], int]:
        index: dict[tuple[str, object], int] = {}
        for n, expert in enumerate(self.experts):
            for key in _values(expert):
                index[key] = index.get(key, 0) | 1 << n
        return index

    def _orders(self) -> list[list[int]]:
        """The product shuffles a little every day, so that nearly everyone is seen at times."""
        return [
            sorted(
                range(len(self.experts)),
                key=lambda n: -self.experts[n].prominence + self._rng.gauss(0, 0.13),
            )
            for _ in range(self._period.days)
        ]


def _bounds(value: object) -> tuple[int, int]:
    assert isinstance(value, list)
    low, high = value
    return low, high


def _values(expert: Expert) -> Iterable[tuple[str, object]]:
    yield "city", expert.city
    yield from (("tags", tag) for tag in expert.tags)
    yield from (("language", language) for language in expert.languages)
    yield from (("availability", slot) for slot in expert.availability)


def _mask(flags: Iterable[bool]) -> int:
    return sum(1 << n for n, flag in enumerate(flags) if flag)


def _settled(rng: random.Random) -> list[Expert]:
    cities = [
        city for city, number in zip(CITY_TAGS, CITY_SUPPLY, strict=True) for _ in range(number)
    ]
    rng.shuffle(cities)
    handles = _handles(rng, len(cities))
    return [_expert(rng, n, handles[n], city) for n, city in enumerate(cities)]


def _handles(rng: random.Random, number: int) -> list[str]:
    return rng.sample([f"{one}-{other}" for one in ADJECTIVES for other in BIRDS], number)


def _expert(rng: random.Random, n: int, handle: str, city: str) -> Expert:
    appeal, prominence = _standing(rng, n)
    return Expert(
        id=handle,
        city=city,
        tags=tuple(rng.sample(CITY_TAGS[city], 4)),
        languages=_some(rng, LANGUAGE_SUPPLY),
        availability=_some(rng, AVAILABILITY_SUPPLY),
        rate=5 * round(min(240.0, max(35.0, rng.lognormvariate(4.45, 0.4))) / 5),
        appeal=appeal,
        prominence=prominence,
    )


def _standing(rng: random.Random, n: int) -> tuple[float, float]:
    """Mostly the liked are ranked high; the first few are hidden gems, the next over-exposed."""
    if n < _GEMS:
        return rng.uniform(0.85, 1.0), rng.uniform(0.25, 0.4)
    if n < _GEMS + _OVER_EXPOSED:
        return rng.uniform(0.08, 0.15), rng.uniform(0.85, 1.0)
    appeal = rng.betavariate(9, 12)
    return appeal, min(1.0, max(0.0, 0.25 + 0.5 * appeal + rng.gauss(0, 0.1)))


def _some(rng: random.Random, shares: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(name for name, share in shares.items() if rng.random() < share)


def _newcomers(rng: random.Random) -> list[Expert]:
    """Three who offer what was asked for: the improvement in the middle of the period."""
    cities: Sequence[str] = ("Kampala", "Kigali", "Kigali")
    return [
        Expert(f"volcano-{bird}", city, ("wildlife", "hiking", "gorillas"), ("english",),
               ("next_month",), rng.randrange(90, 160, 5), 0.8, 0.5)
        for bird, city in zip(("sunbird", "turaco", "weaver"), cities, strict=True)
    ]  # fmt: skip
