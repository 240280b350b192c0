"""Each way a metric can go wrong is caught and named; honest noise passes, and it is said how."""

import copy
import math
import random
from statistics import mean

import pytest

from stages.core.errors import UserError
from stages.core.family import code_of, family_names
from stages.results.references import Reference, load_references
from stages.results.verification import (
    FALSE_ALARM,
    FamilyMetrics,
    half_width,
    load_family_metrics,
    verify_runs,
)
from tests.conftest import ROOT

FAMILY = FamilyMetrics.model_validate(
    {
        "metrics": {
            name: {"meaning": name, "better": better, "rounding": 0.0005, "max_width": 0.02}
            for name, better in {"test_accuracy": "higher", "test_loss": "lower", "bias": "neither"}.items()
        }
    }
)
RECORDED = [0.850, 0.852, 0.854, 0.851, 0.853, 0.850, 0.852, 0.854]
ROW = "shapes/circle"
EXCEPTION = "{rounding: 0.1, max_width: 1.0, reason: x}"


def settings(processor: str) -> dict:
    return {"num_parameters": 10, "fingerprint": {"processor": processor}}


def reference(values, metric: str = "test_accuracy") -> Reference:
    seeds = {str(seed): value for seed, value in enumerate(values, 1)}
    return Reference(settings=settings("here"), metrics={metric: seeds})


def fresh(*values: float, processor: str = "here", metric: str = "test_accuracy", first_seed: int = 1) -> dict:
    """Return a metrics file; its mean and deviation are wrong on purpose, the seeds decide."""
    seeds = {str(seed): value for seed, value in enumerate(values, first_seed)}
    return {metric: {"mean": 0.0, "sd": 0.0, "seeds": seeds}, "settings": settings(processor)}


def verify(recorded: Reference, content: dict, seeds=(1, 2, 3), family: FamilyMetrics = FAMILY):
    return verify_runs({ROW: recorded}, {ROW: content}, {ROW: seeds}, {"shapes": family})


def why(recorded: Reference, content: dict, seeds=(1, 2, 3), family: FamilyMetrics = FAMILY) -> list[str]:
    return [found.why for found in verify(recorded, content, seeds, family).findings]


def way(recorded: Reference, content: dict, seeds=(1, 2, 3), family: FamilyMetrics = FAMILY) -> str:
    verification = verify(recorded, content, seeds, family)
    assert verification.findings == []
    return verification.verified[ROW]


OLD = reference(RECORDED)


@pytest.mark.parametrize("processor", ["here", "there"])
def test_the_same_numbers_are_exact_on_whatever_machine(processor):
    assert way(OLD, fresh(*RECORDED[:3], processor=processor)) == "exact"
    assert way(OLD, fresh(RECORDED[1] + 1e-9, first_seed=2, processor=processor), seeds=[2]) == "exact"


def test_on_the_same_machine_nothing_but_the_same_number_will_do():
    """Rounding would explain it on another one."""
    assert why(OLD, fresh(0.850, 0.8521, 0.854)) == ["seed 2, same machine: better than expected: look for a leak"]


def test_what_rounding_explains_passes_in_pairs():
    assert way(OLD, fresh(0.8504, 0.852, 0.8536, processor="there")) == "paired"


def test_pairs_see_one_seed_that_broke():
    """Their mean moved by 0.0004 only; without a band to fall back on, as nothing scatters, this is wrong."""
    constant = reference([0.85] * 5)
    assert way(constant, fresh(0.8504, 0.85, 0.85, processor="there")) == "paired"
    assert why(constant, fresh(0.852, 0.85, 0.85, processor="there")) == ["better than expected: look for a leak"]


def test_where_rounding_does_not_explain_the_pairs_the_band_decides():
    assert way(OLD, fresh(0.853, 0.850, 0.855, processor="there")) == "band"
    assert why(OLD, fresh(0.82, 0.82, 0.82, processor="there")) == ["worse"]


def test_folds_are_compared_with_themselves_however_much_they_differ():
    """Their scatter is that of their test examples: the change of the mean counts, fold by fold."""
    recorded = reference([0.75, 0.80, 0.85, 0.70, 0.90])
    folds = FAMILY.model_copy(update={"folds": True})
    changed = fresh(0.77, 0.81, 0.87, processor="there")
    assert why(recorded, changed) == ["underpowered: chance alone may move it farther than ± 0.02; record more seeds"]
    assert way(recorded, changed, family=folds) == "band"
    assert why(recorded, fresh(0.77, 0.83, 0.88, processor="there"), family=folds) == [
        "better than expected: look for a leak"
    ]
    one_broke = fresh(0.75, 0.80, 0.80, processor="there")
    assert why(recorded, one_broke, family=folds) == ["one fold: worse"]


def test_seeds_that_were_never_recorded_are_judged_by_the_band():
    assert way(OLD, fresh(0.851, 0.853, first_seed=50), seeds=[50, 51]) == "band"
    assert why(OLD, fresh(0.82, 0.82, first_seed=50), seeds=[50, 51]) == ["worse"]


def test_a_seed_that_was_never_recorded_neither_hides_nor_is_hidden_by_those_that_were():
    content = fresh(0.850, 0.8519, 0.854)
    content["test_accuracy"]["seeds"]["99"] = 0.852
    assert why(OLD, content, seeds=[1, 2, 3, 99]) == ["seed 2, same machine: worse"]
    content = fresh(*RECORDED)
    content["test_accuracy"]["seeds"]["99"] = 0.82
    assert why(OLD, content, seeds=[*range(1, 9), 99]) == ["worse"]


@pytest.mark.parametrize(
    ("metric", "change", "verdict"),
    [
        ("test_accuracy", 0.03, "better than expected: look for a leak"),
        ("test_loss", -0.03, "better than expected: look for a leak"),
        ("test_loss", 0.03, "worse"),
        ("bias", 0.03, "left its band"),
    ],
)
def test_the_direction_is_the_declared_one(metric, change, verdict):
    values = [value + change for value in RECORDED[:3]]
    assert why(reference(RECORDED, metric), fresh(*values, processor="there", metric=metric)) == [verdict]


def test_a_row_is_as_its_weakest_metric():
    recorded = Reference(settings=settings("here"), metrics={"test_loss": {"1": 0.5}, "bias": {"1": 1.0}})
    content = fresh(0.5, metric="test_loss", processor="there") | {"bias": {"seeds": {"1": 1.0004}}}
    verification = verify(recorded, content, seeds=[1])
    assert verification.ways == {ROW: {"test_loss": "exact", "bias": "paired"}}
    assert verification.verified == {ROW: "paired"}


@pytest.mark.parametrize("recorded", [[0.7, 0.8, 0.9], [0.85]])
def test_noise_cannot_buy_a_pass(recorded):
    """Seeds that scatter, or are few, show nothing, even where the means are equal."""
    (found,) = why(reference(recorded), fresh(0.8, 0.8, 0.8, processor="there"))
    assert found.startswith("underpowered")


def test_no_number_of_bands_makes_one_wider_than_declared():
    """And none makes a band underpowered that was not so before."""
    recorded = [0.84, 0.85, 0.86, 0.85, 0.845, 0.855, 0.85, 0.85]
    rows = {f"shapes/row{i}": reference(recorded) for i in range(300)}
    centre = sum(recorded) / len(recorded)
    assert half_width(recorded, 3, FALSE_ALARM) < 0.02 < half_width(recorded, 3, FALSE_ALARM / 300)
    contents = {run: fresh(*[centre + 0.019] * 3, processor="there") for run in rows}
    contents["shapes/row7"] = fresh(*[centre - 0.021] * 3, processor="there")
    verification = verify_runs(rows, contents, {run: [1, 2, 3] for run in rows}, {"shapes": FAMILY})
    assert [(found.run, found.why) for found in verification.findings] == [("shapes/row7", "worse")]
    assert set(verification.verified.values()) == {"band"}


def test_the_bands_of_a_family_share_the_probability_of_a_false_alarm():
    """Of 200 verifications of 20 honest metrics about 1 % may fail; with no correction a fifth would."""
    draws = random.Random(0)

    def honest(count: int) -> list[float]:
        return [draws.gauss(0.85, 0.002) for _ in range(count)]

    runs = [f"shapes/row{i}" for i in range(20)]
    expected = {run: [1, 2, 3] for run in runs}
    alarms = 0
    for _ in range(200):
        references = {run: reference(honest(10)) for run in runs}
        contents = {run: fresh(*honest(3), processor="there") for run in runs}
        alarms += bool(verify_runs(references, contents, expected, {"shapes": FAMILY}).findings)
    assert alarms <= 6


def test_neither_another_family_nor_what_cannot_differ_by_chance_widens_a_band():
    """Counts, exact rows and other families' rows: none takes a share of the probability."""
    half = half_width(RECORDED, 3, FALSE_ALARM)
    centre = sum(RECORDED) / len(RECORDED)
    references = {ROW: OLD}
    contents = {ROW: fresh(*[centre + 1.05 * half] * 3, processor="there")}
    for i in range(300):
        references[f"shapes/count{i}"] = reference([7.0] * 8, "bias")
        contents[f"shapes/count{i}"] = fresh(7.0001, 7.0, 7.0, processor="there", metric="bias")
        references[f"shapes/exact{i}"] = OLD
        contents[f"shapes/exact{i}"] = fresh(*RECORDED[:3], processor="there")
        references[f"words/row{i}"] = OLD
        contents[f"words/row{i}"] = fresh(0.851, 0.853, 0.855, processor="there")
    expected = {run: [1, 2, 3] for run in references}
    families = {"shapes": FAMILY, "words": FAMILY}
    (found,) = verify_runs(references, contents, expected, families).findings
    assert (found.run, found.why) == (ROW, "better than expected: look for a leak")


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "0.85", True])
def test_a_value_that_is_no_number_fails(value):
    assert why(OLD, fresh(0.850, value, 0.854)) == ["seed 2"]


def test_missing_and_extra_metrics_seeds_settings_and_runs_fail():
    content = fresh(*RECORDED[:3])
    assert why(OLD, fresh(0.850, 0.852)) == ["other seeds"]
    assert why(OLD, content, seeds=[1, 2]) == ["other seeds"]
    assert why(OLD, {"settings": content["settings"]}) == ["missing metric"]
    assert why(OLD, content | {"more": content["test_accuracy"]}) == ["extra metric"]
    other = copy.deepcopy(content)
    other["settings"]["num_parameters"] = 11
    assert why(OLD, other) == ["another setting"]
    assert verify(OLD, other).verified == {}
    expected, families = {ROW: [1, 2, 3]}, {"shapes": FAMILY}
    assert verify_runs({ROW: OLD}, {}, expected, families).findings[0].why.startswith("missing")
    assert verify_runs({}, {ROW: content}, expected, families).findings[0].why.startswith("no reference")
    assert verify_runs({ROW: OLD}, {ROW: content}, {}, families).findings[0].why.startswith("extra")
    assert verify_runs({ROW: OLD}, {ROW: content}, expected, {}).findings[0].why.startswith("no such family")


def test_a_metric_that_nobody_described_fails():
    (found,) = verify(reference([1.0], "surprise"), fresh(1.0, metric="surprise"), seeds=[1]).findings
    assert found.metric == "surprise" and "does not describe" in found.why


def test_a_row_may_tolerate_something_else():
    wider = {"rounding": 0.05, "max_width": 0.05, "reason": "a test"}
    family = FamilyMetrics(metrics=FAMILY.metrics, rows={"circle": {"test_accuracy": wider}})
    moved = fresh(*[value + 0.04 for value in RECORDED[:3]], processor="there")
    assert way(OLD, moved, family=family) == "paired"
    elsewhere = FamilyMetrics(metrics=FAMILY.metrics, rows={"square": {"test_accuracy": wider}})
    assert why(OLD, moved, family=elsewhere) == ["better than expected: look for a leak"]


def test_what_another_machine_decides_is_compared_on_the_same_one_alone():
    alone = {"rounding": 0.0, "max_width": 0.0, "same_machine_only": True, "reason": "a test"}
    family = FamilyMetrics.model_validate({"metrics": FAMILY.metrics, "rows": {"circle": {"test_accuracy": alone}}})
    verification = verify(OLD, fresh(0.1, 0.2, 0.3, processor="there"), family=family)
    assert verification.findings == []
    assert verification.not_compared == [(ROW, "test_accuracy")]
    assert why(OLD, fresh(0.1, 0.2, 0.3), family=family) != []
    assert way(OLD, fresh(*RECORDED[:3], processor="there"), family=family) == "exact"


@pytest.fixture
def family_metrics(tmp_path, monkeypatch):
    """Write the metrics.yaml of a family."""
    monkeypatch.chdir(tmp_path)

    def write(family: str, metrics: str, params: str = "") -> None:
        folder = tmp_path / "stages" / family
        folder.mkdir(parents=True)
        (folder / "metrics.yaml").write_text(metrics)
        (folder / "params.yaml").write_text(params)

    return write


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("{meaning: x, better: higher, rounding: 0.1, max_width: 0.01}", "rounding must not be more than max_width"),
        ("{meaning: x, better: more, rounding: 0.1, max_width: 1.0}", "test_loss.better = 'more'"),
        ("{meaning: '', better: lower, rounding: 0.1, max_width: 1.0}", "test_loss.meaning"),
        ("{better: lower, rounding: 0.1, max_width: 1.0}", "test_loss.meaning: Field required"),
        ("{meaning: x, better: lower, rounding: .nan, max_width: 1.0}", "test_loss.rounding"),
    ],
)
def test_a_wrong_description_is_refused_in_one_line(family_metrics, change, message):
    family_metrics("new", f"metrics:\n  test_loss: {change}\n")
    with pytest.raises(UserError, match=message) as caught:
        load_family_metrics("new")
    assert "\n" not in str(caught.value)


def test_a_row_cannot_tolerate_what_is_not_described(family_metrics):
    family_metrics("new", "metrics: {}\nrows: {row: {bias: {rounding: 0.1, max_width: 1.0, reason: x}}}")
    with pytest.raises(UserError, match=r"rows\.row\.bias"):
        load_family_metrics("new")


def test_a_family_that_runs_anothers_code_has_its_metrics(family_metrics):
    """But for those that it describes itself, and not the exceptions of the other's rows."""
    loss = "{meaning: x, better: lower, rounding: 0.1, max_width: 1.0}"
    family_metrics("old", f"metrics: {{bias: {loss}, loss: {loss}}}\nrows: {{a: {{bias: {EXCEPTION}}}}}")
    family_metrics(
        "new", f"metrics: {{loss: {loss.replace('1.0', '2.0')}}}\nrows: {{b: {{bias: {EXCEPTION}}}}}", "code: old"
    )
    found = load_family_metrics("new")
    assert found.metrics["bias"] == load_family_metrics("old").metrics["bias"]
    assert found.metrics["loss"].max_width == 2.0
    assert list(found.rows) == ["b"]


def test_such_a_family_says_of_a_shared_metric_what_differs(family_metrics):
    family_metrics("old", "metrics: {loss: {meaning: x, better: lower, rounding: 0.1, max_width: 1.0}}")
    family_metrics("new", "metrics: {loss: {max_width: 2.0}}", "code: old")
    found = load_family_metrics("new").metrics["loss"]
    assert (found.meaning, found.better, found.rounding, found.max_width) == ("x", "lower", 0.1, 2.0)
    family_metrics("wrong", "metrics: {loss: 2.0}", "code: old")
    with pytest.raises(UserError, match=r"^stages/wrong/metrics.yaml: metrics.loss = 2.0"):
        load_family_metrics("wrong")


# What is committed: every family's tolerances, held against its recorded seeds.

with pytest.MonkeyPatch.context() as patch:
    patch.chdir(ROOT)
    FAMILIES = {family: load_family_metrics(family) for family in family_names()}


@pytest.fixture(scope="module")
def references() -> dict[str, Reference]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        found = load_references()
    assert found, "metrics/references/<family>/<row>.json: none"
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_descriptions_are_of_the_metrics_that_the_family_has(family, references, monkeypatch):
    """All of them; and no others, but for those of families that share its code."""
    monkeypatch.chdir(ROOT)
    own = {run: reference for run, reference in references.items() if run.startswith(f"{family}/")}
    assert FAMILIES[family].rows.keys() <= {run.partition("/")[2] for run in own}
    same_code = [other for other in FAMILIES if code_of(other) == code_of(family)]
    of_code = [reference for run, reference in references.items() if run.partition("/")[0] in same_code]
    described = FAMILIES[family].metrics.keys()
    assert {metric for reference in own.values() for metric in reference.metrics} <= described
    assert described <= {metric for reference in of_code for metric in reference.metrics}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_row_of_its_own_tolerance_is_an_exception(family, references):
    runs = sum(run.startswith(f"{family}/") for run in references)
    assert len(FAMILIES[family].rows) <= max(1, runs // 3)


def copies(references, family: str, change=lambda where, value: value, num_seeds: int = 3):
    """Return the references of a family, some of their seeds as another processor's rebuild of it, and those seeds."""
    known = {run: reference for run, reference in references.items() if run.startswith(f"{family}/")}
    contents, expected = {}, {}
    for run, reference in known.items():
        seeds = list(next(iter(reference.metrics.values())))[:num_seeds]
        contents[run] = {"settings": reference.settings | {"fingerprint": {"processor": "another"}}}
        for metric, values in reference.metrics.items():
            contents[run][metric] = {"seeds": {seed: change((run, metric), values[seed]) for seed in seeds}}
        expected[run] = [int(seed) for seed in seeds]
    return known, contents, expected


@pytest.mark.parametrize("family", FAMILIES)
def test_recorded_numbers_and_their_rounding_pass_on_another_processor(family, references):
    known, contents, expected = copies(references, family)
    verification = verify_runs(known, contents, expected, FAMILIES)
    assert verification.findings == []
    assert set(verification.verified.values()) == {"exact"}

    def rounded(where, value: float) -> float:
        run, metric = where
        return value + 0.9 * FAMILIES[family].tolerance(run.partition("/")[2], metric).rounding_of(value)

    known, contents, expected = copies(references, family, rounded)
    verification = verify_runs(known, contents, expected, FAMILIES)
    assert verification.findings == []
    assert set(verification.verified.values()) <= {"exact", "paired"}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("shift", [1, 2, 3, 4])
def test_an_honest_rebuild_whose_seeds_end_where_others_ended_passes(family, shift, references):
    """The worst that rounding does: each seed gives the number of another. With one seed, as in CI, and with three."""
    for num_seeds in (1, 3):
        known, contents, expected = copies(references, family, num_seeds=num_seeds)
        if FAMILIES[family].folds:  # what differs between folds is there again

            def changed(where, value: float) -> float:
                run, metric = where
                return value + (-1) ** shift * 0.9 * FAMILIES[family].tolerance(run.partition("/")[2], metric).max_width

            known, contents, expected = copies(references, family, changed, num_seeds)
            assert verify_runs(known, contents, expected, FAMILIES).findings == []
            continue
        for run, reference in known.items():
            for metric, recorded in reference.metrics.items():
                others = [*recorded.values()] * 5
                for index, seed in enumerate(contents[run][metric]["seeds"]):
                    contents[run][metric]["seeds"][seed] = others[index + shift]
        assert verify_runs(known, contents, expected, FAMILIES).findings == []


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_change_of_the_mean_beyond_the_widest_band_fails_in_every_metric_of_every_row(family, sign, references):
    """Whatever the recorded seeds do, and however many bands there are."""

    def moved(where, value: float) -> float:
        run, metric = where
        recorded = references[run].metrics[metric].values()
        widest = FAMILIES[family].tolerance(run.partition("/")[2], metric).widest(mean(recorded))
        centre = value if FAMILIES[family].folds else mean(recorded)
        return centre + sign * (1.01 * widest + 1e-5 * abs(mean(recorded)) + 1e-6)

    known, contents, expected = copies(references, family, moved)
    verification = verify_runs(known, contents, expected, FAMILIES)
    caught = {(found.run, found.metric) for found in verification.findings} | {*verification.not_compared}
    assert caught == {(run, metric) for run, reference in known.items() for metric in reference.metrics}


@pytest.mark.parametrize("family", FAMILIES)
def test_recorded_seeds_are_enough_for_every_band(family, references):
    """No metric is underpowered: chance alone does not move it beyond its widest band; folds are compared in pairs."""
    short = []
    if FAMILIES[family].folds:
        return
    for run, reference in references.items():
        if run.startswith(f"{family}/"):
            for metric, values in reference.metrics.items():
                recorded = list(values.values())
                tolerance = FAMILIES[family].tolerance(run.partition("/")[2], metric)
                widest = tolerance.widest(sum(recorded) / len(recorded))
                if not tolerance.same_machine_only and half_width(recorded, 1, FALSE_ALARM) > widest:
                    short.append((run, metric, half_width(recorded, 1, FALSE_ALARM), widest))
    assert short == []


@pytest.mark.parametrize("family", FAMILIES)
def test_no_committed_band_of_a_share_reaches_across_half_of_all_shares(family):
    """It would let pass what it is to catch."""
    declared = FAMILIES[family]
    shares = [name for name in declared.metrics if name.endswith("accuracy") or name in ("precision", "recall")]
    for tolerances in (declared.metrics, *declared.rows.values()):
        assert all(tolerances[name].max_width <= 0.25 for name in shares if name in tolerances)
