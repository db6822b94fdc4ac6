"""The demand ledger: queries that come together by themselves, and what operators do to them."""

import itertools
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import make_tenant, record
from tests.metrics.asking import ANNA, BEN, CARA, search
from tracker.model import AuditEntry, Demand, DemandKey, DemandQuery
from tracker.store import demands
from tracker.store.demands import DemandError, Who
from tracker.store.erasure import erase
from tracker.store.likeness import likeness, meeting_keys, telling_words


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_RETENTION_DAYS": "3650"}


def ledger(app: Flask, tenant: str = "default") -> dict[str, set[str]]:
    """Every demand's name with its queries."""
    with app.extensions["database"].read(None) as session:
        names = {
            row.id: row.name
            for row in session.scalars(select(Demand).where(Demand.tenant_id == tenant))
        }
        found: dict[str, set[str]] = {name: set() for name in names.values()}
        for row in session.scalars(select(DemandQuery).where(DemandQuery.tenant_id == tenant)):
            found[names[row.demand_id]].add(row.query)
    return found


def demand(app: Flask, name: str) -> Demand:
    with app.extensions["database"].read(None) as session:
        return session.scalars(select(Demand).where(Demand.name == name)).one()


def change(app: Flask, do: Any, name: str, *given: Any) -> Any:
    """An operator's change to the demand of this name."""
    who = Who("default", demand(app, name).id, "ada@example.com")
    with app.extensions["database"].write() as connection:
        return do(connection, who, *given)


def audited(app: Flask) -> list[tuple[str, str]]:
    with app.extensions["database"].read(None) as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(e.actor, e.action) for e in entries if e.action.startswith("demand.")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("surf teacher", "do you have surf teachers"),
        ("tax adviser for freelancers", "tax advisor for a freelancer"),
        ("café tours in paris", "paris cafe tour"),
        ("web design", "web designer"),
        ("photographer", "photogrpher"),
        ("c++ tutor", "a tutor for c++"),
        ("#surf+yoga", "surf & yoga"),
    ],
)
def test_queries_that_say_the_same_are_alike(one: str, other: str) -> None:
    one, other = telling_words(one), telling_words(other)
    assert likeness(one, other) == likeness(other, one) > 0.8
    assert set(meeting_keys(one)) & set(meeting_keys(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("surf teacher", "surf teacher lisbon"),
        ("surf lessons lisbon", "surf lessons madrid"),
        ("3 day trip", "5 day trip"),
        ("male doctor", "female doctor"),
        ("spanish guide", "danish guide"),
        ("chef", "hairdresser"),
        ("c++ developer", "c# developer"),
        ("c++", "c"),
    ],
)
def test_queries_that_differ_in_what_matters_are_not_alike(one: str, other: str) -> None:
    assert likeness(telling_words(one), telling_words(other)) == 0.0


@pytest.mark.parametrize("query", ["?!", "a", "the", "東京 ガイド", "x" * 500, "ﷺ" * 400])
def test_any_query_has_words_and_meets_itself(query: str) -> None:
    words = telling_words(query)
    assert 0 < len(words) <= 500
    assert likeness(words, words) == 1.0
    assert len(set(meeting_keys(words))) == 12


def test_near_duplicates_become_one_demand_with_the_people_behind_them(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, "surf teacher"),
        search("02 09:01", ANNA, "surf teacher"),
        search("03 09:00", BEN, "Do you have surf teachers?"),
        search("04 09:00", CARA, "surf techer", found=("a",)),
        search("04 09:01", CARA, "surf techer"),
        search("04 10:00", CARA, "hairdresser"),
        search("04 11:00", CARA, "chef", found=("b",)),
        {"session_id": ANNA, "email": "anna@example.com"},
        {"session_id": CARA, "email": "anna@example.com"},
    )
    assert ledger(app) == {
        "surf teacher": {"surf teacher", "do you have surf teachers", "surf techer"},
        "hairdresser": {"hairdresser"},
    }
    surf = demand(app, "surf teacher")
    # 5 searches, 4 in vain; Anna's two sessions are one person with an address, and Ben.
    assert (surf.searches, surf.zero_results, surf.people, surf.emails) == (5, 4, 2, 1)
    assert (surf.queries, surf.status, surf.is_curated) == (3, "open", False)
    assert surf.last_at == datetime(2026, 11, 4, 9, 1, tzinfo=UTC)
    # 2 people x (1 + 1 address) x 4/5 in vain, in doublings, and the 14 days since 1970.
    halves = surf.last_at.timestamp() / timedelta(days=14).total_seconds()
    assert surf.standing == pytest.approx(math.log2(2 * 2 * 0.8) + halves)


def test_the_order_of_arrival_does_not_matter(app: Flask) -> None:
    chain = ("garden designer", "gardens design", "garden desing")
    found = []
    for n, order in enumerate(itertools.permutations(chain)):
        make_tenant(app, f"t{n}")
        for query in order:
            record(app, search("02 09:00", ANNA, query), tenant=f"t{n}")
        found.append(sorted(map(sorted, ledger(app, f"t{n}").values())))
    assert all(groups == found[0] for groups in found)


def test_a_query_between_two_demands_joins_them(app: Flask) -> None:
    first, between, last = "portrait photo", "portraits photos", "portait photo"
    assert likeness(telling_words(first), telling_words(between)) == 1.0
    record(app, search("02 09:00", ANNA, first))
    record(app, search("02 09:00", ANNA, last))
    record(app, search("02 09:00", ANNA, between))
    assert len(ledger(app)) == 1


def test_tenants_have_ledgers_of_their_own(app: Flask) -> None:
    make_tenant(app, "acme")
    record(app, search("02 09:00", ANNA, "surf teacher"))
    record(app, search("02 09:00", ANNA, "surf teachers"), tenant="acme")
    assert ledger(app) == {"surf teacher": {"surf teacher"}}
    assert ledger(app, "acme") == {"surf teachers": {"surf teachers"}}


def test_a_merge_is_remembered(app: Flask) -> None:
    record(
        app, search("02 09:00", ANNA, "surf teacher"), search("02 09:00", BEN, "wave instructor")
    )
    change(app, demands.set_notes, "wave instructor", "Ask the club in Ericeira.")
    change(app, demands.merge, "wave instructor", demand(app, "surf teacher").id)
    record(app, search("03 09:00", CARA, "wave instructors"))
    assert ledger(app) == {"surf teacher": {"surf teacher", "wave instructor", "wave instructors"}}
    merged = demand(app, "surf teacher")
    assert (merged.people, merged.zero_results, merged.notes) == (3, 3, "Ask the club in Ericeira.")
    assert audited(app) == [
        ("ada@example.com", "demand.notes"),
        ("ada@example.com", "demand.merge"),
    ]


def test_a_split_is_remembered(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, "web design"),
        search("02 09:01", BEN, "web design"),
        search("02 09:02", BEN, "web designer"),
    )
    assert len(ledger(app)) == 1
    change(app, demands.split, "web design", ["web designer"])
    record(app, search("03 09:00", CARA, "web design"), search("03 09:00", CARA, "web designers"))
    assert ledger(app) == {
        "web design": {"web design"},
        "web designer": {"web designer", "web designers"},
    }
    assert audited(app) == [("ada@example.com", "demand.split")]


@pytest.mark.parametrize("queries", [[], ["web design"], ["web design", "web designer"]])
def test_a_split_needs_some_of_the_queries_and_not_all(app: Flask, queries: list[str]) -> None:
    record(app, search("02 09:00", ANNA, "web design"), search("02 09:01", ANNA, "web designer"))
    if len(queries) == 1:
        queries = ["somebody else's"]
    with pytest.raises(DemandError, match="not all"):
        change(app, demands.split, "web design", queries)


def test_a_demand_cannot_be_merged_with_itself_or_with_what_is_gone(app: Flask) -> None:
    record(app, search("02 09:00", ANNA, "surf teacher"))
    with pytest.raises(DemandError, match="itself"):
        change(app, demands.merge, "surf teacher", demand(app, "surf teacher").id)
    with pytest.raises(DemandError, match="no such demand"):
        change(app, demands.merge, "surf teacher", "01990000-0000-7000-8000-000000000000")


def test_a_filled_demand_is_reopened_when_it_is_asked_for_in_vain_again(app: Flask) -> None:
    record(app, search("02 09:00", ANNA, "surf teacher"))
    filled = datetime(2026, 11, 5, 12, tzinfo=UTC)
    change(app, demands.set_status, "surf teacher", "filled", filled)
    record(
        app,
        search("05 11:00", BEN, "surf teacher"),  # before it was filled, but late
        search("06 09:00", BEN, "surf teacher", found=("a",)),
    )
    assert demand(app, "surf teacher").status == "filled"
    record(app, search("07 09:00", BEN, "surf teachers"))
    reopened = demand(app, "surf teacher")
    assert (reopened.status, reopened.filled_at) == ("reopened", filled)
    assert reopened.status_at == datetime(2026, 11, 7, 9, tzinfo=UTC)
    assert audited(app) == [("ada@example.com", "demand.status"), ("clock", "demand.reopen")]


def test_searches_that_find_something_count_whenever_they_come(app: Flask) -> None:
    record(app, search("02 09:00", ANNA, "surf teacher"))
    found = [
        search("02 10:00", BEN, "surf teacher", ("exp_1",)),
        search("02 11:00", CARA, "beach yoga", ("exp_2",)),
    ]
    record(app, *found)
    wanted = demand(app, "surf teacher")
    assert (wanted.searches, wanted.zero_results) == (2, 1)
    assert set(ledger(app)) == {"surf teacher"}


def test_searches_of_no_session_that_find_something_count_too(app: Flask) -> None:
    record(app, search("02 09:00", ANNA, "surf teacher"))
    alone = search("02 10:00", None, "surf teacher", ("exp_1",), view_id="v1")
    record(app, alone | {"email": "ben@example.com"}, search("02 11:00", None, "yoga", ("exp_2",)))
    assert demand(app, "surf teacher").searches == 2
    assert set(ledger(app)) == {"surf teacher"}
    erase(app.extensions["database"], "email", "ben@example.com", "test")
    assert demand(app, "surf teacher").searches == 1


def test_searches_that_found_something_count_before_the_first_in_vain_too(app: Flask) -> None:
    record(
        app,
        search("02 09:00", ANNA, "surf teacher", ("exp_1",)),
        search("04 09:00", BEN, "surf teacher"),
    )
    wanted = demand(app, "surf teacher")
    assert (wanted.searches, wanted.zero_results) == (2, 1)


def test_an_unknown_status_and_endless_notes_are_refused(app: Flask) -> None:
    record(app, search("02 09:00", ANNA, "surf teacher"))
    with pytest.raises(DemandError, match="one of open, recruiting, filled, reopened"):
        change(app, demands.set_status, "surf teacher", "done")
    with pytest.raises(DemandError, match="at most 5,000"):
        change(app, demands.set_notes, "surf teacher", "x" * 5001)


def test_what_changes_nothing_leaves_no_trace(app: Flask) -> None:
    record(app, search("02 09:00", ANNA, "surf teacher"))
    change(app, demands.set_status, "surf teacher", "open")
    change(app, demands.set_notes, "surf teacher", " ")
    assert audited(app) == []
    assert demand(app, "surf teacher").is_curated is False


def test_an_address_that_comes_later_is_counted_as_waiting(app: Flask) -> None:
    record(app, search("02 09:00", ANNA, "surf teacher"))
    assert demand(app, "surf teacher").emails == 0
    record(app, {"session_id": ANNA, "email": "anna@example.com"})
    assert (demand(app, "surf teacher").emails, demand(app, "surf teacher").people) == (1, 1)


def test_a_demand_that_nobody_asked_for_after_all_goes_unless_it_was_touched(app: Flask) -> None:
    from tracker.model import DailyQueries, Event
    from tracker.store.demand_counts import recount

    record(app, search("02 09:00", ANNA, "surf teacher"), search("02 09:00", BEN, "hairdresser"))
    change(app, demands.set_notes, "hairdresser", "Lena knows one.")
    ids = {demand(app, name).id for name in ("surf teacher", "hairdresser")}
    with app.extensions["database"].write() as connection:
        connection.execute(Event.__table__.delete())
        connection.execute(DailyQueries.__table__.delete())
        recount(connection, "default", ids)
    assert ledger(app) == {"hairdresser": {"hairdresser"}}
    with app.extensions["database"].read(None) as session:
        assert {row.query for row in session.scalars(select(DemandKey))} == {"hairdresser"}
