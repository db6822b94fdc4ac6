"""Spike detection on 90 simulated days with 40 planted incidents of stated size.

    python -m bench.incidents [SEED...]

Attempts come by the hour of the day and the day of the week, some weeks busier than others; the
usual failure rate drifts from day to day. Each incident multiplies the rate for half an hour to
three hours, and in its first 30 minutes is of the stated size: 20 failures and three times the
usual rate, or more. The alert's own code judges every minute, as the worker does every half
minute.
"""

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median

from tracker.metrics.incidents import WINDOW, History, spike_at

WARM_UP, DAYS, INCIDENTS = 28, 90, 40
FACTORS = (3, 4, 6, 10)
BASE_RATE = 0.07
START = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
_HOURLY = (10, 6, 4, 4, 6, 14, 40, 90, 150, 190, 210, 220, 230, 220, 210, 200, 200, 220, 260, 280)
PER_HOUR = (*_HOURLY, 240, 160, 80, 30)
QUIET = 2 * WINDOW
"""For so long nothing must be wrong before an episode is over."""


@dataclass
class Incident:
    begin: datetime
    end: datetime
    factor: int
    failures: int = 0
    attempts: int = 0
    """In its first 30 minutes, as came about."""
    found_after: timedelta | None = None

    @property
    def is_of_stated_size(self) -> bool:
        """Three times the usual rate, and 20 failures."""
        return self.failures >= max(20, 3 * BASE_RATE * self.attempts)

    @property
    def found_in_time(self) -> bool:
        return self.found_after is not None and self.found_after <= timedelta(minutes=30)


@dataclass
class World:
    rng: random.Random
    incidents: list[Incident] = field(default_factory=list)
    attempts: list[tuple[datetime, str]] = field(default_factory=list)

    def simulate(self) -> None:
        self._plan()
        for day in range(WARM_UP + DAYS):
            rate = min(0.2, max(0.03, self.rng.gauss(BASE_RATE, 0.005)))
            busy = self.rng.uniform(0.85, 1.15) * (0.6 if day % 7 >= 5 else 1)
            for hour, usual in enumerate(PER_HOUR):
                begin = START + timedelta(days=day, hours=hour)
                for _ in range(self._poisson(2 * usual * busy)):
                    self._attempt(begin + timedelta(seconds=self.rng.uniform(0, 3600)), rate)
        for incident in self.incidents:
            self._make_up_for_luck(incident)

    def _plan(self) -> None:
        """Incidents on different days, at hours with enough attempts for their size."""
        days = sorted(self.rng.sample(range(WARM_UP, WARM_UP + DAYS), INCIDENTS))
        for number, day in enumerate(days):
            factor = FACTORS[number % len(FACTORS)]
            needed = 1.3 * 2 * 20 / (factor * BASE_RATE) / 0.51  # at weekends too
            hours = [h for h, usual in enumerate(PER_HOUR) if 2 * usual >= needed]
            minute = timedelta(
                days=day, hours=self.rng.choice(hours), minutes=self.rng.randrange(60)
            )
            length = timedelta(minutes=self.rng.randrange(30, 180))
            self.incidents.append(Incident(START + minute, START + minute + length, factor))

    def _attempt(self, at: datetime, rate: float) -> None:
        now = next((one for one in self.incidents if one.begin <= at < one.end), None)
        failed = self.rng.random() < (min(0.95, BASE_RATE * now.factor) if now else rate)
        if now and at < now.begin + timedelta(minutes=30):
            now.attempts += 1
            now.failures += failed
        self.attempts.append((at, "failed" if failed else "success"))

    def _make_up_for_luck(self, incident: Incident) -> None:
        """Lets attempts fail until the first 30 minutes are of stated size, and no larger."""
        until = incident.begin + timedelta(minutes=30)
        succeeded = [
            place
            for place, (at, status) in enumerate(self.attempts)
            if status == "success" and incident.begin <= at < until
        ]
        self.rng.shuffle(succeeded)
        while not incident.is_of_stated_size:
            place = succeeded.pop()
            self.attempts[place] = (self.attempts[place][0], "failed")
            incident.failures += 1

    def _poisson(self, mean: float) -> int:
        return max(0, round(self.rng.gauss(mean, mean**0.5)))


def episodes(history: History) -> Iterator[tuple[datetime, datetime]]:
    """When the alert fired and when it was last wrong, minute by minute."""
    fired = wrong = None
    moment = START + timedelta(days=WARM_UP)
    while moment < START + timedelta(days=WARM_UP + DAYS):
        if spike_at(history, moment):
            fired, wrong = fired or moment, moment
        elif fired and wrong and moment - wrong >= QUIET:
            yield fired, wrong
            fired = wrong = None
        moment += MINUTE
    if fired and wrong:
        yield fired, wrong


def judge(world: World) -> list[tuple[datetime, datetime]]:
    """Notes what was found, and returns the alarms that no incident explains."""
    false = []
    for fired, wrong in episodes(History(world.attempts)):
        cause = [one for one in world.incidents if one.begin <= wrong and fired <= one.end + QUIET]
        for one in cause:
            one.found_after = one.found_after or max(fired - one.begin, MINUTE)
        if not cause:
            false.append((fired, wrong))
    return false


def main(seeds: list[str]) -> None:
    for seed in map(int, seeds or ["1"]):
        world = World(random.Random(seed))
        world.simulate()
        false = judge(world)
        print("| factor | incidents | found | within 30 min | median delay | longest |")
        print("|---|---|---|---|---|---|")
        for factor in FACTORS:
            print(line([one for one in world.incidents if one.factor == factor]))
        attempts = f"{len(world.attempts):,}"
        print(f"\nseed {seed}: false alarms in {DAYS} days: {len(false)}; attempts: {attempts}\n")


def line(every: list[Incident]) -> str:
    """A row of the table: incidents of one factor."""
    found = [one.found_after / MINUTE for one in every if one.found_after]
    in_time = sum(one.found_in_time for one in every)
    delays = [f"{round(number(found))} min" if found else "–" for number in (median, max)]
    cells = (f"{every[0].factor}x", len(every), len(found), in_time, *delays)
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main(sys.argv[1:])
