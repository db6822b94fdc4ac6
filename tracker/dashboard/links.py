"""URLs that keep what the reader chose: every state of a page has one."""

from dataclasses import dataclass
from string import Formatter
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from tracker.dashboard.asking import Args, Frame
from tracker.dashboard.panels import Chart


@dataclass(frozen=True)
class Links:
    """Links of one page as it is shown: `path`, quoted, and `args` are the request's."""

    path: str
    args: Args
    frame: Frame
    root: str
    """The service's own address, for what is sent from elsewhere."""

    def here(self, fragment: str = "", /, **changes: str | None) -> str:
        """This page with some parameters changed; None takes one away."""
        return _url(self.path, {**self.args, **changes}, fragment)

    @property
    def kept(self) -> dict[str, str]:
        """What stays chosen when the period or the tenant changes: not how far a list was read."""
        return {
            name: value
            for name, value in self.args.items()
            if name.split(".")[-1] not in ("offset", "starting_after")
        }

    def over(self, period: str) -> str:
        """This page over a preset period."""
        days: dict[str, str | None] = {"from": None, "to": None}
        default = self.frame.default_period
        chosen = None if period == default else period
        return _url(self.path, {**self.kept, **days, "period": chosen})

    def point(self, chart: Chart, row: Any) -> str:
        """Where a row of a chart leads: of a daily one to this page over its day."""
        if chart.link or chart.x != "day":
            return self.to(chart.link, row)
        if self.frame.scope.first == self.frame.scope.last:
            return ""
        day = row.day.isoformat()
        return _url(self.path, {**self.kept, "from": day, "to": day, "period": None})

    def at(self, panel: str, **changes: str | None) -> str:
        """This page with parameters of one panel changed, scrolled to the panel."""
        return self.here(panel, **{f"{panel}.{name}": value for name, value in changes.items()})

    def data(self, panel: str, extension: str) -> str:
        """The panel's rows as JSON or CSV, all of them, in the order that is shown."""
        kept = {name: value for name, value in self.kept.items() if not name.endswith(".limit")}
        return _url(f"{self.path}/{panel}.{extension}", {**kept, "limit": "100000"})

    def to(self, template: str, row: Any = None) -> str:
        """A template filled with a row's fields, for the same period and tenant.

        `{tenant}` is the tenant that was chosen. Empty when something that it needs is empty:
        then there is nothing to go to.
        """
        if not template:
            return ""
        values = {
            name: self.frame.tenant if name == "tenant" else getattr(row, name)
            for name in fields(template)
        }
        if any(value is None or value == "" for value in values.values()):
            return ""
        quoted = {name: quote(str(value), safe="") for name, value in values.items()}
        if template.startswith("#"):
            return template.format(**quoted)
        place, _, fragment = template.format(**quoted).partition("#")
        path, _, query = place.partition("?")
        asked = {**self.frame.query, **dict(parse_qsl(query))}
        if "from" in asked:
            asked.pop("period", None)
        return _url(path, asked, fragment)


def fields(template: str) -> list[str]:
    """What a link's template is filled with."""
    return [name for _, name, _, _ in Formatter().parse(template) if name]


def _url(path: str, query: dict[str, Any], fragment: str = "") -> str:
    text = urlencode({name: value for name, value in query.items() if value not in (None, "")})
    return path + (f"?{text}" if text else "") + (f"#{fragment}" if fragment else "")
