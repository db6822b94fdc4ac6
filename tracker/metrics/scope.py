"""What a metric is asked about: whose events, which days, which slice of the list."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

MAX_ROWS = 100_000

Row = TypeVar("Row")


@dataclass(frozen=True)
class Scope:
    """The question's frame. `first` and `last` are inclusive days of the reporting zone."""

    tenants: tuple[str, ...]
    first: date
    last: date
    zone: ZoneInfo
    now: datetime
    limit: int = 100
    offset: int = 0
    sort: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    compared: bool = True
    """Whether what is said of the period is set against the one before."""

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def each_day(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range(self.days)]

    def previous(self) -> "Scope":
        """The period of equal length that ends the day before this one."""
        return replace(
            self,
            first=self.first - timedelta(days=self.days),
            last=self.first - timedelta(days=1),
        )


def instants(scope: Scope) -> tuple[datetime, datetime]:
    """When the period's first day starts and its last one ends."""
    days = (scope.first, scope.last + timedelta(days=1))
    start, end = (datetime.combine(day, time(), scope.zone).astimezone(UTC) for day in days)
    return start, end


@dataclass(frozen=True)
class Listing(Generic[Row]):
    """A slice of a list, with the length of the whole."""

    rows: list[Row]
    total: int
