"""The shape of the house: who may import whom, and where SQL may stand."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TRACKER = ROOT / "tracker"
MODULES = sorted(TRACKER.rglob("*.py"))

FLASK_HERE = {
    "__init__.py",
    "extensions.py",
    "errors.py",
    "log_event.py",
    "memory.py",
    "startup.py",
    "web.py",
    "ingest",
    "dashboard",
    "demo",
    "cli",
}
"""The factory and what it wires, the errors, the blueprints, the command line, and the function
that code of a Flask application calls to log an event."""


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def part(module: Path) -> str:
    """The part of the house a module belongs to: a folder, or a module at the top."""
    return module.relative_to(TRACKER).parts[0]


def test_the_layers_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_nothing_is_asked_of_sqlite_that_the_oldest_does_not_know() -> None:
    """RETURNING came with 3.35. What PostgreSQL alone is asked stands in bulk.py as text."""
    assert [str(module) for module in MODULES if ".returning(" in module.read_text()] == []


def test_flask_is_imported_at_the_edge_only() -> None:
    found = {
        str(module.relative_to(ROOT))
        for module in MODULES
        if any(name.split(".")[0] in ("flask", "werkzeug") for name in imported(module))
        and part(module) not in FLASK_HERE
    }
    assert found == set()


def test_ingestion_and_dashboard_never_import_each_other() -> None:
    for module in MODULES:
        other = {"ingest": "tracker.dashboard", "dashboard": "tracker.ingest"}.get(part(module))
        assert not other or not any(name.startswith(other) for name in imported(module)), module


SQL = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ")


@pytest.mark.parametrize("where", ["catalog", "ingest", "dashboard", "demo", "jobs"])
def test_no_statement_stands_outside_store_and_metrics(where: str) -> None:
    for module in MODULES:
        if part(module) != where:
            continue
        texts = [
            node.value
            for node in ast.walk(ast.parse(module.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert not [text for text in texts if text.startswith(SQL)], module


def test_the_database_s_dialect_is_asked_for_only_where_sql_stands() -> None:
    for module in MODULES:
        asks = "dialect.name" in module.read_text()
        assert not asks or part(module) in ("store", "model", "metrics"), module
