"""tracker.js in a real browser, against a network that misbehaves as told."""

import gzip
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from .network import HANG_UP, LOSE_ANSWER, SCRIPT, STATIC, Answer, Network, http_date

pytestmark = pytest.mark.browser

UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
HOUR = 3_600_000


def track(page: Page, *names: str) -> None:
    """Calls trackEvent once for each name."""
    page.evaluate("names => names.forEach((name) => tracker.trackEvent(name))", list(names))


def types(network: Network) -> list[str]:
    """Types of the stored events."""
    return [event["event_type"] for event in network.stored.values()]


def warnings_of(page: Page) -> list[str]:
    warnings: list[str] = []
    page.on("console", lambda message: warnings.append(message.text))
    return warnings


def stop_clock(page: Page) -> None:
    """The time of pages to come passes only when the test says so."""
    page.clock.install(time=time.time())
    page.clock.pause_at(time.time() + 3600)


def posts_of(page: Page) -> Callable[[], int]:
    """Counts API requests the page has begun; exact, since a later round trip has been seen."""
    begun: list[str] = []
    page.on("request", lambda request: request.method == "POST" and begun.append(request.url))

    def count() -> int:
        page.evaluate("fetch('/static/tracker.js').then(() => {})")
        return len(begun)

    return count


def test_the_script_weighs_at_most_three_kilobytes() -> None:
    assert len(gzip.compress((STATIC / "tracker.js").read_bytes())) <= 3000


def test_an_event_arrives_with_everything_the_contract_asks_for(
    page: Page, network: Network
) -> None:
    page.goto(network.url)
    before = time.time_ns() // 1_000_000
    page.evaluate("tracker.trackEvent('card_click', { expert_id: 'e1', context: 'grid' })")
    network.wait_for(lambda: network.stored)
    (event,) = network.stored.values()
    assert set(event) == {"event_type", "event_id", "session_id", "occurred_at", "payload"}
    assert event["event_type"] == "card_click"
    assert event["payload"] == {"expert_id": "e1", "context": "grid"}
    assert UUID.match(event["session_id"])
    assert event["session_id"] == page.evaluate("localStorage.tcs_session_id")
    assert UUID.match(event["event_id"])
    assert event["event_id"][14] == "7"
    milliseconds = int(event["event_id"].replace("-", "")[:12], 16)
    assert before <= milliseconds <= time.time_ns() // 1_000_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["occurred_at"])
    assert network.requests[0].body["sent_at"] >= event["occurred_at"]


def test_another_origin_is_sent_to_without_preflight_and_without_cookies(
    page: Page, network: Network
) -> None:
    network.pages["/shop"] = SCRIPT.format(network.url, "")
    page.context.add_cookies([{"name": "login", "value": "secret", "url": network.url}])
    page.goto(f"http://shop.test:{network.port}/shop")
    track(page, "first")
    network.wait_for(lambda: network.stored)
    (request,) = network.requests
    assert request.path == "/api/events"
    assert request.headers["Content-Type"].startswith("text/plain")
    assert request.headers["Origin"] == f"http://shop.test:{network.port}"
    assert "Cookie" not in request.headers


def test_a_request_outlives_its_page_and_carries_no_cookie(page: Page, network: Network) -> None:
    page.context.add_cookies([{"name": "login", "value": "secret", "url": network.url}])
    page.goto(network.url)
    page.evaluate("const real = fetch; window.fetch = (url, init) => real(url, window.init = init)")
    track(page, "first")
    network.wait_for(lambda: network.stored)
    assert page.evaluate("window.init.keepalive")
    assert "Cookie" not in network.requests[0].headers


def test_the_endpoint_can_be_set_on_the_script_tag(page: Page, network: Network) -> None:
    network.pages["/shop"] = SCRIPT.format("", f' data-endpoint="{network.url}/behind/"')
    page.goto(f"{network.url}/shop")
    track(page, "first")
    network.wait_for(lambda: network.stored)
    assert network.requests[0].path == "/behind/api/events"


def test_the_module_sends_the_same_events(page: Page, network: Network) -> None:
    network.pages["/shop"] = (
        '<script type="module">import * as t from "/static/tracker.mjs"; window.t = t;</script>'
    )
    page.goto(f"{network.url}/shop")
    page.evaluate("t.trackEvent('from_module', { n: 1 })")
    network.wait_for(lambda: network.stored)
    assert types(network) == ["from_module"]


def test_a_module_in_a_bundle_is_told_its_endpoint(page: Page, network: Network) -> None:
    network.pages["/shop"] = (
        '<script type="module">import "/static/tracker.js";'
        "tracker.trackEvent('early'); window.ready = true;</script>"
    )
    page.goto(f"{network.url}/shop")
    page.wait_for_function("window.ready")
    page.evaluate("url => tracker.configure({ endpoint: url })", network.url)
    network.wait_for(lambda: network.stored)
    assert types(network) == ["early"]


def test_without_a_secure_origin_it_works_too(page: Page, network: Network) -> None:
    page.goto(f"http://shop.test:{network.port}/")
    assert page.evaluate("[crypto.randomUUID, navigator.locks]") == [None, None]
    track(page, "first")
    network.wait_for(lambda: network.stored)
    (event,) = network.stored.values()
    assert UUID.match(event["session_id"])
    assert UUID.match(event["event_id"])


def test_a_call_returns_nothing_while_the_service_does_not_answer(
    page: Page, network: Network
) -> None:
    network.open.clear()
    page.goto(network.url)
    assert page.evaluate("[tracker.trackEvent('first'), tracker.linkEmail('a@b.c')]") == [None] * 2
    network.wait_for(lambda: network.requests)
    assert page.evaluate("tracker.trackEvent('second'); 'the page goes on'") == "the page goes on"
    assert not network.stored
    network.open.set()
    network.wait_for(lambda: len(network.stored) == 2)


@pytest.mark.parametrize(
    "payload",
    ["(() => { const a = {}; a.a = a; return a; })()", "{ n: 1n }", "() => 1", "Symbol('s')"],
)
def test_a_payload_that_is_no_json_never_throws(page: Page, network: Network, payload: str) -> None:
    warnings = warnings_of(page)
    page.goto(network.url)
    assert page.evaluate(f"tracker.trackEvent('broken', {payload}); 'fine'") == "fine"
    track(page, "sound")
    network.wait_for(lambda: network.stored)
    assert types(network) == ["sound"]
    assert len(warnings) == 1
    assert warnings[0].startswith("tracker:")


def test_half_a_character_is_sent_as_the_sign_for_one_that_is_lost(
    page: Page, network: Network
) -> None:
    page.goto(network.url)
    page.evaluate(
        "const cut = '🏖'.slice(0, 1);"
        "tracker.trackEvent('cut', { text: 'holiday ' + cut, list: [cut, '🏖', null] });"
        "tracker.trackEvent('spelled', { text: String.raw`\\ud83c` });"
    )
    network.wait_for(lambda: len(network.stored) == 2)
    cut, spelled = (event["payload"] for event in network.stored.values())
    assert ascii(cut) == ascii({"text": "holiday \ufffd", "list": ["\ufffd", "🏖", None]})
    assert spelled == {"text": "\\ud83c"}


def test_a_payload_over_8_kib_is_warned_about_and_not_sent(page: Page, network: Network) -> None:
    warnings = warnings_of(page)
    page.goto(network.url)
    page.evaluate("tracker.trackEvent('huge', { text: 'é'.repeat(4100) })")
    page.evaluate("tracker.trackEvent('large', { text: 'e'.repeat(8100) })")
    network.wait_for(lambda: network.stored)
    assert types(network) == ["large"]
    assert warnings == ["tracker: huge is over 8 KiB"]


def test_what_no_request_can_carry_holds_up_nothing(page: Page, network: Network) -> None:
    warnings = warnings_of(page)
    page.goto(network.url)
    page.evaluate("tracker.trackEvent('t'.repeat(70_000)); tracker.linkEmail('e'.repeat(70_000))")
    track(page, "next")
    network.wait_for(lambda: network.stored)
    assert [request.path for request in network.requests] == ["/api/events"]
    assert warnings == ["tracker: too long"] * 2


def test_offline_then_a_new_page_then_online_loses_nothing(
    context: BrowserContext, network: Network
) -> None:
    page = context.new_page()
    page.goto(network.url)
    context.set_offline(True)
    track(page, "one", "two")
    page.evaluate("tracker.linkEmail('ada@example.com')")
    page.close()
    context.set_offline(False)
    page = context.new_page()
    page.goto(network.url)
    track(page, "three")
    network.wait_for(lambda: len(network.stored) == 3 and network.links)
    assert sorted(types(network)) == ["one", "three", "two"]
    assert len({event["session_id"] for event in network.stored.values()}) == 1
    assert network.links[0]["email"] == "ada@example.com"


def test_coming_back_online_sends_at_once(page: Page, network: Network) -> None:
    network.down = True
    stop_clock(page)
    page.goto(network.url)
    with page.expect_event("requestfailed"):
        track(page, "offline")
        page.clock.run_for(10)
    network.down = False
    page.evaluate("dispatchEvent(new Event('online'))")
    page.clock.run_for(10)  # far less than the pause after a failure
    network.wait_for(lambda: network.stored)
    assert types(network) == ["offline"]


def test_a_reload_while_the_service_is_away_loses_nothing_and_repeats_nothing(
    page: Page, network: Network
) -> None:
    network.down = True
    page.clock.install()
    page.goto(network.url)
    track(page, "one", "two")
    network.wait_for(lambda: network.requests)
    page.reload()
    track(page, "three")
    network.wait_for(lambda: len(network.requests) >= 2)
    network.down = False
    page.clock.fast_forward(HOUR)
    network.wait_for(lambda: len(network.stored) == 3)
    assert network.duplicates == 0


def test_an_answer_that_gets_lost_is_made_good_by_the_event_id(
    page: Page, network: Network
) -> None:
    network.script = [LOSE_ANSWER]
    page.clock.install()
    page.goto(network.url)
    track(page, "one")
    network.wait_for(lambda: network.stored)
    page.clock.fast_forward(HOUR)
    network.wait_for(lambda: network.duplicates == 1)
    assert types(network) == ["one"]
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.startsWith('tcs_queue'))")


def test_pauses_grow_while_the_service_stays_away(page: Page, network: Network) -> None:
    network.down = True
    stop_clock(page)
    page.goto(network.url)
    posts = posts_of(page)
    track(page, "one")
    with page.expect_event("requestfailed"):
        page.clock.run_for(10)
    for number, pause in enumerate((1000, 2000, 4000), start=1):
        page.clock.run_for(pause - 20)
        assert posts() == number
        for _ in range(40):
            if posts() > number:
                break
            page.clock.run_for(pause / 20)
        assert posts() == number + 1
        network.wait_for(lambda sent=number + 1: len(network.requests) == sent)


@pytest.mark.parametrize(("status", "as_date"), [(429, False), (500, False), (503, True)])
def test_a_told_pause_is_kept_and_then_the_event_arrives(
    page: Page, network: Network, status: int, as_date: bool
) -> None:
    told = http_date(time.time() + 300) if as_date else "300"
    network.script = [Answer(status, {"error": {}}, {"Retry-After": told})]
    page.clock.install()
    page.goto(network.url)
    posts = posts_of(page)
    with page.expect_event("requestfinished"):
        track(page, "one")
    page.wait_for_function("localStorage.tcs_wait")
    page.clock.fast_forward(200_000)
    track(page, "two")
    page.reload()
    assert posts() == 1
    page.clock.fast_forward(400_000)
    network.wait_for(lambda: len(network.stored) == 2)


@pytest.mark.parametrize("status", [400, 403, 415, 422])
def test_a_refusal_is_not_repeated_but_said_in_words(
    page: Page, network: Network, status: int
) -> None:
    fields = [{"path": "payload.context", "message": "must be one of grid, sage_panel"}]
    rejected = [{"index": 0, "code": "invalid_event", "fields": fields}]
    body: dict[str, Any] = {"error": {"code": "c", "message": "Every event was refused."}}
    network.script = [Answer(status, body | ({"rejected": rejected} if status == 422 else {}))]
    warnings = warnings_of(page)
    page.clock.install()
    page.goto(network.url)
    with page.expect_console_message(lambda message: "refused" in message.text):
        track(page, "wrong")
    page.clock.fast_forward(HOUR)
    track(page, "right")
    network.wait_for(lambda: network.stored)
    assert types(network) == ["right"]
    assert len(network.requests) == 2
    refusal = next(text for text in warnings if "refused" in text)
    assert "wrong" in refusal
    assert ("must be one of grid" if status == 422 else "Every event was refused") in refusal


def test_of_a_batch_only_what_was_rejected_is_warned_about(page: Page, network: Network) -> None:
    fields = [{"path": "event_type", "message": "is not in the catalog"}]
    rejected = [{"index": 1, "code": "unknown_event_type", "fields": fields}]
    network.script = [Answer(202, {"accepted": 1, "duplicates": 0, "rejected": rejected})]
    page.clock.install()
    page.goto(network.url)
    with page.expect_console_message(lambda message: "refused" in message.text) as message:
        track(page, "known", "unheard_of")
    assert "unheard_of" in message.value.text
    assert "is not in the catalog" in message.value.text
    page.clock.fast_forward(HOUR)
    track(page, "later")
    network.wait_for(lambda: len(network.requests) == 2)
    assert [event["event_type"] for event in network.requests[1].events] == ["later"]


def test_a_success_that_is_not_the_service_speaking_keeps_the_events(
    page: Page, network: Network
) -> None:
    page.clock.install()
    page.goto(network.url)
    page.route("**/api/events", lambda route: route.fulfill(body="<h1>Log in to wifi</h1>"))
    with page.expect_event("requestfinished"):
        track(page, "one")
    assert network.requests == []
    page.unroute("**/api/events")
    page.clock.fast_forward(HOUR)
    network.wait_for(lambda: network.stored)
    assert types(network) == ["one"]


def test_a_batch_that_is_too_large_is_split(page: Page, network: Network) -> None:
    network.script = [Answer(413, {"error": {"code": "too_large"}})] * 2
    page.goto(network.url)
    track(page, "one", "two", "three", "four")
    network.wait_for(lambda: len(network.stored) == 4)
    assert [len(request.events) for request in network.requests] == [4, 2, 1, 1, 1, 1]


def test_the_queue_is_bounded_and_batches_stay_below_the_keepalive_limit(
    page: Page, network: Network
) -> None:
    network.script = [HANG_UP]
    page.clock.install()
    page.goto(network.url)
    with page.expect_event("requestfailed"):
        page.evaluate(
            "for (let n = 0; n < 1100; n++) tracker.trackEvent('e', { n, s: '\\u00e9'.repeat(99) })"
        )
    page.clock.fast_forward(HOUR)
    network.wait_for(lambda: len(network.stored) == 1000)
    assert {event["payload"]["n"] for event in network.stored.values()} >= set(range(110, 1100))
    for request in network.requests:
        assert len(request.events) <= 500
        assert len(request.text.encode()) < 60_200


def test_navigating_away_in_the_same_breath_loses_nothing(page: Page, network: Network) -> None:
    network.pages["/next"] = SCRIPT.format("", "")
    page.goto(network.url)
    page.evaluate("tracker.trackEvent('clicked'); location.href = '/next'")
    page.wait_for_url("**/next")
    network.wait_for(lambda: network.stored)
    track(page, "arrived")
    network.wait_for(lambda: len(network.stored) == 2)
    assert sorted(types(network)) == ["arrived", "clicked"]


def test_a_page_hidden_in_mid_flight_neither_loses_nor_doubles(
    page: Page, network: Network
) -> None:
    network.open.clear()
    network.pages["/next"] = SCRIPT.format("", "")
    page.goto(network.url)
    track(page, "in_flight")
    network.wait_for(lambda: network.requests)
    page.evaluate("tracker.trackEvent('waiting'); tracker.trackFilter('city', 'Lisbon', 3)")
    page.evaluate("location.href = '/next'")
    page.wait_for_url("**/next")
    network.open.set()
    network.wait_for(lambda: len(network.stored) == 3)
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.startsWith('tcs_queue'))")
    assert sorted(types(network)) == ["filter_change", "in_flight", "waiting"]


def test_a_beacon_the_browser_refuses_stays_queued(page: Page, network: Network) -> None:
    network.pages["/next"] = SCRIPT.format("", "")
    page.goto(network.url)
    page.evaluate(
        "navigator.sendBeacon = () => false;"
        "window.fetch = () => new Promise(() => {});"
        "tracker.trackEvent('clicked'); location.href = '/next'"
    )
    page.wait_for_url("**/next")
    network.wait_for(lambda: network.stored)
    assert types(network) == ["clicked"]


def test_a_filter_sent_when_the_page_hides_is_not_sent_again_by_its_timer(
    page: Page, network: Network
) -> None:
    stop_clock(page)
    page.goto(network.url)
    page.evaluate("tracker.trackFilter('city', 'Lisbon', 3); dispatchEvent(new Event('pagehide'))")
    network.wait_for(lambda: network.stored)
    page.evaluate("dispatchEvent(new Event('online'))")
    page.clock.run_for(10)
    network.wait_for(lambda: network.duplicates == 1)  # the answer that confirms the beacon
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.startsWith('tcs_queue'))")
    page.clock.run_for(2000)
    track(page, "later")
    page.clock.run_for(10)
    network.wait_for(lambda: "later" in types(network))
    assert [len(request.events) for request in network.requests] == [1, 1, 1]


def test_what_a_beacon_took_is_confirmed_by_the_next_page(page: Page, network: Network) -> None:
    network.script = [Answer(503)]
    network.pages["/next"] = SCRIPT.format("", "")
    page.goto(network.url)
    page.evaluate(
        "window.fetch = () => new Promise(() => {});"
        "tracker.trackEvent('clicked'); location.href = '/next'"
    )
    page.wait_for_url("**/next")
    network.wait_for(lambda: network.stored)
    assert types(network) == ["clicked"]
    assert len(network.requests) == 2


def test_a_hidden_tab_hands_over_and_has_it_confirmed_when_it_is_seen_again(
    page: Page, network: Network
) -> None:
    page.goto(network.url)
    page.evaluate(
        "window.see = (seen) => {"
        "  Object.defineProperty(document, 'hidden', { value: !seen, configurable: true });"
        "  document.dispatchEvent(new Event('visibilitychange'));"
        "}"
    )
    page.evaluate("tracker.trackEvent('one'); see(false); see(false)")
    network.wait_for(lambda: network.stored)
    assert network.requests[0].headers["Content-Type"].startswith("text/plain")
    page.evaluate("see(true)")
    network.wait_for(lambda: network.duplicates == 1)
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.startsWith('tcs_queue'))")
    assert len(network.requests) == 2


def test_no_beacon_disturbs_a_service_that_asked_for_a_pause(page: Page, network: Network) -> None:
    network.script = [Answer(503, {}, {"Retry-After": "600"})]
    network.pages["/next"] = SCRIPT.format("", "")
    page.clock.install()
    page.goto(network.url)
    track(page, "one")
    page.wait_for_function("localStorage.tcs_wait")
    page.evaluate("tracker.trackEvent('two'); location.href = '/next'")
    page.wait_for_url("**/next")
    page.clock.fast_forward(HOUR)
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.startsWith('tcs_queue'))")
    assert sorted(types(network)) == ["one", "two"]
    assert len(network.requests) == 2


def test_of_two_tabs_every_event_is_stored_once(context: BrowserContext, network: Network) -> None:
    network.open.clear()
    tabs = [context.new_page(), context.new_page()]
    for number, tab in enumerate(tabs):
        tab.goto(network.url)
        track(tab, *(f"tab{number}_{n}" for n in range(20)))
    network.wait_for(lambda: network.requests)
    network.open.set()
    # a tab that is hidden meanwhile sends a beacon too, which the event ids make harmless
    network.wait_for(lambda: len(network.stored) == 40)
    assert len({event["session_id"] for event in network.stored.values()}) == 1


def test_a_second_tab_sends_what_a_closed_one_left(
    context: BrowserContext, network: Network
) -> None:
    network.down = True
    first, second = context.new_page(), context.new_page()
    stop_clock(first)  # of both; a first that waits after its failure sends nothing when it closes
    for tab in (first, second):
        tab.goto(network.url)
    with first.expect_event("requestfailed"), second.expect_event("requestfailed"):
        track(first, "left_behind")  # which each tries to send
        first.clock.run_for(10)
    first.close()
    network.down = False
    track(second, "mine")
    second.clock.run_for(2000)
    network.wait_for(lambda: len(network.stored) == 2)
    assert sorted(types(network)) == ["left_behind", "mine"]
    assert network.duplicates == 0


def test_with_storage_blocked_events_still_arrive(page: Page, network: Network) -> None:
    network.pages["/framed"] = '<iframe sandbox="allow-scripts" src="/" name="shop"></iframe>'
    page.goto(f"{network.url}/framed")
    frame = page.frame(name="shop")
    assert frame is not None
    frame.wait_for_function("window.tracker")
    blocked = "try { localStorage; 'open' } catch (error) { error.name }"
    assert frame.evaluate(blocked) == "SecurityError"
    frame.evaluate("tracker.trackEvent('one'); tracker.trackEvent('two')")
    network.wait_for(lambda: len(network.stored) == 2)
    frame.evaluate("tracker.trackEvent('three')")
    network.wait_for(lambda: len(network.stored) == 3)
    assert len({event["session_id"] for event in network.stored.values()}) == 1
    assert network.duplicates == 0


FILL_STORAGE = (
    "for (let size = 2 ** 22, n = 0; size; size >>= 1)"
    "  try { localStorage['x' + n++] = 'x'.repeat(size) } catch {}"
)


def test_with_storage_full_events_still_arrive(page: Page, network: Network) -> None:
    page.goto(network.url)
    page.evaluate(FILL_STORAGE)
    track(page, "one", "two")
    network.wait_for(lambda: len(network.stored) == 2)
    assert len({event["session_id"] for event in network.stored.values()}) == 1


def test_a_logout_lasts_although_storage_is_full(page: Page, network: Network) -> None:
    page.goto(network.url)
    track(page, "before")
    network.wait_for(lambda: network.stored)
    page.evaluate(FILL_STORAGE)
    track(page, "full")
    network.wait_for(lambda: len(network.stored) == 2)
    page.evaluate("tracker.resetSession()")
    page.goto(network.url)
    track(page, "after")
    network.wait_for(lambda: len(network.stored) == 3)
    before, full, after = (event["session_id"] for event in network.stored.values())
    assert before == full != after


def test_what_is_stored_is_not_sent_again_although_storage_is_full(
    page: Page, network: Network
) -> None:
    network.down = True
    page.clock.install()
    page.goto(network.url)
    with page.expect_event("requestfailed"):
        track(page, "kept")
    page.evaluate(FILL_STORAGE)
    track(page, "full")
    network.down = False
    page.clock.fast_forward(HOUR)
    network.wait_for(lambda: len(network.stored) == 2)
    page.wait_for_function("!Object.keys(localStorage).some((key) => key.startsWith('tcs_queue'))")
    assert network.duplicates == 0


@pytest.mark.parametrize("signal", ["globalPrivacyControl: true", "doNotTrack: '1'"])
def test_under_a_privacy_signal_nothing_is_sent_and_nothing_stored(
    page: Page, network: Network, signal: str
) -> None:
    network.pages["/untracked"] = "<title>Shop</title>"
    page.goto(f"{network.url}/untracked")
    page.evaluate("localStorage.tcs_queue_left = '{}'; localStorage.tcs_session_id = 'x'")
    signals = f"for (const [name, value] of Object.entries({{ {signal} }})) "
    page.add_init_script(
        signals + "Object.defineProperty(Navigator.prototype, name, { get: () => value })"
    )
    page.clock.install()
    page.goto(network.url)
    posts = posts_of(page)
    track(page, "one")
    page.evaluate(
        "tracker.linkEmail('a@b.c'); tracker.trackFilter('city', 'Lisbon', 3);"
        "tracker.trackCardClick('e1', 'grid'); tracker.trackResults('grid', ['e1']);"
        "tracker.trackSage('q', Promise.resolve({ function_called: 'search_experts' }))"
    )
    page.clock.fast_forward(HOUR)
    assert posts() == 0
    assert page.evaluate("({ ...localStorage })") == {}
    page.evaluate("localStorage.tcs_queue_left = '{}'")
    page.goto(network.url)
    page.clock.fast_forward(HOUR)
    assert posts() == 0
    assert page.evaluate("({ ...localStorage })") == {}
    assert network.requests == []


def test_privacy_signals_can_be_ignored_by_the_site(page: Page, network: Network) -> None:
    network.pages["/shop"] = SCRIPT.format("", ' data-privacy-signals="ignore"')
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    page.goto(f"{network.url}/shop")
    track(page, "consented")
    network.wait_for(lambda: network.stored)
    assert types(network) == ["consented"]


def test_a_filter_is_sent_once_it_rests_for_a_second(page: Page, network: Network) -> None:
    stop_clock(page)
    page.goto(network.url)
    posts = posts_of(page)
    page.evaluate("tracker.trackFilter('rate', [10, 90], 50)")
    page.clock.run_for(900)
    page.evaluate("const set = [20, 80]; tracker.trackFilter('rate', set, 40); set[0] = 0")
    page.evaluate("tracker.trackFilter('language', 'Portuguese', 7)")
    page.clock.run_for(900)
    assert posts() == 0
    page.clock.run_for(200)
    network.wait_for(lambda: len(network.stored) == 2)
    assert [event["payload"] for event in network.stored.values()] == [
        {"filter": "rate", "value": [20, 80], "result_count": 40},
        {"filter": "language", "value": "Portuguese", "result_count": 7},
    ]


@pytest.mark.parametrize("cleared", ["null", "undefined", "''", "[]", "[null, null]"])
def test_clearing_a_filter_is_silent_and_cancels_its_pending_set(
    page: Page, network: Network, cleared: str
) -> None:
    stop_clock(page)
    page.goto(network.url)
    page.evaluate("tracker.trackFilter('city', 'Lisbon', 3); tracker.trackFilter('kept', 0, 1)")
    page.evaluate(f"tracker.trackFilter('city', {cleared}, 60)")
    page.clock.run_for(2000)
    network.wait_for(lambda: network.stored)
    track(page, "later")
    page.clock.run_for(10)
    network.wait_for(lambda: "later" in types(network))
    assert types(network) == ["filter_change", "later"]


def test_a_sage_query_is_sent_after_the_answer_and_never_before(
    page: Page, network: Network
) -> None:
    page.clock.install()
    page.goto(network.url)
    posts = posts_of(page)
    view_id = page.evaluate(
        "tracker.trackSage('divers', new Promise((resolve) => { window.answer = resolve; }))"
    )
    page.clock.fast_forward(HOUR)
    assert posts() == 0
    page.evaluate(
        "answer({ function_called: 'search_experts', result_count: 2, expert_ids: ['b', 'a'] })"
    )
    network.wait_for(lambda: network.stored)
    (event,) = network.stored.values()
    assert event["event_type"] == "sage_query"
    assert event["payload"] == {
        "query_text": "divers",
        "function_called": "search_experts",
        "result_count": 2,
        "expert_ids": ["b", "a"],
        "view_id": view_id,
    }


def test_an_answer_that_never_came_is_no_sage_query(page: Page, network: Network) -> None:
    errors: list[object] = []
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(network.url)
    page.evaluate(
        "const failed = Promise.reject(Error('503')); failed.catch(() => {});"
        "tracker.trackSage('divers', failed); 0"
    )
    track(page, "later")
    network.wait_for(lambda: network.stored)
    assert types(network) == ["later"]
    assert errors == []


def test_clicks_and_results_carry_their_view(page: Page, network: Network) -> None:
    page.goto(network.url)
    view_id = page.evaluate(
        "const view_id = tracker.trackResults('grid', ['a', 'b'], { filters: { city: 'Lisbon' } });"
        "tracker.trackCardClick('b', 'grid', { position: 2, view_id }); view_id"
    )
    network.wait_for(lambda: len(network.stored) == 2)
    shown, click = (event["payload"] for event in network.stored.values())
    assert UUID.match(view_id)
    assert shown == {
        "view_id": view_id,
        "context": "grid",
        "expert_ids": ["a", "b"],
        "filters": {"city": "Lisbon"},
    }
    assert click == {"expert_id": "b", "context": "grid", "position": 2, "view_id": view_id}


def test_a_link_is_retried_like_an_event(page: Page, network: Network) -> None:
    network.script = [Answer(503)]
    page.clock.install()
    page.goto(network.url)
    page.evaluate("tracker.linkEmail('ada@example.com')")
    page.wait_for_function("localStorage.tcs_wait")
    page.clock.fast_forward(HOUR)
    network.wait_for(lambda: network.links)
    session = page.evaluate("localStorage.tcs_session_id")
    assert network.links == [{"session_id": session, "email": "ada@example.com"}]
    assert {request.path for request in network.requests} == {"/api/sessions/link"}


def test_a_link_to_another_email_is_dropped_with_a_warning(page: Page, network: Network) -> None:
    error = {"code": "already_linked", "message": "This session has another e-mail."}
    network.script = [Answer(409, {"error": error})]
    page.clock.install()
    page.goto(network.url)
    with page.expect_console_message(lambda message: "already_linked" in message.text):
        page.evaluate("tracker.linkEmail('eve@example.com')")
    page.clock.fast_forward(HOUR)
    track(page, "later")
    network.wait_for(lambda: network.stored)
    assert len(network.requests) == 2


def test_a_logout_starts_another_session(page: Page, network: Network) -> None:
    page.goto(network.url)
    track(page, "before")
    page.evaluate("tracker.resetSession()")
    assert page.evaluate("localStorage.tcs_session_id") is None
    track(page, "after")
    network.wait_for(lambda: len(network.stored) == 2)
    before, after = (event["session_id"] for event in network.stored.values())
    assert before != after
    assert after == page.evaluate("localStorage.tcs_session_id")
