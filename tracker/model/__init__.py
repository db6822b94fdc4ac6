"""What is stored: the SQLAlchemy tables both blueprints share, one module per family."""

from tracker.model.access import (
    ApiKey,
    AuditEntry,
    LoginAttempt,
    Operator,
    OperatorTenant,
    Tenant,
)
from tracker.model.alerts import AlertFiring, AlertRule
from tracker.model.base import Base, UtcDateTime, Uuid
from tracker.model.deliveries import Delivery, Destination
from tracker.model.demands import Demand, DemandKey, DemandQuery
from tracker.model.events import Event, Identity, IngestWarning
from tracker.model.filters import DailyCombinations, DailyDeadEnds
from tracker.model.notes import Annotation, Digest, SavedView
from tracker.model.operations import DailySalt, Lease
from tracker.model.rollups import (
    DailyBusiness,
    DailyEvents,
    DailyExperts,
    DailyFilters,
    DailyIngest,
    DailyQueries,
    DailyResults,
    DailySearchClicks,
    DailySearches,
    DailyTripInputs,
    DailyTrips,
    DailyUniques,
    Rollup,
)
from tracker.model.secrets import TenantSecret
from tracker.model.state import MemberDay, Remembered, SessionDay, Settled, Unsettled
from tracker.model.trips import TripAttempt

for _table in (*Rollup.__subclasses__(), SessionDay, MemberDay, Unsettled, Settled, Remembered):
    # Clustered by key on SQLite: each row is stored once, and a range of days lies together.
    _table.__table__.dialect_options["sqlite"]["with_rowid"] = False  # type: ignore[attr-defined]

__all__ = [
    "AlertFiring",
    "AlertRule",
    "Annotation",
    "ApiKey",
    "AuditEntry",
    "Base",
    "DailyBusiness",
    "DailyCombinations",
    "DailyDeadEnds",
    "DailyEvents",
    "DailyExperts",
    "DailyFilters",
    "DailyIngest",
    "DailyQueries",
    "DailyResults",
    "DailySalt",
    "DailySearchClicks",
    "DailySearches",
    "DailyTripInputs",
    "DailyTrips",
    "DailyUniques",
    "Delivery",
    "Demand",
    "DemandKey",
    "DemandQuery",
    "Destination",
    "Digest",
    "Event",
    "Identity",
    "IngestWarning",
    "Lease",
    "LoginAttempt",
    "MemberDay",
    "Operator",
    "OperatorTenant",
    "Remembered",
    "SavedView",
    "SessionDay",
    "Settled",
    "Tenant",
    "TenantSecret",
    "TripAttempt",
    "Unsettled",
    "UtcDateTime",
    "Uuid",
]
