"""Who visits: browsers that come back, some of them known by e-mail or user."""

import random
from dataclasses import dataclass
from uuid import UUID

from tracker.demo.simulation.vocabulary import ADJECTIVES, THINGS

_RECENT = 900.0
"""Those who return are mostly among about this many latest newcomers."""


@dataclass
class Visitor:
    """One browser; its session id lives in local storage and outlasts a visit."""

    session_id: str
    email: str | None = None
    user_id: str | None = None


class Visitors:
    """Every browser seen so far."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._all: list[Visitor] = []
        self._people: list[tuple[str, str]] = []

    def arrive(self, returning: float) -> Visitor:
        """A browser seen before with the chance `returning`, else a new one."""
        if self._all and self._rng.random() < returning:
            back = int(self._rng.expovariate(1 / _RECENT))
            return self._all[-1 - back % len(self._all)]
        visitor = Visitor(random_uuid(self._rng))
        self._all.append(visitor)
        return visitor

    def identify(self, visitor: Visitor, *, as_user: bool) -> dict[str, str]:
        """The link line with which a visitor becomes known, for good."""
        email, user_id = self._person()
        visitor.email, visitor.user_id = email, user_id if as_user else None
        line = {"session_id": visitor.session_id, "email": email}
        return line | {"user_id": user_id} if as_user else line

    def _person(self) -> tuple[str, str]:
        """A new person, or one who uses a second browser."""
        if self._people and self._rng.random() < 0.1:
            return self._rng.choice(self._people)
        number = len(self._people) + 1
        words = f"{self._rng.choice(ADJECTIVES)}.{self._rng.choice(THINGS)}"
        person = f"{words}.{number}@example.org", f"user-{number:05d}"
        self._people.append(person)
        return person


def random_uuid(rng: random.Random) -> str:
    """A UUIDv4 from the seeded stream."""
    return str(UUID(int=rng.getrandbits(128), version=4))
