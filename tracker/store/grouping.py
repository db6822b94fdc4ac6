"""Which demand a query belongs to: near-duplicates come together by themselves.

Queries that are alike share a demand, and so do those that are alike to the same one, in
whatever order they arrive. A demand that an operator has touched keeps its queries: it takes
in new ones, but is never merged with another by itself.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, update
from uuid_utils import uuid7

from tracker.model import Demand, DemandKey, DemandQuery
from tracker.store import bulk
from tracker.store.likeness import likeness, meeting_keys, telling_words

DEMANDS, QUERIES, KEYS = Demand.__table__, DemandQuery.__table__, DemandKey.__table__

STATUSES = OPEN, RECRUITING, FILLED, REOPENED = "open", "recruiting", "filled", "reopened"


@dataclass
class Neighbourhood:
    """New queries of a tenant and those known that could be like them."""

    tenant_id: str
    words: dict[str, str] = field(default_factory=dict)
    demand_of: dict[str, str] = field(default_factory=dict)
    met_at: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    curated: set[str] = field(default_factory=set)
    merged: dict[str, str] = field(default_factory=dict)
    """Demands that came into others, with the one they came into."""
    made: list[str] = field(default_factory=list)

    def know(self, query: str, words: str, demand_id: str) -> None:
        self.words[query] = words
        self.demand_of[query] = demand_id


def group(connection: Connection, tenant_id: str, queries: Iterable[str]) -> set[str]:
    """Gives every query a demand; returns the demands they are in. The caller has the lock."""
    wanted = sorted(set(queries))
    known = _known(connection, tenant_id, wanted)
    fresh = [query for query in wanted if query not in known]
    place = _neighbourhood(connection, tenant_id, fresh)
    for query in fresh:
        _settle_down(place, query)
    _write(connection, place, fresh)
    return {known[query] for query in wanted if query in known} - place.merged.keys() | {
        place.demand_of[query] for query in fresh
    }


def _known(connection: Connection, tenant_id: str, queries: Iterable[str]) -> dict[str, str]:
    keys = [(tenant_id, query) for query in queries]
    found = bulk.matching(connection, QUERIES, ("tenant_id", "query"), keys)
    return {row.query: row.demand_id for row in found}


def _neighbourhood(connection: Connection, tenant_id: str, fresh: list[str]) -> Neighbourhood:
    place = Neighbourhood(tenant_id)
    place.words = {query: telling_words(query) for query in fresh}
    keys = {(tenant_id, key) for words in place.words.values() for key in meeting_keys(words)}
    for row in bulk.matching(connection, KEYS, ("tenant_id", "key"), sorted(keys)):
        place.met_at[row.key].add(row.query)
    near = {(tenant_id, query) for queries in place.met_at.values() for query in queries}
    for row in bulk.matching(connection, QUERIES, ("tenant_id", "query"), sorted(near)):
        place.know(row.query, row.words, row.demand_id)
    demands = {(tenant_id, demand_id) for demand_id in place.demand_of.values()}
    for row in bulk.matching(connection, DEMANDS, ("tenant_id", "id"), sorted(demands)):
        if row.is_curated:
            place.curated.add(row.id)
    return place


def _settle_down(place: Neighbourhood, query: str) -> None:
    """Puts a new query into the demand it is most like, or into one of its own."""
    words = place.words[query]
    keys = meeting_keys(words)
    near = set().union(*(place.met_at[key] for key in keys))
    liked = _likes(place, words, near)
    if liked:
        home = _home(place, liked)
        for other in liked.keys() - place.curated - {home}:
            _merge(place, other, home)
    else:
        home = str(uuid7())
        place.made.append(home)
    place.demand_of[query] = home
    for key in keys:
        place.met_at[key].add(query)


def _likes(place: Neighbourhood, words: str, near: Iterable[str]) -> dict[str, float]:
    """The demands with a query like these words, with how alike the best one is."""
    liked: dict[str, float] = {}
    for other in near:
        score = likeness(words, place.words[other])
        demand_id = place.demand_of[other]
        if score > liked.get(demand_id, 0.0):
            liked[demand_id] = score
    return liked


def _home(place: Neighbourhood, liked: dict[str, float]) -> str:
    """An operator's demand before others, then the most alike, then the oldest."""
    chosen = {demand_id: liked[demand_id] for demand_id in liked if demand_id in place.curated}
    among = chosen or liked
    return min(among, key=lambda demand_id: (-among[demand_id], demand_id))


def _merge(place: Neighbourhood, other: str, home: str) -> None:
    place.merged[other] = home
    for earlier, target in place.merged.items():
        if target == other:
            place.merged[earlier] = home
    for query, demand_id in place.demand_of.items():
        if demand_id == other:
            place.demand_of[query] = home


def _write(connection: Connection, place: Neighbourhood, fresh: list[str]) -> None:
    tenant_id = place.tenant_id
    made = [demand_id for demand_id in place.made if demand_id not in place.merged]
    bulk.insert_new(connection, DEMANDS, [blank(tenant_id, demand_id) for demand_id in made])
    old = {other: home for other, home in place.merged.items() if other not in place.made}
    move_all(connection, tenant_id, old)
    rows = [
        {
            "tenant_id": tenant_id,
            "query": query,
            "demand_id": place.demand_of[query],
            "words": place.words[query],
        }
        for query in fresh
    ]
    bulk.upsert(connection, QUERIES, rows, {})
    keys = [
        {"tenant_id": tenant_id, "key": key, "query": query}
        for query in fresh
        for key in meeting_keys(place.words[query])
    ]
    bulk.upsert(connection, KEYS, keys, {})


def blank(tenant_id: str, demand_id: str, **given: Any) -> dict[str, Any]:
    """A demand that nothing was counted for yet."""
    now = datetime.now(UTC)
    zeros = dict.fromkeys(("queries", "searches", "zero_results", "people", "emails"), 0)
    return {
        "tenant_id": tenant_id,
        "id": demand_id,
        "name": "",
        "status": OPEN,
        "status_at": now,
        "notes": "",
        "is_curated": False,
        "created_at": now,
        "standing": 0.0,
        **zeros,
        **given,
    }


def move_all(connection: Connection, tenant_id: str, homes: dict[str, str]) -> None:
    """Moves every query of some demands into others, and takes the empty ones away."""
    if not homes:
        return
    moves = [{"other": other, "home": home} for other, home in sorted(homes.items())]
    connection.execute(
        update(QUERIES)
        .where(QUERIES.c.tenant_id == tenant_id, QUERIES.c.demand_id == bindparam("other"))
        .values(demand_id=bindparam("home")),
        moves,
    )
    connection.execute(
        delete(DEMANDS).where(DEMANDS.c.tenant_id == tenant_id, DEMANDS.c.id.in_(homes))
    )
