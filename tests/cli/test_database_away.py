"""Commands on a database that can't be used end with a sentence, not with a traceback."""

from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from tests.conftest import dispose, make_app

COMMANDS = (
    ("tenants", "list"),
    ("keys", "list"),
    ("events", "export"),
    ("rollups", "check"),
    ("retention", "run"),
    ("privacy", "erase", "--email", "ada@example.com"),
    ("demo", "load"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("empty", "is not migrated (no such table: "),
        ("no database", "does not answer or is not migrated (file is not a database)"),
        ("a folder", "does not answer or is not migrated (unable to open database file)"),
        ("another server", "does not answer or is not migrated (connection"),
    ],
)
def test_a_database_that_can_t_be_used_is_said_in_a_sentence(
    tmp_path: Path, command: tuple[str, ...], state: str, said: str
) -> None:
    path = tmp_path / "tracker.db"
    if state == "no database":
        path.write_text("no database, but longer than its header would be")
    if state == "a folder":
        path.mkdir()
    server = f"postgresql://nobody@/nothing?host={tmp_path}"
    app = make_app(server if state == "another server" else f"sqlite:///{path}", {})
    result = app.test_cli_runner().invoke(args=command)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: the database")
    assert said in result.stderr
    dispose(app)


def test_a_database_that_another_process_holds_is_said_in_a_sentence(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(sqlite_database, {})
    monkeypatch.setattr("tracker.store.database._TURN_SECONDS", 0.1)
    with app.extensions["database"].write():
        result = app.test_cli_runner().invoke(args=("tenants", "add", "acme"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: another process holds the database: try again\n"
    dispose(app)


def test_a_fault_of_the_program_is_shown_as_it_is(
    monkeypatch: pytest.MonkeyPatch, sqlite_database: str
) -> None:
    app = make_app(sqlite_database, {})
    monkeypatch.setattr(
        "tracker.cli.access.access.list_tenants", lambda session: session.scalars("no SQL at all")
    )
    result = app.test_cli_runner().invoke(args=("tenants", "list"))
    assert isinstance(result.exception, SQLAlchemyError)
    monkeypatch.undo()
    dispose(app)
