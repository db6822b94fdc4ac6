"""Demand and filters of the real data, against a count of its lines in plain Python."""

import json
import re
import unicodedata
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import combinations_with_replacement, pairwise
from typing import Any

import pytest

from tests.real.conftest import PERIODS, SPAN

Lines = list[dict[str, Any]]
Period = tuple[date, date]

every_period = pytest.mark.parametrize("period", PERIODS, ids=lambda p: f"{p[0]}..{p[1]}")


def within(lines: Lines, period: Period, kind: str) -> Lines:
    return [
        line
        for line in lines
        if line.get("event_type") == kind and period[0] <= line["day"] <= period[1]
    ]


def query_of(line: dict[str, Any]) -> str:
    text = unicodedata.normalize("NFKC", line["payload"]["query_text"]).casefold()
    return re.sub(r"[ .,;:!?…。]+$", "", re.sub(r"\s+", " ", text).strip())


def value_of(line: dict[str, Any]) -> str:
    return json.dumps(line["payload"]["value"], separators=(",", ":"), ensure_ascii=False)


def lower_middle(values: list[int]) -> int:
    return sorted(values)[(len(values) - 1) // 2]


def address_of(lines: Lines) -> dict[str, str]:
    """The e-mail address that each session was linked to."""
    return {line["session_id"]: line["email"] for line in lines if "event_type" not in line}


@every_period
def test_queries_that_found_nothing(lines: Lines, panel: Any, period: Period) -> None:
    addresses = address_of(lines)
    grouped: dict[str, Lines] = defaultdict(list)
    for line in within(lines, period, "sage_query"):
        grouped[query_of(line)].append(line)
    expected = []
    for query, searches in grouped.items():
        vain = [line for line in searches if line["payload"]["zero_results"]]
        sessions = {line["session_id"] for line in vain}
        if vain:
            expected.append(
                {
                    "query": query,
                    "searches": len(searches),
                    "zero_results": len(vain),
                    "zero_result_rate": len(vain) / len(searches),
                    "sessions": len(sessions),
                    "emails": len({addresses[s] for s in sessions if s in addresses}),
                    "last_seen": max(line["occurred_at"] for line in vain),
                }
            )
    expected.sort(key=lambda row: (-row["zero_results"], -row["sessions"], row["query"]))
    assert len(expected) > 5
    assert panel("/demand/zero-result-queries", period) == expected


@every_period
def test_totals_of_demand(lines: Lines, panel: Any, period: Period) -> None:
    addresses = address_of(lines)
    searches = within(lines, period, "sage_query")
    vain = [line for line in searches if line["payload"]["zero_results"]]
    people = {line["session_id"] for line in vain}
    assert panel("/demand/totals", period) == [
        {
            "searches": len(searches),
            "zero_results": len(vain),
            "zero_result_rate": len(vain) / len(searches),
            "sessions": len(people),
            "emails": len({addresses[one] for one in people if one in addresses}),
        }
    ]


@every_period
def test_thin_results(lines: Lines, panel: Any, period: Period) -> None:
    searches: Counter[str] = Counter()
    thin: Counter[str] = Counter()
    for line in within(lines, period, "sage_query"):
        searches[query_of(line)] += 1
        thin[query_of(line)] += line["payload"]["result_count"] in (1, 2)
    expected = [
        {"query": q, "searches": searches[q], "thin_results": n, "thin_share": n / searches[q]}
        for q, n in thin.items()
        if n
    ]
    expected.sort(key=lambda row: (-row["thin_results"], row["query"]))
    assert panel("/demand/thin-results", period) == expected


@every_period
def test_unmet_filters_and_values(lines: Lines, panel: Any, period: Period) -> None:
    counts: dict[tuple[str, str], list[int]] = defaultdict(list)
    for line in within(lines, period, "filter_change"):
        key = (line["payload"]["filter"], value_of(line))
        counts[key].append(line["payload"]["result_count"])
    unmet = [
        {
            "filter": name,
            "value": value,
            "sets": len(left),
            "zero_results": left.count(0),
            "zero_result_rate": left.count(0) / len(left),
            "median_result_count": lower_middle(left),
        }
        for (name, value), left in counts.items()
        if 0 in left
    ]
    unmet.sort(key=lambda row: (-row["zero_results"], row["filter"], row["value"]))
    assert panel("/demand/unmet-filters", period) == unmet
    values = [
        {"filter": name, "value": value, "sets": len(left), "zero_results": left.count(0)}
        for (name, value), left in counts.items()
    ]
    values.sort(key=lambda row: (-row["sets"], row["filter"], row["value"]))
    assert panel("/filters/values", period) == values


@every_period
def test_by_filter(lines: Lines, panel: Any, period: Period) -> None:
    grouped: dict[str, Lines] = defaultdict(list)
    for line in within(lines, period, "filter_change"):
        grouped[line["payload"]["filter"]].append(line)
    expected = []
    for name, changes in grouped.items():
        left = [line["payload"]["result_count"] for line in changes]
        expected.append(
            {
                "filter": name,
                "sets": len(left),
                "sessions": len({line["session_id"] for line in changes}),
                "zero_results": left.count(0),
                "zero_result_rate": left.count(0) / len(left),
                "median_result_count": lower_middle(left),
            }
        )
    expected.sort(key=lambda row: (-row["sets"], row["filter"]))
    assert panel("/filters/by-filter", period) == expected
    assert panel("/filters/rate-demand", period) == []


def choices(lines: Lines) -> list[Lines]:
    """Each session's filter changes in order, cut where it paused for over half an hour."""
    sessions: dict[str, Lines] = defaultdict(list)
    for line in lines:
        if line.get("event_type") == "filter_change":
            sessions[line["session_id"]].append(line)
    found: list[Lines] = []
    for changes in sessions.values():
        changes.sort(key=lambda line: (line["at"], line["event_id"]))
        last = None
        for line in changes:
            if last is None or line["at"] - last > timedelta(minutes=30):
                found.append([])
            found[-1].append(line)
            last = line["at"]
    return found


@every_period
def test_combinations_and_the_supply_gap(lines: Lines, panel: Any, period: Period) -> None:
    together: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for choice in choices(lines):
        chosen: list[str] = []
        for line in choice:
            name = line["payload"]["filter"]
            chosen = [other for other in chosen if other != name] + [name]
            if period[0] <= line["day"] <= period[1]:
                together[tuple(sorted(chosen[-8:]))].append(line["payload"]["result_count"])
    expected = [
        {
            "filters": " + ".join(names),
            "sets": len(left),
            "zero_results": left.count(0),
            "zero_result_rate": left.count(0) / len(left),
            "median_result_count": lower_middle(left),
        }
        for names, left in together.items()
        if len(names) > 1
    ]
    expected.sort(key=lambda row: (-row["sets"], row["filters"]))
    assert panel("/filters/combinations", period) == expected
    cells: dict[tuple[str, str], list[int]] = defaultdict(list)
    for names, left in together.items():
        for pair in combinations_with_replacement(names, 2):
            cells[pair] += left
    rows = panel("/demand/supply-gap", period)
    assert len({row["filter"] for row in rows}) == 10
    for row in rows:
        left = cells[min(row["filter"], row["other"]), max(row["filter"], row["other"])]
        counted = (row["sets"], row["zero_results"], row["median_result_count"])
        assert counted == (len(left), left.count(0), lower_middle(left))


@every_period
def test_which_filter_killed_it(lines: Lines, panel: Any, period: Period) -> None:
    chances: Counter[str] = Counter()
    kills: Counter[str] = Counter()
    for choice in choices(lines):
        for before, line in pairwise(choice):
            if period[0] <= line["day"] <= period[1] and before["payload"]["result_count"]:
                chances[line["payload"]["filter"]] += 1
                kills[line["payload"]["filter"]] += line["payload"]["result_count"] == 0
    expected = sorted(
        ((-n, name, chances[name]) for name, n in kills.items() if n), key=lambda row: row[:2]
    )
    found = [(-r["killed"], r["filter"], r["narrowed"]) for r in panel("/filters/killers", period)]
    assert found == expected


def test_the_ledger_counts_the_people_of_its_queries(lines: Lines, panel: Any) -> None:
    period = SPAN
    addresses = address_of(lines)
    vain: dict[str, list[str]] = defaultdict(list)
    searches: Counter[str] = Counter()
    for line in within(lines, period, "sage_query"):
        searches[query_of(line)] += 1
        if line["payload"]["zero_results"]:
            vain[query_of(line)].append(line["session_id"])
    ledger = panel("/demand/demands", period)
    assert sum(row["queries"] for row in ledger) == len(vain)
    assert sum(row["zero_results"] for row in ledger) == sum(map(len, vain.values()))
    assert [row["score"] for row in ledger] == sorted((r["score"] for r in ledger), reverse=True)
    for row in ledger[:10] + [row for row in ledger if row["queries"] > 1]:
        wordings = panel(f"/demand/ledger/{row['id']}/wordings", period)
        queries = [wording["query"] for wording in wordings]
        sessions = [one for query in queries for one in vain[query]]
        assert row["people"] == len({addresses.get(one, one) for one in sessions})
        assert row["emails"] == len({addresses[one] for one in sessions if one in addresses})
        assert row["searches"] >= row["zero_results"] == len(sessions)
        waiting = panel(f"/demand/ledger/{row['id']}/waiting", period)
        assert {one["email"] for one in waiting} == {
            addresses[one] for one in sessions if one in addresses
        }
