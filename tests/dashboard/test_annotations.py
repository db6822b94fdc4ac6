"""Notes on days: who writes them, and where they show."""

import json
import re
from datetime import timedelta
from typing import Any

import plotly.graph_objects
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.conftest import make_tenant, record, today
from tests.dashboard.conftest import browser_of, csrf_token, make_operator
from tests.dashboard.test_figures import resolved
from tests.dashboard.test_panels import click
from tracker.model import Annotation, AuditEntry
from tracker.store.annotations import AnnotationError, annotate, delete_annotation


def note(app: Flask, text: str, days_ago: int = 0, tenant: str = "default") -> str:
    with app.extensions["database"].write() as connection:
        day = today() - timedelta(days=days_ago)
        return annotate(connection, tenant, day, text, "ada@example.com")


def post(client: FlaskClient, path: str = "/annotations", **form: Any) -> Any:
    filled = {"day": today().isoformat(), "text": "Added 3 experts", "tenant": "default"} | form
    token = csrf_token(client, "/annotations")
    return client.post(path, data=filled | {"csrf_token": token})


def kept(app: Flask) -> list[tuple[str, str, str]]:
    with app.extensions["database"].read(None) as session:
        columns = (Annotation.tenant_id, Annotation.text, Annotation.author)
        return [tuple(row) for row in session.execute(select(*columns).order_by(Annotation.id))]


def actions(app: Flask) -> list[tuple[str, str, str | None]]:
    with app.extensions["database"].read(None) as session:
        columns = (AuditEntry.actor, AuditEntry.action, AuditEntry.tenant_id)
        found = session.execute(select(*columns).order_by(AuditEntry.at))
        return [tuple(row) for row in found if row.action.startswith("annotation.")]


def figures(text: str) -> list[dict[str, Any]]:
    blocks = re.findall(r'<script type="application/json">(.*?)</script>', text, re.S)
    return [json.loads(block) for block in blocks]


def test_a_note_begins_with_a_tenant_whose_charts_are_seen(
    app: Flask, operator: FlaskClient
) -> None:
    """Beside sample data a note on the production tenant that has none would fly nowhere."""
    make_tenant(app, "trial", kind="sample")
    record(app, click(), tenant="trial")
    assert '<option selected value="trial">' in operator.get("/annotations").text
    assert '<option selected value="default">' in operator.get("/annotations?tenant=default").text


def test_a_note_leads_to_the_days_since_and_before(app: Flask, operator: FlaskClient) -> None:
    note(app, "Added 3 experts", days_ago=6)
    note(app, "Will open", days_ago=-1)
    page = operator.get("/annotations").text
    first, last = today() - timedelta(days=6), today()
    assert page.count("Since and before") == 1
    assert f"/overview?from={first}&amp;to={last}&amp;tenant=default" in page


def test_a_note_is_kept_with_its_author_and_on_record(app: Flask, operator: FlaskClient) -> None:
    assert post(operator, text="  Added   3 experts ").status_code == 302
    assert kept(app) == [("default", "Added 3 experts", "ada@example.com")]
    assert actions(app) == [("ada@example.com", "annotation.create", "default")]
    assert "Added 3 experts" in operator.get("/annotations").text


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"day": ""}, "Choose a day."),
        ({"day": "1999-12-31"}, "The day must be between"),
        ({"text": " "}, "Say what happened."),
        ({"text": "x" * 201}, "200 characters"),
        ({"tenant": "nobody"}, "Not a valid choice"),
    ],
)
def test_a_note_that_does_not_do_is_refused_with_the_reason(
    app: Flask, operator: FlaskClient, fault: dict[str, str], told: str
) -> None:
    make_tenant(app, "other")
    answer = post(operator, **fault)
    assert answer.status_code == 422
    assert told in answer.text
    assert kept(app) == []


def test_a_note_needs_the_forms_token(app: Flask, operator: FlaskClient) -> None:
    answer = operator.post("/annotations", data={"day": today().isoformat(), "text": "x"})
    assert answer.status_code in (400, 422)
    assert kept(app) == []


def test_who_may_not_write_notes_is_not_asked_to(app: Flask, operator: FlaskClient) -> None:
    theirs = browser_of(app, make_operator(app, "tom@example.com", "tenant", ("default",)))
    assert "Note what you change" in operator.get("/annotations").text
    page = theirs.get("/annotations").text
    assert "Note what you change" not in page
    assert "Nothing was noted." in page


def test_analysts_write_notes_and_tenants_only_read_their_own(app: Flask) -> None:
    make_tenant(app, "other")
    analyst = browser_of(app, make_operator(app, "ana@example.com", "analyst"))
    assert post(analyst, tenant="other").status_code == 302
    note(app, "Not theirs")
    theirs = browser_of(app, make_operator(app, "tom@example.com", "tenant", ("other",)))
    page = theirs.get("/annotations").text
    assert "Added 3 experts" in page
    assert "Not theirs" not in page
    assert "Add the note" not in page
    assert post(theirs, tenant="other").status_code == 403
    assert len(kept(app)) == 2


def test_a_deleted_note_is_gone_and_that_is_on_record(app: Flask, operator: FlaskClient) -> None:
    note_id = note(app, "Oops")
    assert post(operator, f"/annotations/other/{note_id}/delete").status_code == 404
    assert post(operator, f"/annotations/default/{note_id}/delete").status_code == 302
    assert kept(app) == []
    assert actions(app)[-1] == ("ada@example.com", "annotation.delete", "default")
    assert post(operator, f"/annotations/default/{note_id}/delete").status_code == 404


def test_a_note_that_is_not_there_can_not_be_deleted(app: Flask) -> None:
    for unknown in ("nothing", "5516cb1f-6c99-46ba-bbf2-ae6444a9a4cf"):
        with (
            pytest.raises(AnnotationError, match="no such note"),
            app.extensions["database"].write() as connection,
        ):
            delete_annotation(connection, "default", unknown, "ada@example.com")


def test_every_daily_chart_flags_the_notes_of_its_days(app: Flask, operator: FlaskClient) -> None:
    record(app, click())
    note(app, "Added 3 <b>experts</b>", days_ago=2)
    note(app, "New prompt", days_ago=2)
    note(app, "Long ago", days_ago=20)
    text = operator.get("/overview?period=7d").text
    (drawn,) = figures(text)
    day = (today() - timedelta(days=2)).isoformat()
    words = drawn["data"][-1]
    assert words["x"] == [day]
    assert words["text"] == ["Added 3 &lt;b&gt;experts&lt;/b&gt;; New prompt"]
    assert [shape["type"] for shape in drawn["layout"]["shapes"]] == ["line", "path"]
    assert "Long ago" not in text
    plotly.graph_objects.Figure(resolved(drawn))


def test_a_flag_on_the_last_day_flies_towards_the_others(app: Flask, operator: FlaskClient) -> None:
    record(app, click())
    note(app, "New prompt", days_ago=1)
    note(app, "Added 3 experts", days_ago=0)
    (drawn,) = figures(operator.get("/overview?period=7d").text)
    flown = {shape["xanchor"]: shape["path"] for shape in drawn["layout"]["shapes"][1::2]}
    assert flown == {
        (today() - timedelta(days=1)).isoformat(): "M 0 0 L 0 -11 L 9 -8 L 0 -5 Z",
        today().isoformat(): "M 0 0 L 0 -11 L -9 -8 L 0 -5 Z",
    }


def test_the_number_table_of_a_chart_tells_its_notes(app: Flask, operator: FlaskClient) -> None:
    record(app, click())
    assert "Notes</span></th>" not in operator.get("/overview?period=7d").text
    note(app, "Added 3 experts", days_ago=1)
    text = operator.get("/overview?period=7d").text
    numbers = text.split('<details class="numbers">')[1].split("</details>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", numbers, re.S)
    assert "Notes" in rows[0]
    assert ["Added 3 experts" in row for row in rows[1:]] == [False] * 5 + [True, False]
    caption = text.split("<figcaption")[1].split("</figcaption>")[0]
    assert ": Added 3 experts." in caption


def test_charts_show_the_notes_of_the_tenants_that_are_looked_at(
    app: Flask, operator: FlaskClient
) -> None:
    make_tenant(app, "other")
    record(app, click())
    record(app, click(1), tenant="other")
    note(app, "Only other", tenant="other")
    assert "Only other" in operator.get("/overview?period=7d").text
    assert "Only other" not in operator.get("/overview?period=7d&tenant=default").text
