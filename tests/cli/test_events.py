"""`flask events import` and `flask events export`."""

import gzip
import json
import os
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import SESSION, Apps, dispose, make_app, make_tenant, record
from tests.ingest.sending import CLICK, FILTER, QUERY, click, event_of, rows, stored, value, with_id
from tracker.model import Tenant
from tracker.store import importing

NOW = datetime.now(UTC).replace(microsecond=0)
LINK = {"session_id": SESSION, "email": "ada@example.com", "user_id": "u1"}


def run(app: Flask, *words: str, stdin: bytes = b"") -> Any:
    return app.test_cli_runner().invoke(args=["events", *words], input=stdin)


def ndjson(*lines: Any) -> bytes:
    return b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )


def last_line(result: Any) -> str:
    return str(result.output.splitlines()[-1])


def test_a_file_is_taken_in_as_a_server_would_send_it(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(ndjson(CLICK, event_of("quota_exceeded"), {"events": [QUERY, FILTER]}, LINK))
    result = run(app, "import", str(file))
    assert result.exit_code == 0, result.output
    assert last_line(result) == "accepted 4 duplicates 0 linked 1 rejected 0"
    assert rows(app, "SELECT DISTINCT source, email, user_id FROM events") == [
        ("import", "ada@example.com", "u1")
    ]


def test_running_it_twice_changes_nothing_even_without_ids(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson.gz"
    file.write_bytes(gzip.compress(ndjson(CLICK, CLICK, with_id(QUERY), LINK)))
    assert last_line(run(app, "import", str(file))).startswith("accepted 3 duplicates 0 linked 1")
    again = run(app, "import", str(file))
    assert again.exit_code == 0
    assert last_line(again) == "accepted 0 duplicates 3 linked 0 rejected 0"
    assert stored(app) == 3


def test_standard_input_is_taken_in_and_leaves_no_copy(app: Flask) -> None:
    before = set(Path(tempfile.gettempdir()).glob("*.ndjson"))
    result = run(app, "import", "-", stdin=gzip.compress(ndjson(CLICK, QUERY)))
    assert last_line(result) == "accepted 2 duplicates 0 linked 0 rejected 0"
    assert set(Path(tempfile.gettempdir()).glob("*.ndjson")) == before


BAD = ndjson(
    CLICK,
    b"{not json",
    click(context="x", position=0),
    b"",
    CLICK | {"event_type": "nothing"},
    {"session_id": "x", "email": "y"},
    CLICK | {"occurred_at": "1990-01-01T00:00:00Z"},
    b"[" * 500 + b"]" * 500,
    click(filters={"deep": json.loads("[" * 400 + "]" * 400)}),
    QUERY,
)


def test_a_pipe_with_a_name_loses_nothing(app: Flask, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"  # what a shell makes of <(zcat events.ndjson.gz)
    os.mkfifo(pipe)
    lines = ndjson(*(with_id(CLICK) for _ in range(200)))
    writing = threading.Thread(target=pipe.write_bytes, args=[lines], daemon=True)
    writing.start()
    result = run(app, "import", str(pipe))
    assert last_line(result) == "accepted 200 duplicates 0 linked 0 rejected 0"
    writing.join()


def test_refused_lines_are_named_by_number_and_reason(app: Flask, tmp_path: Path) -> None:
    out = tmp_path / "refused.txt"
    result = run(app, "import", "-", "--refused", str(out), stdin=BAD)
    assert result.exit_code == 1
    assert last_line(result) == "accepted 2 duplicates 0 linked 0 rejected 7"
    lines = out.read_text().splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["line 2", "invalid_event"],
        ["line 3", "invalid_event"],
        ["line 5", "unknown_event_type"],
        ["line 6", "invalid_link"],
        ["line 7", "too_old"],
        ["line 8", "invalid_event"],
        ["line 9", "invalid_event"],
    ]
    assert "payload.context must be one of grid, sage_panel" in lines[1]
    assert "payload.position must be at least 1" in lines[1]


def test_refused_links_stand_among_refused_events_by_their_lines(
    app: Flask, tmp_path: Path
) -> None:
    out = tmp_path / "refused.txt"
    eve, unknown = LINK | {"email": "eve@example.com"}, {"event_type": "nothing"}
    run(app, "import", "-", "--refused", str(out), stdin=ndjson(LINK, eve, unknown, eve))
    assert [line.split(":")[0] for line in out.read_text().splitlines()] == [
        "line 2",
        "line 3",
        "line 4",
    ]


def test_a_file_as_windows_writes_it_is_taken_in(app: Flask) -> None:
    lines = b"\xef\xbb\xbf" + ndjson(CLICK, QUERY).replace(b"\n", b"\r\n")
    assert last_line(run(app, "import", "-", stdin=lines)) == (
        "accepted 2 duplicates 0 linked 0 rejected 0"
    )


def test_half_a_character_costs_its_own_event_alone(app: Flask) -> None:
    halved = {"events": [CLICK | {"payload": CLICK["payload"] | {"note": "\ud83c"}}, QUERY]}
    result = run(app, "import", "-", stdin=ndjson(halved))
    assert "line 1: invalid_event: payload.note must not contain NUL" in result.output
    assert last_line(result) == "accepted 1 duplicates 0 linked 0 rejected 1"


def test_what_is_committed_later_was_received_later(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 2)
    run(app, "import", "-", stdin=ndjson(CLICK, CLICK, QUERY, QUERY))
    received = rows(app, "SELECT event_type, received_at FROM events ORDER BY received_at")
    assert [name for name, _ in received] == ["card_click"] * 2 + ["sage_query"] * 2
    assert len({moment for _, moment in received}) == 2


@pytest.mark.parametrize("lines", [1, 5])
def test_postgresql_looks_at_what_it_holds_after_the_first_of_many_lines(
    postgres_database: str, apps: Apps, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    """Else it plans for empty tables until it looks by itself, a minute later."""
    monkeypatch.setattr(importing, "CHUNK", 2)
    app = apps.get(postgres_database, {})
    looked = "SELECT analyze_count FROM pg_stat_user_tables WHERE relname = 'events'"
    before = rows(app, looked)[0][0]
    run(app, "import", "-", stdin=ndjson(*[CLICK] * lines))
    assert rows(app, looked)[0][0] == before + (lines > 2)


def test_without_a_file_for_them_the_first_refused_lines_are_shown(app: Flask) -> None:
    result = run(app, "import", "-", stdin=BAD)
    assert "line 2: invalid_event" in result.output
    assert result.exit_code == 1


def test_a_link_to_another_identity_is_refused(app: Flask) -> None:
    result = run(app, "import", "-", stdin=ndjson(LINK, LINK | {"email": "eve@example.com"}))
    assert result.exit_code == 1
    assert last_line(result) == "accepted 0 duplicates 0 linked 1 rejected 1"
    assert "line 2: already_linked" in result.output


@pytest.mark.parametrize("first", ["link", "event"])
def test_of_a_link_and_an_events_own_e_mail_the_first_line_wins(app: Flask, first: str) -> None:
    event = with_id(CLICK) | {"email": "eve@example.com"}
    lines = [LINK, event] if first == "link" else [event, LINK]
    result = run(app, "import", "-", stdin=ndjson(with_id(CLICK), *lines))
    emails = {row[0] for row in rows(app, "SELECT email FROM events")}
    assert emails == {"ada@example.com" if first == "link" else "eve@example.com"}
    assert result.exit_code == (0 if first == "link" else 1)


def test_shifted_to_now_the_newest_event_is_now_and_the_rest_keep_their_distance(
    app: Flask,
) -> None:
    old = datetime(2021, 5, 1, 12, tzinfo=UTC)
    sent = ndjson(
        CLICK | {"occurred_at": (old - timedelta(days=3)).isoformat()},
        CLICK | {"occurred_at": old.isoformat()},
    )
    result = run(app, "import", "-", "--shift-to-now", stdin=sent)
    assert last_line(result).startswith("accepted 2 ")
    assert last_line(run(app, "import", "-", "--shift-to-now", stdin=sent)).startswith("accepted 0")
    with app.extensions["database"].read(None) as session:
        from tracker.model import Event

        first, last = (e.occurred_at for e in session.query(Event).order_by(Event.occurred_at))
    assert last - first == timedelta(days=3)
    assert NOW <= last <= datetime.now(UTC)


def test_events_go_to_the_tenant_that_is_named(app: Flask) -> None:
    make_tenant(app, "acme")
    run(app, "import", "-", "--tenant", "acme", stdin=ndjson(CLICK))
    assert value(app, "SELECT tenant_id FROM events") == "acme"


@pytest.mark.parametrize(
    "words",
    [
        ("import", "nowhere.ndjson"),
        ("import", "."),
        ("import", "-", "--tenant", "nobody"),
        ("import",),
        ("export", "--tenant", "nobody"),
    ],
    ids=["no such file", "a folder", "no such tenant", "no file named", "export of no tenant"],
)
def test_what_can_t_be_done_is_said_without_a_traceback(app: Flask, words: tuple[str, ...]) -> None:
    result = run(app, *words)
    assert result.exit_code in (1, 2)
    assert "Error:" in result.output
    assert isinstance(result.exception, SystemExit)


def test_a_file_that_breaks_off_is_said_without_a_traceback(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "cut.ndjson.gz"
    file.write_bytes(gzip.compress(ndjson(*[with_id(CLICK) for _ in range(50)]))[:-200])
    result = run(app, "import", str(file))
    assert result.exit_code == 1
    assert "Error:" in result.output
    assert isinstance(result.exception, SystemExit)


def test_export_then_import_gives_the_same_events(
    app: Flask, sqlite_template: Path, tmp_path: Path
) -> None:
    times = [(NOW - timedelta(days=n, microseconds=7)).isoformat() for n in range(4)]
    trip = event_of("create_trip_attempted", user_id="u9", occurred_at=times[3])
    record(
        app,
        *(
            with_id(one | {"occurred_at": at})
            for one, at in zip((CLICK, QUERY, FILTER), times[:3], strict=True)
        ),
        with_id(trip | {"session_id": None}),
        with_id(event_of("message_sent", occurred_at=times[1])),
        LINK,
    )
    exported = run(app, "export")
    assert exported.exit_code == 0
    other = make_app(f"sqlite:///{_copied(sqlite_template, tmp_path)}", {})
    result = run(other, "import", "-", stdin=exported.stdout_bytes)
    assert last_line(result) == "accepted 5 duplicates 0 linked 1 rejected 0"
    assert run(other, "export").stdout_bytes == exported.stdout_bytes
    dispose(other)


def _copied(template: Path, folder: Path) -> Path:
    path = folder / "other.db"
    path.write_bytes(template.read_bytes())
    return path


def test_an_export_is_narrowed_by_day_type_and_tenant(app: Flask) -> None:
    days = [(NOW - timedelta(days=n)) for n in (1, 3, 5)]
    record(app, *(one | {"occurred_at": day.isoformat()} for one in (CLICK, QUERY) for day in days))
    middle = days[1].date().isoformat()

    def types(*words: str) -> list[str]:
        lines = run(app, "export", *words).stdout.splitlines()
        return sorted(json.loads(line)["event_type"] for line in lines)

    assert types("--from", middle, "--to", middle) == ["card_click", "sage_query"]
    assert types("--from", middle) == ["card_click"] * 2 + ["sage_query"] * 2
    assert types("--type", "sage_query", "--to", middle) == ["sage_query"] * 2
    make_tenant(app, "acme")
    assert types("--tenant", "acme") == []


def test_a_sample_s_weights_outlive_an_export_and_an_import(app: Flask) -> None:
    for tenant in ("acme", "whole", "thinned"):
        make_tenant(app, tenant)
    choose_sampling(app, "acme", {"quota_exceeded": 10})
    choose_sampling(app, "thinned", {"quota_exceeded": 7, "plan_updated": 7})
    quotas = (with_id(event_of("quota_exceeded")) for _ in range(300))
    record(app, *quotas, with_id(event_of("plan_updated")), tenant="acme")
    exported = run(app, "export", "--tenant", "acme").stdout_bytes
    for tenant in ("whole", "thinned"):
        result = run(app, "import", "-", "--tenant", tenant, stdin=exported)
        assert result.exit_code == 0, result.output
        assert volumes_of(app, tenant) == volumes_of(app, "acme")
        assert run(app, "export", "--tenant", tenant).stdout_bytes == exported


def choose_sampling(app: Flask, tenant: str, sampling: dict[str, int]) -> None:
    with app.extensions["database"].write() as connection:
        connection.execute(
            update(Tenant).where(Tenant.id == tenant).values(settings={"sampling": sampling})
        )


def volumes_of(app: Flask, tenant: str) -> list[tuple[Any, ...]]:
    """Each type with its events, scaled up, and those of them that are kept."""
    sql = """SELECT event_type, sum(events), sum(kept) FROM daily_events
             WHERE tenant_id = :tenant GROUP BY event_type ORDER BY event_type"""
    found = rows(app, sql, tenant=tenant)
    assert found
    return found


@pytest.mark.parametrize("weight", [0, 2**31, "10", True])
def test_a_weight_that_no_sample_has_is_refused(app: Flask, weight: Any) -> None:
    line = event_of("quota_exceeded", sample_weight=weight)
    result = run(app, "import", "-", stdin=ndjson(line))
    assert last_line(result) == "accepted 0 duplicates 0 linked 0 rejected 1"
    assert "invalid_event: sample_weight must be" in result.output
