"""Daily tables of filters used together, settled from the order of events in a session."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from tracker.model.rollups import Rollup, counter


class DailyCombinations(Rollup):
    __tablename__ = "daily_combinations"
    __table_args__ = {
        "comment": "Filter changes by the filters set together then, and what was left."
    }

    filters: Mapped[str] = mapped_column(
        String(500), primary_key=True, comment="JSON list of filter names, sorted."
    )
    result_count: Mapped[int] = mapped_column(primary_key=True)
    sets: Mapped[int] = counter("filter_change events that left this many results.")


class DailyDeadEnds(Rollup):
    __tablename__ = "daily_dead_ends"
    __table_args__ = {
        "comment": "Filters set while there were results, and what that left; value '' is any."
    }

    filter_name: Mapped[str] = mapped_column(String(100), primary_key=True)
    filter_value: Mapped[str] = mapped_column(String(500), primary_key=True)
    narrowed: Mapped[int] = counter("filter_change events after one with results.")
    killed: Mapped[int] = counter("Those that left no result.")
