"""Watching: every rule is judged now and, every few minutes, over the hours before.

Looking back finds what came late: imported events, or those of a server that was cut off.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from tracker.jobs.judging import BY_THE_MINUTE, Judge, Panels
from tracker.store import alerts
from tracker.store.alerts import QUIET, Wrong
from tracker.store.database import Database

log = logging.getLogger(__name__)

LOOK_BACK = timedelta(hours=12)
STEP = timedelta(minutes=5)
"""Between the moments that are looked back at, and between looking back."""


class Episode(NamedTuple):
    """When a rule would have fired, and until when it held."""

    fired_at: datetime
    wrong_until: datetime
    words: str


def watch(database: Database, zone: ZoneInfo, panels: Panels, now: datetime) -> None:
    """Judges every rule that is enabled; one that fails leaves the others alone."""
    with database.read(None) as session:
        rules = [rule for rule in alerts.list_rules(session) if rule.enabled]
    for rule in rules:
        try:
            check(database, rule, zone, panels, now)
        except Exception:
            log.exception("rule %s failed", rule.id)


def check(database: Database, rule: Any, zone: ZoneInfo, panels: Panels, now: datetime) -> None:
    """Judges one rule and writes down what begins, goes on or ends."""
    looks_back = rule.checked_until is None or now - rule.checked_until >= STEP
    moments = list(_moments(rule, now)) if looks_back else [now]
    with database.read(None) as session:
        judge = Judge(session, rule, zone, panels)
        judge.prepare(moments[0], now)
        judged = [(moment, judge(moment)) for moment in moments]
        is_open = alerts.open_firing(session, rule.id) is not None
    if looks_back or is_open or any(wrong for _, wrong in judged):
        with database.write() as connection:
            for moment, wrong in judged:
                alerts.note(connection, rule, moment, wrong)
            if looks_back:
                alerts.mark_checked(connection, rule.id, now)


def _moments(rule: Any, now: datetime) -> Iterator[datetime]:
    """The moments to look back at, where the rule can, and now."""
    if rule.kind in BY_THE_MINUTE:
        moment = now - LOOK_BACK
        while moment < now:
            yield moment
            moment += STEP
    yield now


def dry_run(
    session: Session, rule: Any, zone: ZoneInfo, panels: Panels, days: int = 30
) -> list[Episode]:
    """The episodes that a rule would have had in the last days, as far as they are held.

    Rules on attempts are judged every five minutes; the others by each day as it ended, and by
    today as it is now.
    """
    now = datetime.now(UTC)
    by_the_minute = rule.kind in BY_THE_MINUTE
    moments = list(_minutes(now, days) if by_the_minute else _ends_of_days(now, zone, days))
    judge = Judge(session, rule, zone, panels)
    judge.prepare(moments[0], now)
    quiet = QUIET if by_the_minute else _quiet_days(rule)
    return list(_episodes(((moment, judge(moment)) for moment in moments), quiet))


def _minutes(now: datetime, days: int) -> Iterator[datetime]:
    for n in range(timedelta(days=days) // STEP, -1, -1):
        yield now - STEP * n


def _ends_of_days(now: datetime, zone: ZoneInfo, days: int) -> Iterator[datetime]:
    today = now.astimezone(zone).date()
    for n in range(days - 1, 0, -1):
        yield datetime.combine(today - timedelta(days=n), time.max, zone).astimezone(UTC)
    yield now


def _quiet_days(rule: Any) -> timedelta:
    """How far apart wrong days may lie and be one episode.

    At midnight a rule on today has nothing to go by until more comes in, and is quiet; one on
    several days, or on days that are over, has those, and stays wrong. No day has 36 hours.
    """
    on_today = int(rule.options.get("days", 1)) == 1 and not rule.options.get("whole_days")
    return timedelta(hours=0 if on_today else 36)


def _episodes(
    judged: Iterable[tuple[datetime, Wrong | None]], quiet: timedelta
) -> Iterator[Episode]:
    held: Episode | None = None
    for moment, wrong in judged:
        if held and moment - held.wrong_until > quiet:
            yield held
            held = None
        if wrong:
            held = (
                held._replace(wrong_until=moment) if held else Episode(moment, moment, wrong.words)
            )
    if held:
        yield held
