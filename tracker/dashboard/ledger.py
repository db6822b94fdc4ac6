"""Work on the demand ledger: status, notes, merging and splitting. By admins and analysts."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from sqlalchemy import Connection

from tracker.dashboard.viewers import Viewer, viewer
from tracker.metrics.one_demand import tenant_of
from tracker.model.base import uuid_of
from tracker.store import demands
from tracker.store.demands import DemandError, Who

WORKERS = ("admin", "analyst")
_KEPT = ("period", "from", "to", "tenant", "compare")


def register(blueprint: Blueprint) -> None:
    path = "/demand/ledger/<uuid:demand_id>"
    blueprint.post(f"{path}/status")(demand_status)
    blueprint.post(f"{path}/notes")(demand_notes)
    blueprint.post(f"{path}/merge")(demand_merge)
    blueprint.post(f"{path}/split")(demand_split)


def demand_status(demand_id: Any) -> Any:
    """Move a demand to another status."""
    status = request.form.get("status", "")
    return _change(demand_id, lambda connection, who: demands.set_status(connection, who, status))


def demand_notes(demand_id: Any) -> Any:
    """Replace the notes on a demand."""
    # Forms send line ends as CR LF
    notes = request.form.get("notes", "").replace("\r\n", "\n").replace("\0", "")
    return _change(demand_id, lambda connection, who: demands.set_notes(connection, who, notes))


def demand_merge(demand_id: Any) -> Any:
    """Move everything of a demand into another one, and go there."""

    def merge(connection: Connection, who: Who) -> str:
        into = uuid_of(request.form.get("into", ""))
        if not into:
            raise DemandError("Choose the demand that this one is the same as.")
        demands.merge(connection, who, into)
        return into

    return _change(demand_id, merge)


def demand_split(demand_id: Any) -> Any:
    """Move some of a demand's queries into a new one, and go there."""
    queries = request.form.getlist("query")
    return _change(demand_id, lambda connection, who: demands.split(connection, who, queries))


def _change(demand_id: Any, do: Callable[[Connection, Who], str | None]) -> Any:
    """Makes a change, and shows the demand that came of it; the same one where it was worked on."""
    who = _who(str(demand_id), viewer())
    try:
        with current_app.extensions["database"].write() as connection:
            shown = do(connection, who) or who.demand_id
    except DemandError as error:
        return render_template("error.html", status=422, message=str(error)), 422
    kept = {name: value for name in _KEPT if (value := request.args.get(name))}
    address = url_for("dashboard.demand_ledger_one", demand_id=shown)
    place = "#work" if shown == who.demand_id else ""
    return redirect(address + (f"?{urlencode(kept)}" if kept else "") + place)


def _who(demand_id: str, someone: Viewer) -> Who:
    if someone.role not in WORKERS:
        abort(403, "Only admins and analysts work on the ledger.")
    with current_app.extensions["database"].read(None) as session:
        tenant_id = tenant_of(session, demand_id)
    if tenant_id is None or not someone.may_read(tenant_id):
        abort(404, "There is no such demand.")
    return Who(tenant_id, demand_id, someone.name)
