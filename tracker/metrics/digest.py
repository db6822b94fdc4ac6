"""What the weekly digest asks beyond the pages' own metrics."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from tracker.metrics.experts import HIDDEN_GEM, OVER_EXPOSED, Standing, standings
from tracker.metrics.scope import Scope

WEEK = timedelta(days=7)


def last_full_week(today: date) -> tuple[date, date]:
    """Monday and Sunday of the last week that is over."""
    monday = today - timedelta(days=today.weekday()) - WEEK
    return monday, monday + WEEK - timedelta(days=1)


def misplaced_experts(session: Session, scope: Scope) -> list[Standing]:
    """Experts whose clicks are not explained by where they are shown, the clearest first.

    COEC is clicks over the clicks to be expected at the same places; 1 is as expected. A
    hidden gem is one whose 95 % interval lies above 1, an over-exposed expert one whose
    interval lies below. Source: daily_experts.
    """
    return [row for row in standings(session, scope) if row.standing in (HIDDEN_GEM, OVER_EXPOSED)]
