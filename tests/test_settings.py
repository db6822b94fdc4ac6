"""Settings: what is understood, what stops the start, and that every fault is named at once."""

import re
from pathlib import Path

import pytest

from docs.pages_made import settings as settings_page
from tracker import config
from tracker.config import SettingsError, load_settings

PRODUCTION = {"SECRET_KEY": "a secret of the tests"}


def test_nothing_set_is_development_on_sqlite_with_a_kept_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "INSTANCE", tmp_path / "instance")
    settings = load_settings({})
    assert settings.env == "development"
    assert settings.database_url.startswith("sqlite:////")
    assert settings.database_url.endswith("instance/tracker.db")
    assert len(settings.secret_key) >= 32
    assert load_settings({}).secret_key == settings.secret_key
    assert (tmp_path / "instance" / "secret_key").stat().st_mode & 0o077 == 0


def test_a_secret_key_means_production_unless_said_otherwise() -> None:
    assert load_settings(PRODUCTION).env == "production"
    assert load_settings(PRODUCTION | {"TRACKER_ENV": "development"}).env == "development"


def test_an_empty_variable_counts_as_unset() -> None:
    settings = load_settings(PRODUCTION | {"PORT": "", "TRACKER_RATE_LIMIT": ""})
    assert settings.port == 8000


@pytest.mark.parametrize(
    ("sent", "understood"),
    [
        ("postgres://u:p@host/db", "postgresql+psycopg://u:p@host/db"),
        ("postgresql://u:p@host/db", "postgresql+psycopg://u:p@host/db"),
        ("postgresql+psycopg://u@host/db", "postgresql+psycopg://u@host/db"),
    ],
)
def test_database_urls_are_taken_as_hosts_hand_them_out(sent: str, understood: str) -> None:
    assert load_settings(PRODUCTION | {"DATABASE_URL": sent}).database_url == understood


def test_the_folder_of_a_sqlite_file_is_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/data/tracker.db"
    assert load_settings(PRODUCTION | {"DATABASE_URL": url}).database_url == url
    assert (tmp_path / "new" / "data").is_dir()


def test_an_sqlite_that_is_too_old_stops_the_start_and_no_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config.sqlite3, "sqlite_version_info", (3, 33, 0))
    with pytest.raises(SettingsError, match=r"DATABASE_URL needs SQLite 3\.34 or newer"):
        load_settings(PRODUCTION | {"DATABASE_URL": f"sqlite:///{tmp_path}/tracker.db"})
    load_settings(PRODUCTION | {"DATABASE_URL": "postgres://u:p@host/db"})


def test_a_folder_that_can_t_be_made_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"DATABASE_URL needs the folder .*/file/data"):
        load_settings(PRODUCTION | {"DATABASE_URL": f"sqlite:///{tmp_path}/file/data/tracker.db"})


@pytest.mark.parametrize(
    ("set_as", "sent"),
    [
        ("https://shop.example:443", "https://shop.example"),
        ("http://shop.example:80/", "http://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("http://shop.example:443", "http://shop.example:443"),
        ("HTTP://LOCALHOST:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_origin_is_understood_as_browsers_send_it(set_as: str, sent: str) -> None:
    settings = load_settings(PRODUCTION | {"TRACKER_ALLOWED_ORIGINS": set_as})
    assert settings.allowed_origins == (sent,)


FAULTS = [
    ("DATABASE_URL", "mysql://host/db"),
    ("DATABASE_URL", "postgres://user:a_password@host:port/db"),
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("PORT", "http"),
    ("PORT", "70000"),
    ("WEB_CONCURRENCY", "0"),
    ("TRACKER_ENV", "staging"),
    ("TRACKER_DEFAULT_TENANT", "Not A Slug"),
    ("TRACKER_DEFAULT_TENANT", "tenants"),
    ("TRACKER_ALLOWED_ORIGINS", "*"),
    ("TRACKER_ALLOWED_ORIGINS", "shop.example.com"),
    ("TRACKER_ALLOWED_ORIGINS", "https://shop.example.com/checkout"),
    ("TRACKER_ALLOWED_ORIGINS", "https://shop.example.com?from=mail"),
    ("TRACKER_ALLOWED_ORIGINS", "https://ada:secret@shop.example.com"),
    ("TRACKER_ALLOWED_ORIGINS", "https://bücher.example.com"),
    ("TRACKER_REPORTING_TIMEZONE", "Mars/Olympus"),
    ("TRACKER_REPORTING_TIMEZONE", "Europe"),
    ("TRACKER_REPORTING_TIMEZONE", "x" * 300),
    ("TRACKER_RETENTION_DAYS", "29"),
    ("TRACKER_RETENTION_DAYS", "3651"),
    ("TRACKER_RATE_LIMIT", "600"),
    ("TRACKER_RATE_LIMIT", "0/minute"),
    ("TRACKER_RATE_LIMIT", "10/second"),
    ("ADMIN_EMAIL", "nobody"),
    ("ADMIN_PASSWORD", "alone"),
    ("TRACKER_PHONE_REGION", "Germany"),
    ("TRACKER_WORKER", "both"),
    ("TRACKER_SMTP_URL", "smtp://mail.example.com:99999"),
    ("TRACKER_MAIL_FROM", "Tracker"),
    ("TRACKER_MAIL_FROM", "Tracker <tracker@example.com>\r\nBcc: eve@example.com"),
]


@pytest.mark.parametrize(("name", "value"), FAULTS)
def test_a_faulty_setting_stops_the_start_and_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as stopped:
        load_settings(PRODUCTION | {name: value})
    assert name in str(stopped.value)
    assert "a_password" not in str(stopped.value)


def test_production_needs_a_secret_key_that_is_long_enough() -> None:
    blank = {"SECRET_KEY": " " * 16}
    for environ in ({"TRACKER_ENV": "production"}, {"SECRET_KEY": "short"}, blank):
        with pytest.raises(SettingsError) as stopped:
            load_settings(environ)
        assert "SECRET_KEY" in str(stopped.value)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as stopped:
        load_settings(PRODUCTION | {"PORT": "x", "TRACKER_WORKER": "x", "DATABASE_URL": "x"})
    for name in ("PORT", "TRACKER_WORKER", "DATABASE_URL"):
        assert name in str(stopped.value)


def test_what_does_not_fit_together_is_named_with_the_rest() -> None:
    wrong = {
        "TRACKER_ENV": "production",
        "TRACKER_ALLOWED_ORIGINS": "https://shop.example.com, *",
        "ADMIN_PASSWORD": " " * 12,
        "TRACKER_DIGEST_TO": "ada@example.com",
        "PORT": "x",
    }
    with pytest.raises(SettingsError) as stopped:
        load_settings(wrong)
    named = [line.split()[0] for line in str(stopped.value).splitlines()[1:]]
    assert sorted(named) == [
        "ADMIN_EMAIL",
        "ADMIN_PASSWORD",
        "PORT",
        "SECRET_KEY",
        "TRACKER_ALLOWED_ORIGINS",
        "TRACKER_DIGEST_TO",
    ]


def test_a_default_is_documented_as_the_variable_would_say_it() -> None:
    documented = re.findall(r"^\| `(\w+)` \| `(\S+)` \|", settings_page(), re.MULTILINE)
    assert len(documented) > 8
    load_settings(PRODUCTION | dict(documented))


def test_a_fault_does_not_show_the_secret() -> None:
    with pytest.raises(SettingsError) as stopped:
        load_settings(PRODUCTION | {"PORT": "x"})
    assert PRODUCTION["SECRET_KEY"] not in str(stopped.value)
