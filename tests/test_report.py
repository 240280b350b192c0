"""The report on a small synthetic family: complete, self-contained, the same bytes each time."""

import copy
import html.parser
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from stages import figures, report
from stages.core.data import Data, Split, write_data, write_tensors
from stages.core.errors import UserError
from stages.results.figures import Drawing, learning_curves
from tests.conftest import LINE, copy_line, edited, in_workspace, make_workspace, yaml

DOCUMENTS = {
    "conclusions": {1: "Higher rates fit better.", 2: "Belts fit <bags>."},
    "documents": {
        "001": {"title": "Empty notes", "sections": []},
        "002": {
            "title": "Small notes",
            "sections": [
                {"title": "1. A line", "says": "L.", "experiments": [{"what": "Line", "tables": ["line/line"]}]},
                {
                    "title": "2. Its fast row",
                    "says": "F.",
                    "experiments": [{"what": "Fast", "runs": ["line/fast"]}, {"what": "A forest"}],
                    "conclusions": [1],
                },
                {"title": "3. A proof", "says": "P."},
                {"title": "4. A cube", "says": "C.", "experiments": [{"what": "Cube"}], "conclusions": [2]},
            ],
        },
    },
}
NUMBERS = {
    "slow": {"test_loss": [0.5, 0.512], "slope": [1.5, 1.501]},
    "fast": {"test_loss": [0.1, 0.11], "slope": [2.0, 2.001]},
    "steep": {"test_loss": [0.5, 0.501], "slope": [1.0, 1.0]},
}


def metrics(values: dict[str, list[float]]) -> str:
    """Return the content of a metrics file, of seeds from 1 on."""
    seeds = {name: {"seeds": {str(i): value for i, value in enumerate(numbers, 1)}} for name, numbers in values.items()}
    return json.dumps(seeds | {"settings": {"num_parameters": 1234, "fingerprint": {"torch": "2", "device": "cpu"}}})


def evaluated(workspace: Path) -> Path:
    """The workspace as it is after `figures`, with made-up numbers of three rows in two tables."""
    with edited(LINE / "params.yaml") as params:
        params["runs"]["steep"] = params["runs"]["fast"]
    with edited(LINE / "tables.yaml") as shown:
        shown["rows"]["steep"] = {"label": "a <b>steep</b> line", "document": {"test_loss": 0.5}, "note": "A note."}
        shown["tables"]["steep"] = dict(shown["tables"]["line"]) | {
            "title": "Steep & straight",
            "metrics": ["test_loss"],
            "rows": ["steep"],
        }
    yaml.dump(DOCUMENTS, Path("stages/documents.yaml"))
    x = torch.linspace(-1, 1, 20)[:, None]
    points = Path("data/prepared/line/points")
    points.mkdir(parents=True)
    write_data(points, Data(Split(x, 2 * x), None, Split(x, 2 * x), {"slope": 2.0}))
    for folder in ("metrics/line", "reports/curves/line", "data/evaluations/line/fast"):
        Path(folder).mkdir(parents=True)
    for row, values in NUMBERS.items():
        Path(f"metrics/line/{row}.json").write_text(metrics(values))
        Path(f"reports/curves/line/{row}.csv").write_text("epoch,train_loss,learning_rate\n1,0.9,0.1\n2,0.5,0.1\n")
    write_tensors(Path("data/evaluations/line/fast/test.safetensors"), {"predicted": 2 * x})
    figures.figures("line")
    return workspace


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Iterator[Path]:
    """A workspace with its report, not to be changed."""
    with in_workspace(make_workspace(tmp_path_factory.mktemp("report"))):
        folder = evaluated(Path.cwd())
        report.report()
        yield folder


@pytest.fixture
def reported(finished: Path, monkeypatch) -> Path:
    """The folder of that report, from which the files of the workspace can be read."""
    monkeypatch.chdir(finished)
    return finished / "reports"


@pytest.fixture
def results(finished: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of that workspace, to be changed and reported."""
    shutil.copytree(finished, tmp_path / "copy")
    with in_workspace(tmp_path / "copy"):
        yield tmp_path / "copy"


def written() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(Path("reports").rglob("*")) if path.is_file()}


class Resources(html.parser.HTMLParser):
    """Collects what a page loads, the targets of its links, its ids, and pictures without a text."""

    def __init__(self, page: str):
        super().__init__()
        self.loaded, self.links, self.ids, self.pictures, self.tags = [], [], [], [], set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.add(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a":
            self.links.append(attributes["href"])
        else:
            self.loaded += [attributes[name] for name in ("src", "href", "srcset", "data") if name in attributes]
        if tag == "img":
            self.pictures.append(attributes.get("alt", ""))


def test_every_promised_file_is_there_and_the_same_twice(results):
    shutil.rmtree("reports/tables")
    shutil.rmtree("reports/documents")
    first = {path: content for path, content in written().items() if "/figures/" in path or "/curves/" in path}
    report.report()
    first |= written()
    assert {
        "reports/claims.md",
        "reports/documents/001.html",
        "reports/documents/002.html",
        "reports/figures/line/captions.json",
        "reports/figures/line/fast_fit.png",
        "reports/figures/line/headline.json",
        "reports/figures/line/line_curves.png",
        "reports/figures/line/steep_curves.png",
        "reports/index.html",
        "reports/results.md",
        "reports/summary.md",
        "reports/tables/line/line.md",
        "reports/tables/line/line_agreement.png",
        "reports/tables/line/steep.md",
        "reports/tables/line/steep_agreement.png",
    } == {path for path in first if "/curves/" not in path}
    figures.figures("line")
    report.report()
    assert written() == first


def test_a_text_may_stand_in_place_of_a_figure(results, monkeypatch):
    """A sample of a language model: escaped, with its lines, and no picture of it."""
    drawing = Drawing("What it wrote.", "one <word>\nanother line")
    monkeypatch.setattr("stages.line.figures.draw", lambda label, outputs, data: {"text": drawing})
    figures.figures("line")
    report.report()
    for page in (Path("reports/index.html"), Path("reports/documents/002.html")):
        assert "<pre>one &lt;word&gt;\nanother line</pre>" in page.read_text()
        assert "What it wrote." in page.read_text()
    assert Path("reports/figures/line/fast_text.txt").read_text() == "one <word>\nanother line\n"
    assert not list(Path("reports/figures").rglob("*_text.png"))


def test_a_family_may_draw_its_tables_itself(results, monkeypatch):
    """It gets curves, outputs and seconds by label; what it draws stands where the losses stood."""
    seen = {}

    def draw_table(title, curves, outputs, seconds):
        seen[title] = {"curves": list(curves), "outputs": list(outputs), "seconds": seconds}
        return {"own": learning_curves(title, curves)}

    for row in ("slow", "steep"):
        shutil.copytree("data/evaluations/line/fast", f"data/evaluations/line/{row}")
    monkeypatch.setattr("stages.line.figures.draw_table", draw_table, raising=False)
    monkeypatch.setattr("stages.line.figures.TABLES_SHOW_OUTPUTS", True, raising=False)
    figures.figures("line")
    label = "a <b>steep</b> line"
    assert seen["Steep & straight"] == {"curves": [label], "outputs": [label], "seconds": {label: None}}
    report.report()
    assert Path("reports/figures/line/steep_own.png").exists()
    assert not Path("reports/figures/line/steep_curves.png").exists()
    assert "../figures/line/line_own.png" in Path("reports/documents/002.html").read_text()


def test_two_figures_of_one_name_are_refused(results, monkeypatch):
    """The row `fast` and the table `fast` would both write fast_curves.png."""
    monkeypatch.setattr("stages.line.figures.draw", lambda *_: {"curves": Drawing("A text.", "x")})
    with edited(LINE / "tables.yaml") as shown:
        shown["tables"]["fast"] = shown["tables"].pop("line")
    with pytest.raises(UserError, match="^stages/line/tables.yaml: two figures are called fast_curves"):
        figures.figures("line")


def test_the_page_needs_nothing_but_itself(reported):
    page = (reported / "index.html").read_text()
    found = Resources(page)
    assert found.loaded
    assert all(address.startswith("data:image/png;base64,") for address in found.loaded)
    assert not found.tags & {"script", "link", "iframe", "object"}
    assert "url(" not in page
    assert "@import" not in page
    assert all(link[1:] in found.ids for link in found.links if link.startswith("#"))
    assert len(set(found.ids)) == len(found.ids)
    assert len(found.pictures) == 5  # two tables with curves and agreement, and a row
    assert all(found.pictures)


def test_each_section_of_a_document_shows_its_results_and_no_others(reported):
    page = (reported / "documents/002.html").read_text()
    sections = page.split("<section")[1:]
    states = [section.partition("</h2>")[0].split('">')[-1].removesuffix("</span>") for section in sections]
    assert states == ["results", "results in part", "nothing to measure", "not yet"]

    whole, part, nothing, later = sections
    assert '<th scope="row">slow</th>' in whole
    assert '<th scope="row">fast</th>' in whole
    assert '<th scope="row">slow</th>' not in part
    assert '<th scope="row">fast</th>' in part
    assert "A higher rate fits better." in part
    assert ">holds<" in part
    assert 'A forest <span class="state">not yet</span>' in part
    assert "<table" not in nothing + later
    assert "Belts fit &lt;bags&gt;." in later

    pictures = ["figures/line/fast_fit", "figures/line/line_curves", "tables/line/line_agreement"]
    assert sorted(set(Resources(page).loaded)) == [f"../{name}.png" for name in pictures]
    for text in (page, (reported / "index.html").read_text()):
        assert "2 of 4 experiments rebuilt, 1 of 2 conclusions tested" in text


def test_a_single_row_is_shown_without_the_columns_it_lacks(results):
    Path("metrics/line/fast.json").write_text(metrics({"test_loss": [0.1, 0.11]}))
    report.report()
    section = Path("reports/documents/002.html").read_text().split("<section")[2]
    header = section.partition("<thead>")[2].partition("</thead>")[0]
    assert ">test loss<" in header
    assert "slope" not in header


def reference(row: str, seconds: dict[str, float], values: dict[str, list[float]]) -> None:
    """Record what a rebuild would be compared with, as computed on the machine of the metrics."""
    content = json.loads(metrics(values))
    recorded = {metric: summary["seeds"] for metric, summary in content.items() if metric != "settings"}
    path = Path(f"metrics/references/line/{row}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"settings": content["settings"], "seconds": seconds, "metrics": recorded}))


def test_times_and_explanations_of_the_columns(results):
    reference("slow", {"train": 61.2, "evaluate": 3.4}, NUMBERS["slow"])
    report.report()
    page = Path("reports/index.html").read_text()
    slow, fast = page.partition('<h3 id="line-line">')[2].split("</tr>")[1:3]
    assert ">1 min 5 s<" in slow
    assert ">–<" in fast
    assert "Measured with torch 2, device cpu." in page

    found = Resources(page)
    assert {"number-test-loss", "number-slope", "number-time"} <= set(found.ids)
    assert {"#number-test-loss", "#number-slope", "#number-time"} <= set(found.links)
    assert "number-slope-error" not in found.ids  # in no table here


def test_what_two_families_mean_by_a_metric_is_explained_for_each(results):
    """The same metric, described otherwise, has an explanation and an anchor of its own; the same one has one."""
    copy_line(results, "other")
    for what in ("metrics", "reports/curves", "reports/figures"):
        shutil.copytree(f"{what}/line", f"{what}/other")
    with edited(Path("stages/other/metrics.yaml")) as described:
        described["metrics"]["test_loss"]["meaning"] = "Something else."
    report.report()
    page = Path("reports/index.html").read_text()
    found = Resources(page)
    assert {"number-test-loss-line", "number-test-loss-other", "number-slope"} <= set(found.ids)
    assert found.ids.count("number-slope") == 1 and "number-test-loss" not in found.ids
    assert '<span id="number-test-loss-other">test loss (other)</span></dt>\n<dd>Something else.</dd>' in page
    for family, other in (("line", "other"), ("other", "line")):
        header = page.partition(f'<h3 id="{family}-line">')[2].partition("</thead>")[0]
        assert f'"#number-test-loss-{family}"' in header and f"-{other}" not in header


def test_a_metric_that_nobody_describes_stops_the_report(results):
    with edited(LINE / "metrics.yaml") as described:
        described["metrics"].pop("slope")
    with pytest.raises(UserError, match="^stages/line/metrics.yaml: metrics has no 'slope'; it has: train_loss"):
        report.report()


def test_wrong_names_in_documents_stop_the_report_before_it_writes(results):
    broken = copy.deepcopy(DOCUMENTS)
    broken["documents"]["002"]["sections"][0]["experiments"][0]["tables"] = ["line/lime"]
    yaml.dump(broken, Path("stages/documents.yaml"))
    before = written()
    Path("metrics/line/slow.json").write_text(metrics(NUMBERS["fast"]))
    with pytest.raises(
        UserError, match=r"stages/documents.yaml.*'1. A line'.*'line/lime'.*one of line/line, line/stee"
    ):
        report.report()
    assert written() == before


def test_labels_are_text_and_not_markup(reported):
    for path in ("index.html", "results.md", "tables/line/steep.md"):
        text = (reported / path).read_text()
        assert "Steep &amp; straight" in text or "Steep & straight" in text
    page = (reported / "index.html").read_text()
    assert "a &lt;b&gt;steep&lt;/b&gt; line" in page
    assert "<b>steep" not in page


def test_disagreement_is_said_everywhere(reported):
    """The document has a slope of 2.0, the slow run 1.5."""
    for name in ("results.md", "tables/line/line.md"):
        assert "2.0 differs (-0.4995)" in (reported / name).read_text(), name
    assert 'class="differs">2.0 differs (-0.4995)' in (reported / "index.html").read_text()


def claim_line() -> str:
    return next(line for line in Path("reports/claims.md").read_text().splitlines() if "A higher rate" in line)


def test_claims_have_their_verdict(reported):
    for name in ("claims.md", "results.md", "index.html"):
        text = (reported / name).read_text()
        assert "A higher rate fits better." in text
        assert "holds" in text


def test_a_verdict_rests_on_recorded_seeds_as_long_as_the_rebuild_verifies(results):
    """Fast is not ahead in the third recorded seed, which no rebuild trains."""
    reference("fast", {}, {"test_loss": [0.1, 0.11, 0.9], "slope": [2.0, 2.001, 2.002]})
    reference("slow", {}, {"test_loss": [0.5, 0.512, 0.5], "slope": [1.5, 1.501, 1.502]})
    report.report()
    assert "undecided" in claim_line()
    assert "0.3700 ± 0.4590 (3)" in Path("reports/tables/line/line.md").read_text()  # a table shows them all
    Path("metrics/line/slow.json").write_text(metrics({"test_loss": [0.6, 0.612], "slope": [1.5, 1.501]}))
    report.report()
    assert "holds" in claim_line()


def test_tables_list_their_rows_from_params(results):
    Path("metrics/line/stale.json").write_text(metrics(NUMBERS["slow"]))  # of a row that was deleted
    report.report()
    assert "stale" not in Path("reports/results.md").read_text()


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("metrics/line/slow.json", "python -m stages repro line/slow"),
        ("reports/figures/line/captions.json", "python -m stages figures line"),
        ("reports/figures/line/fast_fit.png", "python -m stages figures line"),
    ],
)
def test_a_missing_file_stops_the_report(results, path, command):
    Path(path).unlink()
    with pytest.raises(UserError) as caught:
        report.report()
    assert path.rpartition("/")[0] in str(caught.value)
    assert command in str(caught.value)


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("reports/curves/line/slow.csv", "python -m stages repro line/slow"),
        ("data/evaluations/line/fast/test.safetensors", "dvc repro"),
        ("data/prepared/line/points/test.safetensors", "dvc repro"),
    ],
)
def test_a_missing_file_stops_the_figures(results, path, command):
    Path(path).unlink()
    before = written()
    with pytest.raises(UserError) as caught:
        figures.figures("line")
    assert path in str(caught.value)
    assert command in str(caught.value)
    assert written() == before


def test_a_metric_that_is_not_finite_stops_the_report(results):
    before = written()
    content = metrics({"test_loss": [0.5, float("nan")], "slope": [1.0, 1.0]})
    Path("metrics/line/slow.json").write_text(content)
    with pytest.raises(UserError, match=r"metrics/line/slow.json: test_loss.*finite"):
        report.report()
    assert written() == before


def test_a_single_seed_is_shown_without_an_interval(results):
    Path("metrics/line/slow.json").write_text(metrics({"test_loss": [0.5], "slope": [2.0]}))
    report.report()
    text = Path("reports/tables/line/line.md").read_text()
    assert "2.0000 (1)" in text
    assert "2.0 close (+0.0000)" in text
    assert "undecided" in claim_line()
