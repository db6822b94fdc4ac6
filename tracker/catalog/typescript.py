"""TypeScript types of what a browser may send, for static/tracker-events.d.ts."""

import json
from typing import Any

from tracker.catalog import CATALOG

_HEAD = """\
// Payloads by event type, made from the event catalog by `make docs`.

export interface TrackerEvents {
"""
_SCALARS = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "object": "Record<string, unknown>",
    "array": "unknown[]",
}


def typescript() -> str:
    """The declarations of every event type that needs no key."""
    events = [event for event in CATALOG.values() if event.writer == "browser"]
    return _HEAD + "".join(_event(event.name, event.payload_schema()) for event in events) + "}\n"


def _event(name: str, schema: dict[str, Any]) -> str:
    lines = [f"  /** {schema['description'].splitlines()[0]} */", f"  {json.dumps(name)}: {{"]
    required = schema.get("required", [])
    for field, rule in schema.get("properties", {}).items():
        mark = "" if field in required else "?"
        lines.append(f"    {field}{mark}: {_type(rule)};")
    return "\n".join([*lines, "    [key: string]: unknown;", "  };"]) + "\n"


def _type(rule: dict[str, Any]) -> str:
    if "const" in rule:
        return json.dumps(rule["const"])
    if "enum" in rule:
        return " | ".join(json.dumps(option) for option in rule["enum"])
    if "anyOf" in rule:
        return " | ".join(dict.fromkeys(_type(option) for option in rule["anyOf"]))
    if rule.get("type") == "array" and rule.get("items"):
        return f"({_type(rule['items'])})[]"
    kinds = rule.get("type", [])
    return " | ".join(_SCALARS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
