"""When trip creation is out of order: failure spikes and silence, judged at any moment."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import accumulate
from math import sqrt
from statistics import median

from tracker.metrics.intervals import wilson

WINDOW = timedelta(minutes=15)
STEP = timedelta(minutes=5)
"""How far the window slides to the next one."""
WEEKS = 4
FEWEST_FAILURES = 20
"""In two windows running; also the attempts that silence must have swallowed."""
FEWEST_WEEKS = 2
ROBUST_Z = 3.5
SMALLEST_RISE = 2
"""A rate must be this many times the usual one: at high volume less is sure, but no incident."""
SURPRISE = 5
"""Standard deviations by which failures must exceed what was to be expected of both windows:
with a look every half minute, less happens by chance every few weeks."""
_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
_FALLBACK_ATTEMPTS = 100
_DISORDERED = 1.5
_DRAWN_BY = 1000
"""Attempts' worth of the typical rate that steady the rate of four hours of few attempts."""


@dataclass(frozen=True)
class Usual:
    """The failure rate to expect. Without a spread there is too little history for one."""

    rate: float
    spread: float | None
    steady_rate: float
    """That of the hours together, drawn to the typical one the more, the less they hold."""


@dataclass(frozen=True)
class Spike:
    """Two windows running in which too many attempts failed."""

    began_at: datetime
    failures: int
    attempts: int
    usual_rate: float


@dataclass(frozen=True)
class Silence:
    """No attempt for longer than chance explains."""

    began_at: datetime
    expected: float


class History:
    """Attempts by when they were made, and which of those that ended have failed.

    Weeks are those of the clocks on the wall in `zone`: people keep their hours when it changes.
    """

    def __init__(self, attempts: Iterable[tuple[datetime, str]], zone: tzinfo = UTC) -> None:
        self._zone = zone
        ordered = sorted((at.timestamp(), status) for at, status in attempts)
        self._made = [at for at, _ in ordered]
        ended = [(at, status) for at, status in ordered if status in ("success", "failed")]
        self._ended = [at for at, _ in ended]
        self._failures = [0, *accumulate(int(status == "failed") for _, status in ended)]
        self._typical: dict[date, float | None] = {}

    def ended(self, begin: datetime, end: datetime) -> tuple[int, int]:
        """Failures and ended attempts from `begin` up to, but not at, `end`."""
        low, high = _between(self._ended, begin, end)
        return self._failures[high] - self._failures[low], high - low

    def made(self, begin: datetime, end: datetime) -> int:
        low, high = _between(self._made, begin, end)
        return high - low

    def typical(self, day: date) -> float | None:
        """The median of the hourly failure rates of the 4 weeks before a day."""
        if day not in self._typical:
            begin = datetime.combine(day, time(), UTC) - _WEEK * WEEKS
            hours = [begin + _HOUR * n for n in range(24 * 7 * WEEKS)]
            counts = [self.ended(hour, hour + _HOUR) for hour in hours]
            rates = [failures / attempts for failures, attempts in counts if attempts]
            self._typical[day] = median(rates) if rates else None
        return self._typical[day]

    def weeks_before(self, hour: datetime) -> list[datetime]:
        """The same hour of the week in each of the 4 weeks before."""
        local = hour.astimezone(self._zone)
        return [(local - _WEEK * week).astimezone(UTC) for week in range(1, WEEKS + 1)]

    def last_before(self, moment: datetime) -> datetime | None:
        index = bisect_left(self._made, moment.timestamp())
        return datetime.fromtimestamp(self._made[index - 1], UTC) if index else None


def _between(moments: Sequence[float], begin: datetime, end: datetime) -> tuple[int, int]:
    return bisect_left(moments, begin.timestamp()), bisect_left(moments, end.timestamp())


def spike_at(history: History, moment: datetime) -> Spike | None:
    """Whether attempts spike just before `moment`.

    In each of two 15-minute windows running, the Wilson 95 % lower bound of the failure rate
    lies above the median rate of the same hour of the week in the last 4 weeks. Where that
    varies at all, the robust z of the rate (0.6745 (x - median) / MAD) is over 3.5 in two windows
    running too, which may also be the latest one and that of 5 minutes before. In the last half
    hour 20 or more failed, which is twice as often as usual or more, and 5 standard deviations
    above what is to be expected.
    """
    begin, latest = moment - 2 * WINDOW, moment - WINDOW
    failures, attempts = history.ended(begin, moment)
    if failures < FEWEST_FAILURES or not (_is_above(history, begin) and _is_above(history, latest)):
        return None
    before = _is_far_above(history, begin) or _is_far_above(history, latest - STEP)
    if not (before and _is_far_above(history, latest)):
        return None
    usual = usual_at(history, latest)
    if usual is None or not _is_surprising(failures, attempts, usual):
        return None
    return Spike(begin, failures, attempts, usual.rate)


def _is_above(history: History, begin: datetime) -> bool:
    """Whether the failure rate of the window that begins then is surely above the usual one."""
    interval = wilson(*history.ended(begin, begin + WINDOW))
    usual = usual_at(history, begin)
    return bool(usual and interval and interval.low > usual.rate)


def _is_far_above(history: History, begin: datetime) -> bool:
    """Whether it is so by more than the usual one varies from week to week."""
    failures, attempts = history.ended(begin, begin + WINDOW)
    usual = usual_at(history, begin)
    if usual is None or not attempts:
        return False
    excess = failures / attempts - usual.rate
    return not usual.spread or 0.6745 * excess / usual.spread > ROBUST_Z


def _is_surprising(failures: int, attempts: int, usual: Usual) -> bool:
    rate = min(0.99, usual.steady_rate)  # the median of four would often be too low by luck
    deviation = sqrt(max(attempts * rate * (1 - rate), 1))
    rises = failures >= SMALLEST_RISE * rate * attempts
    return rises and failures - attempts * rate > SURPRISE * deviation


def usual_at(history: History, moment: datetime) -> Usual | None:
    """The rate of this hour of the week: median and MAD of the last 4 weeks.

    Hours that were themselves out of order are left out while two others remain. Where fewer
    than two had attempts, the rate of all that is known of the 4 weeks, if that is 100 attempts
    or more; else none.
    """
    begins = history.weeks_before(_hour_of(moment))
    counts = [n for n in (history.ended(begin, begin + _HOUR) for begin in begins) if n[1]]
    typical = history.typical(moment.astimezone(UTC).date())
    sound = [n for n in counts if not _is_disordered(*n, typical)]
    weeks = sound if len(sound) >= FEWEST_WEEKS else counts
    if len(weeks) >= FEWEST_WEEKS:
        rates = [failures / ended for failures, ended in weeks]
        middle = median(rates)
        spread = median(abs(rate - middle) for rate in rates)
        return Usual(middle, spread, _steadied(weeks, typical or 0))
    failures, attempts = history.ended(moment - WEEKS * _WEEK, moment - _HOUR)
    rate = failures / attempts if attempts >= _FALLBACK_ATTEMPTS else None
    return None if rate is None else Usual(rate, None, rate)


def _steadied(hours: Sequence[tuple[int, int]], typical: float) -> float:
    failures = sum(failed for failed, _ in hours)
    attempts = sum(ended for _, ended in hours)
    return (failures + _DRAWN_BY * typical) / (attempts + _DRAWN_BY)


def _is_disordered(failures: int, ended: int, typical: float | None) -> bool:
    interval = wilson(failures, ended)
    return bool(typical and interval and interval.low > _DISORDERED * typical)


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def silence_at(history: History, moment: datetime) -> Silence | None:
    """Whether nobody has tried for so long that 20 attempts or more should have come.

    What should have come is the median of each hour of the week in the last 4 weeks, in
    proportion; gaps under 15 minutes are none. Of longer ones the last day counts: silence is
    over when attempts come, or when they are no longer usual, and not by lasting.
    """
    last = history.last_before(moment)
    if last is None or moment - last < WINDOW:
        return None
    begin = max(last, moment - _DAY)
    expected, hour = 0.0, _hour_of(begin)
    while hour < moment:
        inside = (min(hour + _HOUR, moment) - max(hour, begin)) / _HOUR
        weeks = history.weeks_before(hour)
        expected += inside * median(history.made(week, week + _HOUR) for week in weeks)
        hour += _HOUR
    return Silence(last, expected) if expected >= FEWEST_FAILURES else None
