"""Text on its way in: redaction of personal data, and the forms used for grouping."""

import json
import re
import unicodedata
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import phonenumbers
from phonenumbers import Leniency, PhoneNumberMatcher

QUERY_LIMIT = 500
FILTER_VALUE_LIMIT = 500
NOTE_LIMIT = 500

# the bound keeps the search linear in texts without end
_EMAIL = re.compile(r"[^\s@<>\"'(),:;\[\]]{1,64}@[^\s@<>\"'(),:;\[\]]+\.[^\W\d_]{2,}", re.UNICODE)
_CARDS = re.compile(r"\d(?:[ -]?\d){12,}")
_SHORTEST_CARD, _LONGEST_CARD = 13, 19
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_RUN_OF_DIGITS = re.compile(r"\+?\(?\d(?:\D{0,3}\d){6,}")
_LONGEST_ASKED_ABOUT = 1000
_TRAILING_PUNCTUATION = " .,;:!?…。、؟،؛।"
"""What ends a sentence or a part of one, in several scripts; `c#` and `c++` keep theirs."""


def redact(text: str, phone_region: str = "") -> str:
    """`text` without e-mail addresses, card numbers (Luhn) and valid phone numbers.

    Phone numbers count when libphonenumber finds them valid: in international format, or in
    the national format of `phone_region` (two letters; empty for none). What is spelled in other
    forms of the same characters, such as full-width ones, is found in their plain form.
    """
    return _in_plain_form(text, lambda plain: _redacted(plain, phone_region))


def _in_plain_form(text: str, redacted: Callable[[str], str]) -> str:
    if not text.isascii():
        plain = unicodedata.normalize("NFKC", text)
        if plain != text and (found := redacted(plain)) != plain:
            return found
    return redacted(text)


def _redacted(text: str, phone_region: str) -> str:
    text = _without_address(text)
    # libphonenumber is slow: ask it only about text that could hold a number
    if _RUN_OF_DIGITS.search(text):
        text = _without_numbers(text, phone_region)
    return text


def _without_address(text: str) -> str:
    return _EMAIL.sub("[email]", text) if "@" in text else text


def without_addresses(value: Any) -> Any:
    """`value` without e-mail addresses in any of its texts.

    For what visitors set in filters: numbers stay, since dates, ranges and ids may look like
    those of phones and cards.
    """
    if isinstance(value, str):
        return _in_plain_form(value, _without_address)
    if isinstance(value, list):
        return [without_addresses(item) for item in value]
    if isinstance(value, dict):
        return {key: without_addresses(item) for key, item in value.items()}
    return value


def _without_numbers(text: str, region: str) -> str:
    end = _asked_about(text)
    asked, rest = _CARDS.sub(_without_cards, text[:end]), text[end:]
    matches = list(PhoneNumberMatcher(asked, region or None, leniency=Leniency.VALID))
    for match in reversed(matches):
        if phonenumbers.is_valid_number(match.number):
            asked = asked[: match.start] + "[phone]" + asked[match.end :]
    return asked + _RUN_OF_DIGITS.sub("[phone]", rest)


def _asked_about(text: str) -> int:
    """Where to stop asking what a number is, which takes its time over runs of digits.

    Behind so many as nobody types, whatever could be a number is taken for one.
    """
    asked = 0
    for run in _RUN_OF_DIGITS.finditer(text):
        asked += len(run[0])
        if asked > _LONGEST_ASKED_ABOUT:
            return run.start()
    return len(text)


def _without_cards(run: re.Match[str]) -> str:
    text = run[0]
    for begin, end in reversed(_cards(text)):
        text = text[:begin] + "[card]" + text[end:]
    return text


def _cards(text: str) -> list[tuple[int, int]]:
    """Where card numbers begin and end among groups of digits, such as an expiry date.

    Which of two that overlap is the card nobody knows: both go, as one.
    """
    places = [place for place, letter in enumerate(text) if letter.isdigit()]
    starts = [n for n, place in enumerate(places) if not text[place - 1 : place].isdigit()]
    ends = {*starts, len(places)}
    sums = _luhn_sums([int(text[place]) for place in places])
    found: list[tuple[int, int]] = []
    for start in starts:
        possible = ends.intersection(range(start + _SHORTEST_CARD, start + _LONGEST_CARD + 1))
        sound = (end for end in possible if (sums[end % 2][end] - sums[end % 2][start]) % 10 == 0)
        end = max(sound, default=0)
        if found and start < found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        elif end:
            found.append((start, end))
    return [(places[start], places[end - 1] + 1) for start, end in found]


def _luhn_sums(digits: list[int]) -> list[list[int]]:
    """Of the first n digits for every n: with those at even places doubled, and at odd ones.

    A number's last digit is not doubled, so its end tells which; the difference of two sums
    spares adding each stretch up anew.
    """
    either = ([_DOUBLED[d] if n % 2 == odd else d for n, d in enumerate(digits)] for odd in (0, 1))
    return [[0, *accumulate(values)] for values in either]


def redact_all(value: Any, phone_region: str, limit: int = NOTE_LIMIT) -> Any:
    """`value` with every string in it redacted, then cut at `limit` characters.

    Names of keys too: where addresses or numbers are keys, what stood under them becomes one.
    """
    if isinstance(value, str):
        return redact(value, phone_region)[:limit]
    if isinstance(value, list):
        return [redact_all(item, phone_region, limit) for item in value]
    if isinstance(value, dict):
        return {
            redact(key, phone_region): redact_all(item, phone_region, limit)
            for key, item in value.items()
        }
    return value


def normal_query(text: str) -> str:
    """The form queries are grouped by: NFKC, case-folded, one space, no closing punctuation.

    Cut before its end is looked at, so that a query in this form stays as it is.
    """
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())[:QUERY_LIMIT]
    return folded.rstrip(_TRAILING_PUNCTUATION) or folded


def canonical_value(value: Any) -> str:
    """A filter value as compact JSON: keys sorted, lists of tags sorted, ranges in order."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = sorted(value)
    spelled = _as_browsers_spell(value)
    text = json.dumps(spelled, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text[:FILTER_VALUE_LIMIT]


def _as_browsers_spell(value: Any) -> Any:
    """Whole numbers without a fraction, so that 50.0 from a server is a browser's 50."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_as_browsers_spell(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_browsers_spell(item) for key, item in value.items()}
    return value
