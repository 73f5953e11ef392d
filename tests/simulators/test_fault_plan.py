from collections import Counter
from itertools import pairwise

import pytest

from simulators.fault_plan import HEALTHY_SHARE, Member, plan_faults
from simulators.faults import FaultKind
from simulators.machines.registry import FAULTS_OF, KINDS

START_MS = 1_772_409_600_000
DAY_MS = 86_400_000
MINUTE_MS = 60_000
WEAK = FaultKind.BEARING_WEAR


def _members(count, *, weak=(), resting=True):
    return [
        Member(
            f"m-{number}",
            KINDS[number % len(KINDS)],
            FAULTS_OF[KINDS[number % len(KINDS)]][-1] if number in weak else None,
            never_rests=not resting or number % 4 == 0,
        )
        for number in range(count)
    ]


def _plan(seed, count=60, days=90, **members):
    end_ms = START_MS + days * DAY_MS
    made = _members(count, **members)
    return made, end_ms, plan_faults(seed, made, START_MS, end_ms)


def _within(plan, end_ms):
    return [fault for faults in plan.values() for fault in faults if fault.onset_ms < end_ms]


seeds = pytest.mark.parametrize("seed", range(8))


@seeds
def test_sixty_machines_see_some_forty_faults_in_ninety_days(seed):
    _, end_ms, plan = _plan(seed)
    assert 34 <= len(_within(plan, end_ms)) <= 45


@seeds
@pytest.mark.parametrize("days", [5, 30, 90])
def test_the_first_part_of_the_period_is_healthy(seed, days):
    _, end_ms, plan = _plan(seed, days=days)
    healthy_until_ms = START_MS + HEALTHY_SHARE * days * DAY_MS
    for fault in _within(plan, end_ms):
        assert healthy_until_ms <= fault.onset_ms < fault.full_ms


@seeds
def test_every_kind_of_fault_comes_and_only_to_machines_that_can_have_it(seed):
    members, end_ms, plan = _plan(seed)
    assert {fault.kind for fault in _within(plan, end_ms)} == {
        fault for faults in FAULTS_OF.values() for fault in faults
    }
    kinds = {each.device: each.kind for each in members}
    assert all(fault.kind in FAULTS_OF[kinds[at]] for at in plan for fault in plan[at])


@seeds
def test_some_are_mended_by_the_owner_and_some_are_open_at_the_end(seed):
    _, end_ms, plan = _plan(seed)
    faults = _within(plan, end_ms)
    mended = [fault for fault in faults if fault.cleared_ms is not None]
    assert all(fault.full_ms < fault.cleared_ms < end_ms for fault in mended)
    assert 10 <= len(mended) <= len(faults) - 10


@seeds
def test_a_machine_falls_ill_again_only_after_it_was_mended(seed):
    _, end_ms, plan = _plan(seed)
    again = 0
    for faults in plan.values():
        again += sum(fault.onset_ms < end_ms for fault in faults) > 1
        for first, second in pairwise(faults):
            assert first.cleared_ms is not None
            assert first.cleared_ms <= second.onset_ms
    assert again > 0


def test_a_weak_batch_falls_ill_more_often_and_of_its_weakness():
    ill, kinds = Counter(), Counter()
    for seed in range(30):
        members, end_ms, plan = _plan(seed, weak=range(15))
        for member in members:
            faults = [each for each in plan.get(member.device, ()) if each.onset_ms < end_ms]
            ill[member.weakness is not None] += bool(faults)
            kinds.update(each.kind == member.weakness for each in faults if member.weakness)
    assert ill[True] / 15 > 1.25 * ill[False] / 45
    assert kinds[True] > kinds[False]


@seeds
def test_one_blockage_comes_just_after_the_end_where_work_never_rests(seed):
    members, end_ms, plan = _plan(seed)
    soon = [
        (device, fault)
        for device, faults in plan.items()
        for fault in faults
        if end_ms <= fault.onset_ms < end_ms + 60 * MINUTE_MS
    ]
    ((device, fault),) = soon
    assert fault.kind is FaultKind.OIL_COOLER_CLOGGING
    assert fault.full_ms <= end_ms + 20 * MINUTE_MS
    assert plan[device] == (fault,)
    assert next(each for each in members if each.device == device).never_rests


@seeds
def test_faults_go_on_coming_after_the_period(seed):
    _, end_ms, plan = _plan(seed)
    later = [each for faults in plan.values() for each in faults if each.onset_ms > end_ms]
    assert len(later) > 15


def test_the_same_seed_plans_the_same_and_another_does_not():
    assert _plan(1) == _plan(1)
    assert _plan(1) != _plan(2)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_small_fleets_have_plans_too(count):
    _, _, plan = _plan(3, count=count, days=1)
    assert set(plan) <= {f"m-{number}" for number in range(count)}
