"""The pages of the docs that are made from the code: settings and metrics."""

import inspect

from pydantic.fields import FieldInfo

from tracker.config import Settings
from tracker.dashboard.pages import PAGES
from tracker.dashboard.panels import Panel

_SETTINGS = """\
# Settings

Tracker is set up by its environment. An empty variable counts as unset. A faulty one stops
the start with a message that names it, together with every other fault. Made from
`tracker/config.py` by `make docs`.

| variable | default | what it decides |
|---|---|---|
"""
_METRICS = """\
# Metrics

What every panel counts, in the words of the metric itself ("How is this counted?" on the pages).
Each panel is also `GET /<page>/<panel>.json` and `.csv`, with the page's query string. Made from
the docstrings in `tracker/metrics` by `make docs`.

The JSON is `{"panel", "columns", "rows", "total", "estimated", "period"}`. `estimated` is true when
some of the numbers are scaled up from a sample of the events, or read off a histogram because the
raw values have expired (then within 5 %); exact numbers have it false.

What holds everywhere:

- Where the order of events matters, as in a session or of a source's ingestions, those of the
  same moment come in the order of their ids; a click counts as behind a search of that moment.
- A query is told in its NFKC form, case-folded, with single spaces and without the marks that end
  a sentence or a part of it (. , ; : ! ? … and those of other scripts): `c#` and `c++` keep theirs.
- A session is identified by a link call or by an e-mail address that one of its events carries,
  the first one winning. A user that an event names without a link call is that event's alone.
- Over several tenants, a session or an address that two of them know counts in each; queries,
  experts and filters of the same name are one.
- Of equals, the first by name comes first: letters by their number in Unicode, so capitals before
  small ones.
"""


def settings() -> str:
    """A row for each setting, in the order of the class."""
    rows = [
        f"| `{field.alias}` | {_default(field)} | {field.description} |"
        for field in Settings.model_fields.values()
    ]
    return _SETTINGS + "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    """The default as the variable would say it."""
    if field.default in ("", None, ()):
        return "none"
    return f"`{field.examples[0] if field.examples else field.default}`"


def metrics() -> str:
    """A section for each page, with its panels."""
    parts = [_METRICS]
    for page in PAGES:
        parts.append(f"## {page.title}: `{page.path}`\n\n{page.question}\n")
        parts += [_panel(panel) for panel in page.panels]
    return "\n".join(parts)


def _panel(panel: Panel) -> str:
    told = panel.how or inspect.getdoc(panel.metric) or ""
    return f"**`{panel.name}`** ({panel.title})\n\n{told}\n"
