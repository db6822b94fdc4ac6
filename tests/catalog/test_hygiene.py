"""What is taken out of payloads before anything is stored."""

import tracemalloc
from typing import Any

import pytest

from tracker.catalog.hygiene import REDACTED, SENSITIVE_NAMES, hygiene


@pytest.mark.parametrize("key", ["password", "API-Key", "apiKey", "api_key", "Set-Cookie", "ssn"])
def test_values_under_sensitive_names_go_and_the_names_stay(key: str) -> None:
    assert hygiene().clean({key: "s3cret", "plan": "team"}) == {key: REDACTED, "plan": "team"}


def test_names_are_found_at_any_depth_and_take_all_beneath_them() -> None:
    sent = {"a": [{"token": {"deep": 1}}, {"b": {"cvv": 123}}], "empty": {"token": None}}
    assert hygiene().clean(sent) == {
        "a": [{"token": REDACTED}, {"b": {"cvv": REDACTED}}],
        "empty": {"token": None},
    }


def test_a_name_inside_another_one_is_no_match() -> None:
    sent = {"tokens_used": 3, "passwordless": True, "shipment": "x"}
    assert hygiene().clean(sent) == sent


def test_a_tenant_adds_names_of_its_own() -> None:
    assert hygiene(["Customer-Name"]).clean({"customerName": "Ann"}) == {"customerName": REDACTED}


@pytest.mark.parametrize(
    ("pattern", "text", "cleaned"),
    [
        ("INV-####", "see INV-1234 and INV-12", f"see {REDACTED} and INV-12"),
        ("cus_*", "by cus_9aB-x.", f"by {REDACTED}."),
        ("a.c", "abc a.c", f"abc {REDACTED}"),
        ("K??1", "Kab1 Kab2", f"{REDACTED} Kab2"),
    ],
)
def test_a_pattern_is_taken_out_of_every_text(pattern: str, text: str, cleaned: str) -> None:
    tidy = hygiene(patterns=[pattern])
    assert tidy.clean({"note": [text], "n": 1}) == {"note": [cleaned], "n": 1}


@pytest.mark.parametrize(
    ("names", "patterns"),
    [([""], []), (["x" * 101], []), ([], ["ab"]), ([], ["***"]), ([], ["a*b"]), ([], ["###"])],
)
def test_what_can_t_be_used_is_refused(names: list[str], patterns: list[str]) -> None:
    with pytest.raises(ValueError, match=r"characters|\*"):
        hygiene(names, patterns)


def test_depth_has_an_end() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = {"a": deep}
    assert str(hygiene().clean(deep)).count("{") < 50


def test_the_names_are_written_as_they_are_looked_up() -> None:
    assert all(name == name.casefold().strip("-_ ") for name in SENSITIVE_NAMES)


def test_names_as_long_as_a_request_are_not_remembered() -> None:
    tracemalloc.start()
    try:
        for n in range(50):
            hygiene().clean({f"{n}" + "k" * 100_000: 1})
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_long_name_is_as_sensitive_as_a_short_one() -> None:
    key = "pass" + "-" * 200 + "word"
    assert hygiene().clean({key: "s3cret"}) == {key: REDACTED}
