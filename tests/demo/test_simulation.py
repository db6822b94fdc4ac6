"""The simulation: what an operator is meant to find in the sample data is really in it."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tracker.catalog.calendar import Calendar
from tracker.catalog.links import parse_link
from tracker.catalog.parsing import Terms, parse
from tracker.demo.simulation import SAMPLE_TENANTS, simulate
from tracker.demo.simulation.business import BUSINESSES
from tracker.demo.simulation.trips import INCIDENT_ERROR, INCIDENT_MODE
from tracker.demo.simulation.vocabulary import FILLED_DEMAND, LANGUAGE_DEMAND, UNMET_DEMANDS

UNTIL = datetime(2026, 11, 20, 15, 20, 7, tzinfo=UTC)
Lines = list[tuple[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def lines() -> Lines:
    return list(simulate(seed=1, days=90, events=60_000, until=UNTIL))


@pytest.fixture(scope="module")
def full() -> Lines:
    """What `flask demo load` loads when nothing is said."""
    return list(simulate(seed=1, days=90, events=200_000, until=UNTIL))


def of_type(lines: Lines, *types: str) -> Iterator[dict[str, Any]]:
    return (line for _, line in lines if line.get("event_type") in types)


def occurred(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["occurred_at"])


def rate(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


def test_the_same_seed_gives_the_same_lines() -> None:
    once, again = (simulate(7, 10, 2_000, UNTIL) for _ in range(2))
    assert list(once) == list(again)


def test_another_seed_gives_other_lines() -> None:
    one, other = (list(islice(simulate(seed, 10, 2_000, UNTIL), 50)) for seed in (1, 2))
    assert one != other


def test_there_are_as_many_lines_as_asked_for_within_two_percent(full: Lines) -> None:
    assert len(full) == pytest.approx(200_000, rel=0.02)
    for days, events in ((30, 20_000), (7, 10_000)):
        assert sum(1 for _ in simulate(1, days, events, UNTIL)) == pytest.approx(events, rel=0.02)


@pytest.mark.parametrize("hour", [0, 6, 12, 23])
def test_the_size_does_not_depend_on_the_time_of_day_it_ends_at(hour: int) -> None:
    until = UNTIL.replace(hour=hour)
    assert sum(1 for _ in simulate(1, 14, 20_000, until)) == pytest.approx(20_000, rel=0.02)


def test_lines_are_in_time_order_and_end_at_the_end(lines: Lines) -> None:
    times = [occurred(line) for _, line in lines if "event_type" in line]
    assert times == sorted(times)
    assert UNTIL - timedelta(minutes=15) < times[-1] < UNTIL
    assert times[0].date() == (UNTIL - timedelta(days=89)).date()


def test_event_ids_are_distinct_ordered_version_7_uuids(lines: Lines) -> None:
    ids = [line["event_id"] for _, line in lines if "event_type" in line]
    assert len(set(ids)) == len(ids)
    assert [text[:13] for text in ids] == sorted(text[:13] for text in ids)
    assert {text[14] for text in ids} == {"7"}


def test_every_event_is_accepted_by_the_catalog(lines: Lines) -> None:
    terms = Terms(
        received_at=UNTIL,
        calendar=Calendar(ZoneInfo("UTC")),
        retention=timedelta(days=90),
        tenant_id="sample",
        source="import",
        with_key=True,
    )
    rows = [parse(line, terms) for _, line in lines if "event_type" in line]
    assert len(rows) > 59_000


def test_redaction_leaves_the_queries_alone(lines: Lines) -> None:
    queries = {line["payload"]["query_text"] for line in of_type(lines, "sage_query")}
    assert not [text for text in queries if "[" in text or "@" in text]


def test_link_lines_carry_valid_addresses_of_the_reserved_example_domain(lines: Lines) -> None:
    links = [line for _, line in lines if "event_type" not in line]
    assert len(links) > 200
    for line in links:
        assert parse_link(line, with_key=True).email == line["email"]
        assert line["email"].endswith("@example.org")


def test_a_session_is_linked_at_most_once(lines: Lines) -> None:
    links = Counter(line["session_id"] for _, line in lines if "event_type" not in line)
    assert set(links.values()) == {1}


def test_some_people_use_two_browsers(lines: Lines) -> None:
    links = Counter(line["email"] for _, line in lines if "event_type" not in line)
    assert max(links.values()) >= 2


def test_every_sample_tenant_has_events_and_no_other(lines: Lines) -> None:
    assert {tenant for tenant, _ in lines} == set(SAMPLE_TENANTS)


def test_traffic_grows_and_weekends_are_busier_on_the_marketplace(lines: Lines) -> None:
    days = Counter(
        occurred(line).date() for line in of_type(lines, "results_shown", "filter_change")
    )
    whole = sorted(days)[:-1]
    assert sum(days[day] for day in whole[-28:]) > 1.3 * sum(days[day] for day in whole[:28])
    weekend = [days[day] for day in whole if day.weekday() >= 5]
    working = [days[day] for day in whole if day.weekday() < 5]
    assert sum(weekend) / len(weekend) > 1.2 * sum(working) / len(working)


def test_evenings_are_busier_than_nights(lines: Lines) -> None:
    hours = Counter(occurred(line).hour for line in of_type(lines, "results_shown"))
    assert hours[20] > 5 * hours[3]


def test_filling_a_demand_halfway_lowers_the_zero_result_rate(lines: Lines) -> None:
    halfway = UNTIL - timedelta(days=89) + timedelta(days=89 * 0.55)
    before, after = [], []
    for line in of_type(lines, "sage_query"):
        (before if occurred(line) < halfway else after).append(line["payload"]["zero_results"])
    assert rate(before) - rate(after) > 0.03
    assert 0.08 < rate(after) < 0.2


def test_the_filled_demand_finds_the_newcomers_afterwards(lines: Lines) -> None:
    answers = [
        line["payload"]
        for line in of_type(lines, "sage_query")
        if line["payload"]["query_text"] == FILLED_DEMAND[0]
    ]
    assert answers[0]["zero_results"]
    assert answers[-1]["result_count"] == 3


def test_each_unmet_demand_has_people_asking_and_some_of_them_waiting(full: Lines) -> None:
    linked = {line["session_id"] for _, line in full if "event_type" not in line}
    for _, _, phrases in UNMET_DEMANDS:
        asked = {
            line["session_id"]
            for line in of_type(full, "sage_query")
            if line["payload"]["query_text"].lower().rstrip("?!") in phrases
        }
        assert len(asked) >= 30
        assert len(asked & linked) >= 10


def test_queries_have_a_long_tail_with_near_duplicates(lines: Lines) -> None:
    texts = Counter(line["payload"]["query_text"] for line in of_type(lines, "sage_query"))
    once = [text for text, number in texts.items() if number == 1]
    assert len(once) > 0.5 * len(texts)
    assert {"gorilla trekking", "gorilla trek", "Gorilla trekking", "gorilla trekking?"} <= set(
        texts
    )


def test_some_answers_are_thin_and_some_searches_are_reworded(lines: Lines) -> None:
    counts = Counter(line["payload"]["result_count"] for line in of_type(lines, "sage_query"))
    assert counts[1] + counts[2] > 300
    asked = Counter(line["session_id"] for line in of_type(lines, "sage_query"))
    assert sum(1 for number in asked.values() if number > 1) > 500


def test_clicks_fall_with_the_position(lines: Lines) -> None:
    shown: Counter[int] = Counter()
    for line in of_type(lines, "results_shown"):
        shown.update(range(1, len(line["payload"]["expert_ids"]) + 1))
    clicked = Counter(
        line["payload"]["position"]
        for line in of_type(lines, "card_click")
        if line["payload"]["context"] == "grid"
    )
    through = [clicked[rank] / shown[rank] for rank in (1, 4, 9)]
    assert through[0] > through[1] > through[2] > 0


def test_a_click_belongs_to_a_list_shown_before_in_its_session(lines: Lines) -> None:
    views: dict[str, tuple[str, list[str]]] = {}
    for line in of_type(lines, "results_shown", "sage_query", "card_click"):
        payload = line["payload"]
        if line["event_type"] != "card_click":
            views[payload["view_id"]] = (line["session_id"], payload["expert_ids"])
            continue
        session, experts = views[payload["view_id"]]
        assert session == line["session_id"]
        assert experts[payload["position"] - 1] == payload["expert_id"]


def test_exposure_and_appeal_differ_so_that_gems_and_the_over_exposed_exist(lines: Lines) -> None:
    shown: Counter[str] = Counter()
    clicked: Counter[str] = Counter()
    for line in of_type(lines, "results_shown", "card_click"):
        payload = line["payload"]
        if line["event_type"] == "results_shown":
            shown.update(payload["expert_ids"])
        elif payload["context"] == "grid":
            clicked[payload["expert_id"]] += 1
    assert 115 <= len(shown) <= 123
    through = {expert: clicked[expert] / number for expert, number in shown.most_common(80)}
    assert max(through.values()) > 8 * min(through.values())


def test_filters_show_gaps_in_supply(lines: Lines) -> None:
    sets: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for line in of_type(lines, "filter_change"):
        payload = line["payload"]
        sets[payload["filter"], str(payload["value"])].append(payload["result_count"] == 0)
    assert {name for name, _ in sets} == {"city", "tags", "rate", "language", "availability"}
    assert rate(sets["language", "korean"]) == 1.0
    assert rate(sets["language", "english"]) < 0.2
    assert "korean" in LANGUAGE_DEMAND


def test_the_rate_filter_is_a_range(lines: Lines) -> None:
    values = [
        line["payload"]["value"]
        for line in of_type(lines, "filter_change")
        if line["payload"]["filter"] == "rate"
    ]
    assert all(0 <= low < high for low, high in values)


def test_visitors_return_in_later_weeks(lines: Lines) -> None:
    weeks: dict[str, set[int]] = defaultdict(set)
    for line in of_type(lines, "results_shown", "sage_query"):
        weeks[line["session_id"]].add((UNTIL - occurred(line)).days // 7)
    share = sum(1 for seen in weeks.values() if len(seen) > 1) / len(weeks)
    assert 0.1 < share < 0.6


def test_the_three_events_of_an_attempt_share_a_request(lines: Lines) -> None:
    attempts: dict[str, list[str]] = defaultdict(list)
    for _, line in lines:
        if line.get("event_type", "").startswith("create_trip_") and "request_id" in line:
            attempts[line["request_id"]].append(line["event_type"])
    outcomes = Counter(tuple(sorted(types)) for types in attempts.values())
    assert set(outcomes) == {
        ("create_trip_attempted",),
        ("create_trip_attempted", "create_trip_failed"),
        ("create_trip_attempted", "create_trip_succeeded"),
    }
    assert outcomes["create_trip_attempted",] < 0.06 * len(attempts)


def test_trips_have_several_prompt_contracts_and_client_events(lines: Lines) -> None:
    versions = {
        line["payload"]["prompt_contract_version"]
        for line in of_type(lines, "create_trip_attempted")
    }
    assert versions == {"classic_v1", "classic_v2", "compact_v2"}
    assert len(list(of_type(lines, "create_trip__cta--generate"))) > 1_000


def test_some_attempts_belong_to_known_users(lines: Lines) -> None:
    attempts = list(of_type(lines, "create_trip_attempted"))
    assert 0 < sum("user_id" in line for line in attempts) < len(attempts)


def test_the_incident_is_recent_and_tied_to_one_input_value(lines: Lines) -> None:
    modes, failed = {}, set()
    for line in of_type(lines, "create_trip_attempted", "create_trip_failed"):
        if line["event_type"] == "create_trip_attempted":
            modes[line["request_id"]] = line["payload"]["input_snapshot"]["transport_mode"]
        elif line["payload"]["error_code"] == INCIDENT_ERROR:
            failed.add(line["request_id"])
            assert UNTIL - timedelta(hours=10) < occurred(line) < UNTIL - timedelta(hours=4)
    assert len(failed) > 60
    assert {modes[request] for request in failed} == {INCIDENT_MODE}


def test_the_incident_has_twenty_failures_in_most_quarters_of_an_hour(full: Lines) -> None:
    windows = Counter(
        line["occurred_at"][:14] + str(int(line["occurred_at"][14:16]) // 15)
        for line in of_type(full, "create_trip_failed")
        if line["payload"]["error_code"] == INCIDENT_ERROR
    )
    assert sum(number >= 20 for number in windows.values()) >= 6


def test_business_events_come_in_whole_conversations(lines: Lines) -> None:
    started = {line["payload"]["conversationId"] for line in of_type(lines, "conversation_started")}
    for line in of_type(lines, "message_sent", "escalation_triggered"):
        assert line["payload"]["conversationId"] in started


def test_an_ingestion_ends_after_it_began(lines: Lines) -> None:
    began: dict[str, datetime] = {}
    for line in of_type(lines, "ingest_started", "ingest_completed", "ingest_failed"):
        if line["event_type"] == "ingest_started":
            began[line["request_id"]] = occurred(line)
        else:
            assert occurred(line) > began.pop(line["request_id"])
    assert began


def test_one_tenant_is_in_trouble_at_the_end(lines: Lines) -> None:
    (troubled,) = (business.tenant for business in BUSINESSES if business.troubled)

    def failing(chosen: bool) -> float:
        outcomes = [
            line["event_type"] == "integration_failed"
            for tenant, line in lines
            if line.get("event_type", "").startswith("integration_")
            and (tenant == troubled) == chosen
            and occurred(line) > UNTIL - timedelta(days=14)
        ]
        return rate(outcomes)

    assert failing(True) > 5 * failing(False)


def test_one_tenant_left_and_one_joined_lately(lines: Lines) -> None:
    seen: dict[str, list[datetime]] = defaultdict(list)
    for tenant, line in lines:
        if "event_type" in line:
            seen[tenant].append(occurred(line))
    assert seen["sample-foxglove"][-1] < UNTIL - timedelta(days=25)
    assert seen["sample-nightowl"][0] > UNTIL - timedelta(days=30)
