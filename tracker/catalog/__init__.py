"""What can happen: one class per event type, and `parse`, which checks what was sent."""

from tracker.catalog import business, marketplace, trips
from tracker.catalog.base import EventType

CATALOG: dict[str, type[EventType]] = {
    event.name: event for event in (*marketplace.TYPES, *trips.TYPES, *business.TYPES)
}
"""Every event type by its name, in the order in which the catalog page shows them."""

__all__ = ["CATALOG", "EventType"]
