"""Which stage runs when: dependencies, the longest way first, a quick table before all."""

from stages.rebuild.schedule import Schedule

UPSTREAM = {
    "fetch": set(),
    "prepare": {"fetch"},
    "long": {"prepare", "fetch"},
    "short": {"prepare", "fetch"},
    "report": {"long", "short", "prepare", "fetch"},
}


def schedule(todo=tuple(UPSTREAM), **seconds) -> Schedule:
    return Schedule(UPSTREAM, todo, dict.fromkeys(UPSTREAM, 10.0) | seconds)


def test_a_stage_waits_for_all_it_needs():
    plan = schedule()
    for expected in (["fetch"], ["prepare"], ["long", "short"], ["report"]):
        begun = [plan.next() for _ in expected]
        assert sorted(begun) == expected
        assert plan.next() is None
        for name in begun:
            plan.finish(name)
    assert not plan.waiting and not plan.running


def test_the_longest_way_to_the_end_comes_first():
    upstream = {"a": set(), "b": set(), "after b": {"b"}}
    plan = Schedule(upstream, upstream, {"a": 30.0, "b": 20.0, "after b": 15.0})
    assert [plan.next(), plan.next(), plan.next()] == ["b", "a", None]


def test_stages_that_are_up_to_date_are_not_waited_for():
    assert schedule(todo=["report"]).next() == "report"


def test_a_failure_takes_what_needs_it_and_nothing_else():
    plan = schedule(todo=["long", "short", "report"], long=30.0)
    assert plan.next() == "long"
    assert plan.fail("long") == ["report"]
    assert [plan.next(), plan.next()] == ["short", None]


def test_how_long_it_takes_is_the_work_or_the_longest_way():
    plan = schedule(long=60.0)
    assert plan.seconds_left(1) == 100.0
    assert plan.seconds_left(2) == 90.0  # all but `short`
    assert plan.num_long() == 5
    assert plan.next() == "fetch"
    assert 89.0 < plan.seconds_left(2) < 90.0


TABLES = {f"row {i}": set() for i in range(3)} | {"data": set(), "quick": {"data"}, "quicker": set(), "slow": set()}
SECONDS = dict.fromkeys(TABLES, 100.0) | {"data": 5.0, "quick": 5.0, "quicker": 7.0}


def test_what_completes_a_quick_table_comes_first():
    """The quickest table before the other, and each with the data that it needs; a slow one is no reason to wait."""
    plan = Schedule(TABLES, TABLES, SECONDS, [{"slow", "quick"}, {"quick"}, {"quicker"}])
    order = []
    while name := plan.next():
        order.append(name)
        plan.finish(name)
    assert order == ["quicker", "data", "quick", "row 0", "row 1", "row 2", "slow"]


def test_a_table_that_takes_long_does_not_come_first():
    plan = Schedule(TABLES, TABLES, SECONDS | {"quick": 50.0}, [{"quick"}])
    assert plan.next() == "row 0"
