"""When things happen: growth over weeks, the rhythm of the week and of the day."""

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
SECOND_MS = 1_000


def seeded(seed: int, name: str) -> random.Random:
    """A part's own stream of random numbers: a change to one part leaves the others alone."""
    return random.Random(f"{seed}/{name}")  # noqa: S311 (a simulation, not a secret)


@dataclass(frozen=True)
class Period:
    """`days` calendar days (UTC), of which the last one ends at `until`. Times are epoch ms."""

    days: int
    until: int

    @classmethod
    def ending(cls, until: datetime, days: int) -> "Period":
        return cls(days, int(until.timestamp() * 1000))

    @property
    def start(self) -> int:
        last_midnight = self.until - self.until % DAY_MS
        return last_midnight - (self.days - 1) * DAY_MS

    def midnight(self, day: int) -> int:
        return self.start + day * DAY_MS

    def weekday(self, day: int) -> int:
        """0 is Monday."""
        return (
            datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=self.midnight(day))
        ).weekday()

    def progress(self, day: int) -> float:
        """How much of the period lies behind on that day, 0 to 1."""
        return day / max(self.days - 1, 1)

    def passed(self, day: int) -> float:
        """How much of that day lies before the end, 0 to 1."""
        return min(1.0, (self.until - self.midnight(day)) / DAY_MS)


@dataclass(frozen=True)
class Rhythm:
    """Relative traffic by hour and weekday, and the growth factor over the whole period."""

    hours: Sequence[float]
    weekdays: Sequence[float]
    growth: float
    since: float = 0.0
    """Part of the period before which there is nothing."""
    left: float = 1.0
    """Part of the period after which there is nothing."""


EVENINGS = Rhythm(
    hours=(3, 2, 1, 1, 1, 2, 4, 7, 10, 12, 13, 14, 15, 14, 13, 13, 14, 16, 19, 22, 23, 20, 13, 7),
    weekdays=(9, 9, 9, 10, 10, 13, 14),
    growth=1.9,
)
"""Travellers: evenings and weekends."""

OFFICE = Rhythm(
    hours=(1, 1, 1, 1, 1, 2, 5, 11, 20, 25, 26, 24, 18, 22, 25, 24, 21, 15, 9, 6, 4, 3, 2, 1),
    weekdays=(14, 15, 15, 14, 12, 4, 3),
    growth=1.3,
)
"""Businesses: working hours."""


class Schedule:
    """Spreads a number of lines over a period in a rhythm, with some noise by day."""

    def __init__(self, period: Period, rhythm: Rhythm, lines: float, rng: random.Random) -> None:
        self._period = period
        self._rng = rng
        whole = sum(rhythm.hours)
        self._hours = [0.0, *(part / whole for part in accumulate(rhythm.hours))]
        volumes = [self._volume(rhythm, day) for day in range(period.days)]
        scale = lines / (sum(volumes) or 1.0)
        self._due = [scale * part for part in accumulate(volumes)]

    def due(self, day: int) -> float:
        """Lines that should have been made by the end of that day."""
        return self._due[day]

    def moment(self, day: int) -> int:
        """A time on that day, before the end of the period."""
        part = self._rng.random() * self._by_then(self._period.passed(day))
        hour = min(bisect_right(self._hours, part) - 1, 23)
        share = (part - self._hours[hour]) / (self._hours[hour + 1] - self._hours[hour])
        return self._period.midnight(day) + int((hour + share) * HOUR_MS)

    def _volume(self, rhythm: Rhythm, day: int) -> float:
        if not rhythm.since <= self._period.progress(day) <= rhythm.left:
            return 0.0
        growth: float = rhythm.growth ** self._period.progress(day)
        noise = self._rng.uniform(0.9, 1.1)
        weekday = rhythm.weekdays[self._period.weekday(day)]
        return growth * noise * weekday * self._by_then(self._period.passed(day))

    def _by_then(self, fraction: float) -> float:
        """Share of a day's traffic in the first `fraction` of the day."""
        hour = min(int(fraction * 24), 23)
        within = fraction * 24 - hour
        return self._hours[hour] + within * (self._hours[hour + 1] - self._hours[hour])
