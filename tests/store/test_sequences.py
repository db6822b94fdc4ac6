"""Any sequence of events, duplicates and links, in any order and any batches.

What the rollups say is what a recount of the raw events says, and it does not depend on order.
"""

from typing import Any

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.sequences import (
    ALL_DAYS,
    anybody,
    batches,
    empty,
    events,
    links,
    nobody,
    send,
    split,
    state,
)
from tracker.store.recount import check, rebuild

tried = settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def differences(app: Flask) -> list[Any]:
    with app.extensions["database"].write() as connection:
        return check(connection, *ALL_DAYS)


@tried
@given(requests=batches(st.one_of(events(anybody), events(anybody), links())))
def test_the_rollups_are_what_a_recount_counts(
    app: Flask, requests: list[list[dict[str, Any]]]
) -> None:
    empty(app)
    send(app, requests)
    assert differences(app) == []


@tried
@given(data=st.data())
def test_the_order_of_arrival_does_not_matter(app: Flask, data: st.DataObject) -> None:
    # a link that finds another identity is refused, so who comes first matters there alone
    line = st.one_of(events(nobody), events(nobody), st.sampled_from(LINKS))
    lines = data.draw(st.lists(line, min_size=2, max_size=12, unique_by=_identity))
    states = []
    for order in (lines, data.draw(st.permutations(lines))):
        empty(app)
        send(app, data.draw(_splits(order)))
        states.append(state(app))
    assert states[0] == states[1]


LINKS = [
    {"session_id": "00000000-0000-0000-0000-000000000001", "email": "a@example.com"},
    {"session_id": "00000000-0000-0000-0000-000000000001", "user_id": "u1"},
    {"session_id": "00000000-0000-0000-0000-000000000002", "email": "a@example.com"},
]


def _identity(line: dict[str, Any]) -> str:
    return str(line.get("event_id") or line)


@st.composite
def _splits(draw: st.DrawFn, lines: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return split(draw, lines)


@tried
@given(requests=batches(st.one_of(events(anybody), links())))
def test_a_rebuild_changes_nothing_that_is_right(
    app: Flask, requests: list[list[dict[str, Any]]]
) -> None:
    empty(app)
    send(app, requests)
    before = state(app)
    with app.extensions["database"].write() as connection:
        rebuild(connection, *ALL_DAYS)
    assert state(app) == before
    send(app, requests)
    assert differences(app) == []
