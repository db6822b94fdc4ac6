"""The details of the audit log's entries, as a person would write them down."""

from collections.abc import Mapping
from typing import Any


def detail(entry: Mapping[str, Any]) -> str:
    """Every detail with its name; of what was changed, the value before and after."""
    parts = [(name, _said(value)) for name, value in entry.items() if name != "changed"]
    changed = entry.get("changed") or {}
    parts += [(name, f"{_said(old)} → {_said(new)}") for name, (old, new) in changed.items()]
    return "; ".join(f"{name}: {words}" for name, words in parts)


def _said(value: Any) -> str:
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(inner)}" for name, inner in value.items())
    return str(value)
