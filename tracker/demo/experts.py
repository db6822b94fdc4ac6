"""The experts of the demo marketplace. All of them are invented; no person is meant."""

import csv
import re
import unicodedata
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("experts.csv")
# Letters that decompose into nothing ASCII.
_PLAIN = str.maketrans({"đ": "d", "ø": "o", "ł": "l", "ı": "i", "ð": "d"})


@dataclass(frozen=True)
class Expert:
    """A local who can be booked by the hour."""

    id: str
    name: str
    title: str
    city: str
    rate: int
    """US dollars an hour."""
    tags: tuple[str, ...]
    languages: tuple[str, ...]
    years: int
    """Years of practice."""
    rating: float
    """Mean of the travellers' marks, out of 5."""
    bio: str

    @property
    def first_name(self) -> str:
        return self.name.split()[0]

    @property
    def trips(self) -> int:
        """Trips guided so far: the longer at it and the cheaper, the more."""
        return self.years * (320 - self.rate) // 14

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@cache
def experts() -> tuple[Expert, ...]:
    """Every expert, best rated and most travelled first: the order of the unfiltered grid."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        rows = [_expert(row) for row in csv.DictReader(file, delimiter="|")]
    return tuple(sorted(rows, key=lambda expert: (-expert.rating, -expert.trips, expert.id)))


def find(expert_id: str) -> Expert | None:
    """The expert of this id; None when there is none."""
    return next((expert for expert in experts() if expert.id == expert_id), None)


def cities() -> list[str]:
    """Cities with experts, in the order of the alphabet."""
    return sorted({expert.city for expert in experts()})


def tags() -> list[str]:
    """What experts are known for, in the order of the alphabet."""
    return sorted({tag for expert in experts() for tag in expert.tags})


def languages() -> list[str]:
    """Languages that are spoken, the most common first."""
    spoken = [language for expert in experts() for language in expert.languages]
    return sorted(set(spoken), key=lambda language: (-spoken.count(language), language))


def plain(text: str) -> str:
    """Lower case without accents, for ids and for finding `Inês` by `ines`."""
    decomposed = unicodedata.normalize("NFKD", text.lower().translate(_PLAIN))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _expert(row: dict[str, str]) -> Expert:
    return Expert(
        id=re.sub(r"[^a-z0-9]+", "-", plain(row["name"])).strip("-"),
        name=row["name"],
        title=row["title"],
        city=row["city"],
        rate=int(row["rate"]),
        tags=tuple(row["tags"].split(", ")),
        languages=tuple(row["languages"].split(", ")),
        years=int(row["years"]),
        rating=float(row["rating"]),
        bio=row["bio"],
    )
