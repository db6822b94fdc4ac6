"""The demo marketplace on the real service: what visitors do is what the database then holds."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.browser.conftest import Held
from tests.conftest import dispose, make_app, make_tenant
from tracker.demo.experts import experts, find
from tracker.model import Event

pytestmark = pytest.mark.browser

Events = Callable[..., list[dict[str, Any]]]
HOUR = 3_600_000


class Quietly(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def service(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Flask, str]]:
    """The app on a database of its own, served with threads."""
    path = tmp_path_factory.mktemp("marketplace") / "tracker.db"
    shutil.copy(sqlite_template, path)
    app = make_app(f"sqlite:///{path}", {"TRACKER_RATE_LIMIT": "100000/minute"})
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quietly)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield app, f"http://127.0.0.1:{server.server_port}/demo"
    server.shutdown()
    server.server_close()
    thread.join()
    dispose(app)


@pytest.fixture
def shop(service: tuple[Flask, str], page: Page) -> str:
    """The marketplace's address. The page's clock can be put forward."""
    page.clock.install()
    return service[1]


@pytest.fixture
def events(service: tuple[Flask, str], page: Page) -> Events:
    """The events of this visitor as stored, oldest first, once the tracker's queue is empty."""
    database = service[0].extensions["database"]

    def stored(event_type: str | None = None, page: Page = page) -> list[dict[str, Any]]:
        wait_until(page, "!QUEUED")
        session_id = page.evaluate("localStorage.tcs_session_id")
        query = select(Event).where(Event.session_id == session_id).order_by(Event.id)
        with database.read(None) as session:
            rows = session.scalars(query).all()
            return [
                {"type": row.event_type, "email": row.email, "bot": row.is_bot, **row.payload}
                for row in rows
                if event_type in (None, row.event_type)
            ]

    return stored


def wait_until(page: Page, condition: str) -> None:
    """`wait_for_function` would need the `unsafe-eval` that the page's policy refuses."""
    queued = "Object.keys(localStorage).some((key) => key.startsWith('tcs_queue_'))"
    page.evaluate(
        f"""async () => {{
          for (let frame = 0; !({condition.replace("QUEUED", queued)}); frame++) {{
            if (frame > 3600) throw Error({condition!r} + " never came");
            await new Promise(requestAnimationFrame);
          }}
        }}"""
    )


def rest(page: Page) -> None:
    """Lets filters and lists come to rest."""
    page.clock.fast_forward(1500)


def at_once(page: Page, *selectors: str) -> None:
    """Clicks one after another without a pause in which lists could come to rest."""
    click = "selectors => selectors.forEach((it) => document.querySelector(it).click())"
    page.evaluate(click, list(selectors))


def shown(page: Page) -> list[str]:
    """Ids of the visible cards."""
    ids: list[str] = page.eval_on_selector_all(
        "[data-grid] > li:not([hidden])", "cards => cards.map((card) => card.dataset.expert)"
    )
    return ids


def test_the_grid_reports_the_list_it_shows(page: Page, shop: str, events: Events) -> None:
    page.goto(shop)
    rest(page)
    (view,) = events()
    assert view["type"] == "results_shown"
    assert view["context"] == "grid"
    assert view["expert_ids"] == shown(page) == [expert.id for expert in experts()]
    assert view["result_count"] == len(experts()) >= 60
    assert view["filters"] == {}
    assert not view["bot"]


def test_a_click_on_a_card_says_where_it_was_and_under_which_filters(
    page: Page, shop: str, events: Events
) -> None:
    page.goto(shop)
    page.select_option("[name=city]", "Porto")
    page.locator("label", has_text="wine").locator("input").check(force=True)
    rest(page)
    page.locator("[data-grid] > li:visible").nth(1).click()
    page.wait_for_url("**/experts/*")
    (click,) = events("card_click")
    (view,) = (e for e in events("results_shown") if e["view_id"] == click["view_id"])
    assert click["expert_id"] == view["expert_ids"][1] == page.url.rsplit("/", 1)[1]
    assert click["context"] == "grid"
    assert click["position"] == 2
    assert click["filters"] == view["filters"] == {"city": "Porto", "tags": ["wine"]}


def test_a_click_never_waits_for_the_service(page: Page, shop: str, events: Events) -> None:
    posts = Held(page, "**/api/events")
    page.goto(shop)
    page.locator("[data-expert=haruka-mori]").click()
    page.wait_for_url("**/experts/haruka-mori")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tea, incense and shut gates")
    posts.first()
    wait_until(page, "QUEUED")
    page.unroute_all(behavior="ignoreErrors")
    page.reload()
    page.clock.fast_forward(HOUR)
    assert [event["expert_id"] for event in events("card_click")] == ["haruka-mori"]


def test_every_filter_narrows_the_grid_and_reports_its_value_and_count(
    page: Page, shop: str, events: Events
) -> None:
    page.goto(shop)
    page.fill("[name=search]", "wine")
    rest(page)
    by_search = len(shown(page))
    page.select_option("[name=city]", "Barcelona")
    rest(page)
    by_city = len(shown(page))
    page.fill("[name=search]", "")
    page.select_option("[name=city]", "")
    page.select_option("[name=language]", "German")
    rest(page)
    by_language = len(shown(page))
    at_once(page, "[name=tags][value=wine]", "[name=tags][value=cycling]")
    rest(page)
    assert set(shown(page)) == {
        expert.id
        for expert in experts()
        if "German" in expert.languages and {"wine", "cycling"} <= set(expert.tags)
    }
    changes = [(e["filter"], e["value"], e["result_count"]) for e in events("filter_change")]
    assert changes == [
        ("search", "wine", by_search),
        ("city", "Barcelona", by_city),
        ("language", "German", by_language),
        ("tags", ["cycling", "wine"], len(shown(page))),
    ]
    assert len(experts()) > by_search > by_city > 0


def test_the_slider_reports_once_and_only_on_release(page: Page, shop: str, events: Events) -> None:
    page.goto(shop)
    rest(page)
    box = page.locator("[name=high]").bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 11, y)
    page.mouse.down()
    for share in (0.8, 0.6, 0.5):
        page.mouse.move(box["x"] + box["width"] * share, y)
        rest(page)
    assert 0 < len(shown(page)) < len(experts())
    assert events("filter_change") == []
    page.mouse.up()
    rest(page)
    (change,) = events("filter_change")
    low, high = change["value"]
    assert change["filter"] == "rate"
    assert low == 20
    assert 90 <= high <= 110
    assert change["result_count"] == len(shown(page))
    assert set(shown(page)) == {expert.id for expert in experts() if expert.rate <= high}


def test_clearing_filters_shows_everyone_and_reports_nothing(
    page: Page, shop: str, events: Events
) -> None:
    page.goto(shop)
    rest(page)
    at_once(page, "[name=tags][value=wine]", "[data-clear]")
    rest(page)
    assert len(shown(page)) == len(experts())
    assert [(e["type"], e["filters"]) for e in events()] == [("results_shown", {})] * 2


def test_who_comes_back_finds_the_list_that_the_filters_say(
    page: Page, shop: str, events: Events
) -> None:
    page.goto(shop)
    page.select_option("[name=city]", "Lisbon")
    page.locator("[name=high]").evaluate(
        """handle => {
          handle.value = 100;
          for (const type of ["input", "change"])
            handle.dispatchEvent(new Event(type, { bubbles: true }));
        }"""
    )
    rest(page)
    found = shown(page)
    page.locator("[data-grid] > li:visible").first.click()
    page.wait_for_url("**/experts/*")
    page.go_back()
    rest(page)
    set_to = page.input_value("[name=city]"), page.input_value("[name=high]")
    assert set_to == ("Lisbon", "100")
    assert shown(page) == found == [e.id for e in experts() if e.city == "Lisbon" and e.rate <= 100]
    view = events("results_shown")[-1]
    assert (view["expert_ids"], view["filters"]) == (found, {"city": "Lisbon", "rate": [20, 100]})


def test_sage_is_reported_after_its_answer_and_never_before(
    page: Page, shop: str, events: Events
) -> None:
    page.goto(shop)
    answers = Held(page, "**/demo/sage*")
    page.fill("#sage-query", "experts in Lisbon under $100")
    page.keyboard.press("Enter")
    expect(page.locator(".waiting")).to_be_visible()
    page.clock.fast_forward(HOUR)
    assert events("sage_query") == []
    answers.first().continue_()
    expect(page.locator(".finds li")).to_have_count(5)
    (query,) = events("sage_query")
    fitting = [e.id for e in experts() if e.city == "Lisbon" and e.rate <= 100]
    assert query["query_text"] == "experts in Lisbon under $100"
    assert query["function_called"] == "apply_filters"
    assert query["result_count"] == len(fitting)
    assert query["expert_ids"] == fitting[:5]
    assert query["zero_results"] is False
    assert shown(page) == fitting
    assert events("filter_change") == []


def test_a_failed_answer_is_an_apology_and_no_event(page: Page, shop: str, events: Events) -> None:
    page.goto(shop)
    page.route("**/demo/sage*", lambda route: route.fulfill(status=500))
    page.fill("#sage-query", "puffins")
    page.keyboard.press("Enter")
    expect(page.locator(".said").last).to_contain_text("could not reach")
    page.clock.fast_forward(HOUR)
    assert events("sage_query") == []


def test_blanks_are_no_question(page: Page, shop: str) -> None:
    page.goto(shop)
    page.fill("#sage-query", "   ")
    page.keyboard.press("Enter")
    page.fill("#sage-query", "puffins")
    page.keyboard.press("Enter")
    expect(page.locator(".asked")).to_have_text(["puffins"])


def test_a_search_lists_experts_and_a_click_there_names_its_rank(
    page: Page, shop: str, events: Events
) -> None:
    page.goto(shop)
    page.fill("#sage-query", "German-speaking ski teacher")
    page.keyboard.press("Enter")
    page.locator(".find").nth(1).click()
    page.wait_for_url("**/experts/*")
    (query,) = events("sage_query")
    (click,) = events("card_click")
    assert query["function_called"] == "search_experts"
    assert query["result_count"] >= 2
    assert click["context"] == "sage_panel"
    assert click["position"] == 2
    assert click["expert_id"] == query["expert_ids"][1] == page.url.rsplit("/", 1)[1]
    assert click["view_id"] == query["view_id"]


@pytest.mark.parametrize(
    ("query", "function"),
    [("northern lights with kids", "search_experts"), ("surfing in Vienna", "apply_filters")],
)
def test_what_nobody_offers_is_reported_as_found_nothing(
    page: Page, shop: str, events: Events, query: str, function: str
) -> None:
    page.goto(shop)
    page.fill("#sage-query", query)
    page.keyboard.press("Enter")
    expect(page.locator(".said").last).to_contain_text("Nobody here does that yet")
    (event,) = events("sage_query")
    assert event["function_called"] == function
    assert event["zero_results"] is True
    assert event["result_count"] == 0
    assert event["expert_ids"] == []


def test_the_gate_names_everything_before_it_and_after_it(
    page: Page, shop: str, events: Events
) -> None:
    page.goto(shop)
    page.locator("[data-expert=linh-tran]").click()
    page.wait_for_url("**/experts/linh-tran")
    bio = page.get_by_text(str(find("linh-tran").bio))  # type: ignore[union-attr]
    expect(bio).to_be_hidden()
    assert {event["email"] for event in events()} == {None}
    page.fill("[name=email]", "ada@example")
    page.get_by_role("button", name="Open profile").click()
    expect(bio).to_be_hidden()
    page.fill("[name=email]", " Ada@Example.com ")
    page.get_by_role("button", name="Open profile").click()
    expect(bio).to_be_visible()
    assert {event["email"] for event in events()} == {"ada@example.com"}
    page.goto(shop)
    rest(page)
    assert {event["email"] for event in events()} == {"ada@example.com"}
    expect(page.locator("[data-member-email]")).to_have_text("Ada@Example.com")


def test_signing_out_begins_another_session(page: Page, shop: str, events: Events) -> None:
    page.goto(f"{shop}/experts/linh-tran")
    page.fill("[name=email]", "ada@example.com")
    page.get_by_role("button", name="Open profile").click()
    events()
    before = page.evaluate("localStorage.tcs_session_id")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_load_state()
    expect(page.locator("[data-gate]")).to_be_visible()
    wait_until(page, "localStorage.tcs_session_id")
    assert page.evaluate("localStorage.tcs_session_id") != before
    assert {event["email"] for event in events()} == {None}


def test_signing_out_in_one_tab_is_seen_in_the_other(page: Page, shop: str) -> None:
    page.goto(f"{shop}/experts/linh-tran")
    page.fill("[name=email]", "ada@example.com")
    page.get_by_role("button", name="Open profile").click()
    other = page.context.new_page()
    other.goto(shop)
    expect(other.locator("[data-member]")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(other.locator("[data-member]")).to_be_hidden()


def test_planning_a_trip_sends_the_clients_own_analytics(
    page: Page, shop: str, events: Events
) -> None:
    page.goto(f"{shop}/plan?city=Kyoto")
    page.get_by_text("Round trip").click()
    page.get_by_text("Keep my route").click()
    page.get_by_text("Budget").click()
    page.get_by_role("button", name="Generate my trip").click()
    expect(page.get_by_role("heading", name="Your days in Kyoto")).to_be_visible()
    assert [{k: v for k, v in e.items() if k not in ("email", "bot")} for e in events()] == [
        {"type": "create_trip__toggle--roundtrip", "on": False},
        {"type": "create_trip__toggle--route_lock", "on": True},
        {"type": "create_trip__section--expand", "section": "budget"},
        {
            "type": "create_trip__cta--generate",
            "city": "Kyoto",
            "days": 4,
            "travelers": 2,
            "roundtrip": False,
            "route_lock": True,
        },
    ]


def test_a_part_that_cannot_be_fetched_reloads_the_page_once(
    page: Page, shop: str, events: Events
) -> None:
    page.goto(f"{shop}/plan")
    page.route("**/js/draft.js", lambda route: route.abort())
    with page.expect_navigation():
        page.get_by_role("button", name="Generate my trip").click()
    page.unroute_all()
    page.get_by_role("button", name="Generate my trip").click()
    expect(page.get_by_role("heading", name="Your days in Lisbon")).to_be_visible()
    (reload,) = events("app__chunk_recovery--reload")
    assert reload["chunk"] == "draft"


def test_offline_and_back_on_a_new_page_each_event_is_stored_once(
    context: BrowserContext, page: Page, shop: str, events: Events
) -> None:
    page.goto(shop)
    rest(page)
    events()
    context.set_offline(True)
    page.select_option("[name=city]", "Rome")
    rest(page)
    page.select_option("[name=language]", "French")
    rest(page)
    wait_until(page, "QUEUED")
    page.close()
    context.set_offline(False)
    again = context.new_page()
    again.goto(shop)
    changes = events("filter_change", page=again)
    assert [(e["filter"], e["value"]) for e in changes] == [
        ("city", "Rome"),
        ("language", "French"),
    ]
    # the new page may have come to rest with a list of its own, which nobody filtered
    filtered = [e["filters"] for e in events("results_shown", page=again) if e["filters"]]
    assert filtered == [{"city": "Rome"}, {"city": "Rome", "language": "French"}]


def test_under_global_privacy_control_the_shop_works_and_nothing_is_sent(
    page: Page, shop: str
) -> None:
    page.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })"
    )
    posts: list[str] = []
    page.on(
        "request", lambda request: posts.append(request.url) if "/api/" in request.url else None
    )
    page.goto(shop)
    page.select_option("[name=city]", "Rome")
    page.fill("#sage-query", "puffins")
    page.keyboard.press("Enter")
    expect(page.locator(".find")).to_have_count(1)
    page.clock.fast_forward(HOUR)
    page.locator(".find").click()
    page.wait_for_url("**/experts/rhona-sinclair")
    page.fill("[name=email]", "ada@example.com")
    page.get_by_role("button", name="Open profile").click()
    expect(page.locator("[data-opened]")).to_be_visible()
    assert posts == []
    assert page.evaluate("Object.keys(localStorage)") == ["farwend_member"]


@pytest.mark.parametrize("width", [390, 1440])
def test_no_page_breaks_its_security_policy_or_scrolls_sideways(
    page: Page, shop: str, width: int
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("", "/experts/rui-tavora", "/plan"):
        page.goto(shop + path)
        rest(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []


def test_on_a_phone_sage_opens_over_the_grid(page: Page, shop: str, events: Events) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(shop)
    expect(page.locator("#sage-query")).to_be_hidden()
    page.get_by_role("button", name="Ask Sage").click()
    page.fill("#sage-query", "food in Hanoi")
    page.keyboard.press("Enter")
    expect(page.locator(".find")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator("#sage-query")).to_be_hidden()
    assert events("sage_query")[0]["function_called"] == "apply_filters"


def test_in_production_the_shop_exists_only_with_sample_data(sqlite_database: str) -> None:
    app = make_app(sqlite_database, {"TRACKER_ENV": "production"})
    client = app.test_client()
    assert client.get("/demo").status_code == 404
    assert client.get("/demo/sage?q=puffins").status_code == 404
    make_tenant(app, "sample", kind="sample")
    assert client.get("/demo").status_code == 200
    dispose(app)
