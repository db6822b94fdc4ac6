"""The catalog as a page of Markdown, for docs/taxonomy.md."""

import json
from typing import Any

from tracker.catalog import CATALOG, EventType
from tracker.catalog.custom import CustomEvent

_HEAD = """\
# Taxonomy

Everything that can be reported, generated from the classes in `tracker/catalog` by `make docs`.
A class there is the only place where an event type is written down: adding a type is adding a
class. The dashboard's Catalog page shows the same with what came in.

**Names** say what happened. Marketplace and business names are `object_verb` in the past tense
(`message_sent`), or the act itself where it is one (`card_click`); a page's own analytics are
`page__part--what` (`create_trip__cta--generate`).

**Who may send.** Browsers need no key. What only servers may send needs a write key, and the
tenant is the key's. **Unknown keys** of a payload are kept for browser events and refused for
business events. **Sampled** types may be thinned by a tenant's settings or by their daily budget;
their numbers are scaled up and marked as estimates.
"""

_CUSTOM = """\
## Custom

Where a tenant's settings allow it, its servers may send names outside the catalog: 1 to 60
lower-case letters, digits, `_`, `.` and `-`. They are stored as `custom:name`, are in no number
of the catalog's types, and are shown apart. Declaring a class with that name promotes it: from
then on it is checked like every other event, while what came before keeps its prefix. A payload
has at most {limit} bytes.
"""


def taxonomy() -> str:
    """The page."""
    parts = [_HEAD, _contents()]
    for domain in dict.fromkeys(event.domain for event in CATALOG.values()):
        parts.append(f"## {domain}\n")
        parts += [_section(event) for event in CATALOG.values() if event.domain == domain]
    parts.append(_CUSTOM.format(limit=CustomEvent.payload_limit))
    return "\n".join(parts)


def _contents() -> str:
    rows = [
        f"| [`{event.name}`](#{event.name}) | {event.domain} | {event.writer} |"
        f" {'yes' if event.samplable else 'no'} | {event.purpose().splitlines()[0]} |"
        for event in CATALOG.values()
    ]
    head = "| event type | domain | sent by | sampled | what it tells |\n|---|---|---|---|---|"
    return "\n".join([head, *rows, ""])


def _section(event: type[EventType]) -> str:
    lines = [f"### {event.name}", "", event.purpose(), ""]
    if event.needs_request_id:
        lines += ["Needs a `request_id`, which joins the events of one attempt.", ""]
    schema = event.payload_schema()
    fields = schema.get("properties", {})
    if fields:
        required = schema.get("required", [])
        lines += ["| field | rule | needed |", "|---|---|---|"]
        lines += [_field(name, rule, name in required) for name, rule in fields.items()]
        lines.append("")
    example = json.dumps(event.example, ensure_ascii=False)
    return "\n".join([*lines, "```json", example, "```", ""])


def _field(name: str, schema: dict[str, Any], is_required: bool) -> str:
    return f"| `{name}` | {rule(schema)} | {'yes' if is_required else ''} |"


def rule(schema: dict[str, Any]) -> str:
    """A field's schema in words: `string of 1 to 200 characters`."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(rule(part) for part in schema["anyOf"]))
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    kinds = schema.get("type", "any value")
    kind = kinds if isinstance(kinds, str) else " or ".join(kinds)
    if kind == "array":
        return _list(schema)
    return kind + (_characters(schema) if kind == "string" else _range(schema))


def _list(schema: dict[str, Any]) -> str:
    most = f"up to {schema['maxItems']}" if "maxItems" in schema else "any number"
    return f"list of {most}, each: {rule(schema.get('items') or {})}"


def _characters(schema: dict[str, Any]) -> str:
    if "maxLength" not in schema:
        return ", not empty" if schema.get("minLength") else ""
    return f" of {schema.get('minLength', 0)} to {schema['maxLength']:,} characters"


def _range(schema: dict[str, Any]) -> str:
    """What a number may be; limits that only keep out nonsense are left out."""
    least = f" from {schema['minimum']:g}" if "minimum" in schema else ""
    most = schema.get("maximum", _NONSENSE)
    return least + (f" to {most:g}" if most < _NONSENSE else "")


_NONSENSE = 2**31 - 1
