"""How unevenly the known experts are shown."""

from typing import NamedTuple

from sqlalchemy.orm import Session

from tracker.metrics.experts import in_context
from tracker.metrics.inequality import gini, lorenz, top_share
from tracker.metrics.once import once
from tracker.metrics.places import CONTEXTS, known_experts, places
from tracker.metrics.scope import Scope


class Concentration(NamedTuple):
    """How unevenly a context shows the known experts."""

    context: str
    experts: int
    impressions: int
    gini: float | None
    top_10_percent_share: float | None


class LorenzPoint(NamedTuple):
    """One point of a context's Lorenz curve."""

    context: str
    experts_share: float
    impressions_share: float


def by_context(session: Session, scope: Scope) -> list[Concentration]:
    """How unevenly each context's impressions are shared among the known experts.

    Known is everybody shown or clicked in any period held, so those with no impression in
    this one count too. Gini is 0 when all are shown alike and 1 when one is shown alone; with
    fewer impressions than experts it is corrected (Bernasco and Steenbeek). The top 10 %
    of the experts, rounded up, have the share named. Contexts that showed nobody are left
    out. Source: daily_experts.
    """
    rows = []
    for context, counts in _impressions(session, scope).items():
        row = Concentration(context, len(counts), sum(counts), gini(counts), top_share(counts, 0.1))
        rows.append(row)
    return sorted(rows, key=lambda row: (-row.impressions, row.context))


@once
def _impressions(session: Session, scope: Scope) -> dict[str, list[int]]:
    """The impressions of every known expert, by context that showed anybody."""
    shown = places(session, scope)
    unseen = len(known_experts(session, scope)) - len(shown)
    counts = {
        context: [in_context(cells, context).impressions for cells in shown.values()] + [0] * unseen
        for context in CONTEXTS
    }
    return {context: values for context, values in counts.items() if any(values)}


def curve(session: Session, scope: Scope) -> list[LorenzPoint]:
    """What share of the impressions the least shown part of the known experts got.

    Experts are ordered from the least to the most shown, in each context apart. Were all shown
    alike, the curve would be the diagonal; the Gini coefficient is how far it hangs below.
    Of more than a hundred experts every hundredth part is a point. Source: daily_experts.
    """
    return [
        LorenzPoint(context, *point)
        for context, counts in _impressions(session, scope).items()
        for point in lorenz(counts)
    ]
