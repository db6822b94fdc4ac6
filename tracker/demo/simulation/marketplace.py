"""Visits to the sample marketplace: grid, filters, Sage, clicks and the profile gate."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from tracker.demo.simulation.queries import Wish, Wishes
from tracker.demo.simulation.rhythm import SECOND_MS, Schedule
from tracker.demo.simulation.visitors import Visitor, Visitors, random_uuid
from tracker.demo.simulation.vocabulary import (
    AVAILABILITY_DEMAND,
    CITY_DEMAND,
    CITY_TAGS,
    LANGUAGE_DEMAND,
    TAG_WORDS,
)
from tracker.demo.simulation.world import ANSWER, PAGE, Weighted, World

Draft = tuple[int, str, dict[str, Any]]
"""A line to be: epoch ms, tenant, and the line without event_id and occurred_at."""

TENANT = "sample-marketplace"

_EXAMINED = [1 / rank**0.8 for rank in range(1, PAGE + 1)]
"""Position bias: how likely the card at each rank is looked at."""

_CLICKS = {"grid": 0.22, "sage_panel": 0.3}
"""How likely a perfectly appealing card that is looked at gets clicked."""


class Marketplace:
    """The marketplace's own events, day by day."""

    def __init__(
        self, world: World, visitors: Visitors, schedule: Schedule, rng: random.Random
    ) -> None:
        self.world = world
        self.visitors = visitors
        self.rng = rng
        self.wishes = Wishes(world, rng)
        self.filters = Filters(rng)
        self._schedule = schedule
        self._made = 0

    def day(self, day: int) -> list[Draft]:
        drafts: list[Draft] = []
        while self._made < self._schedule.due(day):
            visitor = self.visitors.arrive(returning=0.34)
            visit = Visit(self, visitor, day, self._schedule.moment(day))
            visit.run()
            self._made += len(visit.drafts)
            drafts += visit.drafts
        return drafts


class Filters:
    """Draws filter settings as people make them, which is not as supply would like it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._cities = Weighted(zip(CITY_TAGS, CITY_DEMAND, strict=True))
        self._languages = Weighted(LANGUAGE_DEMAND.items())
        self._availability = Weighted(AVAILABILITY_DEMAND.items())
        self._tags = Weighted((tag, 1 / (n + 3)) for n, tag in enumerate(TAG_WORDS))
        self._names = Weighted(
            {"city": 30, "tags": 29, "rate": 20, "language": 12, "availability": 9}.items()
        )

    def draw(self, snapshot: dict[str, Any]) -> tuple[str, Any]:
        """A filter and its new value, given those that are set already."""
        name = self._names.draw(self._rng)
        if name == "tags":
            return name, self._tagged(snapshot)
        if name == "rate":
            low = self._rng.choice((0, 0, 20, 25, 40, 50))
            return name, [low, low + self._rng.choice((20, 25, 30, 40, 50, 75))]
        values = {"city": self._cities, "language": self._languages}
        return name, values.get(name, self._availability).draw(self._rng)

    def _tagged(self, snapshot: dict[str, Any]) -> list[str]:
        """Another tag beside the one that is set, as the list of both."""
        fitting = CITY_TAGS.get(snapshot.get("city", ""), ())
        known_for = fitting and self._rng.random() < 0.75
        tag = self._rng.choice(fitting) if known_for else self._tags.draw(self._rng)
        return sorted({tag, *snapshot.get("tags", [])[:1]})


class Visit:
    """One visit of one browser; `drafts` is what it sends."""

    def __init__(self, market: Marketplace, visitor: Visitor, day: int, at: int) -> None:
        self._market = market
        self._world = market.world
        self._rng = market.rng
        self._visitor = visitor
        self._present = market.world.present(day)
        self._day = day
        self._at = at
        self._snapshot: dict[str, Any] = {}
        self.drafts: list[Draft] = []

    def run(self) -> None:
        intent = self._rng.random()
        steps: Sequence[Callable[[], None]] = (
            (self._browse,) if intent < 0.5 else (self._ask_sage,) if intent < 0.78 else
            (self._browse, self._ask_sage)
        )  # fmt: skip
        for step in steps:
            step()

    def _browse(self) -> None:
        """The grid, then filters until content, bored or at a dead end."""
        self._show_grid(self._present)
        while self._rng.random() < 0.66:
            name, value = self._market.filters.draw(self._snapshot)
            narrowed = self._snapshot | {name: value}
            mask = self._world.matching(narrowed) & self._present
            found = mask.bit_count()
            self._send("filter_change", {"filter": name, "value": value, "result_count": found}, 9)
            self._snapshot = narrowed
            self._show_grid(mask)
            if not found:
                if self._rng.random() < 0.45:
                    return
                self._snapshot = {k: v for k, v in narrowed.items() if k != name}

    def _show_grid(self, mask: int) -> None:
        view_id = random_uuid(self._rng)
        shown = self._world.ranked(mask, self._day, PAGE)
        self._send(
            "results_shown",
            {
                "view_id": view_id,
                "context": "grid",
                "expert_ids": list(shown),
                "filters": dict(self._snapshot),
                "result_count": mask.bit_count(),
            },
            1,
        )
        self._click_among(shown, "grid", view_id, 1.0)

    def _ask_sage(self) -> None:
        wish = self._market.wishes.draw()
        for _ in range(4):
            found, clicked = self._ask(wish)
            if clicked or self._rng.random() > (0.25 if found else 0.42):
                break
            if wish.broader and self._rng.random() < 0.6:
                wish = wish.broader
        if self._rng.random() < 0.15:
            self._ask(self._market.wishes.draw())

    def _ask(self, wish: Wish) -> tuple[int, bool]:
        """One search; how many were found, and whether one of them was clicked."""
        mask = wish.mask & self._present
        shown, view_id = self._world.ranked(mask, self._day, ANSWER), random_uuid(self._rng)
        found = mask.bit_count()
        uncounted = wish.function == "apply_filters" and found and self._rng.random() < 0.1
        self._send(
            "sage_query",
            {
                "query_text": self._market.wishes.say(wish),
                "function_called": wish.function,
                "result_count": None if uncounted else found,
                "expert_ids": list(shown),
                "zero_results": not found,
                "view_id": view_id,
            },
            14,
        )
        if not found:
            self._ask_to_be_told(wish)
        return found, self._click_among(shown, "sage_panel", view_id, wish.relevance)

    def _ask_to_be_told(self, wish: Wish) -> None:
        if self._rng.random() < wish.waiting:
            self._pass_the_gate()

    def _click_among(
        self, shown: Sequence[str], context: str, view_id: str, relevance: float
    ) -> bool:
        clicked = False
        chance = _CLICKS[context] * relevance
        for rank, expert_id in enumerate(shown, start=1):
            likely = chance * _EXAMINED[rank - 1] * self._world.appeal[expert_id]
            if self._rng.random() < likely:
                self._click(expert_id, context, rank, view_id)
                clicked = True
        return clicked

    def _click(self, expert_id: str, context: str, rank: int, view_id: str) -> None:
        payload = {"expert_id": expert_id, "context": context, "position": rank}
        snapshot = {"filters": dict(self._snapshot)} if context == "grid" else {}
        self._send("card_click", {**payload, **snapshot, "view_id": view_id}, 12)
        if self._rng.random() < 0.07:
            self._pass_the_gate()

    def _pass_the_gate(self) -> None:
        """The profile gate asks for an e-mail address; some of those asked log in as well."""
        if self._visitor.email is None:
            self._wait(15)
            as_user = self._rng.random() < 0.3
            line = self._market.visitors.identify(self._visitor, as_user=as_user)
            self.drafts.append((self._at, TENANT, line))

    def _send(self, event_type: str, payload: dict[str, Any], seconds: float) -> None:
        """`seconds`: how long people take before it, on average."""
        self._wait(seconds)
        line = {
            "event_type": event_type,
            "session_id": self._visitor.session_id,
            "payload": payload,
        }
        self.drafts.append((self._at, TENANT, line))

    def _wait(self, seconds: float) -> None:
        self._at += 300 + int(self._rng.expovariate(1.0) * seconds * SECOND_MS)
