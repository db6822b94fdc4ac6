"""Processes that end, the hard way and the soft way, while events keep coming."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.conftest import StoredOnce
from tests.faults.service import Load, Service, served
from tests.ingest.sending import CLICK, with_id


def test_neither_kill_9_nor_sigterm_under_load_loses_or_doubles_an_event(
    database_url: str, assert_stored_once: StoredOnce
) -> None:
    service = Service(database_url)
    load = Load(service)
    try:
        for _ in range(3):
            service.start()
            with load.running():
                load.wait_for(150)
                service.kill()
        service.start()
        load.send_unknown_again()
        with load.running():
            load.wait_for(150)
            service.terminate()
    finally:
        service.close()
    assert len(load.acknowledged) >= 600
    unknown = {event["event_id"] for event in load.unknown}
    assert_stored_once(database_url, load.acknowledged, unknown)


def test_a_web_process_that_dies_takes_no_acknowledged_event_with_it(
    database_url: str, assert_stored_once: StoredOnce
) -> None:
    load = Load(service := Service(database_url))
    try:
        service.start()
        for process in service.web_processes():  # one of them writes for both
            with load.running():
                load.wait_for(100)
                os.kill(process, signal.SIGKILL)
                load.wait_for(100)
        load.send_unknown_again()
        assert load.statuses <= {0, 503}
    finally:
        service.close()
    assert_stored_once(database_url, load.acknowledged, set())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_process_that_is_told_to_end_before_it_listens_ends(database_url: str) -> None:
    service = Service(database_url)
    try:
        service.launch()
        while not (young := service.web_processes()):
            time.sleep(0.0005)
        os.kill(young[0], signal.SIGTERM)
        service.wait_until_ready()
        service.wait_until_gone(young[0])
        assert young[0] not in service.web_processes()
    finally:
        service.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_service_whose_writing_process_hangs_is_not_ready(database_url: str) -> None:
    with served(database_url) as service:
        writing = service.writing_process()
        os.kill(writing, signal.SIGSTOP)
        try:
            status, _, body = service.ask("GET", "/readyz")
        finally:
            os.kill(writing, signal.SIGCONT)
        assert (status, body["status"]) == (503, "unavailable")
        assert "no event can be stored" in body["reason"]
        assert service.ask("GET", "/readyz")[0] == 200
        os.kill(writing, signal.SIGKILL)
        service.wait_until_ready()  # once its successor writes


def test_pages_are_made_again_when_the_process_that_makes_them_has_died(database_url: str) -> None:
    asked = ("GET", "/overview/totals.json")  # nobody is logged in, which a page has to find out
    with served(database_url) as service:
        for _ in range(2):
            assert service.ask(*asked)[0] == 401
            os.kill(_maker_of_pages(service), signal.SIGKILL)
            assert service.ask(*asked)[0] == 401


def test_a_process_of_pages_that_freezes_is_replaced_and_holds_up_no_event(
    sqlite_database: str,
) -> None:
    """Its death is gunicorn's doing, after `timeout`; what waited goes to the next."""
    asked = ("GET", "/overview/totals.json")
    # the clock is elsewhere: frozen while it writes, it would hold the file
    settings = {"TRACKER_WORKER": "external", "GUNICORN_CMD_ARGS": "--timeout 10"}
    with served(sqlite_database, **settings) as service:
        frozen = _maker_of_pages(service)
        os.kill(frozen, signal.SIGSTOP)
        with ThreadPoolExecutor(1) as reader:
            waiting = reader.submit(service.ask, *asked)
            assert service.ask("POST", "/api/events", with_id(CLICK))[0] == 202
            assert not waiting.done()
            assert waiting.result()[0] == 401  # by its successor
        assert frozen not in service.web_processes()


def _maker_of_pages(service: Service) -> int:
    """The process that yields to those that take events."""
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    (maker,) = (
        process
        for process in service.web_processes()
        if os.getpriority(os.PRIO_PROCESS, process) > ours
    )
    return maker


def test_two_workers_that_get_the_same_events_store_each_once(
    database_url: str, assert_stored_once: StoredOnce
) -> None:
    batches = [[with_id(CLICK) for _ in range(10)] for _ in range(8)]
    with served(database_url) as service, ThreadPoolExecutor(8) as pool:

        def send(n: int) -> tuple[int, int]:
            batch = {"events": batches[n % len(batches)]}
            status, _, body = service.ask("POST", "/api/events", batch)
            assert status == 202
            return body["accepted"], body["duplicates"]

        answers = list(pool.map(send, sorted(range(48), key=lambda n: n % 8)))
    assert sum(accepted for accepted, _ in answers) == 80
    assert sum(duplicates for _, duplicates in answers) == 5 * 80
    assert_stored_once(database_url, {event["event_id"] for batch in batches for event in batch})
