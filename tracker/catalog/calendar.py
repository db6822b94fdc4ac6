"""Which day a moment counts on."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

_REMEMBERED = 20_000


class Calendar:
    """Days of the reporting time zone.

    Remembers the day of each quarter of an hour, the finest step between the offsets of time
    zones: computing it costs more than the rest of a row.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._known: dict[tuple[int, int], date] = {}

    def day(self, moment: datetime) -> date:
        """The day of an aware UTC moment."""
        key = (moment.toordinal(), moment.hour * 4 + moment.minute // 15)
        known = self._known.get(key)
        if known is None:
            if len(self._known) > _REMEMBERED:
                self._known.clear()
            known = self._known[key] = moment.astimezone(self.zone).date()
        return known
