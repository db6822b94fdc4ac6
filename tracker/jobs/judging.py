"""Judging a rule at a moment: what is wrong, or nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from tracker.metrics import watching
from tracker.metrics.incidents import History, silence_at, spike_at
from tracker.metrics.scope import MAX_ROWS, Listing, Scope
from tracker.store.access import list_tenants, that_count
from tracker.store.alerts import Wrong

BY_THE_MINUTE = ("spike", "silence")
"""Kinds that look at single attempts; the others look at days."""


@dataclass(frozen=True)
class Watchable:
    """A panel of a page whose numbers can be watched, and how the page names and writes them."""

    ask: Callable[[Session, Scope], Any]
    page: str
    named: Callable[[str], str]
    written: Callable[[str, float], str]


Panels = Mapping[tuple[str, str], Watchable]
"""By page and panel."""


@dataclass
class Judge:
    """Judges one rule. The history of attempts is read once for all moments."""

    session: Session
    rule: Any
    zone: ZoneInfo
    panels: Panels
    _history: History | None = None

    def scope(self, moment: datetime, days: int = 1) -> Scope:
        """The rule's tenants, on the days up to the last that the rule goes by."""
        last = self._last_day(moment)
        tenants = (self.rule.tenant_id,) if self.rule.tenant_id else self._that_count()
        first = last - timedelta(days=days - 1)
        return Scope(tenants, first, last, self.zone, moment, limit=MAX_ROWS)

    def prepare(self, first: datetime, last: datetime) -> None:
        """Reads what the moments from first to last need."""
        if self.rule.kind in BY_THE_MINUTE:
            day = first.astimezone(self.zone).date() - timedelta(days=1)
            self._history = watching.history(self.session, replace(self.scope(last), first=day))

    def __call__(self, moment: datetime) -> Wrong | None:
        return _JUDGE[self.rule.kind](self, moment)

    def spike(self, moment: datetime) -> Wrong | None:
        found = self._history and spike_at(self._history, moment)
        if not found:
            return None
        error = watching.most_frequent_error(self.session, self.scope(moment), moment)
        words = (
            f"{found.failures} of {found.attempts} trip attempts failed in the half hour to "
            f"{self._clock(moment)}: {_percent(found.failures / found.attempts)}, usually "
            f"{_percent(found.usual_rate)}."
        )
        figures = {
            "failures": found.failures,
            "attempts": found.attempts,
            "usual_rate": found.usual_rate,
            "error_code": error,
        }
        return Wrong(found.began_at, words + (f" Most: {error}." if error else ""), figures)

    def silence(self, moment: datetime) -> Wrong | None:
        found = self._history and silence_at(self._history, moment)
        if not found:
            return None
        words = (
            f"No trip attempt since {self._clock(found.began_at)}, where about "
            f"{round(found.expected)} are usual."
        )
        return Wrong(found.began_at, words, {"expected": round(found.expected, 1)})

    def zero_results(self, moment: datetime) -> Wrong | None:
        share = watching.zero_results(self.session, self.scope(moment))
        what = f"of the searches of {self._day(moment)} found nothing"
        return self._too_many(share, moment, what, least=30)

    def refusals(self, moment: datetime) -> Wrong | None:
        share = watching.refusals(self.session, self.scope(moment))
        what = f"of the events sent on {self._day(moment)} were refused"
        return self._too_many(share, moment, what, least=100)

    def _too_many(
        self, share: watching.Share, moment: datetime, what: str, least: int
    ) -> Wrong | None:
        limit = float(self.rule.options.get("above", 1))
        if share.rate is None or share.whole < least or share.rate <= limit:
            return None
        words = f"{_percent(share.rate)} {what}: {share.part:,} of {share.whole:,}."
        return Wrong(moment, words, {"part": share.part, "whole": share.whole, "above": limit})

    def panel(self, moment: datetime) -> Wrong | None:
        """Compares a number of a page's panel, of its first row or of the row that is named."""
        options = self.rule.options
        panel = self.panels.get((options["page"], options["panel"]))
        row = self._row(panel, options, moment) if panel else None
        number = getattr(row, options["column"], None)
        if panel is None or number is None:
            return None
        limit, above = float(options["value"]), options["comparison"] == "above"
        if not (number > limit if above else number < limit):
            return None
        of = f" of {options['row']}" if options.get("row") else ""
        came, bound = (panel.written(options["column"], value) for value in (number, limit))
        words = (
            f"{panel.named(options['column'])}{of} on {panel.page} came to {came}, "
            f"{options['comparison']} {bound}, {self._days(moment)}."
        )
        return Wrong(moment, words, {"number": float(number), "limit": limit})

    def _row(self, panel: Watchable, options: Mapping[str, Any], moment: datetime) -> Any:
        found: Any = panel.ask(self.session, self.scope(moment, int(options.get("days", 1))))
        name, _, wanted = str(options.get("row", "")).partition("=")
        rows = found.rows if isinstance(found, Listing) else found
        return next((r for r in rows if not name or str(getattr(r, name, None)) == wanted), None)

    def _that_count(self) -> tuple[str, ...]:
        return tuple(tenant.id for tenant in that_count(list_tenants(self.session)))

    def _days(self, moment: datetime) -> str:
        days = int(self.rule.options.get("days", 1))
        return (
            f"in the {days} days to {self._day(moment)}" if days > 1 else f"on {self._day(moment)}"
        )

    def _last_day(self, moment: datetime) -> date:
        """The moment's day; where the rule waits for the end of a day, the last that has ended."""
        if not self.rule.options.get("whole_days"):
            return moment.astimezone(self.zone).date()
        return (moment + timedelta.resolution).astimezone(self.zone).date() - timedelta(days=1)

    def _day(self, moment: datetime) -> str:
        day = self._last_day(moment)
        return f"{day.day} {day:%b}"

    def _clock(self, moment: datetime) -> str:
        return f"{self._day(moment)} {moment.astimezone(self.zone):%H:%M %Z}"


_JUDGE: dict[str, Callable[[Judge, datetime], Wrong | None]] = {
    "spike": Judge.spike,
    "silence": Judge.silence,
    "zero_results": Judge.zero_results,
    "refusals": Judge.refusals,
    "panel": Judge.panel,
}


def _percent(rate: float) -> str:
    """As pages write rates: 95.2 %, 0.42 %, 100 %."""
    percent = 100 * rate
    places = 0 if percent in (0, 100) else 2 if percent < 1 else 1
    return f"{percent:.{places}f} %"
