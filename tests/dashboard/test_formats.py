"""Values in the words of a reader."""

from collections.abc import Callable

import pytest

from tracker.dashboard.formats import decimal, milliseconds, seconds


@pytest.mark.parametrize(
    ("written", "value", "words"),
    [
        (milliseconds, 840, "840 ms"),
        (milliseconds, 999.4, "999 ms"),
        (milliseconds, 999.7, "1.0 s"),
        (milliseconds, 1240, "1.2 s"),
        (seconds, 59.94, "59.9 s"),
        (seconds, 59.97, "1 min 0 s"),
        (seconds, 125, "2 min 5 s"),
        (seconds, 3599.7, "1 h 0 min"),
        (decimal, 9.994, "9.99"),
        (decimal, 9.996, "10.0"),
        (decimal, 99.96, "100"),
    ],
)
def test_what_rounds_up_to_the_next_unit_is_written_in_it(
    written: Callable[[float], str], value: float, words: str
) -> None:
    assert written(value).replace("\u202f", " ") == words
