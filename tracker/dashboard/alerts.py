"""/alerts: what is wrong now, what was, which rules watch, and whom they tell."""

from datetime import UTC, datetime
from functools import partial, wraps
from typing import Any

from flask import (
    Blueprint,
    abort,
    current_app,
    render_template,
    request,
    url_for,
)
from sqlalchemy.orm import Session

from tracker.dashboard import formats, settings_changes
from tracker.dashboard.alert_changes import CHANGES
from tracker.dashboard.alert_words import (
    KIND_WORDS,
    named,
    watchable_numbers,
    watchable_panels,
    watches,
    written,
)
from tracker.dashboard.panels import Metric, Panel
from tracker.dashboard.settings_changes import Done, answer_to, attempt, typed
from tracker.dashboard.viewers import admin, viewer
from tracker.jobs.alerts import dry_run
from tracker.jobs.judging import BY_THE_MINUTE, Watchable
from tracker.metrics.scope import Scope
from tracker.store import alerts, channels
from tracker.store.access import IS_UUID, AccessError, list_tenants
from tracker.store.leases import anyone_holds

_HISTORY = 50
_DELIVERIES = 50
_DRY_RUN_DAYS = 30


def register(blueprint: Blueprint) -> None:
    blueprint.get("/alerts")(alerts_page)
    blueprint.get("/alerts/rules/<rule_id>/test")(try_rule)
    blueprint.post("/alerts/<action>")(change_alerts)
    blueprint.record(lambda state: state.app.extensions.update(watchable=_watchable(state.app)))


def _watchable(app: Any) -> dict[tuple[str, str], Watchable]:
    """What the clock may watch, and how to ask for it."""

    def in_context(metric: Metric) -> Metric:
        @wraps(metric)
        def asked(session: Session, scope: Scope) -> Any:
            with app.app_context():  # the clock's threads have none
                return metric(session, scope)

        return asked

    return {
        path: Watchable(
            in_context(panel.metric), page.title, partial(named, panel), partial(_plain, panel)
        )
        for path, (page, panel) in watchable_panels().items()
    }


def _plain(panel: Panel, column: str, value: float) -> str:
    """A number as pages write it, but for the thin spaces, which mails and chats may not know."""
    return written(panel, column, value).replace("\u202f", " ")


def alerts_page(problem: str = "", done: Done | None = None) -> Any:
    """Everything about alerts on one page. Tenants' operators see none of it."""
    someone = viewer()
    if someone.tenants is not None:
        abort(403, "Alerts are for those who may read all tenants.")
    before, episode = (request.args.get(name, "") for name in ("before", "episode"))
    with current_app.extensions["database"].read(None) as session:
        listed = channels.channel_deliveries(session, _DELIVERIES + 1, before)
        episodes = alerts.list_firings(session, _HISTORY + 1, before=episode)
        view = {
            "firing": alerts.list_firings(session, _HISTORY, open_only=True),
            "history": episodes[:_HISTORY],
            "last": alerts.list_firings(session, 1),
            "rules": alerts.list_rules(session),
            "channels": channels.list_channels(session),
            "deliveries": listed[:_DELIVERIES],
            "tenants": list_tenants(session),
            "unwatched": _is_unwatched(session),
        }
    page = render_template(
        "dashboard/alerts.html",
        **view,
        before=before,
        episode=episode,
        earlier=episodes[_HISTORY - 1].id if len(episodes) > _HISTORY else "",
        further=listed[_DELIVERIES - 1].id if len(listed) > _DELIVERIES else "",
        kinds=KIND_WORDS,
        now=datetime.now(UTC),
        watches=watches,
        numbers=watchable_numbers(),
        is_admin=someone.role == "admin",
        mail=bool(current_app.extensions["settings"].smtp_url),
        problem=problem,
        done=done,
        typed=typed(problem),
    )
    return page, 422 if problem else 200


def _is_unwatched(session: Session) -> bool:
    """Whether nobody judges the rules: the clock is left to a worker, and none runs."""
    apart = current_app.extensions["settings"].worker == "external"
    return apart and not anyone_holds(session, datetime.now(UTC))


def try_rule(rule_id: str) -> Any:
    """What a rule would have told in the last days."""
    someone = viewer()
    if someone.tenants is not None or not IS_UUID(rule_id):
        abort(404)
    app = current_app
    with app.extensions["database"].read(None) as session:
        try:
            rule = alerts.find_rule(session, rule_id)
        except AccessError as error:
            abort(404, str(error))
        zone = app.extensions["settings"].zone
        found = dry_run(session, rule, zone, app.extensions["watchable"], _DRY_RUN_DAYS)
        told = channels.list_channels(session)
    when = settings_changes.moment if rule.kind in BY_THE_MINUTE else _day
    return render_template(
        "dashboard/alerts_test.html",
        rule=rule,
        episodes=found,
        days=_DRY_RUN_DAYS,
        when=when,
        channels=told,
        is_admin=someone.role == "admin",
    )


def _day(moment: datetime) -> str:
    zone = current_app.extensions["settings"].zone
    today = datetime.now(UTC).astimezone(zone).date()
    return formats.day(moment.astimezone(zone).date(), today)


def change_alerts(action: str) -> Any:
    """One change from a form of the page."""
    someone = admin()
    change = CHANGES.get(action)
    if change is None:
        abort(404)
    done, problem = attempt(lambda connection: change(connection, someone.name))
    return answer_to(alerts_page, done, problem, url_for("dashboard.alerts_page"))
