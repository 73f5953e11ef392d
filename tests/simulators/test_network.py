from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.readings import Reading
from simulators.messages import Message
from simulators.network import PROFILES, NetworkProfile, Way, travel

START_MS = 1_772_409_600_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000


def message(device, at_ms):
    return Message(at_ms, device, [Reading(device, at_ms, {"power": 1.0})])


def day(device="sc-1", hours=24):
    return [message(device, START_MS + n * MINUTE_MS) for n in range(hours * 60)]


def contents(messages):
    return Counter((each.device, each.readings[-1].observed_at_ms) for each in messages)


_MESSAGES = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 48 * 60)), unique=True, max_size=40
).map(lambda pairs: [message(d, START_MS + minute * MINUTE_MS) for d, minute in sorted(pairs)])
_PROFILES = st.sampled_from(sorted(PROFILES)).map(PROFILES.__getitem__)
_LOSSLESS = st.builds(
    NetworkProfile,
    delay_s=st.floats(0, 60),
    delay_spread=st.floats(0, 1),
    repeats=st.floats(0, 1),
    held_back=st.floats(0, 1),
    held_back_s=st.floats(0, 3600),
    outage_every_h=st.sampled_from([0.0, 1.0, 6.0]),
    outage_s=st.floats(0, 7200),
)


@given(_MESSAGES, _PROFILES, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_nothing_is_invented_nothing_comes_too_early_and_all_is_in_order(sent, profile, seed):
    arrived = travel(sent, profile, seed)
    assert set(contents(arrived)) <= set(contents(sent))
    assert max(contents(arrived).values(), default=0) <= 2
    assert all(each.due_ms >= each.readings[-1].observed_at_ms for each in arrived)
    assert [each.due_ms for each in arrived] == sorted(each.due_ms for each in arrived)


@given(_MESSAGES, _LOSSLESS, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_everything_comes_at_least_once_where_no_loss_is_asked_for(sent, profile, seed):
    assert set(contents(travel(sent, profile, seed))) == set(contents(sent))


@given(_MESSAGES, _PROFILES, st.integers(0, 5), st.integers(1, 24))
@settings(max_examples=60, deadline=None)
def test_in_which_portions_messages_are_handed_over_makes_no_difference(
    sent, profile, seed, hours
):
    way, arrived = Way(profile, seed), []
    for begin_ms in range(START_MS, START_MS + 100 * HOUR_MS, hours * HOUR_MS):
        end_ms = begin_ms + hours * HOUR_MS
        portion = [each for each in sent if begin_ms <= each.due_ms < end_ms]
        arrived += way.carry(portion, end_ms)
    assert arrived == travel(sent, profile, seed)


def test_without_a_network_everything_comes_as_it_was_sent():
    assert travel(day(), PROFILES["none"], 1) == day()


def test_the_same_seed_does_the_same_and_another_does_not():
    assert travel(day(), PROFILES["bad"], 1) == travel(day(), PROFILES["bad"], 1)
    assert travel(day(), PROFILES["bad"], 1) != travel(day(), PROFILES["bad"], 2)


def test_shares_are_about_what_was_asked_for():
    sent = day(hours=120)
    lossy = contents(travel(sent, NetworkProfile(loss=0.1), 1))
    assert len(lossy) / len(sent) == pytest.approx(0.9, abs=0.015)
    twice = contents(travel(sent, NetworkProfile(repeats=0.2), 1))
    assert twice.total() / len(sent) == pytest.approx(1.2, abs=0.02)
    delays = sorted(
        each.due_ms - each.readings[-1].observed_at_ms
        for each in travel(sent, NetworkProfile(delay_s=5, delay_spread=0.5), 1)
    )
    assert delays[len(delays) // 2] == pytest.approx(5000, rel=0.06)


def test_who_is_held_back_is_overtaken():
    arrived = travel(day(), NetworkProfile(held_back=0.2, held_back_s=600), 1)
    times = [each.readings[-1].observed_at_ms for each in arrived]
    assert times != sorted(times)


def test_after_an_outage_everything_comes_at_once_in_order():
    arrived = travel(day(), NetworkProfile(outage_every_h=24, outage_s=3600), 4)
    late = [each for each in arrived if each.due_ms > each.readings[-1].observed_at_ms]
    times = [each.readings[-1].observed_at_ms for each in late]
    assert 12 <= len(late) <= 109
    assert times == sorted(times)
    assert late[-1].due_ms - late[0].due_ms < MINUTE_MS
    assert late[-1].due_ms - late[-1].readings[-1].observed_at_ms <= 2 * MINUTE_MS


def test_devices_are_cut_off_at_different_times():
    profile = NetworkProfile(outage_every_h=24, outage_s=3600)
    cut = []
    for name in ("a", "b", "c"):
        arrived = zip(travel(day(name), profile, 1), day(name), strict=True)
        cut.append([n for n, (now, sent) in enumerate(arrived) if now.due_ms != sent.due_ms])
    assert len({each[0] for each in cut}) == 3
