"""The report on a small synthetic pipeline: complete, self-contained, the same bytes each time."""

import copy
import html.parser
import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from stages import check, report
from stages.core.data import Data, Split, save_data, write_tensors
from stages.core.errors import UserError
from stages.image_classification import figures
from stages.results.figures import Drawing, learning_curves
from tests.conftest import write_params, yaml

CLASSES = ["shirt", "bag & belt", "boot"]
IMAGES = {
    "family": "image_classification",
    "model": "softmax_regression",
    "data": "tiny",
    "tables": ["images"],
    "label": "soft <max>",
    "args": {"num_inputs": 16, "num_outputs": 3, "batch_size": 4, "learning_rate": 0.1, "num_epochs": 2},
    "document": {"test_loss": 0.5},
    "figures": True,
    "note": "A note.",
}

DOCUMENTS = {
    "conclusions": {1: "Higher rates fit better.", 2: "Belts fit <bags>."},
    "documents": {
        "001": {"title": "Empty notes", "sections": []},
        "002": {
            "title": "Small notes",
            "sections": [
                {"title": "1. A line", "says": "L.", "experiments": [{"what": "Line", "tables": ["line"]}]},
                {
                    "title": "2. Its fast row",
                    "says": "F.",
                    "experiments": [{"what": "Fast", "runs": ["regression_fast"]}, {"what": "A forest"}],
                    "conclusions": [1],
                },
                {"title": "3. A proof", "says": "P."},
                {"title": "4. A cube", "says": "C.", "experiments": [{"what": "Cube"}], "conclusions": [2]},
            ],
        },
    },
}


def metrics(values: dict[str, list[float]]) -> dict:
    seeds = {name: {"seeds": {str(i): value for i, value in enumerate(numbers, 1)}} for name, numbers in values.items()}
    return seeds | {"settings": {"num_parameters": 1234, "fingerprint": {"torch": "2", "device": "cpu"}}}


def evaluated(workspace: Path, params: dict) -> Path:
    """The workspace as it is after `evaluate`, with made-up numbers: two regression runs and an image classifier."""
    params["fetch"] = ["fashion_mnist"]
    recipe = {"kind": "idx_images", "num_validation": 0, "seed": 0, "classes": CLASSES}
    params["prepare"] = {"tiny": {"family": "image_classification", "raw": "fashion_mnist", "recipe": recipe}}
    params["tables"]["images"] = params["tables"]["line"] | {
        "title": "Images",
        "family": "image_classification",
        "metrics": ["test_loss"],
    }
    params["runs"]["regression_fast"]["figures"] = True
    params["runs"]["image_classification_soft"] = IMAGES
    write_params(workspace, params)

    draws = torch.Generator().manual_seed(0)
    line = Split(torch.randn(20, 1, generator=draws), torch.randn(20, 1, generator=draws))
    images = torch.randint(256, (9, 1, 4, 4), generator=draws, dtype=torch.uint8)
    tiny = Split(images, torch.arange(9) % 3)
    save_data(Path("data/prepared/line"), Data(line, None, line, {"task": "regression"}))
    save_data(Path("data/prepared/tiny"), Data(tiny, None, tiny, {"task": "multiclass", "classes": CLASSES}))

    numbers = {
        "regression_slow": {"test_loss": [0.5, 0.51], "weight_1": [1.5, 1.501]},
        "regression_fast": {"test_loss": [0.1, 0.11], "weight_1": [2.0, 2.001]},
        "image_classification_soft": {"test_loss": [0.5, 0.501]},
    }
    Path("reports/curves").mkdir(parents=True)
    for run, values in numbers.items():
        Path(f"metrics/{run}.json").write_text(json.dumps(metrics(values)))
        Path(f"reports/curves/{run}.csv").write_text("epoch,train_loss,learning_rate\n1,0.9,0.1\n2,0.5,0.1\n")
        Path(f"data/evaluations/{run}").mkdir(parents=True)
        split = tiny if "image" in run else line
        outputs = {"actual": split.targets, "predicted": split.targets.flip(0)}
        write_tensors(Path(f"data/evaluations/{run}/test.safetensors"), outputs)
    yaml.dump(DOCUMENTS, workspace / "stages/documents.yaml")
    return workspace


@pytest.fixture
def results(workspace: Path, params: dict) -> Path:
    return evaluated(workspace, params)


def written() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(Path("reports").rglob("*")) if path.is_file()}


class Resources(html.parser.HTMLParser):
    """Collects what a page loads, the targets of its links, its ids, and pictures without a text."""

    def __init__(self, page: str):
        super().__init__()
        self.loaded, self.links, self.ids, self.pictures, self.tags = [], [], set(), [], set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.add(tag)
        self.ids.add(attributes.get("id"))
        if tag == "a":
            self.links.append(attributes["href"])
        else:
            self.loaded += [attributes[name] for name in ("src", "href", "srcset", "data") if name in attributes]
        if tag == "img":
            self.pictures.append(attributes.get("alt", ""))


def test_every_promised_file_is_there_and_the_same_twice(results):
    report.report()
    first = written()
    assert {
        "reports/claims.md",
        "reports/confusion/image_classification_soft.csv",
        "reports/documents/001.html",
        "reports/documents/002.html",
        "reports/figures/image_classification_soft_confusion.png",
        "reports/figures/image_classification_soft_images.png",
        "reports/figures/images_agreement.png",
        "reports/figures/line_curves.png",
        "reports/figures/regression_fast_fit.png",
        "reports/index.html",
        "reports/results.md",
        "reports/tables/images.md",
        "reports/tables/line.md",
    } <= set(first)
    report.report()
    assert written() == first


def test_a_text_may_stand_in_place_of_a_figure(results, monkeypatch):
    """A language model's sample: escaped, with its lines, and no picture of it."""
    drawing = Drawing("What it wrote.", "one <word>\nanother line")
    monkeypatch.setattr(figures, "draw", lambda label, outputs, data: {"text": drawing})
    report.report()
    for page in (Path("reports/index.html"), Path("reports/documents/002.html")):
        if "soft &lt;max&gt;" in page.read_text():
            assert "<pre>one &lt;word&gt;\nanother line</pre>" in page.read_text()
    assert "What it wrote." in Path("reports/index.html").read_text()
    assert not list(Path("reports/figures").glob("*_text*"))


def test_a_family_may_draw_its_tables_itself(results, monkeypatch):
    """It gets curves, outputs and seconds by label; what it draws stands where the losses stood."""
    seen = {}

    def draw_table(title, curves, outputs, seconds):
        seen.update(curves=list(curves), outputs=list(outputs), seconds=seconds)
        return {"own": learning_curves(title, curves)}

    monkeypatch.setattr(figures, "draw_table", draw_table, raising=False)
    report.report()
    assert seen == {"curves": ["soft <max>"], "outputs": ["soft <max>"], "seconds": {"soft <max>": None}}
    assert Path("reports/figures/images_own.png").exists()
    assert not Path("reports/figures/images_curves.png").exists()
    assert Path("reports/figures/line_curves.png").exists()


def test_the_page_needs_nothing_but_itself(results):
    report.report()
    page = Path("reports/index.html").read_text()
    found = Resources(page)
    assert found.loaded
    assert all(address.startswith("data:image/png;base64,") for address in found.loaded)
    assert not found.tags & {"script", "link", "iframe", "object"}
    assert "url(" not in page
    assert "@import" not in page
    assert all(link[1:] in found.ids for link in found.links if link.startswith("#"))
    assert len(found.pictures) == 7
    assert all(found.pictures)


def test_each_section_of_a_document_shows_its_results_and_no_others(results):
    report.report()
    page = Path("reports/documents/002.html").read_text()
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

    pictures = ["line_agreement", "line_curves", "regression_fast_fit"]
    assert sorted(set(Resources(page).loaded)) == [f"../figures/{name}.png" for name in pictures]
    for text in (page, Path("reports/index.html").read_text()):
        assert "2 of 4 experiments rebuilt, 1 of 2 conclusions judged" in text


def test_a_single_row_is_shown_without_the_columns_it_lacks(results):
    Path("metrics/regression_fast.json").write_text(json.dumps(metrics({"test_loss": [0.1, 0.11]})))
    report.report()
    section = Path("reports/documents/002.html").read_text().split("<section")[2]
    header = section.partition("</thead>")[0]
    assert ">test loss<" in header
    assert "weight 1" not in header


def test_times_and_explanations_of_the_columns(results):
    reference = {"settings": {"fingerprint": {"processor": "Z80"}}, "seconds": {"train": 61.2, "evaluate": 3.4}}
    Path("metrics/references").mkdir()
    Path("metrics/references/regression_slow.json").write_text(
        json.dumps(reference | {"metrics": {"test_loss": {"1": 0.5}}})
    )
    report.report()
    page = Path("reports/index.html").read_text()
    slow, fast = page.partition('<h3 id="line">')[2].split("</tr>")[1:3]
    assert ">1 min 5 s<" in slow
    assert ">–<" in fast
    assert "processor Z80" in page

    found = Resources(page)
    assert {"number-test-loss", "number-weight-1", "number-time"} <= found.ids
    assert {"#number-test-loss", "#number-weight-1", "#number-time"} <= set(found.links)
    assert "number-test-accuracy" not in found.ids  # in no table here


def test_wrong_names_in_documents_stop_the_report_before_it_writes(results):
    broken = copy.deepcopy(DOCUMENTS)
    broken["documents"]["002"]["sections"][0]["experiments"][0]["tables"] = ["lime"]
    yaml.dump(broken, Path("stages/documents.yaml"))
    with pytest.raises(UserError, match=r"stages/documents.yaml.*'1. A line'.*'lime'.*one of line, images"):
        report.report()
    assert not Path("reports/index.html").exists()
    with pytest.raises(UserError, match="lime"):
        check.check(None)


def test_labels_are_text_and_not_markup(results):
    report.report()
    page = Path("reports/index.html").read_text()
    assert "soft &lt;max&gt;" in page
    assert "soft <max>" not in page


def test_disagreement_is_said_everywhere(results):
    report.report()  # the document has weight_1 = 2.0, the slow run 1.5
    for name in ("results.md", "tables/line.md"):
        text = Path("reports", name).read_text()
        assert "2.0 differs (-0.4995)" in text, name
    assert 'class="differs">2.0 differs (-0.4995)' in Path("reports/index.html").read_text()


def test_claims_have_their_verdict(results):
    report.report()
    for name in ("claims.md", "results.md", "index.html"):
        text = Path("reports", name).read_text()
        assert "A higher rate fits better." in text
        assert "holds" in text


def test_confusion_lists_every_test_image_by_name(results):
    report.report()
    frame = pd.read_csv("reports/confusion/image_classification_soft.csv")
    assert list(frame.columns) == ["actual", "predicted"]
    assert list(frame["actual"]) == CLASSES * 3
    assert list(frame["predicted"]) == CLASSES[::-1] * 3


def test_what_predicts_nothing_has_no_confusion(results, monkeypatch):
    """A generator of images of ten kinds of garment tells none of them."""
    path = Path("data/evaluations/image_classification_soft/test.safetensors")
    write_tensors(path, {"samples": torch.zeros(8, 4, 4, dtype=torch.uint8)})
    monkeypatch.setattr(figures, "draw", lambda label, outputs, data: {})
    report.report()
    assert not Path("reports/confusion/image_classification_soft.csv").exists()


def test_tables_list_their_rows_from_params(results, params):
    Path("metrics/regression_stale.json").write_text("a row that was deleted")
    report.report()
    assert "stale" not in Path("reports/results.md").read_text()


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("metrics/regression_slow.json", "dvc repro evaluate@regression_slow"),
        ("reports/curves/regression_slow.csv", "dvc repro train@regression_slow"),
        ("data/evaluations/regression_fast/test.safetensors", "dvc repro"),
    ],
)
def test_a_missing_file_stops_the_report(results, path, command):
    Path(path).unlink()
    with pytest.raises(UserError) as caught:
        report.report()
    assert path in str(caught.value)
    assert command in str(caught.value)


def test_a_metric_that_is_not_finite_stops_the_report(results):
    content = metrics({"test_loss": [0.5, float("nan")], "weight_1": [1.0, 1.0]})
    Path("metrics/regression_slow.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"regression_slow.*test_loss.*finite"):
        report.report()
    assert not Path("reports/index.html").exists()


def test_a_single_seed_is_shown_without_an_interval(results):
    Path("metrics/regression_slow.json").write_text(json.dumps(metrics({"test_loss": [0.5], "weight_1": [2.0]})))
    report.report()
    text = Path("reports/tables/line.md").read_text()
    assert "2.0000 (1)" in text
    assert "2.0 close (+0.0000)" in text
    line = next(line for line in Path("reports/claims.md").read_text().splitlines() if "A higher rate" in line)
    assert "undecided" in line
