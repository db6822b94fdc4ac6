"""When trip creation is out of order: failure spikes and silence, judged at any moment."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from math import sqrt
from statistics import median

from tracker.metrics.intervals import wilson

WINDOW = timedelta(minutes=15)
WEEKS = 4
FEWEST_FAILURES = 20
"""In two windows running; also the attempts that silence must have swallowed."""
FEWEST_WEEKS = 2
ROBUST_Z = 3.5
SMALLEST_RISE = 2
"""A rate must be this many times the usual one: at high volume less is sure, but no incident."""
SURPRISE = 4.5
"""Standard deviations by which failures must exceed what was to be expected of both windows:
with a look every half minute, less happens by chance every few weeks."""
_HOUR, _WEEK = timedelta(hours=1), timedelta(weeks=1)
_FALLBACK_ATTEMPTS = 100
_DISORDERED = 1.5


@dataclass(frozen=True)
class Usual:
    """The failure rate to expect. Without a spread there is too little history for one."""

    rate: float
    spread: float | None


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
    """Attempts by when they were made, and which of those that ended have failed."""

    def __init__(self, attempts: Iterable[tuple[datetime, str]]) -> None:
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

    def last_before(self, moment: datetime) -> datetime | None:
        index = bisect_left(self._made, moment.timestamp())
        return datetime.fromtimestamp(self._made[index - 1], UTC) if index else None


def _between(moments: Sequence[float], begin: datetime, end: datetime) -> tuple[int, int]:
    return bisect_left(moments, begin.timestamp()), bisect_left(moments, end.timestamp())


def spike_at(history: History, moment: datetime) -> Spike | None:
    """Whether attempts spike just before `moment`.

    In each of two 15-minute windows running, the Wilson 95 % lower bound of the failure rate
    lies above the median rate of the same hour of the week in the last 4 weeks, the robust z of
    the rate (0.6745 (x - median) / MAD) is over 3.5, where the baseline varies at all. In both
    together 20 or more failed, which is twice as often as usual or more, and 4.5 standard
    deviations above it.
    """
    begins = [moment - 2 * WINDOW, moment - WINDOW]
    counts = [history.ended(begin, begin + WINDOW) for begin in begins]
    failures, attempts = (sum(parts) for parts in zip(*counts, strict=True))
    if failures < FEWEST_FAILURES:
        return None
    usual = [usual_at(history, begin) for begin in begins]
    if not all(_stands_out(*count, one) for count, one in zip(counts, usual, strict=True)):
        return None
    now = usual[-1]
    if now is None or not _is_surprising(failures, attempts, now):
        return None
    return Spike(begins[0], failures, attempts, now.rate)


def _is_surprising(failures: int, attempts: int, usual: Usual) -> bool:
    rate = min(0.99, usual.rate + (usual.spread or 0))
    deviation = sqrt(max(attempts * rate * (1 - rate), 1))
    rises = failures >= SMALLEST_RISE * usual.rate * attempts
    return rises and failures - attempts * rate > SURPRISE * deviation


def _stands_out(failures: int, attempts: int, usual: Usual | None) -> bool:
    interval = wilson(failures, attempts)
    if usual is None or interval is None or interval.low <= usual.rate:
        return False
    rate = failures / attempts
    return not usual.spread or 0.6745 * (rate - usual.rate) / usual.spread > ROBUST_Z


def usual_at(history: History, moment: datetime) -> Usual | None:
    """The rate of this hour of the week: median and MAD of the last 4 weeks.

    Hours that were themselves out of order are left out while two others remain. Where fewer
    than two had attempts, the rate of all that is known of the 4 weeks, if that is 100 attempts
    or more; else none.
    """
    begins = [_hour_of(moment) - _WEEK * week for week in range(1, WEEKS + 1)]
    counts = [n for n in (history.ended(begin, begin + _HOUR) for begin in begins) if n[1]]
    typical = history.typical(moment.astimezone(UTC).date())
    sound = [n for n in counts if not _is_disordered(*n, typical)]
    rates = [
        failures / ended for failures, ended in (sound if len(sound) >= FEWEST_WEEKS else counts)
    ]
    if len(rates) >= FEWEST_WEEKS:
        middle = median(rates)
        return Usual(middle, median(abs(rate - middle) for rate in rates))
    failures, attempts = history.ended(moment - WEEKS * _WEEK, moment - _HOUR)
    return Usual(failures / attempts, None) if attempts >= _FALLBACK_ATTEMPTS else None


def _is_disordered(failures: int, ended: int, typical: float | None) -> bool:
    interval = wilson(failures, ended)
    return bool(typical and interval and interval.low > _DISORDERED * typical)


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def silence_at(history: History, moment: datetime) -> Silence | None:
    """Whether nobody has tried for so long that 20 attempts or more should have come.

    What should have come is the median of each hour of the week in the last 4 weeks, in
    proportion; gaps under 15 minutes are none, and neither is a day that began longer ago.
    """
    last = history.last_before(moment)
    if last is None or not WINDOW <= moment - last <= timedelta(days=1):
        return None
    expected, hour = 0.0, _hour_of(last)
    while hour < moment:
        inside = (min(hour + _HOUR, moment) - max(hour, last)) / _HOUR
        weeks = [hour - _WEEK * week for week in range(1, WEEKS + 1)]
        expected += inside * median(history.made(begin, begin + _HOUR) for begin in weeks)
        hour += _HOUR
    return Silence(last, expected) if expected >= FEWEST_FAILURES else None
