"""Notes on days, such as "added 3 experts". Every daily chart shows them as flags."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField
from wtforms.validators import DataRequired, Length

from tracker.dashboard.formats import day_of_year
from tracker.dashboard.viewers import Viewer, viewer
from tracker.metrics.annotations import Note, all_notes
from tracker.metrics.scope import Scope
from tracker.store.access import list_tenants, that_count
from tracker.store.annotations import LONGEST, AnnotationError, annotate, delete_annotation

WRITERS = ("admin", "analyst")
_LONGEST_SINCE = 28
"""Days after a note to compare with as many before it."""


class NoteForm(FlaskForm):  # type: ignore[misc]
    day = DateField("Day", [DataRequired("Choose a day.")])
    text = StringField(
        "What happened",
        [DataRequired("Say what happened."), Length(max=LONGEST)],
        render_kw={"placeholder": "Added 3 experts", "maxlength": LONGEST},
    )
    tenant = SelectField("Tenant")


def register(blueprint: Blueprint) -> None:
    blueprint.get("/annotations")(annotations)
    blueprint.post("/annotations")(add_annotation)
    blueprint.post("/annotations/<tenant_id>/<note_id>/delete")(remove_annotation)


def annotations() -> str:
    """The notes, newest day first, and the form for another one."""
    someone = viewer()
    tenants = _readable(someone)
    return _page(someone, tenants, _form(tenants))


def add_annotation() -> Any:
    """Keep a note."""
    someone = _writer()
    tenants = _readable(someone)
    form = _form(tenants)
    if not form.validate_on_submit():
        return _page(someone, tenants, form), 422
    try:
        with current_app.extensions["database"].write() as connection:
            annotate(connection, form.tenant.data, form.day.data, form.text.data, someone.name)
    except AnnotationError as error:
        form.text.errors = [str(error)]
        return _page(someone, tenants, form), 422
    return redirect(url_for("dashboard.annotations"))


def remove_annotation(tenant_id: str, note_id: str) -> Any:
    """Take a note away."""
    someone = _writer()
    try:
        with current_app.extensions["database"].write() as connection:
            delete_annotation(connection, tenant_id, note_id, someone.name)
    except AnnotationError as error:
        abort(404, str(error))
    return redirect(url_for("dashboard.annotations"))


def _writer() -> Viewer:
    someone = viewer()
    if someone.role not in WRITERS:
        abort(403, "Only admins and analysts write notes.")
    return someone


def _readable(someone: Viewer) -> list[Any]:
    with current_app.extensions["database"].read(None) as session:
        return [tenant for tenant in list_tenants(session) if someone.may_read(tenant.id)]


def _form(tenants: Sequence[Any]) -> NoteForm:
    """The form; the address may say which day and tenant it begins with."""
    form = NoteForm()
    form.tenant.choices = [(tenant.id, tenant.name) for tenant in tenants]
    if request.method == "GET":
        form.day.data = _today()
        on_the_pages = next((tenant.id for tenant in that_count(tenants)), "")
        form.tenant.data = request.args.get("tenant") or on_the_pages
    return form


def _today() -> date:
    return datetime.now(UTC).astimezone(current_app.extensions["settings"].zone).date()


def _page(someone: Viewer, tenants: Sequence[Any], form: NoteForm) -> str:
    may_write = someone.role in WRITERS
    names = {tenant.id: tenant.name for tenant in tenants}
    notes = [(day_of_year(note.day, _today()), note, _since(note)) for note in _notes(tuple(names))]
    return render_template(
        "dashboard/annotations.html", notes=notes, names=names, form=form, may_write=may_write
    )


def _since(note: Note) -> str:
    """Where the days since a note stand against as many before it; nowhere before they come."""
    today = _today()
    if note.day > today:
        return ""
    last = min(today, note.day + timedelta(days=_LONGEST_SINCE - 1))
    asked = {"from": note.day.isoformat(), "to": last.isoformat(), "tenant": note.tenant_id}
    return f"{url_for('dashboard.overview')}?{urlencode(asked)}"


def _notes(tenants: tuple[str, ...]) -> list[Note]:
    today = _today()
    zone = current_app.extensions["settings"].zone
    scope = Scope(tenants, today, today, zone, datetime.now(UTC))
    with current_app.extensions["database"].read(tenants) as session:
        return all_notes(session, scope)
