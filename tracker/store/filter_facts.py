"""What the order of filter changes in a session tells: which were set together, which one killed.

Clearing a filter sends nothing, so a filter counts as set until the visitor pauses: a pause
of more than half an hour between two changes begins a new choice.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from tracker.catalog.text import FILTER_VALUE_LIMIT
from tracker.model.rollups import ANY_VALUE
from tracker.store.deltas import Key

Fact = tuple[str, Key, dict[str, int]]

PAUSE = timedelta(minutes=30)
MOST_TOGETHER = 8
"""Of more filters set together, the latest of these count."""


def filter_facts(ordered: Iterable[dict[str, Any]]) -> dict[date, list[Fact]]:
    """The combinations and dead ends of one session's events, which come in their order."""
    changes = [row for row in ordered if row["event_type"] == "filter_change"]
    counted: dict[date, Counter[tuple[str, Key, str]]] = defaultdict(Counter)
    for choice in _choices(changes):
        for key in (*_combinations(choice), *_dead_ends(choice)):
            counted[key[1][1]][key] += 1
    return {
        day: [(table, key, {name: n}) for (table, key, name), n in sorted(counts.items())]
        for day, counts in counted.items()
    }


def last_choice(ordered: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The changes since the last pause."""
    *_, last = _choices([row for row in ordered if row["event_type"] == "filter_change"])
    return last


def _choices(changes: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The changes cut where the visitor paused."""
    choice = changes[:1]
    for before, change in pairwise(changes):
        if change["occurred_at"] - before["occurred_at"] > PAUSE:
            yield choice
            choice = []
        choice.append(change)
    yield choice


def _combinations(choice: list[dict[str, Any]]) -> Iterator[tuple[str, Key, str]]:
    active: list[str] = []
    for change in choice:
        name = change["filter_name"]
        active = [other for other in active if other != name] + [name]
        key = (change["tenant_id"], change["day"], together(active), change["result_count"])
        yield "daily_combinations", key, "sets"


def together(names: Iterable[str]) -> str:
    """The key of filters set together; the latest that fit, in alphabetical order."""
    latest = list(names)[-MOST_TOGETHER:]
    while len(text := json.dumps(sorted(latest), ensure_ascii=False)) > FILTER_VALUE_LIMIT:
        latest = latest[1:]
    return text


def _dead_ends(choice: list[dict[str, Any]]) -> Iterator[tuple[str, Key, str]]:
    for before, change in pairwise(choice):
        if before["result_count"] == 0:
            continue
        key = (change["tenant_id"], change["day"], change["filter_name"])
        yield "daily_dead_ends", (*key, ANY_VALUE), "narrowed"
        if change["result_count"] == 0:
            yield "daily_dead_ends", (*key, ANY_VALUE), "killed"
            yield "daily_dead_ends", (*key, change["filter_value"]), "killed"
