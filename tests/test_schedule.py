"""Which stage runs when: dependencies, the longest way first, short stages together."""

from stages.schedule import Schedule

UPSTREAM = {"fetch": [], "prepare": ["fetch"], "long": ["prepare"], "short": ["prepare"], "report": ["long", "short"]}


def schedule(todo=tuple(UPSTREAM), **seconds) -> Schedule:
    return Schedule(UPSTREAM, todo, dict.fromkeys(UPSTREAM, 10.0) | seconds)


def test_a_stage_waits_for_all_it_needs():
    plan = schedule(long=60.0)
    order = []
    while batch := plan.next_batch(2):
        assert plan.next_batch(2) == [] or batch == ["long"]  # nothing but the two runs can go side by side
        order += batch
        for name in [*batch, "short"]:
            plan.finish(name)
    assert order == ["fetch", "prepare", "long", "report"]


def test_the_longest_way_to_the_end_comes_first():
    plan = schedule(todo=["long", "short", "report"], short=20.0, long=30.0)
    assert [plan.next_batch(2), plan.next_batch(2), plan.next_batch(2)] == [["long"], ["short"], []]


def test_stages_that_are_up_to_date_are_not_waited_for():
    assert schedule(todo=["report"]).next_batch(2) == ["report"]


def test_short_stages_share_a_process_and_leave_the_others_theirs():
    names = [f"run{i}" for i in range(8)]
    plan = Schedule({name: [] for name in names}, names, dict.fromkeys(names, 2.0))
    first, second = plan.next_batch(2), plan.next_batch(2)
    assert len(first) == 4
    assert len(second) == 2  # half of what is left
    assert not set(first) & set(second)


def test_a_failure_takes_what_needs_it_and_nothing_else():
    plan = schedule(todo=["long", "short", "report"], long=30.0)
    assert plan.next_batch(2) == ["long"]
    assert plan.fail("long") == 1
    assert plan.next_batch(2) == ["short"]
    plan.finish("short")
    assert plan.next_batch(2) == []


def test_stages_that_were_not_begun_wait_again():
    plan = schedule(todo=["short"])
    batch = plan.next_batch(1)
    plan.put_back(batch)
    assert plan.next_batch(1) == batch
