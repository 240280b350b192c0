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


def test_only_what_there_is_time_for_is_begun():
    """A stage that needs a long one is as long; what takes more than the time left does not fit on any core."""
    seconds = {"a": 10.0, "b": 40.0, "b's": 45.0, "c": 50.0, "d": 90.0}
    upstream = {name: ["b"] if name == "b's" else [] for name in seconds}
    plan = Schedule(upstream, seconds, seconds)
    plan.admit(89.0, 3, {})
    assert [plan.next_batch(2) for _ in range(4)] == [["b"], ["c"], ["a"], []]
    plan.finish("b")
    plan.admit(44.0, 2, {})
    assert plan.next_batch(2) == []
    assert plan.left_out() == (["b's", "d"], {"b's", "d"})
    plan.admit(95.0, 1, {})  # there is more time than was thought
    assert plan.next_batch(2) == ["b's"]
    assert plan.next_batch(2) == []
    plan.admit(95.0, 2, {"b's": 45.0})
    assert plan.next_batch(2) == ["d"]


def test_a_run_that_is_trained_is_evaluated_too():
    """However long its training took; and it is not begun if there is no time to evaluate it."""
    upstream = {"train": [], "evaluate": ["train"], "judge": ["evaluate", "train"], "other": []}
    seconds = {"train": 30.0, "evaluate": 10.0, "judge": 5.0, "other": 44.0}
    plan = Schedule(upstream, seconds, seconds)
    plan.admit(44.0, 2, {})
    assert [plan.next_batch(2), plan.next_batch(2)] == [["other"], []]
    plan.admit(45.0, 2, {"other": 44.0})
    assert plan.next_batch(2) == ["train"]
    plan.finish("train")
    plan.admit(-1.0, 2, {"other": 10.0})
    assert plan.next_batch(2) == ["evaluate"]
    plan.finish("evaluate")
    plan.admit(-1.0, 2, {})
    assert plan.next_batch(2) == ["judge"]
    assert plan.left_out() == ([], set())


def test_a_run_that_is_trained_is_evaluated_before_another_is_begun():
    """Time may be shorter than was expected: what is left out is then a whole run, and not the end of each."""
    upstream = {"train": [], "evaluate": ["train"], "fetch": [], "long": ["fetch"]}
    plan = Schedule(upstream, upstream, {"train": 30.0, "evaluate": 20.0, "fetch": 10.0, "long": 60.0})
    plan.admit(100.0, 2, {})
    assert [plan.next_batch(2), plan.next_batch(2)] == [["fetch"], ["train"]]
    plan.finish("fetch")
    plan.finish("train")
    assert [plan.next_batch(2), plan.next_batch(2)] == [["evaluate"], ["long"]]


def test_the_shortest_can_come_first():
    plan = schedule(todo=["long", "short", "report"], short=20.0, long=30.0)
    assert plan.next_batch(2, shortest_first=True) == ["short"]
