"""Trip attempts. The week asked about is 2 to 8 November 2026."""

import math
import random
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete

from tests.conftest import make_tenant, real_data, record
from tests.metrics.asking import ANNA, BEN, asked, event, scope
from tracker.metrics import attempt, attempts, trip_form, trips, twins
from tracker.metrics.durations import inexact
from tracker.model import TripAttempt
from tracker.store.importing import Importer


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_RETENTION_DAYS": "3650"}


def tried(
    at: str, request: str, ms: float | None = 1000, code: str = "", who: str = ANNA, **inputs: Any
) -> list[dict[str, Any]]:
    """An attempt and its outcome in the same minute; without `ms` it has none yet."""
    version = inputs.pop("version", None)
    payload = {"input_snapshot": inputs} | ({"prompt_contract_version": version} if version else {})
    lines = [event("create_trip_attempted", at, who, **payload)]
    if code:
        lines.append(event("create_trip_failed", at, who, error_code=code, duration_ms=ms))
    elif ms is not None:
        lines.append(event("create_trip_succeeded", at, who, trip_id="t", duration_ms=ms))
    return [line | {"request_id": request} for line in lines]


def test_totals_keep_pending_attempts_out_of_the_success_rate(app: Flask) -> None:
    record(
        app,
        *tried("02 10:00", "a", 100),
        *tried("03 10:00", "b", 200),
        *tried("04 10:00", "c", 300),
        *tried("05 10:00", "d", 400, code="TIMEOUT"),
        *tried("06 10:00", "e", None),
        *tried("09 10:00", "after", 9000),
    )
    # 3 of 4 finished; durations 100 200 300 400: rank ceil(.5*4) = 2, ceil(.95*4) = 4
    assert asked(app, trips.totals) == [(5, 3, 1, 1, 0.75, 200.0, 400.0)]


def test_without_attempts_there_is_no_rate_and_no_duration(app: Flask) -> None:
    assert asked(app, trips.totals) == [(0, 0, 0, 0, None, None, None)]
    assert asked(app, trips.errors) == []
    assert asked(app, trip_form.funnel) == []
    assert asked(app, twins.failure_twins) == []


def test_every_day_is_there_and_an_outcome_counts_on_the_day_of_its_attempt(app: Flask) -> None:
    attempted, failed = tried("02 23:59", "a", 50, code="TIMEOUT")
    record(app, attempted, failed | {"occurred_at": "2026-11-03T00:01:00Z"})
    rows = asked(app, trips.daily_attempts)
    assert rows[0] == (date(2026, 11, 2), 1, 0, 1, 0.0, 50.0, 50.0)
    assert rows[1] == (date(2026, 11, 3), 0, 0, 0, None, None, None)
    assert len(rows) == 7


def test_durations_are_the_nearest_ranks_of_all_by_day_and_by_version(app: Flask) -> None:
    rng = random.Random(4)
    made = [
        (day, version, float(int(rng.lognormvariate(7, 1.2))))
        for day in ("02", "03", "07")
        for version in ("classic_v1", "compact_v2")
        for _ in range(rng.randrange(1, 40))
    ]
    lines = [
        line
        for n, (day, version, ms) in enumerate(made)
        for line in tried(f"{day} 10:00", f"r{n}", ms, version=version)
    ]
    record(app, *lines)
    assert asked(app, trips.totals)[0][-2:] == ranks([ms for _, _, ms in made])
    for row in asked(app, trips.daily_attempts):
        of_day = [ms for day, _, ms in made if int(day) == row[0].day]
        assert row[-2:] == ranks(of_day)
    for row in asked(app, trips.versions):
        assert row[-2:] == ranks([ms for _, version, ms in made if version == row[0]])


def ranks(durations: list[float]) -> tuple[float | None, float | None]:
    """Nearest rank from its definition: the smallest value not below the share."""
    ordered = sorted(durations)
    if not ordered:
        return None, None
    p50, p95 = (ordered[math.ceil(share * len(ordered)) - 1] for share in (0.5, 0.95))
    return p50, p95


def test_when_attempts_have_expired_durations_are_within_five_percent(app: Flask) -> None:
    record(app, *tried("02 10:00", "a", 1234), *tried("03 10:00", "b", 1234))
    with app.extensions["database"].write() as connection:
        connection.execute(delete(TripAttempt))
    [row] = asked(app, trips.totals)
    assert row[:3] == (2, 2, 0)
    assert row[-1] == pytest.approx(1234, rel=0.05)
    assert row[-1] != 1234


def test_errors_name_their_share_their_visitors_and_when_they_were_seen(app: Flask) -> None:
    record(
        app,
        *tried("02 10:00", "a", 10, code="TIMEOUT"),
        *tried("04 10:00", "b", 10, code="TIMEOUT"),
        *tried("05 10:00", "c", 10, code="TIMEOUT", who=BEN),
        *tried("03 09:00", "d", 10, code="NO_ROUTE"),
    )
    first, last = (datetime(2026, 11, day, 10, tzinfo=UTC) for day in (2, 5))
    only = datetime(2026, 11, 3, 9, tzinfo=UTC)
    assert asked(app, trips.errors) == [
        ("TIMEOUT", 3, 0.75, 2, first, last),
        ("NO_ROUTE", 1, 0.25, 1, only, only),
    ]


def test_versions_stand_side_by_side(app: Flask) -> None:
    record(
        app,
        *tried("02 10:00", "a", 100, version="compact_v2"),
        *tried("02 11:00", "b", 300, code="TIMEOUT", version="compact_v2"),
        *tried("02 12:00", "c", 200),
    )
    assert asked(app, trips.versions) == [
        ("compact_v2", 2, 1, 1, 0, 0.5, 100.0, 300.0),
        ("classic_v1", 1, 1, 0, 0, 1.0, 200.0, 200.0),
    ]


def test_the_funnel_leads_from_the_button_to_the_trip(app: Flask) -> None:
    record(
        app,
        *(event(trip_form.CTA, f"02 10:0{n}", ANNA) for n in range(4)),
        event("create_trip__section--expand", "02 10:09", ANNA),
        *tried("02 10:00", "a", 100),
        *tried("02 11:00", "b", 300, code="TIMEOUT"),
    )
    assert asked(app, trip_form.funnel) == [
        ("Pressed Generate", 4, 1.0),
        ("Attempted", 2, 0.5),
        ("Succeeded", 1, 0.25),
    ]
    assert asked(app, trip_form.client_events) == [
        (trip_form.CTA, 4, 2.0),
        ("create_trip__section--expand", 1, 0.5),
    ]


def test_a_pending_attempt_of_an_hour_ago_is_shown_as_abandoned(app: Flask) -> None:
    record(app, *tried("02 10:00", "old", None), *tried("02 11:30", "new", None))
    noon = datetime(2026, 11, 2, 12, tzinfo=UTC)
    shown = [(row[1], row[8]) for row in asked(app, attempts.attempts, now=noon)]
    assert shown == [("pending", "new"), ("abandoned", "old")]
    for status, request in (("pending", "new"), ("abandoned", "old")):
        rows = asked(app, attempts.attempts, now=noon, filters={"status": status})
        assert [row[8] for row in rows] == [request]


def test_attempts_are_filtered_searched_and_paged_newest_first(app: Flask) -> None:
    record(
        app,
        *tried("02 10:00", "ra", 100),
        *tried("02 11:00", "rb", 300, code="TIMEOUT", version="compact_v2"),
        *tried("02 12:00", "rc", 300, code="NO_ROUTE", who=BEN),
    )

    def requests(**changes: Any) -> list[str]:
        return [row[8] for row in asked(app, attempts.attempts, **changes)]

    assert requests() == ["rc", "rb", "ra"]
    assert requests(limit=1, offset=1) == ["rb"]
    assert requests(filters={"status": "failed"}) == ["rc", "rb"]
    assert requests(filters={"error_code": "TIMEOUT"}) == ["rb"]
    assert requests(filters={"version": "compact_v2"}) == ["rb"]
    assert requests(filters={"q": "ra"}) == ["ra"]
    assert requests(filters={"q": BEN}) == ["rc"]
    framed = scope(limit=1, filters={"status": "failed"})
    with app.extensions["database"].read(framed.tenants) as session:
        assert attempts.attempts(session, framed).total == 2


def test_failure_twins_find_what_failures_have_in_common(app: Flask) -> None:
    lines = []
    for n in range(100):
        night = n < 20
        bad = n < 16 or n in (30, 50, 70, 90)  # 16 of 20 night trains, 4 of 80 others
        inputs = {"mode": "night_train" if night else "train", "nights": n % 3}
        lines += tried("02 10:00", f"r{n}", 10, code="X" if bad else "", **inputs)
    record(app, *lines)
    [row] = asked(app, twins.failure_twins)
    # 16/20 = 0.8 against 20/100 = 0.2: lift 4
    assert row[:7] == ("mode", "night_train", 16, 4, 20, 0.8, 4.0)
    assert row[7] < 1e-9


def test_chance_alone_makes_no_twin(app: Flask) -> None:
    rng = random.Random(7)
    lines = []
    for n in range(400):
        inputs = {f"field{f}": rng.randrange(4) for f in range(10)}
        lines += tried("02 10:00", f"r{n}", 10, code="X" if rng.random() < 0.2 else "", **inputs)
    record(app, *lines)
    assert asked(app, twins.failure_twins) == []


def test_false_discoveries_are_controlled_as_benjamini_and_hochberg_do() -> None:
    # p sorted .01 .02 .03 .5, times 4/rank: .04 .04 .04 .5, monotone from the end
    assert twins.q_values([0.02, 0.5, 0.01, 0.03]) == pytest.approx([0.04, 0.5, 0.04, 0.04])


def test_one_attempt_shows_its_inputs_its_person_and_what_happened_around_it(app: Flask) -> None:
    lines = tried("02 10:00", "r1", 10, code="X", mode="train", travelers={"adults": 2})
    record(
        app,
        *lines,
        event(trip_form.CTA, "02 09:59", ANNA),
        event(trip_form.CTA, "02 08:00", ANNA),
        {"session_id": ANNA, "email": "anna@example.com", "user_id": "u1"},
    )
    for name in ("r1", asked(app, attempts.attempts)[0][-1]):
        filters = {"attempt_id": name}
        assert asked(app, attempt.attempt, filters=filters)[0][1:4] == ("failed", "X", 10.0)
        assert asked(app, attempt.inputs, filters=filters) == [
            ("mode", "train", "input"),
            ("travelers.adults", "2", "input"),
        ]
        assert asked(app, attempt.person, filters=filters) == [(ANNA, "anna@example.com", "u1")]
        around = asked(app, attempt.events, filters=filters)
        assert [row[1:3] for row in around] == [
            (trip_form.CTA, False),
            ("create_trip_attempted", True),
            ("create_trip_failed", True),
        ]
    assert asked(app, attempt.attempt, filters={"attempt_id": "r1"}, tenants=("other",)) == []


def test_an_attempt_without_a_session_is_whose_its_events_say(app: Flask) -> None:
    attempted, failed = tried("03 10:00", "r1", 10, code="X", who="")
    record(app, attempted, failed | {"email": "anna@example.com"})
    found = asked(app, attempt.person, filters={"attempt_id": "r1"})
    assert found == [(None, "anna@example.com", None)]


def test_the_real_file_gives_691_attempts(app: Flask) -> None:
    import gzip

    path = real_data() / "sgd_dev.ndjson.gz"
    with gzip.open(path) as lines:
        trip_lines = [("default", line) for line in lines if b"create_trip" in line]
    Importer(app.extensions["database"], app.extensions["settings"]).run(trip_lines)
    [row] = asked(app, trips.totals, first=date(2026, 9, 1), last=date(2026, 12, 31))
    assert row[:4] == (691, 613, 78, 0)
    assert row[4] == pytest.approx(613 / 691)


def random_attempts(seed: int, days: tuple[str, ...], count: int) -> list[tuple[Any, ...]]:
    """Day, version, duration and error of attempts; durations of few values, so that many tie."""
    rng = random.Random(seed)
    return [
        (
            rng.choice(days),
            rng.choice(("classic_v1", "compact_v2", "third")),
            float(rng.choice((0, 1, 700, 705, 710, 715, 4000, rng.randrange(9000)))),
            rng.choice(("", "", "TIMEOUT")),
        )
        for _ in range(count)
    ]


def lines_of(made: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [
        line
        for n, (day, version, ms, code) in enumerate(made)
        for line in tried(f"{day} 10:00", f"r{n}", ms, code=code, version=version)
    ]


def test_ranks_among_equal_durations_and_in_a_part_of_the_days_are_exact(app: Flask) -> None:
    made = random_attempts(5, ("01", "02", "03", "05", "08"), 150)
    record(app, *lines_of(made))
    for first, last in ((1, 8), (2, 5), (3, 3)):
        days = {"first": date(2026, 11, first), "last": date(2026, 11, last)}
        some = [one for one in made if first <= int(one[0]) <= last]
        assert asked(app, trips.totals, **days)[0][-2:] == ranks([one[2] for one in some])
        for row in asked(app, trips.daily_attempts, **days):
            assert row[-2:] == ranks([one[2] for one in some if int(one[0]) == row[0].day])
        for row in asked(app, trips.versions, **days):
            assert row[-2:] == ranks([one[2] for one in some if one[1] == row[0]])


def test_ranks_are_those_of_all_tenants_together(app: Flask) -> None:
    make_tenant(app, "other")
    here = random_attempts(6, ("02", "03"), 40)
    there = random_attempts(7, ("03", "04"), 60)
    record(app, *lines_of(here))
    record(app, *lines_of(there), tenant="other")
    [row] = asked(app, trips.totals, tenants=("default", "other"))
    assert row[-2:] == ranks([one[2] for one in here + there])


def test_days_whose_attempts_are_held_stay_exact_when_others_have_expired(app: Flask) -> None:
    record(app, *tried("02 10:00", "a", 1234), *tried("03 10:00", "b", 1234))
    expire(app, date(2026, 11, 3))
    rows = asked(app, trips.daily_attempts)
    assert rows[0][-1] == pytest.approx(1234, rel=0.05)
    assert rows[0][-1] != 1234
    assert rows[1][-1] == 1234
    with app.extensions["database"].read(("default",)) as session:
        assert inexact("day")(session, scope())
        assert not inexact("day")(session, scope(first=date(2026, 11, 3)))


def expire(app: Flask, before: date, tenant: str = "default") -> None:
    """Takes the attempts of the days before away, as retention does."""
    old = delete(TripAttempt).where(TripAttempt.day < before, TripAttempt.tenant_id == tenant)
    with app.extensions["database"].write() as connection:
        connection.execute(old)


def number_of_attempts(app: Flask, tenants: tuple[str, ...], **filters: str) -> tuple[int, int]:
    """The total that the list tells, and how many it has when nothing is cut off."""
    with app.extensions["database"].read(tenants) as session:
        asked_for = scope(tenants=tenants, filters=filters)
        told = attempts.attempts(session, replace(asked_for, limit=1))
        whole = attempts.attempts(session, replace(asked_for, limit=100_000))
    assert told.total == whole.total
    return told.total, len(whole.rows)


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"status": "failed"},
        {"status": "success", "version": "third"},
        {"status": "abandoned"},
        {"error_code": "TIMEOUT"},
        {"version": "compact_v2"},
        {"version": "nobody's"},
        {"q": "r1"},
    ],
)
def test_the_number_of_attempts_is_that_of_those_still_held(
    app: Flask, filters: dict[str, str]
) -> None:
    for tenant, seed in (("default", 8), ("other", 9), ("gone", 10)):
        if tenant != "default":
            make_tenant(app, tenant)
        made = random_attempts(seed, ("01", "02", "03", "06", "09"), 40)
        record(app, *lines_of(made), *tried("05 10:00", "open", None), tenant=tenant)
    every = ("default", "other", "gone")
    for tenant, before in (("other", 3), ("gone", 30)):
        for tenants in (("default",), ("other",), ("gone",), every):
            told, listed = number_of_attempts(app, tenants, **filters)
            assert told == listed
        expire(app, date(2026, 11, before), tenant)
    assert number_of_attempts(app, ("gone",), **filters) == (0, 0)
    told, listed = number_of_attempts(app, every, **filters)
    assert told == listed
    assert told or "nobody's" in filters.values()


def test_values_that_fail_no_more_than_others_do_not_change_what_is_found() -> None:
    def exactly(bad: int, drawn: int, failed: int, finished: int) -> float:
        ways = [
            math.comb(failed, k) * math.comb(finished - failed, drawn - k)
            for k in range(bad, min(drawn, failed) + 1)
        ]
        return sum(ways) / math.comb(finished, drawn)

    failed, finished = 30, 200
    drawn = [(bad, 40) for bad in range(25)]
    exact = [exactly(*one, failed, finished) for one in drawn]
    quick = [twins._by_chance(*one, failed, finished) for one in drawn]
    for q, other in zip(twins.q_values(exact), twins.q_values(quick), strict=True):
        assert q == pytest.approx(other) if q <= twins.FALSE_DISCOVERIES else other > 0.05


def test_a_chance_too_small_to_be_told_is_none_at_once() -> None:
    began = time.process_time()
    assert twins._by_chance(600_000, 1_000_000, 1_000_000, 10_000_000) == 0.0
    assert time.process_time() - began < 0.05
