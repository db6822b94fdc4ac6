"""What is stored: the SQLAlchemy tables both blueprints share, one module per family."""

from tracker.model.access import (
    ApiKey,
    AuditEntry,
    LoginAttempt,
    Operator,
    OperatorTenant,
    Tenant,
)
from tracker.model.base import Base, UtcDateTime, Uuid
from tracker.model.deliveries import Delivery, Destination
from tracker.model.events import Event, Identity, IngestWarning
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
    DailyTrips,
    DailyUniques,
)
from tracker.model.state import MemberDay, SessionDay, Settled, Unsettled
from tracker.model.trips import TripAttempt

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Base",
    "DailyBusiness",
    "DailyEvents",
    "DailyExperts",
    "DailyFilters",
    "DailyIngest",
    "DailyQueries",
    "DailyResults",
    "DailySalt",
    "DailySearchClicks",
    "DailyTrips",
    "DailyUniques",
    "Delivery",
    "Destination",
    "Event",
    "Identity",
    "IngestWarning",
    "Lease",
    "LoginAttempt",
    "MemberDay",
    "Operator",
    "OperatorTenant",
    "SessionDay",
    "Settled",
    "Tenant",
    "TripAttempt",
    "Unsettled",
    "UtcDateTime",
    "Uuid",
]
