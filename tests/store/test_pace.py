"""Rests: as long as the work leaves to others, and no longer than the process lives."""

import time

from tracker.store.pace import leave_room, rest


def test_who_ends_is_not_kept_by_a_rest() -> None:
    answers = iter([False, True])
    began = time.monotonic()
    rest(60, lambda: next(answers))
    assert time.monotonic() - began < 30


def test_work_leaves_others_most_of_the_time() -> None:
    began = time.monotonic()
    time.sleep(0.01)
    leave_room(began, lambda: False)
    assert time.monotonic() - began >= 0.01 / 0.03
