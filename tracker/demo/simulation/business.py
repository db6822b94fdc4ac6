"""A dozen tenants' business events: conversations, ingestion, integrations, billing, limits."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tracker.demo.simulation.marketplace import Draft
from tracker.demo.simulation.rhythm import SECOND_MS, Period, Schedule
from tracker.demo.simulation.visitors import random_uuid
from tracker.demo.simulation.world import Weighted


@dataclass(frozen=True)
class Business:
    """A sample tenant. `since` and `left` are parts of the period; `uses` what it has adopted."""

    tenant: str
    name: str
    size: float
    plan: str = "team"
    since: float = 0.0
    left: float = 1.0
    uses: tuple[str, ...] = ("ingestion", "integrations")
    troubled: bool = False


BUSINESSES = (
    Business("sample-harborline", "Harborline Ferries (sample)", 20, "business"),
    Business("sample-pinecrest", "Pinecrest Lodges (sample)", 15, "business"),
    Business("sample-tidewater", "Tidewater Rentals (sample)", 13, "business", troubled=True),
    Business("sample-cobaltrail", "Cobalt Rail Passes (sample)", 11, "team"),
    Business("sample-quillmark", "Quillmark Guides (sample)", 9, "team", uses=("ingestion",)),
    Business("sample-sunpatch", "Sunpatch Camping (sample)", 8, "team"),
    Business("sample-driftwood", "Driftwood Surf School (sample)", 6, "starter"),
    Business(
        "sample-marblearch", "Marble Arch Museums (sample)", 5, "starter", uses=("ingestion",)
    ),
    Business("sample-foxglove", "Foxglove Gardens (sample)", 4, "starter", left=0.68),
    Business("sample-nightowl", "Night Owl Hostels (sample)", 4, "team", since=0.72),
    Business("sample-kettlebay", "Kettle Bay Tours (sample)", 3, "starter", uses=()),
    Business("sample-oxbow", "Oxbow Canoes (sample)", 2, "free", uses=("integrations",)),
)

_PLANS = ("free", "starter", "team", "business")
_REASONS = Weighted(
    {"asked_for_human": 40, "low_confidence": 30, "negative_sentiment": 18, "billing": 12}.items()
)
_SOURCES = Weighted({"website": 45, "sitemap": 20, "pdf": 25, "helpdesk": 10}.items())
_INTEGRATIONS = Weighted(
    {("crm-main", "crm"): 4, ("chat-bridge", "chat"): 3, ("ticket-desk", "ticketing"): 2,
     ("calendar-sync", "calendar"): 1}.items()
)  # fmt: skip
_LATENCY = {"website": 45, "sitemap": 180, "pdf": 12, "helpdesk": 70}
"""Seconds an ingestion takes, roughly."""

_INGEST_ERRORS = Weighted(
    {"HTTP_403": 40, "TIMEOUT": 35, "EMPTY_DOCUMENT": 15, "TOO_LARGE": 10}.items()
)
_QUOTAS = (("messages_per_month", 5000), ("documents", 500), ("seats", 10))


class BusinessTenant:
    """What one tenant's servers report, day by day."""

    def __init__(
        self, business: Business, period: Period, schedule: Schedule, rng: random.Random
    ) -> None:
        self._business = business
        self._period = period
        self._schedule = schedule
        self._rng = rng
        self._plan = business.plan if business.since == 0 else "free"
        self._trouble = 0.0
        self._at = 0
        self._made = 0
        self._drafts: list[Draft] = []
        self._doings = Weighted(self._adopted())

    def day(self, day: int) -> list[Draft]:
        made_before, self._drafts = self._made, []
        self._trouble = self._trouble_on(day)
        while made_before + len(self._drafts) < self._schedule.due(day):
            self._at = self._schedule.moment(day)
            if self._plan == "free" and self._business.plan != "free":
                self._buy(self._business.plan)
            self._doings.draw(self._rng)()
        self._made += len(self._drafts)
        return self._drafts

    def _adopted(self) -> list[tuple[Callable[[], None], float]]:
        uses = self._business.uses
        return [
            (self._converse, 40),
            (self._ingest, 18 if "ingestion" in uses else 0),
            (self._integrate, 60 if "integrations" in uses else 0),
            (self._hit_a_quota, 3 if self._business.troubled else 0.6),
            (self._change_plan, 1.5),
        ]

    def _trouble_on(self, day: int) -> float:
        """0 while all is well; rises to 1 over the last quarter at the tenant in trouble."""
        if not self._business.troubled:
            return 0.0
        return max(0.0, (self._period.progress(day) - 0.75) / 0.25)

    def _converse(self) -> None:
        rng = self._rng
        conversation = f"conv_{rng.getrandbits(48):012x}"
        started = {"sessionId": random_uuid(rng), "conversationId": conversation}
        self._send("conversation_started", started)
        for _ in range(1 + min(int(rng.expovariate(0.55)), 9)):
            self._exchange(conversation)
        if rng.random() < 0.11 + 0.3 * self._trouble:
            self._escalate(conversation)

    def _exchange(self, conversation: str) -> None:
        """A question and its answer."""
        self._wait(25)
        self._send("message_sent", {"conversationId": conversation, "role": "user"})
        self._wait(4)
        confidence = round(self._rng.betavariate(7, 2 + 4 * self._trouble), 2)
        self._send(
            "message_sent",
            {"conversationId": conversation, "role": "assistant", "confidence": confidence},
        )

    def _escalate(self, conversation: str) -> None:
        self._wait(20)
        payload = {"conversationId": conversation, "reason": _REASONS.draw(self._rng)}
        if "integrations" in self._business.uses:
            payload["integrationId"] = "ticket-desk"
        self._send("escalation_triggered", payload)

    def _ingest(self) -> None:
        rng = self._rng
        source = _SOURCES.draw(rng)
        site = self._business.tenant.removeprefix("sample-")
        about = {
            "sourceType": source,
            "url": f"https://{site}.example.com/{source}/{rng.randrange(25)}",
        }
        job = f"ingest_{rng.getrandbits(48):012x}"
        self._send("ingest_started", about, job)
        self._wait(_LATENCY[source] * (1 + 3 * self._trouble) * rng.lognormvariate(0, 0.3))
        if rng.random() < 0.03:
            return
        if rng.random() < 0.04 + 0.5 * self._trouble:
            self._send("ingest_failed", about | {"errorCode": _INGEST_ERRORS.draw(rng)}, job)
            return
        docs = 1 if source == "pdf" else rng.randrange(4, 60)
        found = {"docs": docs, "chunks": docs * rng.randrange(6, 18)}
        self._send("ingest_completed", about | found, job)

    def _integrate(self) -> None:
        integration, kind = _INTEGRATIONS.draw(self._rng)
        about = {"integrationId": integration, "type": kind}
        flaky = 0.06 if integration == "calendar-sync" else 0.012
        if self._rng.random() < flaky + 0.35 * self._trouble:
            error = self._rng.choice(
                ("AUTH_EXPIRED", "AUTH_EXPIRED", "RATE_LIMITED", "BAD_GATEWAY")
            )
            self._send("integration_failed", about | {"errorCode": error})
        else:
            self._send("integration_succeeded", about)

    def _hit_a_quota(self) -> None:
        quota, limit = self._rng.choice(_QUOTAS)
        limit *= _PLANS.index(self._plan) + 1
        over = 1 + int(limit * self._rng.random() * (0.02 + 0.2 * self._trouble))
        self._send(
            "quota_exceeded", {"quotaType": quota, "limit": limit, "attempted": limit + over}
        )

    def _change_plan(self) -> None:
        """Up, as a rule; the tenant in trouble stops paying and goes down."""
        place = _PLANS.index(self._plan)
        if self._trouble and place > 1:
            self._move_to(self._plan, "past_due")
            self._move_to(_PLANS[place - 1], "active")
        elif not self._trouble and place < len(_PLANS) - 1 and self._rng.random() < 0.15:
            self._buy(_PLANS[place + 1])

    def _buy(self, plan: str) -> None:
        session = f"cs_test_{self._rng.getrandbits(64):016x}"
        self._send("checkout_completed", {"plan": plan, "stripeSessionId": session})
        self._wait(2)
        self._move_to(plan, "active")

    def _move_to(self, plan: str, status: str) -> None:
        change = {"previousPlan": self._plan, "newPlan": plan, "status": status}
        self._send("plan_updated", change)
        self._plan = plan

    def _wait(self, seconds: float) -> None:
        self._at += int((0.4 + 0.6 * self._rng.expovariate(1.0)) * seconds * SECOND_MS)

    def _send(self, event_type: str, payload: dict[str, Any], request_id: str = "") -> None:
        line: dict[str, Any] = {"event_type": event_type, "payload": payload}
        if request_id:
            line["request_id"] = request_id
        self._drafts.append((self._at, self._business.tenant, line))
