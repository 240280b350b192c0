"""The documents' numbers beside ours: intervals and verdicts against hand arithmetic, and what must not pass."""

import dataclasses
import json
import math
from dataclasses import replace

import pytest

from stages.core.errors import UserError
from stages.results import tables
from stages.results.presentation import Published, Table
from stages.results.tables import Row, read_values, verdict_on

TABLE = Table(
    title="T",
    document="002",
    section="1",
    description="D.",
    arguments=["rate"],
    metrics=["loss"],
    rows=["line/a", "line/b", "line/c"],
)


def seeds(*values: float) -> dict[str, float]:
    return {str(seed): value for seed, value in enumerate(values, 1)}


def row(name: str = "a", values=(0.1, 0.2, 0.3), document: float | None = None, **arguments) -> Row:
    numbers = {} if document is None else {"loss": document}
    return Row(f"line/{name}", f"label {name}", {"rate": 0.1} | arguments, 1234, {"loss": seeds(*values)}, numbers)


NARROW = [0.500, 0.501, 0.502]  # 0.501 ± 0.00497
WIDE = [0.4, 0.5, 0.6]  # 0.5 ± 0.497


@pytest.mark.parametrize(
    ("values", "document", "verdict"),
    [
        (NARROW, 0.505, "agrees"),
        (NARROW, 0.5063, "agrees"),  # 0.0053 away: outside by less than half a unit of rounding
        (NARROW, 0.507, "close"),
        (NARROW, 0.512, "differs"),
        (NARROW, 0.490, "differs"),
        (WIDE, 0.509, "agrees"),
        (WIDE, 0.6, "undecided"),  # a wide interval buys no agreement
        (WIDE, 1.1, "differs"),
        ([0.5, 0.5], 0.5004, "agrees"),  # no spread, and the rounding covers it
        ([0.5, 0.5], 0.5006, "close"),
        ([0.5], 0.5, "close"),
        ([0.5], 0.52, "differs"),
    ],
)
def test_verdicts(values, document, verdict):
    assert verdict_on(values, document, half_unit=0.0005, close=0.01) == verdict


def test_decimals_are_those_of_the_most_precise_number_of_the_column():
    assert tables.printed_decimals([row(document=0.29), row("b", document=0.318)], "loss") == 3
    assert tables.printed_decimals([row(document=-33.0)], "loss") == 1
    frame = tables.comparison_frame(TABLE, [row(document=0.29), row("b", document=0.318)])
    assert list(frame["document"]) == ["0.290", "0.318"]


def test_the_difference_is_ours_minus_the_documents():
    frame = tables.results_frame(TABLE, [row(document=0.25)])
    assert frame["loss"][0] == "0.2000 ± 0.1000 (3)"
    assert frame["loss, document"][0] == "0.25 undecided (-0.0500)"
    assert frame["parameters"][0] == "1,234"


def test_rows_keep_their_order_and_one_without_a_number_gets_a_dash():
    frame = tables.results_frame(TABLE, [row("b"), row("a", document=0.2)])
    assert list(frame["row"]) == ["label b", "label a"]
    assert list(frame["loss, document"]) == ["–", "0.2 agrees (+0.0000)"]


def test_arguments_that_are_the_same_everywhere_become_a_sentence():
    same, different = [row("a"), row("b")], [row("a"), row("b", rate=[784, 10])]
    assert tables.common_arguments(TABLE, same) == "In every row: rate 0.1."
    assert "rate" not in tables.results_frame(TABLE, same)
    assert list(tables.results_frame(TABLE, different)["rate"]) == ["0.1", "784-10"]


def test_only_numbers_outside_the_margin_are_listed_when_asked():
    rows = [row("a", NARROW, 0.501), row("b", NARROW, 0.6), row("c", WIDE, 0.6)]
    frame = tables.comparison_frame(TABLE, rows, tables.OUTSIDE)
    assert list(frame["verdict"]) == ["differs", "undecided"]
    assert frame["95 % prediction interval"][0] == "0.4960 to 0.5060"


def test_numbers_that_would_show_as_zero_are_written_out():
    assert tables.show_number(9.2e-15, 4) == "9e-15"
    assert tables.show_number(0.0, 4) == "0.0000"
    assert tables.show_values([0.5], 3) == "0.500 (1)"


def test_what_no_seed_changes_has_no_deviation_and_a_share_its_exact_interval():
    assert tables.show_values([0.5, 0.5], 3) == "0.500"
    table = TABLE.model_copy(update={"metrics": ["diverged"], "shares": ["diverged"]})
    ten = dataclasses.replace(row("a"), values={"diverged": seeds(*[1.0] * 10)})
    assert tables.results_frame(table, [ten])["diverged"].tolist() == ["10 of 10 (0.6915 to 1.0000)"]


def test_a_table_says_how_many_seeds_its_numbers_are_of():
    rows = [row("a"), row("b", values=(1.0, 2.0, 3.0, 4.0, 5.0))]
    assert "over 3 to 5 seeds" in tables.source(TABLE, rows)
    assert "over 3 folds" in tables.source(TABLE, [dataclasses.replace(row("a"), test_share=0.25)])
    assert "over" not in tables.source(TABLE, [row("a", values=(1.0, 1.0))])


def test_a_bar_in_a_label_does_not_break_the_markdown():
    text = tables.to_markdown(tables.results_frame(TABLE, [row("|w|^2")]))
    assert r"\|w\|^2" in text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: tables.compare(TABLE, [Row("line/a", "A", {}, 1, {"loss": seeds(1.0)}, {"lost": 1.0})]),
            "rows.a.document = 'lost': must be one of loss",
        ),
        (
            lambda: tables.results_frame(TABLE.model_copy(update={"metrics": ["lost"]}), [row()]),
            "tables, 'T'.metrics = 'lost': must be one of loss",
        ),
        (
            lambda: tables.results_frame(TABLE.model_copy(update={"arguments": ["rat"]}), [row()]),
            "tables, 'T'.arguments = 'rat': must be one of rate",
        ),
    ],
)
def test_names_that_do_not_exist_are_errors(call, message):
    with pytest.raises(UserError) as caught:
        call()
    assert str(caught.value) == f"stages/line/tables.yaml: {message}"


def test_a_number_of_a_metric_that_another_table_shows_is_compared_there():
    both = dataclasses.replace(row(document=0.2), values={"loss": seeds(0.2), "weight": seeds(1.0)})
    both.document["weight"] = 1.0
    assert [entry.metric for entry in tables.compare(TABLE, [both])] == ["loss"]


def test_a_row_without_metrics_names_the_command_that_makes_them(tmp_path):
    path = tmp_path / "gone.json"
    with pytest.raises(UserError, match=f"^{path}: no such file; `python -m stages repro line/gone` makes it again$"):
        read_values(path, "line/gone")


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "0.5"])
def test_a_metric_that_is_no_finite_number_is_an_error(tmp_path, value):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"loss": {"seeds": {"1": 0.5, "2": value}}, "settings": {}}))
    with pytest.raises(UserError, match=r"loss = .*finite"):
        read_values(path, "line/run")


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"settings": {}}', '{"loss": 1, "settings": {}}', '{"loss": {"seeds": {}}}']
)
def test_a_damaged_file_is_an_error(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(UserError, match="damaged"):
        read_values(path, "line/run")


def test_thousands_have_no_decimals():
    assert tables.show_number(496400.0, 4, signed=True) == "+496,400"
    assert tables.show_number(999.5, 1) == "999.5"


def test_published_rows_stand_below_ours_and_ratios_beside_them():
    """Rows of others have a label and their numbers only; a ratio is of means, and needs the row it is to."""
    published = [Published(label="others: a model", values={"loss": 336.0})]
    table = TABLE.model_copy(update={"published": published, "relative_to": "line/b"})
    frame = tables.results_frame(table, [row(), row("b", values=(0.4,))])
    assert frame["row"].tolist() == ["label a", "label b", "others: a model"]
    assert frame["loss"].tolist()[2] == "336"
    assert frame["ratio"].tolist() == ["0.500", "1.000", "–"]
    assert frame["parameters"].tolist()[2] == "–"
    assert "ratio" not in tables.results_frame(table, [row()])


def test_a_cost_is_the_recorded_seconds_of_a_seed_in_those_of_another_row():
    rows = [replace(row(), seconds_a_seed=30.0), replace(row("b"), seconds_a_seed=12.0), row("c")]
    frame = tables.results_frame(TABLE.model_copy(update={"cost_in": "line/b"}), rows)
    assert frame["cost in “label b”"].tolist() == ["2.5", "1.0", "–"]


def test_a_difference_is_of_equal_seeds_with_the_interval_of_the_paired_t_test():
    """Seeds in another order, and one that only one row has: 0.1, 0.2 and 0.3 remain."""
    base = row(values=(0.5, 0.6, 0.7, 9.0))
    other = dataclasses.replace(row("b"), values={"loss": {"3": 1.0, "1": 0.6, "2": 0.8}})
    alone = dataclasses.replace(row("c"), values={"loss": {"5": 1.0}})
    table = TABLE.model_copy(update={"difference_from": "line/a"})
    frame = tables.results_frame(table, [base, other, alone])
    assert frame.columns[-1] == "loss minus “label a” (95 % interval)"
    cells = frame.iloc[:, -1].tolist()
    folds = dataclasses.replace(other, test_share=0.25)
    wider = 0.2 + 4.30265 * 0.1 * math.sqrt(1 / 3 + 0.25)
    assert f" to {wider:+.4f})" in tables.results_frame(table, [base, folds]).iloc[1, -1]
    low, high = (0.2 + sign * 4.30265 * 0.1 / math.sqrt(3) for sign in (-1, 1))
    assert cells == ["–", f"+0.2000 ({low:+.4f} to {high:+.4f})", "–"]


@pytest.mark.parametrize("to", ["relative_to", "difference_from"])
def test_a_row_without_the_first_metric_has_no_ratio_and_no_difference(to):
    """Tables hold rows of several kinds of models; neither can be taken of, nor to, what was not measured."""
    other = dataclasses.replace(row("b"), values={"weight": seeds(1.0, 2.0, 3.0)})
    for base in ("line/a", "line/b"):
        table = TABLE.model_copy(update={to: base})
        assert tables.results_frame(table, [row(), other]).iloc[1, -1] == "–"
