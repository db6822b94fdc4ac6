"""Trip creation: the form's own events, the server's attempts, and one incident."""

import random
from typing import Any

from tracker.demo.simulation.marketplace import TENANT, Draft
from tracker.demo.simulation.rhythm import (
    EVENINGS,
    HOUR_MS,
    MINUTE_MS,
    SECOND_MS,
    Period,
    Schedule,
)
from tracker.demo.simulation.visitors import Visitor, Visitors
from tracker.demo.simulation.vocabulary import CITY_TAGS, TAG_WORDS
from tracker.demo.simulation.world import Weighted

INCIDENT_HOURS = 3
INCIDENT_MODE = "night_train"
INCIDENT_ERROR = "TIMETABLE_UNAVAILABLE"

_INCIDENT_BEGAN = 8
"""Hours before the end of the period."""

_INCIDENT_SHARE = 0.035
"""Of all lines: a newsletter about night trains went out, and those it brought try again."""

_LINES_OF_A_VISIT = 3.9

_SECTIONS = ("dates", "travellers", "budget", "interests", "advanced")
_NOTES = (
    "We would like slow mornings.",
    "One of us does not fly.",
    "Please keep the last day free.",
    "Vegetarian food, and a playground now and then.",
)
_MODES = Weighted({"train": 38, "flight": 30, "car": 20, "night_train": 6, "ferry": 6}.items())
_BASE_ERRORS = Weighted(
    {"MODEL_TIMEOUT": 50, "NO_ROUTE_FOUND": 22, "RATE_LIMITED": 16, "INVALID_DATES": 12}.items()
)


class Trips:
    """Everything about trip creation, day by day."""

    def __init__(
        self, period: Period, visitors: Visitors, lines: float, rng: random.Random
    ) -> None:
        self.rng = rng
        self.period = period
        self._visitors = visitors
        self._schedule = Schedule(period, EVENINGS, lines * (1 - _INCIDENT_SHARE), rng)
        self._incident_visits = round(lines * _INCIDENT_SHARE / _LINES_OF_A_VISIT)
        self._made = 0

    def day(self, day: int) -> list[Draft]:
        drafts = self._incident() if day == self._incident_day else []
        while self._made < self._schedule.due(day):
            drafts += self._visit(day, self._schedule.moment(day))
        return drafts

    @property
    def incident(self) -> tuple[int, int]:
        """Begin and end of the incident, epoch ms; on whole hours."""
        begin = self.period.until - self.period.until % HOUR_MS - _INCIDENT_BEGAN * HOUR_MS
        return begin, begin + INCIDENT_HOURS * HOUR_MS

    @property
    def _incident_day(self) -> int:
        return max(0, (self.incident[0] - self.period.start) // (24 * HOUR_MS))

    def _visit(self, day: int, at: int) -> list[Draft]:
        visit = TripVisit(self, self._visitors.arrive(returning=0.7), day, at)
        visit.run(_MODES.draw(self.rng))
        self._made += len(visit.drafts)
        return visit.drafts

    def _incident(self) -> list[Draft]:
        """Some hours in which one means of transport fails and people try again and again."""
        begin, end = self.incident
        drafts: list[Draft] = []
        for _ in range(self._incident_visits):
            mode = INCIDENT_MODE if self.rng.random() < 0.8 else _MODES.draw(self.rng)
            visitor = self._visitors.arrive(returning=0.5)
            at = self.rng.randrange(begin, end - 5 * MINUTE_MS)
            visit = TripVisit(self, visitor, self._incident_day, at)
            visit.run(mode)
            drafts += visit.drafts
        return drafts


class TripVisit:
    """One browser fills in the form, perhaps several times; `drafts` is what is sent."""

    def __init__(self, trips: Trips, visitor: Visitor, day: int, at: int) -> None:
        self._trips = trips
        self._rng = trips.rng
        self._visitor = visitor
        self._version = _version(self._rng, trips.period.progress(day))
        self._at = at
        self.drafts: list[Draft] = []

    def run(self, mode: str) -> None:
        snapshot = self._fill_in(mode)
        if self._rng.random() < 0.12:
            return
        for _ in range(3):
            self._send("create_trip__cta--generate", {"surface": "planner"}, 8)
            if self._rng.random() < 0.06:
                return
            if self._attempt(snapshot) or self._rng.random() < 0.35:
                return

    def _fill_in(self, mode: str) -> dict[str, Any]:
        snapshot = self._snapshot(mode)
        while self._rng.random() < 0.45:
            section = self._rng.choice(_SECTIONS)
            self._send("create_trip__section--expand", {"section": section}, 10)
        if not snapshot["roundtrip"]:
            self._send("create_trip__toggle--roundtrip", {"enabled": False}, 6)
        if snapshot["route_lock"]:
            self._send("create_trip__toggle--route_lock", {"enabled": True}, 6)
        if self._rng.random() < 0.012:
            self._send("app__chunk_recovery--reload", {"chunk": "planner"}, 3)
        return snapshot

    def _snapshot(self, mode: str) -> dict[str, Any]:
        rng = self._rng
        origin, destination = rng.sample(sorted(CITY_TAGS), 2)
        notes = {"notes": rng.choice(_NOTES)} if rng.random() < 0.15 else {}
        return notes | {
            "origin": origin,
            "destination": destination,
            "transport_mode": mode,
            "travelers": rng.choice((1, 2, 2, 2, 2, 3, 4, 4, 5, 9)),
            "nights": rng.choice((2, 3, 3, 4, 5, 7, 7, 10, 14, 21)),
            "pace": rng.choice(("relaxed", "balanced", "balanced", "packed")),
            "interests": sorted(rng.sample(sorted(TAG_WORDS), 2)),
            "roundtrip": rng.random() < 0.8,
            "route_lock": rng.random() < 0.1,
        }

    def _attempt(self, snapshot: dict[str, Any]) -> bool:
        """One attempt with its outcome, if there is one; whether it left nothing to retry."""
        request_id = f"req_{self._rng.getrandbits(64):016x}"
        attempted = {"input_snapshot": snapshot, "prompt_contract_version": self._version}
        if self._rng.random() < 0.3:
            attempted["effective_defaults"] = {"currency": "EUR", "daily_hours": 8}
        self._send("create_trip_attempted", attempted, 0.2, request_id)
        if self._rng.random() < 0.025:
            return True
        error = self._error(snapshot)
        duration = self._duration(error)
        self._at += duration
        if error:
            failed = {"error_code": error, "duration_ms": duration}
            self._send("create_trip_failed", failed, 0, request_id)
            return False
        trip = {"trip_id": f"trip_{request_id[4:14]}", "duration_ms": duration}
        self._send("create_trip_succeeded", trip, 0, request_id)
        return True

    def _error(self, snapshot: dict[str, Any]) -> str | None:
        """Why it fails, if it does: the incident, a crowd, a long packed trip, or bad luck."""
        rng, (begin, end) = self._rng, self._trips.incident
        if snapshot["transport_mode"] == INCIDENT_MODE and begin <= self._at < end:
            return INCIDENT_ERROR if rng.random() < 0.93 else None
        if snapshot["travelers"] >= 9 and rng.random() < 0.3:
            return "GROUP_TOO_LARGE"
        if snapshot["pace"] == "packed" and snapshot["nights"] >= 14 and rng.random() < 0.25:
            return "MODEL_TIMEOUT"
        unlucky = 0.025 if self._version == "compact_v2" else 0.045
        return _BASE_ERRORS.draw(rng) if rng.random() < unlucky else None

    def _duration(self, error: str | None) -> int:
        if error == "MODEL_TIMEOUT":
            return 30 * SECOND_MS + self._rng.randrange(400)
        if error:
            return int(self._rng.lognormvariate(6.6, 0.4))
        usual = 8.7 if self._version == "classic_v1" else 8.4
        return min(int(self._rng.lognormvariate(usual, 0.45)), 29_000)

    def _send(
        self,
        event_type: str,
        payload: dict[str, Any],
        seconds: float,
        request_id: str | None = None,
    ) -> None:
        self._at += 1 + int(self._rng.expovariate(1.0) * seconds * SECOND_MS)
        line: dict[str, Any] = {"event_type": event_type, "session_id": self._visitor.session_id}
        if request_id:
            line["request_id"] = request_id
            if self._visitor.user_id:
                line["user_id"] = self._visitor.user_id
        line["payload"] = payload
        self.drafts.append((self._at, TENANT, line))


def _version(rng: random.Random, progress: float) -> str:
    """The prompt contract: a second one takes over, a third is tried on some near the end."""
    if progress > 0.7 and rng.random() < 0.2:
        return "compact_v2"
    return "classic_v2" if progress > 0.45 and rng.random() < 0.85 else "classic_v1"
