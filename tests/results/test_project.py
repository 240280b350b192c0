"""Wrong parameters, tables and claims stop everything with one line that names file, key, value and what is allowed."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stages.core.errors import UserError
from stages.core.family import family_module
from stages.results.project import load_project
from stages.results.verification import load_family_metrics
from tests.conftest import LINE, ROOT, copy_line, edited, in_workspace, make_workspace

SHARED, PARAMS, TABLES = Path("params.yaml"), LINE / "params.yaml", LINE / "tables.yaml"
Change = Callable[[dict], object]


@pytest.fixture(scope="module")
def real():
    """What the families of the repository declare."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        yield load_project()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Iterator[Path]:
    """A workspace for all tests of this file; each restores what it changes."""
    with in_workspace(made := make_workspace(tmp_path_factory.mktemp("project"))):
        yield made


@pytest.fixture(autouse=True)
def restored(folder, monkeypatch) -> Iterator[None]:
    """Bring back the parameter files."""
    monkeypatch.chdir(folder)
    before = {path: path.read_bytes() for path in (SHARED, PARAMS, TABLES)}
    yield
    for path, content in before.items():
        path.write_bytes(content)


def change(path: Path, edit: Change) -> None:
    with edited(path) as content:
        edit(content)


def refused() -> str:
    with pytest.raises(UserError) as caught:
        load_project()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_real_parameters_are_valid_and_every_metric_in_a_table_is_described(real):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        described = {family: load_family_metrics(family).metrics for family in real.families}
    for name, table in real.tables.items():
        assert set(table.metrics) <= described[name.partition("/")[0]].keys(), name


def test_claims_are_in_the_order_of_the_conclusions(real):
    numbers = [claim.number for claim in real.claims.values()]
    assert numbers == sorted(numbers)


def test_everything_goes_by_full_names():
    project = load_project()
    assert list(project.runs) == list(project.texts) == ["line/slow", "line/fast"]
    assert project.tables["line/line"].rows == ["line/slow", "line/fast"]
    assert list(project.claims) == ["line/faster_is_closer"]
    assert project.seeds_of("line/fast") == [1, 2]
    assert project.first_table("line/fast") == "line/line"
    assert project.shown_metrics("line/fast") == ["slope", "test_loss"]
    assert project.load_run("line/fast").args.batch_size == 16  # of its preset


def slow(content: dict) -> dict:
    return content["runs"]["slow"]


def text(content: dict) -> dict:
    """Add two texts, their join and a vocabulary to params.yaml."""
    content["fetch"] = ["brown"]
    content["tokenize"] = {name: {"raw": "brown", "reader": "brown"} for name in ("x", "y")}
    content["join"] = {"both": {"first": "x", "second": "y"}}
    content["vocab"] = {"both": {"tokens": "both"}}
    return content


BREAKS: dict[str, tuple[Path, Change, list[str]]] = {
    # params.yaml
    "unknown key at the top": (SHARED, lambda p: p.update(sede=1), ["'sede'", "allowed", "device"]),
    "seeds belong to a row": (SHARED, lambda p: p.update(seeds=[1]), ["'seeds'", "allowed"]),
    "unknown device": (SHARED, lambda p: p.update(device="tpu"), ["device = 'tpu'", "'cpu' or 'cuda'"]),
    "data set that is not in the catalogue": (
        SHARED,
        lambda p: p.update(fetch=["mnist"]),
        ["fetch = 'mnist'", "fashion_mnist"],
    ),
    "a text of a data set that is not fetched": (
        SHARED,
        lambda p: p["tokenize"].update(x={"raw": "brown", "reader": "brown"}),
        ["tokenize.x.raw = 'brown'"],
    ),
    "an unknown reader": (
        SHARED,
        lambda p: p["tokenize"].update(x={"raw": "brown", "reader": "pdf"}),
        ["tokenize.x.reader = 'pdf'", "wordnet"],
    ),
    "a text joined with one that is not there": (
        SHARED,
        lambda p: text(p)["join"]["both"].update(second="z"),
        ["join.both.second = 'z'", "one of x, y"],
    ),
    "a text joined with itself": (
        SHARED,
        lambda p: text(p)["join"]["both"].update(first="both"),
        ["join.both.first = 'both'", "one of x, y"],
    ),
    "a text joined with nothing": (
        SHARED,
        lambda p: text(p)["join"].update(both={"first": "x"}),
        ["join.both.second", "required"],
    ),
    "one name for two texts": (
        SHARED,
        lambda p: text(p)["join"].update(x={"first": "x", "second": "y"}),
        ["join.x", "must be used once"],
    ),
    "a vocabulary of no text": (
        SHARED,
        lambda p: text(p)["vocab"].update(z={"tokens": "z"}),
        ["vocab.z.tokens = 'z'", "one of x, y, both"],
    ),
    "a special word twice": (
        SHARED,
        lambda p: text(p)["vocab"]["both"].update(specials=["<unk>", "<unk>"]),
        ["vocab.both.specials", "differ"],
    ),
    # stages/<family>/params.yaml
    "unknown key in a family": (PARAMS, lambda p: p.update(defaults={}), ["'defaults'", "allowed", "presets"]),
    "unknown key in a run": (PARAMS, lambda p: slow(p).update(lable="x"), ["runs.slow", "'lable'", "preset"]),
    "unknown argument": (
        PARAMS,
        lambda p: slow(p)["args"].update(lerning_rate=0.1),
        ["runs.slow.args", "'lerning_rate'", "learning_rate"],
    ),
    "argument of another model": (PARAMS, lambda p: slow(p)["args"].update(degree=2), ["runs.slow.args", "'degree'"]),
    "wrong type": (
        PARAMS,
        lambda p: slow(p)["args"].update(learning_rate="fast"),
        ["runs.slow.args.learning_rate = 'fast'", "number"],
    ),
    "a number in quotes": (PARAMS, lambda p: slow(p)["args"].update(num_epochs="3"), ["num_epochs = '3'", "integer"]),
    "negative rate": (
        PARAMS,
        lambda p: slow(p)["args"].update(learning_rate=-0.1),
        ["runs.slow.args.learning_rate = -0.1", "greater than 0"],
    ),
    "infinite rate": (
        PARAMS,
        lambda p: slow(p)["args"].update(learning_rate=float("inf")),
        ["learning_rate", "finite"],
    ),
    "warm-up longer than training": (
        PARAMS,
        lambda p: slow(p)["args"].update(warmup_epochs=3),
        ["runs.slow.args", "warmup_epochs = 3"],
    ),
    "best state without a validation split": (
        PARAMS,
        lambda p: slow(p)["args"].update(keep="best"),
        ["runs.slow.args.keep = 'best'", "validation"],
    ),
    "unknown preset": (PARAMS, lambda p: slow(p).update(preset="adam"), ["runs.slow.preset", "'adam'", "sgd"]),
    "unknown model": (PARAMS, lambda p: slow(p).update(model="lstm"), ["runs.slow.model = 'lstm'", "straight_line"]),
    "a step is no model": (PARAMS, lambda p: slow(p).update(model="train"), ["model = 'train'", "straight_line"]),
    "unknown data": (PARAMS, lambda p: slow(p).update(data="circle"), ["runs.slow.data = 'circle'", "one of points"]),
    "unknown kind of data": (PARAMS, lambda p: p["data"].update(rings={"x": {}}), ["data = 'rings'", "drawn, table"]),
    "unknown key in a recipe": (
        PARAMS,
        lambda p: p["data"]["drawn"]["points"].update(sede=1),
        ["data.drawn.points", "'sede'", "seed"],
    ),
    "a recipe with a wrong value": (
        PARAMS,
        lambda p: p["data"]["drawn"]["points"].update(noise=-1.0),
        ["data.drawn.points.noise = -1.0", "greater than or equal to 0"],
    ),
    "a recipe of a data set that is not fetched": (
        PARAMS,
        lambda p: p["data"]["table"].update(x={"raw": "brown", "file": "x.csv", "num_train": 1}),
        ["data.table.x.raw = 'brown'"],
    ),
    "one name for two data sets": (
        PARAMS,
        lambda p: p["data"]["table"].update(points={"raw": "brown", "file": "x.csv", "num_train": 1}),
        ["data.table", "used twice", "'points'"],
    ),
    "no seed": (PARAMS, lambda p: slow(p).update(seeds=0), ["runs.slow.seeds = 0", "greater than or equal to 1"]),
    "a list of seeds": (PARAMS, lambda p: slow(p).update(seeds=[1, 2]), ["runs.slow.seeds = [1, 2]", "integer"]),
    "key with a dot": (PARAMS, lambda p: p["runs"].update({"a.b": slow(p)}), ["runs.a.b", "pattern"]),
    "missing key": (PARAMS, lambda p: slow(p).pop("data"), ["runs.slow.data", "required"]),
    "a run that is no mapping": (PARAMS, lambda p: p["runs"].update(slow=3), ["runs.slow = 3"]),
    "a section of a row that is not there": (
        PARAMS,
        lambda p: p["residuals"].update(gone={"data": "points", "count": 1}),
        ["residuals = 'gone'", "one of slow, fast"],
    ),
    "a section with other data": (
        PARAMS,
        lambda p: p["residuals"].update(slow={"data": "circle", "count": 1}),
        ["residuals.slow.data = 'circle'", "one of points"],
    ),
    "a section with a wrong value": (
        PARAMS,
        lambda p: p["residuals"].update(slow={"data": "points", "count": 0}),
        ["residuals.slow.count = 0"],
    ),
    # stages/<family>/tables.yaml
    "a row of no run": (TABLES, lambda t: t["rows"].update(gone={"label": "x"}), ["rows = 'gone'", "slow, fast"]),
    "a row without a label": (TABLES, lambda t: t["rows"]["slow"].pop("label"), ["rows.slow.label", "required"]),
    "unknown key in a table": (TABLES, lambda t: t["tables"]["line"].update(digit=3), ["tables.line", "'digit'"]),
    "a table without a row": (TABLES, lambda t: t["tables"]["line"].update(rows=[]), ["tables.line.rows = []"]),
    "a table of a row that is not there": (
        TABLES,
        lambda t: t["tables"]["line"].update(rows=["slow", "gone"]),
        ["tables.line.rows = 'line/gone'", "line/fast"],
    ),
    "the same row twice": (
        TABLES,
        lambda t: t["tables"]["line"].update(rows=["slow", "slow"]),
        ["tables.line.rows", "differ"],
    ),
    "the same metric twice": (
        TABLES,
        lambda t: t["tables"]["line"].update(metrics=["slope", "slope"]),
        ["tables.line.metrics", "differ"],
    ),
    "column of an argument that no row has": (
        TABLES,
        lambda t: t["tables"]["line"].update(arguments=["dropout"]),
        ["tables.line.arguments = 'dropout'", "learning_rate"],
    ),
    "document's number that no table shows": (
        TABLES,
        lambda t: t["rows"]["slow"].update(document={"accuracy": 0.9}),
        ["rows.slow.document = 'accuracy'", "slope, test_loss"],
    ),
    "a difference from a row of another table": (
        TABLES,
        lambda t: t["tables"]["line"].update(difference_from="nothing"),
        ["tables.line.difference_from = 'line/nothing'", "line/fast"],
    ),
    "a ratio to a row of another table": (
        TABLES,
        lambda t: t["tables"]["line"].update(relative_to="nothing"),
        ["tables.line.relative_to = 'line/nothing'", "line/fast"],
    ),
    "a published number of a metric that is not shown": (
        TABLES,
        lambda t: t["tables"]["line"].update(published=[{"label": "others", "values": {"accuracy": 1.0}}]),
        ["tables.line.published = 'accuracy'", "test_loss"],
    ),
    "claim about a missing row": (
        TABLES,
        lambda t: t["claims"]["faster_is_closer"].update(inequality="gone.test_loss < fast.test_loss"),
        ["claims.faster_is_closer.inequality = 'line/gone'", "line/fast"],
    ),
    "claim about a row of a missing family": (
        TABLES,
        lambda t: t["claims"]["faster_is_closer"].update(inequality="plane/fast.test_loss < fast.test_loss"),
        ["claims.faster_is_closer.inequality = 'plane/fast'", "line/fast"],
    ),
    "claim about a metric that no table of the row shows": (
        TABLES,
        lambda t: t["claims"]["faster_is_closer"].update(inequality="fast.test_los < slow.test_loss"),
        ["claims.faster_is_closer.inequality = 'test_los'", "slope, test_loss"],
    ),
    "claim that is no inequality": (
        TABLES,
        lambda t: t["claims"]["faster_is_closer"].update(inequality="fast is better"),
        ["claims.faster_is_closer.inequality = 'fast is better'", "sums of `row.metric`"],
    ),
}


@pytest.mark.parametrize("case", BREAKS)
def test_what_is_wrong_is_named_in_one_line(case):
    path, edit, words = BREAKS[case]
    change(path, edit)
    message = refused()
    for word in [f"{path}:", *words]:
        assert word in message, message


def test_a_run_that_is_not_shown_is_missed_in_tables():
    change(PARAMS, lambda p: p["runs"].update(quick=slow(p)))
    assert refused() == f"{TABLES}: rows has no 'quick'; it has: slow, fast"


def test_texts_are_valid():
    change(SHARED, text)
    assert list(load_project().shared.vocab) == ["both"]


def test_a_recipe_of_texts_names_them(monkeypatch):
    """`tokens`, `vocab` and `data` are checked in the recipes of every family."""
    recipes = family_module("line", "prepare").RECIPES
    other = type("Other", (recipes["drawn"],), {"__annotations__": {"tokens": str, "vocab": str, "data": str}})
    monkeypatch.setitem(recipes, "other", other)
    points = {"slope": 1.0, "intercept": 0.0, "noise": 0.0, "num_train": 1, "num_test": 1, "seed": 0}
    right = {"tokens": "both", "vocab": "both", "data": "points"}
    change(SHARED, text)
    change(PARAMS, lambda p: p["data"].update(other={"made": points | right}))
    load_project()
    for key, allowed in (("tokens", "x, y, both"), ("vocab", "both"), ("data", "points")):
        change(PARAMS, lambda p, key=key: p["data"]["other"]["made"].update(right | {key: "made"}))
        assert refused() == f"{PARAMS}: data.other.made.{key} = 'made': must be one of {allowed}"


def test_a_model_reads_only_the_kinds_of_data_that_it_names(monkeypatch):
    monkeypatch.setattr("stages.line.straight_line.DATA_KINDS", ("table",), raising=False)
    assert refused() == f"{PARAMS}: runs.slow.data = 'points': must be one of nothing"
    monkeypatch.setattr("stages.line.straight_line.DATA_KINDS", ("table", "drawn"), raising=False)
    load_project()


def test_a_family_may_have_the_data_of_another(folder):
    """Its rows name them as if they were its own."""
    copy_line(folder, "borrower")
    try:
        borrower = Path("stages/borrower/params.yaml")
        (borrower.parent / "data.py").write_text('PREPARED_BY = "line"\n')
        change(borrower, lambda p: p.pop("data"))
        assert "borrower/fast" in load_project().runs
        change(borrower, lambda p: p["runs"]["slow"].update(data="circle"))
        assert refused() == f"{borrower}: runs.slow.data = 'circle': must be one of points"
    finally:
        shutil.rmtree("stages/borrower")


def test_your_own_text_may_lie_in_data_raw(folder):
    """A folder that the user made stands in for a fetched data set, by one parameter."""
    mine = {"raw": "lyrics", "reader": "verse", "tokens": "characters"}
    change(SHARED, lambda p: p["tokenize"].update(mine=mine))
    assert "params.yaml: tokenize.mine.raw = 'lyrics'" in refused()
    (folder / "data/raw/lyrics").mkdir(parents=True)
    load_project()


@pytest.mark.parametrize("path", [SHARED, TABLES])
def test_a_missing_file_is_one_line(path):
    path.unlink()
    assert refused().startswith(f"{path}: no such file")


@pytest.mark.parametrize("path", [SHARED, PARAMS, TABLES])
def test_a_file_that_cannot_be_read_is_one_line(path):
    path.write_text("runs: [1\nrows: {")
    assert refused().startswith(f"{path}: not valid YAML: ")


def test_a_number_in_scientific_notation_is_a_number():
    """YAML 1.1 reads 1e-3 as text; `dvc exp run -S …=1e-3` must not fail because of it."""
    PARAMS.write_text(PARAMS.read_text().replace("learning_rate: 0.01", "learning_rate: 1e-3"))
    assert load_project().runs["line/slow"].args["learning_rate"] == 0.001
