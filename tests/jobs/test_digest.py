"""The weekly digest: made of the week, mailed once, to everybody who is named."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.conftest import make_tenant, record
from tests.jobs.mailbox import Mailbox
from tests.metrics.asking import ANNA, BEN, event, search
from tracker.config import SettingsError, load_settings
from tracker.jobs.deliveries import deliver_due
from tracker.jobs.digest import send_when_due
from tracker.jobs.work import Context, jobs
from tracker.model import AuditEntry, Delivery
from tracker.store.annotations import annotate

SUNDAY = datetime(2026, 11, 15, 20, tzinfo=UTC)
MONDAY = datetime(2026, 11, 16, 5, 59, tzinfo=UTC)
DUE = datetime(2026, 11, 16, 6, tzinfo=UTC)
"""When the digest of Monday 9 to Sunday 15 November is due."""

LINES = (
    search("09 10:00", ANNA, "fado & <b>wine</b>"),
    search("10 10:00", BEN, "fado & <b>wine</b>"),
    search("11 10:00", BEN, "surf", found=("exp_1",)),
    search("05 10:00", BEN, "surf", found=("exp_1",)),
    search("16 01:00", BEN, "next week"),
    event("create_trip_attempted", "12 10:00", ANNA, input_snapshot={}) | {"request_id": "r1"},
    event("create_trip_failed", "12 10:01", ANNA, error_code="model_timeout")
    | {"request_id": "r1"},
)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def environment(mailbox: Mailbox) -> dict[str, str]:
    return {
        "TRACKER_RETENTION_DAYS": "3650",
        "TRACKER_SMTP_URL": mailbox.url,
        "TRACKER_MAIL_FROM": "Tracker <tracker@example.com>",
        "TRACKER_DIGEST_TO": "ada@example.com, ben@example.com",
        "TRACKER_PUBLIC_URL": "https://tracker.example.com/",
    }


def send(app: Flask, now: datetime) -> bool:
    extensions = app.extensions
    database, settings = extensions["database"], extensions["settings"]
    return send_when_due(database, settings, extensions["compose_digest"], now)


def deliver(app: Flask) -> int:
    return deliver_due(app.extensions["database"], app.extensions["settings"])


def parts(mail: Any) -> tuple[str, str]:
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    return text, html


def test_the_week_goes_out_on_monday_morning_and_only_once(app: Flask, mailbox: Mailbox) -> None:
    record(app, *LINES)
    assert send(app, DUE)
    assert not send(app, DUE)
    assert not send(app, DUE + timedelta(days=6, hours=23))
    deliver(app)
    assert sorted(mailbox.recipients) == ["ada@example.com", "ben@example.com"]
    assert sorted(mail["To"] for mail in mailbox.mails) == sorted(mailbox.recipients)
    assert deliver(app) == 0
    with app.extensions["database"].read(None) as session:
        (sent,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "digest.send"))
    assert sent.detail == {"week": "2026-11-09", "recipients": 2}


def test_before_monday_morning_the_week_before_is_the_last_one(app: Flask) -> None:
    assert send(app, SUNDAY)
    assert not send(app, MONDAY)
    assert send(app, DUE)


def test_the_mail_tells_the_week_in_text_and_html(app: Flask, mailbox: Mailbox) -> None:
    record(app, *LINES)
    with app.extensions["database"].write() as connection:
        annotate(connection, "default", DUE.date() - timedelta(days=4), "Added 3", "ada@x.org")
    send(app, DUE)
    deliver(app)
    mail = mailbox.mails[0]
    assert mail["Subject"] == "Tracker, 9 Nov to 15 Nov"
    assert mail["From"] == "Tracker <tracker@example.com>"
    assert mail["Date"]
    text, html = parts(mail)
    # 2 of the week's 3 searches found nothing; the week before 0 of 1 did
    assert "Sage found nothing for 66.7\u202f% of 3 searches, up from 0\u202f%." in text
    assert "0\u202f% of one finished trip attempt succeeded." in text
    assert "Searches: 3, up 200\u202f% from 1 in the period before" in text
    assert "Added 3" in text
    assert "next week" not in text
    assert "model_timeout" in text
    assert "Experts in the wrong place" not in text  # nothing to tell of them
    assert "fado &amp; &lt;b&gt;wine&lt;/b&gt;" in html
    assert "<b>wine" not in html
    week = "from=2026-11-09&amp;to=2026-11-15"
    assert f'href="https://tracker.example.com/sage?{week}"' in html
    assert "https://tracker.example.com/digest?from=2026-11-09&to=2026-11-15" in text
    for form in (text, html):  # the week's events came in after it
        assert "0 accepted, 0 refused. What is shown was received on other days." in form


def test_the_mail_says_of_what_its_numbers_are_a_part(app: Flask, mailbox: Mailbox) -> None:
    record(app, *(search(f"09 10:{n}", ANNA, f"{n} " + "steps " * 20) for n in range(10, 21)))
    record(app, LINES[2])
    send(app, DUE)
    deliver(app)
    text, html = parts(mailbox.mails[0])
    for form in (text, html):
        assert "1 to 10 of 11" in form
        assert "of those with results" in form
    assert max(len(line) for line in text.splitlines() if line.startswith("  1")) < 110
    assert "10 " + "steps " * 19 + "steps" in html


def test_the_mail_says_what_is_an_estimate(app: Flask, mailbox: Mailbox) -> None:
    start = event("conversation_started", "10 10:00", None, sessionId="s", conversationId="c")
    record(app, start | {"sample_weight": 4})
    send(app, DUE)
    deliver(app)
    for form in parts(mailbox.mails[0]):
        assert "Estimated: only a part is kept of conversation_started (1 in 4)." in form


def test_the_mail_is_about_production_tenants_alone(app: Flask, mailbox: Mailbox) -> None:
    make_tenant(app, "trial", kind="sample")
    record(app, *LINES, tenant="trial")
    send(app, DUE)
    deliver(app)
    text, _ = parts(mailbox.mails[0])
    assert "Nothing came in during this period." in text
    assert "fado" not in text


def test_what_could_not_be_handed_over_is_tried_again(app: Flask, mailbox: Mailbox) -> None:
    mailbox.refuse = 2
    send(app, DUE)
    deliver(app)
    assert mailbox.mails == []
    assert not send(app, DUE)
    with app.extensions["database"].write() as connection:
        connection.execute(update(Delivery).values(due_at=DUE - timedelta(days=1)))
    deliver(app)
    assert sorted(mail["To"] for mail in mailbox.mails) == ["ada@example.com", "ben@example.com"]
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 2


def test_the_clock_sends_it(app: Flask, mailbox: Mailbox) -> None:
    extensions = app.extensions
    database, settings = extensions["database"], extensions["settings"]
    context = Context(database, settings, compose_digest=extensions["compose_digest"])
    for job in jobs():
        if job.name in ("digest", "deliveries"):
            job.run(context, lambda: False)
    deliver(app)
    assert sorted(mailbox.recipients) == ["ada@example.com", "ben@example.com"]


class TestWithoutRecipients:
    @pytest.fixture
    def environment(self, mailbox: Mailbox) -> dict[str, str]:
        return {"TRACKER_SMTP_URL": mailbox.url}

    def test_nothing_is_sent(self, app: Flask, mailbox: Mailbox) -> None:
        assert not send(app, DUE)
        assert deliver(app) == 0
        assert mailbox.recipients == []


class TestWithoutAnAddressOfItsOwn:
    @pytest.fixture
    def environment(self, mailbox: Mailbox) -> dict[str, str]:
        return {
            "TRACKER_RETENTION_DAYS": "3650",
            "TRACKER_SMTP_URL": mailbox.url,
            "TRACKER_DIGEST_TO": "ada@example.com",
        }

    def test_the_mail_has_no_links(self, app: Flask, mailbox: Mailbox) -> None:
        record(app, *LINES)
        send(app, DUE)
        deliver(app)
        text, html = parts(mailbox.mails[0])
        assert "http" not in text
        assert "href" not in html


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("TRACKER_DIGEST_TO", "ada@example.com", "TRACKER_DIGEST_TO needs TRACKER_SMTP_URL"),
        ("TRACKER_DIGEST_TO", "nobody", "TRACKER_DIGEST_TO"),
        ("TRACKER_PUBLIC_URL", "tracker.example.com", "TRACKER_PUBLIC_URL"),
    ],
)
def test_faulty_settings_are_named(setting: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        load_settings({"SECRET_KEY": "a secret of the tests", setting: value})


def test_railways_domain_is_where_the_links_lead() -> None:
    settings = load_settings({"SECRET_KEY": "x" * 16, "RAILWAY_PUBLIC_DOMAIN": "t.up.railway.app"})
    assert settings.public_url == "https://t.up.railway.app"
