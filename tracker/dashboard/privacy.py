"""/settings/privacy: what is held about a person, as a file, or erased. Admins only."""

from typing import Any

import orjson
from flask import Blueprint, Response, current_app, render_template, request

from tracker.dashboard.settings_changes import form_text
from tracker.dashboard.viewers import admin
from tracker.dashboard.wording import count
from tracker.store.access import AccessError, audit
from tracker.store.erasure import Erased, erase
from tracker.store.persons import held_about, person_of, trace

BY = {"email": "E-mail address", "session": "Session id", "user": "User id"}

_NOTHING_HELD = (
    "Nothing is held under this identifier, so there is no file."
    " If you expected something, look at how it is written."
)


def register(blueprint: Blueprint) -> None:
    blueprint.get("/settings/privacy")(privacy)
    blueprint.post("/settings/privacy/export")(export_person)
    blueprint.post("/settings/privacy/erase")(erase_person)


def privacy(problem: str = "", done: str = "") -> Any:
    """The forms. Nothing that was typed is shown again, nor kept."""
    admin()
    page = render_template("dashboard/settings_privacy.html", by=BY, problem=problem, done=done)
    return page, 422 if problem else 200


def _told(erased: Erased) -> str:
    """What was erased, and what an identifier can't lead to."""
    if not (erased.sessions or erased.events or erased.attempts):
        return (
            "No session, event or trip attempt was held under this identifier, so there was"
            " nothing to erase. If you expected some, look at how it is written."
        )
    parts = (
        count(erased.sessions, "session"),
        count(erased.events, "event"),
        count(erased.attempts, "trip attempt"),
    )
    return (
        f"Erased: {', '.join(parts)}. Nothing is left to find under this identifier. What names"
        " only another one of the same person, such as a user id, needs an erasure of its own."
    )


def export_person() -> Any:
    """All that is held about a person, as one JSON file."""
    someone = admin()
    database = current_app.extensions["database"]
    try:
        kind, value = _named()
        with database.read(None) as session:
            held = held_about(session, trace(session, person_of(session, kind, value)))
    except AccessError as error:
        return privacy(str(error))
    with database.write() as connection:
        audit(connection, someone.name, "person.export", by=kind)
    if not any(rows for name, rows in held.items() if name != "person"):
        return privacy(done=_NOTHING_HELD)
    headers = {"Content-Disposition": 'attachment; filename="person.json"'}
    body = orjson.dumps(held, option=orjson.OPT_INDENT_2)
    return Response(body, mimetype="application/json", headers=headers)


def erase_person() -> Any:
    """Erases a person, if the form says that this is meant."""
    someone = admin()
    try:
        kind, value = _named()
        if request.form.get("sure") != "yes":
            raise AccessError("Tick that you mean it: what is erased can't be brought back.")
        erased = erase(current_app.extensions["database"], kind, value, someone.name)
    except AccessError as error:
        return privacy(str(error))
    return privacy(done=_told(erased))


def _named() -> tuple[Any, str]:
    kind = form_text("by")
    if kind not in BY:
        raise AccessError("Name somebody by e-mail address, session or user.")
    return kind, form_text("value")
