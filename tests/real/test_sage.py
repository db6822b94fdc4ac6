"""/sage over the real data, against the raw lines counted anew."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

import pytest

from tests.real.conftest import PERIODS, within
from tracker.catalog.text import normal_query

Lines = list[dict[str, Any]]
Period = tuple[date, date]


def ratio(part: float, whole: int) -> Any:
    return pytest.approx(part / whole, abs=1e-12) if whole else None


def zero(line: dict[str, Any]) -> bool:
    return line["payload"]["result_count"] == 0


def query(line: dict[str, Any]) -> str:
    return normal_query(line["payload"]["query_text"])


def outcomes(lines: Lines) -> dict[str, tuple[int | None, bool]]:
    """By event id of each search: the rank first clicked, and whether it was asked again."""
    sessions: dict[str, list[Any]] = defaultdict(list)
    for line in lines:
        if line.get("event_type") in ("sage_query", "card_click"):
            sessions[line["session_id"]].append(line)
    found = {}
    for events in sessions.values():
        events.sort(key=lambda line: line["at"])
        searches = [line for line in events if line["event_type"] == "sage_query"]
        for n, search in enumerate(searches):
            rest = [line for line in events if line["at"] >= search["at"]]
            following = searches[n + 1]["at"] if n + 1 < len(searches) else None
            ranks = [rank for line in rest if (rank := rank_of(line, search, following))]
            soon = following and following - search["at"] <= timedelta(minutes=5)
            found[search["event_id"]] = (ranks[0] if ranks else None, bool(soon and not ranks))
    return found


def rank_of(click: dict[str, Any], search: dict[str, Any], following: Any) -> int:
    """The rank that a click has in the search's answer; 0 when it is none on it."""
    payload, shown = click["payload"], search["payload"]["expert_ids"]
    if click["event_type"] != "card_click" or payload["expert_id"] not in shown:
        return 0
    in_time = click["at"] - search["at"] <= timedelta(minutes=30)
    before_next = following is None or click["at"] < following
    if (in_time and before_next) or payload.get("view_id") == search["payload"]["view_id"]:
        return int(shown.index(payload["expert_id"])) + 1
    return 0


@pytest.mark.parametrize("period", PERIODS)
def test_every_day_is_counted(panel: Any, lines: Lines, period: Period) -> None:
    searches = within(lines, period, "sage_query")
    expected = []
    for n in range((period[1] - period[0]).days + 1):
        day = period[0] + timedelta(days=n)
        today = [line for line in searches if line["day"] == day]
        zeros = sum(map(zero, today))
        expected.append(
            {
                "day": day.isoformat(),
                "searches": len(today),
                "zero_results": zeros,
                "zero_result_rate": ratio(zeros, len(today)),
            }
        )
    assert panel("/sage/daily-volume", period) == expected


@pytest.mark.parametrize("period", PERIODS)
def test_functions_are_counted(panel: Any, lines: Lines, period: Period) -> None:
    came_of = outcomes(lines)
    by_function: dict[str, list[Any]] = defaultdict(list)
    for line in within(lines, period, "sage_query"):
        by_function[line["payload"]["function_called"]].append(line)
    expected = []
    for name, searches in sorted(by_function.items(), key=lambda item: (-len(item[1]), item[0])):
        counts = [line["payload"]["result_count"] for line in searches]
        zeros = counts.count(0)
        clicked = sum(came_of[line["event_id"]][0] is not None for line in searches)
        expected.append(
            {
                "function_called": name,
                "searches": len(searches),
                "zero_results": zeros,
                "zero_result_rate": ratio(zeros, len(searches)),
                "mean_result_count": ratio(sum(counts), len(counts)),
                "clicked_searches": clicked,
                "click_through_rate": ratio(clicked, len(searches)),
            }
        )
    assert panel("/sage/by-function", period) == expected


@pytest.mark.parametrize("period", PERIODS)
def test_queries_are_counted(panel: Any, lines: Lines, period: Period) -> None:
    searches: dict[str, list[Any]] = defaultdict(list)
    for line in within(lines, period, "sage_query"):
        searches[query(line)].append(line)
    expected = [
        {
            "query": text,
            "searches": len(found),
            "zero_results": sum(map(zero, found)),
            "sessions": len({line["session_id"] for line in found}),
        }
        for text, found in sorted(searches.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    assert panel("/sage/top-queries", period) == expected


@pytest.mark.parametrize("period", PERIODS)
def test_what_became_of_answers_is_counted(panel: Any, lines: Lines, period: Period) -> None:
    came_of = outcomes(lines)
    searches = within(lines, period, "sage_query")
    ranks = Counter(rank for line in searches if (rank := came_of[line["event_id"]][0]))
    again = [line for line in searches if came_of[line["event_id"]][1]]
    zeros, clicked = sum(map(zero, searches)), ranks.total()
    found = len(searches) - zeros
    [row] = panel("/sage/answers", period)
    assert row == {
        "searches": len(searches),
        "zero_results": zeros,
        "zero_result_rate": ratio(zeros, len(searches)),
        "answered": found,
        "clicked_searches": clicked,
        "click_through_rate": ratio(clicked, len(searches)),
        "no_click_rate": ratio(found - clicked, found),
        "mean_reciprocal_rank": ratio(sum(n / rank for rank, n in ranks.items()), len(searches)),
        "reformulated": len(again),
        "reformulation_rate": ratio(len(again), len(searches)),
        "unhelpful": sum(not zero(line) for line in again),
    }
    assert panel("/sage/first-click-positions", period) == [
        {"rank": rank, "searches": n, "share": ratio(n, clicked)}
        for rank, n in sorted(ranks.items())
    ]
    unhelpful = Counter(query(line) for line in again if not zero(line))
    asked = Counter(map(query, searches))
    helped = Counter(query(line) for line in searches if came_of[line["event_id"]][0])
    assert panel("/sage/unhelpful-queries", period) == [
        {
            "query": text,
            "unhelpful": n,
            "searches": asked[text],
            "unhelpful_rate": ratio(n, asked[text]),
            "clicked_searches": helped[text],
        }
        for text, n in sorted(unhelpful.items(), key=lambda item: (-item[1], item[0]))
    ]
