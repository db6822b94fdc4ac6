"""What Sage makes of a sentence."""

from typing import Any

import pytest

from tracker.demo.experts import experts, find
from tracker.demo.sage import answer


@pytest.mark.parametrize(
    ("query", "filters"),
    [
        ("experts in Lisbon under $100", {"city": "Lisbon", "rate": [20, 100]}),
        ("Experts over 120 dollars", {"rate": [120, 180]}),
        ("between $40 and $60 an hour", {"rate": [40, 60]}),
        ("cooking in hanoi", {"city": "Hanoi", "tags": ["food"]}),
        ("somebody who speaks Portuguese", {"language": "Portuguese"}),
        ("bike and wine tours", {"tags": ["cycling", "wine"]}),
        ("a road trip", {"tags": ["road trips"]}),
    ],
)
def test_a_sentence_of_filters_only_applies_them(query: str, filters: dict[str, Any]) -> None:
    found = answer(query)
    assert found.function_called == "apply_filters"
    assert found.filters == filters


def test_filters_count_everyone_who_fits_and_list_the_first_five() -> None:
    found = answer("experts in Lisbon under $100")
    fitting = [e.id for e in experts() if e.city == "Lisbon" and e.rate <= 100]
    assert found.result_count == len(fitting) == 6
    assert found.expert_ids == fitting[:5]


def test_other_words_search_and_a_word_in_the_title_ranks_above_one_in_the_bio() -> None:
    found = answer("someone who knows birds of the firth")
    assert found.function_called == "search_experts"
    assert found.expert_ids[0] == "rhona-sinclair"


def test_accents_and_endings_do_not_matter() -> None:
    assert answer("ines").expert_ids == ["ines-carvalho"]
    assert "ines-carvalho" in answer("restoring tiles").expert_ids


def test_a_price_in_a_search_is_a_condition() -> None:
    found = answer("ski teacher between $50 and $70")
    rates = [find(expert_id).rate for expert_id in found.expert_ids]  # type: ignore[union-attr]
    assert rates
    assert all(50 <= rate <= 70 for rate in rates)


@pytest.mark.parametrize("query", ["northern lights with kids", "a guide for sign language", "zzz"])
def test_half_a_wish_is_not_found(query: str) -> None:
    assert answer(query).result_count == 0


def test_there_are_at_least_sixty_experts_with_ids_of_their_own() -> None:
    assert len({expert.id for expert in experts()}) == len(experts()) >= 60
