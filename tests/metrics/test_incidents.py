"""When trip creation is out of order."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bench.incidents import World, judge
from tracker.metrics.incidents import History, silence_at, spike_at, usual_at

NOW = datetime(2026, 11, 18, 15, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def usual_weeks(failures: int = 6, attempts: int = 120) -> list[tuple[datetime, str]]:
    """The same two hours of the last four weeks, each with so many failures."""
    return [
        (
            NOW.replace(hour=hour, minute=0) - timedelta(weeks=week) + n * MINUTE / 3,
            status(n, failures),
        )
        for week in range(1, 5)
        for hour in (14, 15)
        for n in range(attempts)
    ]


def status(n: int, failures: int) -> str:
    return "failed" if n < failures else "success"


def lately(failures: int, attempts: int, minutes_ago: int) -> list[tuple[datetime, str]]:
    """Attempts spread over the 15 minutes that began so many minutes ago."""
    begin = NOW - minutes_ago * MINUTE
    return [
        (begin + n * timedelta(minutes=15) / attempts, status(n, failures)) for n in range(attempts)
    ]


def test_a_failure_rate_far_above_usual_in_two_windows_running_is_a_spike() -> None:
    history = History(usual_weeks() + lately(10, 30, 30) + lately(12, 30, 15))
    found = spike_at(history, NOW)
    assert found is not None
    # usual: 6 of 120 in each of the four weeks
    assert (found.failures, found.attempts, found.usual_rate) == (22, 60, 0.05)
    assert found.began_at == NOW - timedelta(minutes=30)


def test_one_window_alone_is_no_spike() -> None:
    history = History(usual_weeks() + lately(1, 30, 30) + lately(25, 30, 15))
    assert spike_at(history, NOW) is None


def test_fewer_than_twenty_failures_are_no_spike() -> None:
    history = History(usual_weeks() + lately(9, 12, 30) + lately(10, 12, 15))
    assert spike_at(history, NOW) is None


def test_a_rate_that_is_usual_for_the_hour_is_no_spike() -> None:
    history = History(usual_weeks(failures=48) + lately(12, 30, 30) + lately(12, 30, 15))
    assert spike_at(history, NOW) is None


def test_without_history_nothing_is_called_a_spike() -> None:
    assert spike_at(History(lately(20, 30, 30) + lately(20, 30, 15)), NOW) is None


def test_an_earlier_incident_in_the_same_hour_does_not_hide_a_new_one() -> None:
    weeks = [
        (at, "failed" if at > NOW - timedelta(days=8) else state) for at, state in usual_weeks()
    ]
    history = History(weeks + lately(10, 30, 30) + lately(12, 30, 15))
    assert spike_at(history, NOW) is not None


def test_with_little_history_the_rate_of_all_of_it_is_the_usual_one() -> None:
    before = [(NOW - timedelta(hours=5) + n * MINUTE, status(n, 20)) for n in range(200)]
    usual = usual_at(History(before), NOW)
    assert usual is not None
    assert (usual.rate, usual.spread) == (0.1, None)


def test_no_attempts_where_twenty_should_have_come_is_silence() -> None:
    # 120 an hour are usual, so 20 should have come in 10 minutes; gaps under 15 are none
    last = lately(0, 1, 10)
    assert silence_at(History(usual_weeks() + last), NOW) is None
    found = silence_at(History(usual_weeks() + lately(0, 1, 20)), NOW)
    assert found is not None
    assert (found.began_at, round(found.expected)) == (NOW - timedelta(minutes=20), 40)


def test_a_shop_keeps_its_hours_when_the_clocks_change() -> None:
    zone = ZoneInfo("America/New_York")  # back to winter time on 1 November 2026
    days = [datetime(2026, 10, 1, 9, tzinfo=zone) + timedelta(days=n) for n in range(40)]
    opened = [(day.astimezone(UTC) + n * MINUTE, "success") for day in days for n in range(480)]
    not_open_yet = datetime(2026, 11, 4, 8, 50, tzinfo=zone).astimezone(UTC)
    before = [one for one in opened if one[0] < not_open_yet]
    assert silence_at(History(before, zone), not_open_yet) is None
    late = not_open_yet + timedelta(minutes=40)
    assert silence_at(History(before, zone), late) is not None
    assert silence_at(History(before), not_open_yet) is not None


def test_silence_is_not_over_because_it_lasts() -> None:
    usual = [one for one in usual_weeks() if one[0] < NOW - timedelta(hours=30)]
    found = silence_at(History(usual), NOW)
    assert found is not None
    assert found.began_at == max(at for at, _ in usual)


def test_silence_ends_when_attempts_are_no_longer_usual() -> None:
    usual = [one for one in usual_weeks() if one[0] < NOW - timedelta(days=22)]
    assert silence_at(History(usual), NOW) is None


def test_a_quiet_hour_is_no_silence() -> None:
    history = History(usual_weeks(attempts=20) + lately(0, 1, 30))
    assert silence_at(history, NOW) is None


def test_planted_incidents_are_found_in_time_with_few_false_alarms() -> None:
    world = World(random.Random(7))  # a threshold of 4.5 raised four false alarms here
    world.simulate()
    false = judge(world)
    assert all(one.is_of_stated_size for one in world.incidents)
    assert all(one.found_in_time for one in world.incidents)
    assert len(false) <= 3  # one a month
