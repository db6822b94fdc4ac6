"""What the database holds, whoever wrote it."""

from collections.abc import Callable

import pytest

from tests.conftest import dispose, make_app
from tests.ingest.sending import rows, value
from tests.store.sequences import ALL_DAYS
from tracker.store.recount import check
from tracker.store.settling import settle_all

NONE: set[str] = set()
StoredOnce = Callable[..., None]


@pytest.fixture
def assert_stored_once() -> StoredOnce:
    """Asserts that a database holds these events, each once and counted once.

    Of those that were sent and never acknowledged it may hold any.
    """

    def assertion(database_url: str, acknowledged: set[str], unknown: set[str] = NONE) -> None:
        app = make_app(database_url, {})
        settle_all(app.extensions["database"])
        held = [str(row[0]) for row in rows(app, "SELECT id FROM events")]
        assert len(held) == len(set(held))
        assert acknowledged - set(held) == set(), "acknowledged, and lost"
        assert set(held) - acknowledged - unknown == set(), "stored, and never sent"
        assert value(app, "SELECT sum(events) FROM daily_events") == len(held)
        with app.extensions["database"].write() as connection:
            assert check(connection, *ALL_DAYS) == []
        dispose(app)

    return assertion
