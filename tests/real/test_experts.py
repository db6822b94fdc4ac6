"""/experts over the real data, against the raw lines counted anew."""

from collections import Counter, defaultdict
from datetime import date
from math import ceil
from typing import Any

import pytest

from tests.real.conftest import PERIODS, within

Lines = list[dict[str, Any]]
Period = tuple[date, date]


def impressions(lines: Lines, period: Period) -> Counter[tuple[str, int]]:
    """By expert and rank. Sage's only: the data has no grid."""
    return Counter(
        (expert, rank)
        for line in within(lines, period, "sage_query")
        for rank, expert in enumerate(line["payload"]["expert_ids"], start=1)
    )


def clicks(lines: Lines, period: Period) -> Counter[tuple[str, int]]:
    return Counter(
        (line["payload"]["expert_id"], line["payload"]["position"])
        for line in within(lines, period, "card_click")
    )


def by(part: int, counts: Counter[tuple[str, int]]) -> Counter[Any]:
    """The counts by expert (0) or by rank (1)."""
    found: Counter[Any] = Counter()
    for key, n in counts.items():
        found[key[part]] += n
    return found


def close(value: float | None) -> Any:
    return value if value is None else pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("period", PERIODS)
def test_exposure_is_counted(panel: Any, lines: Lines, period: Period) -> None:
    shown, clicked = impressions(lines, period), clicks(lines, period)
    per_rank, clicks_per_rank = by(1, shown), by(1, clicked)
    price = {rank: clicks_per_rank[rank] / n for rank, n in per_rank.items()}
    times, clicks_of = by(0, shown), by(0, clicked)
    priced: dict[str, float] = defaultdict(float)
    places: Counter[str] = Counter()
    for (expert, rank), n in shown.items():
        priced[expert] += n * price[rank]
    for (expert, rank), n in clicked.items():
        places[expert] += rank * n
    expected = []
    for expert in sorted(times.keys() | clicks_of.keys(), key=lambda e: (-times[e], e)):
        n, hits = times[expert], clicks_of[expert]
        expected.append(
            {
                "expert_id": expert,
                "sage_impressions": n,
                "grid_impressions": 0,
                "sage_clicks": hits,
                "grid_clicks": 0,
                "sage_ctr": close(hits / n if n else None),
                "grid_ctr": None,
                "average_click_position": close(places[expert] / hits if hits else None),
                "coec": close((hits + 5) / (priced[expert] + 5)),
            }
        )
    assert panel("/experts/exposure", period) == expected


@pytest.mark.parametrize("period", PERIODS)
def test_ranks_are_counted(panel: Any, lines: Lines, period: Period) -> None:
    shown, clicked = by(1, impressions(lines, period)), by(1, clicks(lines, period))
    assert panel("/experts/click-positions", period) == [
        {
            "context": "sage_panel",
            "position": rank,
            "impressions": shown[rank],
            "clicks": clicked[rank],
            "ctr": close(clicked[rank] / shown[rank]),
        }
        for rank in sorted(shown)
    ]


@pytest.mark.parametrize("period", PERIODS)
def test_concentration_is_over_all_experts_ever_known(
    panel: Any, lines: Lines, period: Period
) -> None:
    ever = (date.min, date.max)
    known = by(0, impressions(lines, ever)).keys() | by(0, clicks(lines, ever)).keys()
    times = by(0, impressions(lines, period))
    counts = sorted(times[expert] for expert in known)
    n, total = len(counts), sum(counts)
    weighted = sum(i * x for i, x in enumerate(counts, start=1))
    gini = 2 * weighted / (n * total) - (n + 1) / n
    if total < n:  # Bernasco and Steenbeek
        gini = max(1 / total, 1 / n) * (2 * weighted / total - n - 1) - max(n / total, 1) + 1
    assert panel("/experts/concentration", period) == [
        {
            "context": "sage_panel",
            "experts": n,
            "impressions": total,
            "gini": close(gini),
            "top_10_percent_share": close(sum(counts[-ceil(n / 10) :]) / total),
        }
    ]
    shown_ever = by(0, impressions(lines, ever))
    unseen = [expert for expert in known if not times[expert]]
    unseen.sort(key=lambda expert: (-shown_ever[expert], expert))
    assert [row["expert_id"] for row in panel("/experts/never-shown", period)] == unseen


def test_one_experts_pages_agree_with_the_list(panel: Any, lines: Lines) -> None:
    period = PERIODS[1]
    first = panel("/experts/exposure", period)[0]
    path = f"/experts/{first['expert_id']}"
    assert panel(f"{path}/totals", period) == [first]
    days = panel(f"{path}/trend", period)
    assert sum(day["impressions"] for day in days) == first["sage_impressions"]
    assert sum(day["clicks"] for day in days) == first["sage_clicks"]
    found = [
        line["at"]
        for line in within(lines, period, "card_click")
        if line["payload"]["expert_id"] == first["expert_id"]
    ]
    told = [row["occurred_at"] for row in panel(f"{path}/clicks", period)]
    assert told == [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in sorted(found, reverse=True)]
