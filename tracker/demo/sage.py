"""Sage, the marketplace's assistant: turns a sentence into filters, or searches by relevance.

A sentence made of nothing but filters ("experts in Lisbon under $100") calls
`apply_filters`. Anything else calls `search_experts`, where a price or a language in the
sentence still is a condition, and words rank.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from tracker.demo.experts import Expert, cities, experts, languages, plain, tags

LOWEST_RATE, HIGHEST_RATE = 20, 180
"""Ends of the marketplace's rate slider, in dollars an hour."""
LISTED = 5
"""Experts listed in the panel; the rest of an answer is in the grid."""

_SYNONYMS = {
    "foodie": "food", "eat": "food", "eating": "food", "cooking": "food", "cook": "food",
    "market": "markets", "surf": "surfing", "sail": "sailing", "boat": "sailing",
    "dive": "diving", "diver": "diving", "scuba": "diving", "ski": "skiing", "bike": "cycling",
    "bicycle": "cycling", "train": "rail", "trains": "rail", "kids": "family",
    "children": "family", "photo": "photography", "photographer": "photography",
    "hike": "hiking", "hikes": "hiking", "walks": "hiking", "museum": "museums",
    "art": "museums", "spa": "wellness", "bird": "wildlife", "birds": "wildlife",
    "cheap": "budget", "romantic": "honeymoon", "wheelchair": "accessible",
    "crafts": "craft", "bars": "nightlife", "architect": "architecture",
}  # fmt: skip
_SMALL_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and any are at best can could do does expert experts find for from get good "
        "great guide guides hour i in is like local locals looking me my need of on one "
        "or our per people please show some somebody someone speak speaking speaks that "
        "the there to tour tours us want we who with would you your an hourly rate price "
        "dollars know knows lesson lessons teach teaches",
    )
)
_PRICE = r"\$?\s*(\d+)(?:\s*(?:dollars|usd|\$))?"
_BETWEEN = re.compile(rf"(?:between|from)?\s*{_PRICE}\s*(?:and|to|-|–)\s*{_PRICE}")
_AT_MOST = re.compile(rf"(?:under|below|less than|up to|at most|max|cheaper than)\s*{_PRICE}")
_AT_LEAST = re.compile(rf"(?:over|above|more than|at least|min)\s*{_PRICE}")


@dataclass(frozen=True)
class Reading:
    """A sentence understood: filters, and the words that are none."""

    filters: dict[str, Any]
    words: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """What Sage found. `expert_ids` are the listed ones in rank order."""

    function_called: Literal["apply_filters", "search_experts"]
    filters: dict[str, Any]
    result_count: int
    expert_ids: list[str]
    reply: str


def answer(query: str) -> Answer:
    reading = read(query)
    if reading.filters and not reading.words:
        found = [expert for expert in experts() if fits(expert, reading.filters)]
        return _answer("apply_filters", reading, found)
    return _answer("search_experts", reading, _ranked(reading))


def read(query: str) -> Reading:
    """The filters in a sentence, and what is left of it."""
    text, rate = _read_rate(plain(query))
    for city in cities():
        text = re.sub(rf"\b{plain(city)}\b", f" city:{city} ", text)
    text = text.replace("road trip", "roadtrip")
    filters: dict[str, Any] = {"rate": rate} if rate else {}
    words = []
    for word in re.findall(r"city:\w+|\w+", text):
        name, value = _filter_of(word)
        if name == "tags":
            filters["tags"] = sorted({*filters.get("tags", []), value})
        elif name:
            filters[name] = value
        elif word not in _SMALL_WORDS:
            words.append(word)
    return Reading(filters, words)


def fits(expert: Expert, filters: dict[str, Any]) -> bool:
    """Whether an expert passes every filter."""
    low, high = filters.get("rate", (LOWEST_RATE, HIGHEST_RATE))
    return (
        low <= expert.rate <= high
        and filters.get("city", expert.city) == expert.city
        and set(filters.get("tags", ())) <= set(expert.tags)
        and filters.get("language", expert.languages[0]) in expert.languages
    )


def _read_rate(text: str) -> tuple[str, list[int] | None]:
    """The sentence without its price, and the price as a range."""
    for pattern in (_BETWEEN, _AT_MOST, _AT_LEAST):
        if match := pattern.search(text):
            amounts = [int(amount) for amount in match.groups()]
            low = amounts[0] if pattern is not _AT_MOST else LOWEST_RATE
            high = amounts[-1] if pattern is not _AT_LEAST else HIGHEST_RATE
            limits = [min(low, high), max(low, high)]
            return text[: match.start()] + " " + text[match.end() :], limits
    return text, None


def _filter_of(word: str) -> tuple[str, str]:
    """Name and value of the filter that a word sets; empty when it sets none."""
    if word.startswith("city:"):
        return "city", word.removeprefix("city:")
    tag = "road trips" if word.startswith("roadtrip") else _SYNONYMS.get(word, word)
    if tag in tags():
        return "tags", tag
    language = word.capitalize()
    return ("language", language) if language in languages() else ("", "")


def _ranked(reading: Reading) -> list[Expert]:
    """Experts that some word speaks for, the strongest case first."""
    limits = {name: value for name, value in reading.filters.items() if name != "tags"}
    scored = [(_relevance(expert, reading), expert) for expert in experts()]
    kept = [pair for pair in scored if pair[0] > 0 and fits(pair[1], limits)]
    return [expert for _, expert in sorted(kept, key=lambda pair: -pair[0])]


def _relevance(expert: Expert, reading: Reading) -> int:
    """Points: 4 for a word in the name or title, 2 in the bio; then 3 for each tag asked for.

    None at all unless most of the words are found: half a wish is not what was asked for.
    """
    heading, bio = _stems(f"{expert.name} {expert.title}"), _stems(expert.bio)
    wanted = [_stem(word) for word in reading.words]
    found = [4 if word in heading else 2 for word in wanted if word in heading | bio]
    if 2 * len(found) <= len(wanted):
        return 0
    return sum(found) + 3 * len(set(reading.filters.get("tags", ())) & set(expert.tags))


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in re.findall(r"\w+", plain(text))}


def _stem(word: str) -> str:
    return re.sub(r"(?<=\w{3})(ing|ers|er|ies|es|e|s)$", "", word)


def _answer(
    function: Literal["apply_filters", "search_experts"], reading: Reading, found: list[Expert]
) -> Answer:
    return Answer(
        function_called=function,
        filters=reading.filters if function == "apply_filters" else {},
        result_count=len(found),
        expert_ids=[expert.id for expert in found[:LISTED]],
        reply=_reply(function, len(found)),
    )


def _reply(function: str, found: int) -> str:
    if not found:
        return "Nobody here does that yet. I have noted what you were looking for."
    who = "one expert" if found == 1 else f"{found} experts"
    if function == "apply_filters":
        return f"I have set the filters for you: {who} to choose from."
    return f"I found {who} for that, the closest match first."
