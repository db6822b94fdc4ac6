"""What people ask Sage: a long tail of wishes, worded, misspelt and reworded."""

import random
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from tracker.demo.simulation.vocabulary import (
    CITY_DEMAND,
    CITY_TAGS,
    FILLED_DEMAND,
    LANGUAGE_DEMAND,
    POLITE,
    TAG_WORDS,
    UNHELPFUL_DEMANDS,
    UNMET_DEMANDS,
)
from tracker.demo.simulation.world import Weighted, World

Function = Literal["apply_filters", "search_experts"]


@dataclass(frozen=True)
class Wish:
    """Something wanted: ways to say it, who could serve it, and how people take the answer."""

    phrases: tuple[str, ...]
    mask: int
    function: Function = "search_experts"
    relevance: float = 1.0
    waiting: float = 0.08
    """Share of those finding nothing who leave an e-mail address to be told."""
    broader: "Wish | None" = field(default=None, repr=False)


class Wishes:
    """Draws wishes in the proportions of the sample marketplace."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world = world
        self._rng = rng
        self._cities = Weighted(zip(CITY_TAGS, CITY_DEMAND, strict=True))
        self._languages = Weighted(LANGUAGE_DEMAND.items())
        self._tags = Weighted((tag, 1 / (n + 2)) for n, tag in enumerate(TAG_WORDS))
        self._unmet = Weighted(
            (Wish(phrases, 0, waiting=waiting), weight)
            for weight, waiting, phrases in UNMET_DEMANDS
        )
        self._filled = Wish(FILLED_DEMAND, world.newcomers, relevance=1.6, waiting=0.3)
        self._unhelpful = [self._question(text) for text in UNHELPFUL_DEMANDS]
        self._kinds = Weighted(
            (
                (self._in_a_city, 52),
                (self._in_a_language, 12),
                (self._affordable, 9),
                (self._anywhere, 11),
                (self._unmet_wish, 4.5),
                (self._filled_wish, 5),
                (self._unhelpful_wish, 5),
            )
        )
        self._city_wish = cache(self._make_city_wish)

    def draw(self) -> Wish:
        return self._kinds.draw(self._rng)()

    def say(self, wish: Wish) -> str:
        """One way to word it; the first phrases are the most usual ones."""
        rng = self._rng
        text = wish.phrases[int(len(wish.phrases) * rng.random() ** 2)]
        if rng.random() < 0.16:
            text = rng.choice((_misspelt, _reordered, _pluralised))(text, rng)
        if rng.random() < 0.2:
            text = text.capitalize() if rng.random() < 0.8 else text.upper()
        return text + rng.choice(POLITE)

    def _in_a_city(self) -> Wish:
        city = self._cities.draw(self._rng)
        known_for = self._rng.random() < 0.96
        tag = self._rng.choice(CITY_TAGS[city]) if known_for else self._tags.draw(self._rng)
        return self._city_wish(city, tag, self._rng.choice(TAG_WORDS[tag]))

    def _make_city_wish(self, city: str, tag: str, words: str) -> Wish:
        place = self._world.having("city", city)
        name = city.lower()
        return Wish(
            phrases=(
                f"{words} {name}", f"{words} in {name}", f"{name} {words}",
                f"best {words} in {name}", f"guide for {words} in {name}",
                f"looking for {words} near {name}",
            ),
            mask=place & self._world.having("tags", tag),
            broader=Wish((f"{name} guide", f"things to do in {name}", name), place),
        )  # fmt: skip

    def _in_a_language(self) -> Wish:
        city, language = self._cities.draw(self._rng), self._languages.draw(self._rng)
        place, name = self._world.having("city", city), city.lower()
        return Wish(
            (f"{language} speaking guide {name}", f"{name} guide who speaks {language}",
             f"{language} guide in {name}"),
            place & self._world.having("language", language),
            "apply_filters",
            broader=Wish((f"{name} guide", f"guides in {name}"), place),
        )  # fmt: skip

    def _affordable(self) -> Wish:
        city, rate = self._cities.draw(self._rng), self._rng.choice((40, 50, 60, 75, 100))
        place, name = self._world.having("city", city), city.lower()
        return Wish(
            (f"guide in {name} under {rate}", f"{name} guide max {rate} per hour",
             f"cheap guide {name} under {rate}"),
            place & self._world.matching({"rate": [0, rate]}),
            "apply_filters",
            broader=Wish((f"guide in {name}", f"cheap guide {name}"), place, relevance=0.6),
        )  # fmt: skip

    def _anywhere(self) -> Wish:
        tag = self._tags.draw(self._rng)
        words = self._rng.choice(TAG_WORDS[tag])
        return Wish(
            (f"{words} guide", words, f"{words} expert", f"plan my {words}"),
            self._world.having("tags", tag),
        )

    def _unmet_wish(self) -> Wish:
        return self._unmet.draw(self._rng)

    def _filled_wish(self) -> Wish:
        return self._filled

    def _unhelpful_wish(self) -> Wish:
        return self._rng.choice(self._unhelpful)

    def _question(self, text: str) -> Wish:
        everyone = (1 << len(self._world.experts)) - 1
        return Wish((text,), everyone & ~self._world.newcomers, relevance=0.06)


def _misspelt(text: str, rng: random.Random) -> str:
    """Two letters swapped, or one left out."""
    at = rng.randrange(1, len(text) - 1)
    if rng.random() < 0.5:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + text[at + 1 :]


def _reordered(text: str, rng: random.Random) -> str:
    words = text.split()
    at = rng.randrange(len(words))
    return " ".join(words[at:] + words[:at])


def _pluralised(text: str, rng: random.Random) -> str:
    """One word with an s more, or with an s less."""
    words = text.split()
    at = rng.randrange(len(words))
    words[at] = words[at][:-1] if words[at].endswith("s") else words[at] + "s"
    return " ".join(words)
