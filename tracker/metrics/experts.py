"""Who is shown, who is clicked, and whether that is more than their places explain."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy.orm import Session

from tracker.metrics.intervals import ratio_to_expected
from tracker.metrics.once import once
from tracker.metrics.places import CONTEXTS, Counts, Place, by_place, known_experts, places
from tracker.metrics.ratio import ratio
from tracker.metrics.scope import Scope
from tracker.model.rollups import NO_RANK

SHRINKAGE = 5
"""Clicks added to both sides of COEC, so that few of them don't say much."""

HIDDEN_GEM = "hidden gem"
OVER_EXPOSED = "over-exposed"
UNKNOWN = "unknown"


class Exposure(NamedTuple):
    """What one expert was shown and clicked."""

    expert_id: str
    sage_impressions: int
    grid_impressions: int
    sage_clicks: int
    grid_clicks: int
    sage_ctr: float | None
    grid_ctr: float | None
    average_click_position: float | None
    coec: float

    @property
    def impressions(self) -> int:
        """What COEC is over, in both contexts."""
        return self.sage_impressions + self.grid_impressions


class Totals(NamedTuple):
    """One row: how many experts are known and shown, and how often."""

    experts: int
    shown_experts: int
    shown_share: float | None
    impressions: int
    clicks: int
    click_through_rate: float | None
    hidden_gems: int
    over_exposed: int


class Standing(NamedTuple):
    """One expert's clicks against those to be expected where it was shown."""

    expert_id: str
    impressions: int
    clicks: int
    expected_clicks: float
    coec: float
    coec_low: float
    coec_high: float
    standing: str


class ClickPosition(NamedTuple):
    """One rank of one context."""

    context: str
    position: int
    impressions: int
    clicks: int
    ctr: float | None


def totals(session: Session, scope: Scope) -> list[Totals]:
    """The known experts, and what Sage and the grid did with them in the period.

    Known is everybody shown or clicked in any period held; the share shown is of them,
    and there is none where nobody was shown.
    Click-through is all card clicks over all impressions, so it is too high where clicks of a
    context come without its impressions. Hidden gems and over-exposed experts are those whose
    COEC is above or below 1 with its whole 95 % interval. Source: daily_experts.
    """
    rows = standings(session, scope)
    known = len(known_experts(session, scope))
    shown = sum(row.impressions > 0 for row in rows)
    impressions, clicks = sum(row.impressions for row in rows), sum(row.clicks for row in rows)
    labels = [row.standing for row in rows]
    return [
        Totals(
            experts=known,
            shown_experts=shown,
            shown_share=ratio(shown, known) if impressions else None,
            impressions=impressions,
            clicks=clicks,
            click_through_rate=ratio(clicks, impressions),
            hidden_gems=labels.count(HIDDEN_GEM),
            over_exposed=labels.count(OVER_EXPOSED),
        )
    ]


def exposure(session: Session, scope: Scope) -> list[Exposure]:
    """Experts who were shown or clicked, by impressions in Sage and in the grid together.

    Impressions are places served, not seen: each expert of a Sage answer, and of a grid's
    `results_shown`. Clicks are card clicks; repeated ones all count. Click-through is clicks
    over impressions in the same context; without impressions there is none. The average
    click position is over the clicks that have a position.

    COEC is clicks over expected clicks, (clicks + 5) / (expected + 5): every impression is
    priced at the click-through of its own rank and context in this period. 1 is as expected
    for where the expert was shown. Clicks in a context that reports no impressions count too,
    though none was to be expected: standings tell whom that concerns. Source: daily_experts.
    """
    priced = prices(session, scope)
    rows = [exposed(name, cells, priced) for name, cells in places(session, scope).items()]
    return sorted(rows, key=lambda row: (-row.impressions, row.expert_id))


@once
def prices(session: Session, scope: Scope) -> dict[Place, float]:
    """The click-through of each place: what one impression there is worth."""
    return {
        place: counts.clicks / counts.impressions
        for place, counts in by_place(session, scope).items()
        if counts.impressions
    }


def exposed(
    expert_id: str, cells: Mapping[Place, Counts], prices: Mapping[Place, float]
) -> Exposure:
    """What one expert was shown and clicked at its places."""
    sage, grid = (in_context(cells, context) for context in CONTEXTS)
    placed = [(rank, counts.clicks) for (_, rank), counts in cells.items() if rank != NO_RANK]
    clicks = sum(count for _, count in placed)
    return Exposure(
        expert_id=expert_id,
        sage_impressions=sage.impressions,
        grid_impressions=grid.impressions,
        sage_clicks=sage.clicks,
        grid_clicks=grid.clicks,
        sage_ctr=ratio(sage.clicks, sage.impressions),
        grid_ctr=ratio(grid.clicks, grid.impressions),
        average_click_position=ratio(sum(rank * count for rank, count in placed), clicks),
        coec=coec(sage.clicks + grid.clicks, expected_clicks(cells, prices)),
    )


def in_context(cells: Mapping[Place, Counts], context: str) -> Counts:
    """What an expert had in one context, at all ranks."""
    impressions = clicks = 0
    for place, counts in cells.items():
        if place[0] == context:
            impressions += counts.impressions
            clicks += counts.clicks
    return Counts(impressions, clicks)


def expected_clicks(cells: Mapping[Place, Counts], prices: Mapping[Place, float]) -> float:
    """The clicks that an average expert would have had at the same places."""
    return sum(counts.impressions * prices.get(place, 0.0) for place, counts in cells.items())


def coec(clicks: int, expected: float) -> float:
    """Clicks over expected clicks, drawn towards 1 where there are few."""
    return (clicks + SHRINKAGE) / (expected + SHRINKAGE)


@once
def standings(session: Session, scope: Scope) -> list[Standing]:
    """Experts by how far their clicks are from those expected where they were shown.

    COEC is (clicks + 5) / (expected clicks + 5), with a 95 % interval for the chance in the
    number of clicks: the 2.5 % and 97.5 % quantiles, within 1 %, of the gamma distribution of
    shape clicks + 5 and rate expected clicks + 5. A hidden gem's whole interval lies above 1:
    it is clicked more than its places explain, and may deserve better ones. An over-exposed
    expert's lies below 1. Of twenty average experts one is labelled by chance.

    "Unknown" where clicks came from a context that reports no impressions: then nothing is
    known of what to expect. Hidden gems first, the clearest before others. Source:
    daily_experts.
    """
    priced = prices(session, scope)
    rows = [stands(name, cells, priced) for name, cells in places(session, scope).items()]
    labels = (HIDDEN_GEM, OVER_EXPOSED, "", UNKNOWN)
    return sorted(rows, key=lambda row: (labels.index(row.standing), -_clarity(row), row.expert_id))


def stands(
    expert_id: str, cells: Mapping[Place, Counts], prices: Mapping[Place, float]
) -> Standing:
    """One expert's clicks against those to be expected at its places."""
    clicks = sum(counts.clicks for counts in cells.values())
    expected = expected_clicks(cells, prices)
    low, high = ratio_to_expected(clicks + SHRINKAGE, expected + SHRINKAGE)
    clicked = {context for (context, _), counts in cells.items() if counts.clicks}
    judged = clicked <= {context for context, _ in prices}
    return Standing(
        expert_id=expert_id,
        impressions=sum(counts.impressions for counts in cells.values()),
        clicks=clicks,
        expected_clicks=expected,
        coec=coec(clicks, expected),
        coec_low=low,
        coec_high=high,
        standing=_label(low, high) if judged else UNKNOWN,
    )


def _label(low: float, high: float) -> str:
    return HIDDEN_GEM if low > 1 else OVER_EXPOSED if high < 1 else ""


def _clarity(row: Standing) -> float:
    """How far the nearer end of the interval is from 1; below 0 where 1 lies inside."""
    return max(row.coec_low - 1, 1 / row.coec_high - 1)


def click_positions(session: Session, scope: Scope) -> list[ClickPosition]:
    """Impressions and clicks by context and rank, from 1; clicks without a position left out.

    Click-through is clicks at the rank over impressions at the rank; without impressions
    there is none. Source: daily_experts.
    """
    found = by_place(session, scope)
    return [
        ClickPosition(context, rank, *counts, ratio(counts.clicks, counts.impressions))
        for (context, rank), counts in sorted(found.items())
    ]
