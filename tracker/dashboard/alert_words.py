"""What alert rules watch, in operators' words."""

from functools import cache
from typing import Any

from tracker.dashboard import formats
from tracker.dashboard.answers import kind_of, number_columns
from tracker.dashboard.page import Page
from tracker.dashboard.pages import PAGES
from tracker.dashboard.panels import Chart, Matrix, Panel, Stats, Table, Timeline
from tracker.dashboard.wording import count

KIND_WORDS = {
    "spike": "Trips fail more than usual",
    "silence": "No trip attempts where there should be some",
    "zero_results": "Sage finds nothing too often",
    "refusals": "Too many events are refused",
    "panel": "A number of a page",
}

_WATCHED = {
    "spike": "Failures in half an hour, against the same hour of four weeks",
    "silence": "The time without an attempt, against how many are usual",
}
"""What is not said by the name that such a rule has by itself."""


def watches(rule: Any) -> str:
    """What the rule watches and from where on it is wrong."""
    if rule.kind == "panel":
        return _number_watched(rule.options)
    above = rule.options.get("above")
    limit = f": over {formats.rate(above)}" if above is not None else ""
    return _WATCHED.get(rule.kind, KIND_WORDS[rule.kind]) + limit


def _number_watched(options: Any) -> str:
    found = watchable_panels().get((options["page"], options["panel"]))
    if found is None:  # taken away since
        return KIND_WORDS["panel"]
    page, panel = found
    row = f" of {options['row']}" if options.get("row") else ""
    limit = written(panel, options["column"], options["value"])
    number = named(panel, options["column"])
    over = f", over {count(options['days'], 'day')}"
    over += " up to yesterday" if options.get("whole_days") else ""
    return f"{page.title}, {panel.title}: {number}{row} {options['comparison']} {limit}{over}"


def written(panel: Panel, column: str, value: float) -> str:
    """A number as pages write it."""
    return formats.PLAIN[kind_of(panel.metric, column)](value)


@cache
def watchable_panels() -> dict[tuple[str, str], tuple[Page, Panel]]:
    """By page and panel: those of pages about no single thing, and of the page of a tenant.

    The rule says of which tenant. Lists of single events have no number that is one.
    """
    found: dict[tuple[str, str], tuple[Page, Panel]] = {}
    for page in PAGES:
        if page.subject is None or page.subject.tenant:
            for panel in page.panels:
                if not (isinstance(panel, Table) and panel.cursor):
                    found.setdefault((page.slug, panel.name), (page, panel))
    return found


def watchable_numbers() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every number that can be watched, by page: its path and its words."""
    numbers: dict[str, list[tuple[str, str]]] = {}
    for (slug, name), (page, panel) in watchable_panels().items():
        for column in number_columns(panel.metric):
            words = f"{panel.title}: {named(panel, column)}"
            numbers.setdefault(page.title, []).append((f"{slug}/{name}/{column}", words))
    return list(numbers.items())


def named(panel: Panel, column: str) -> str:
    """The name that the panel gives a number, or the column's own in words."""
    labels = {part.name: part.label for part in _parts(panel)}
    return labels.get(column) or column.replace("_", " ")


def _parts(panel: Panel) -> tuple[Any, ...]:
    match panel:
        case Stats():
            return panel.stats
        case Chart():
            return panel.series
        case Table():
            return panel.columns
        case Matrix() | Timeline():
            return ()
    raise TypeError(f"no numbers of {type(panel).__name__}")
