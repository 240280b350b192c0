"""Draw what a family shows of its rows and tables, from what evaluation kept; the report only reads the pictures."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from stages.core.data import load_prepared, read_tensors
from stages.core.errors import UserError
from stages.core.family import family_module
from stages.core.files import atomic_folder, write_json
from stages.core.run import EVALUATIONS, load_family, load_run
from stages.results.bootstrap import standard_error
from stages.results.figures import Drawing, learning_curves, to_png
from stages.results.presentation import load_tables
from stages.results.references import Reference, load_references

FIGURES = Path("reports/figures")
CURVES = Path("reports/curves")
CAPTIONS = "captions.json"
HEADLINE = "headline.json"


class Picture(NamedTuple):
    """A figure as the report shows it: its caption, and its PNG file or its text."""

    caption: str
    content: bytes | str


def figures(family: str) -> None:
    """Write reports/figures/<family>: PNG files and texts, and which row or table each is of, with its caption.

    Beside them headline.json with the `standard_error` over test examples of the family's headline.

    Raises:
        UserError: the family's files are wrong, or an evaluation or a learning curve is missing or damaged.
    """
    params, shown, module = load_family(family), load_tables(family), family_module(family, "figures")
    captions: dict[str, dict[str, dict[str, str]]] = {"rows": {}, "tables": {}}
    drawings: dict[str, Drawing] = {}

    def keep(kind: str, name: str, drawn: Mapping[str, Drawing]) -> None:
        named = {f"{name}_{what}": drawing for what, drawing in drawn.items()}
        if twice := named.keys() & drawings.keys():
            raise UserError(f"stages/{family}/tables.yaml: two figures are called {min(twice)}; rename a row or table")
        drawings.update(named)
        captions[kind][name] = {figure: drawing.caption for figure, drawing in named.items()}

    for row, text in shown.rows.items():
        if text.figures:
            data = load_prepared(family, params.runs[row].data)
            keep("rows", row, module.draw(text.label, _outputs(f"{family}/{row}"), data))
    references = load_references() if module.draw_table else {}
    seen: set[str] = set()
    for name, table in shown.tables.items():
        if seen.issuperset(table.rows):  # all are drawn with earlier tables
            continue
        seen.update(table.rows)
        labels = {run: shown.rows[run.partition("/")[2]].label for run in table.rows}
        curves = {label: read_curve(run) for run, label in labels.items()}
        if module.draw_table is None:
            keep("tables", name, {"curves": learning_curves(table.title, curves)})
            continue
        outputs = {label: _outputs(run) for run, label in labels.items()} if module.TABLES_SHOW_OUTPUTS else {}
        seconds = {label: seconds_an_epoch(run, references.get(run)) for run, label in labels.items()}
        keep("tables", name, module.draw_table(table.title, curves, outputs, seconds))
    with atomic_folder(FIGURES / family) as folder:
        for name, (_, figure) in drawings.items():
            if isinstance(figure, str):
                (folder / f"{name}.txt").write_text(figure + "\n", encoding="utf-8")
            else:
                (folder / f"{name}.png").write_bytes(figure if isinstance(figure, bytes) else to_png(figure))
        write_json(folder / CAPTIONS, captions)
        run = load_run(f"{family}/{shown.headline.row}")
        examples = module.test_examples(run, shown.headline.metric, _outputs(run.name))
        write_json(folder / HEADLINE, {"standard_error": standard_error(examples)})


def read_headline_error(family: str) -> float:
    """Return the standard error of a family's headline over test examples.

    Raises:
        UserError: it is missing or damaged.
    """
    path = FIGURES / family / HEADLINE
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))["standard_error"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is missing or damaged; `dvc repro` makes it again") from error


def read_pictures(family: str) -> tuple[dict[str, Picture], dict[str, dict[str, list[str]]]]:
    """Return the pictures of a family by `family/name`, and their names by kind, `rows` or `tables`, and full name.

    Raises:
        UserError: they are missing or damaged.
    """
    folder = FIGURES / family
    try:
        captions = json.loads((folder / CAPTIONS).read_text(encoding="utf-8"))
        pictures, names = {}, {}
        for kind, owners in captions.items():
            for owner, figures in owners.items():
                names.setdefault(kind, {})[f"{family}/{owner}"] = [f"{family}/{name}" for name in figures]
                for name, caption in figures.items():
                    text = folder / f"{name}.txt"
                    content = text.read_text(encoding="utf-8").rstrip("\n") if text.exists() else _png(folder, name)
                    pictures[f"{family}/{name}"] = Picture(caption, content)
    except (OSError, ValueError, AttributeError) as error:
        message = f"{folder}: pictures are missing or damaged; `python -m stages figures {family}` draws them"
        raise UserError(message) from error
    return pictures, names


def _png(folder: Path, name: str) -> bytes:
    return (folder / f"{name}.png").read_bytes()


def read_curve(run: str) -> pd.DataFrame:
    """Return the learning curve of a run, a line an epoch.

    Raises:
        UserError: it is missing or damaged.
    """
    path = CURVES / f"{run}.csv"
    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is missing or damaged; `python -m stages repro {run}` makes it again") from error


def seconds_an_epoch(run: str, reference: Reference | None) -> float | None:
    """Return what an epoch of training took when the reference was recorded, all of a train stage included."""
    if reference is None or "train" not in reference.seconds:
        return None
    trained = load_run(run)
    return reference.seconds["train"] / len(trained.seeds) / getattr(trained.args, "num_epochs", 1)


def _outputs(run: str) -> dict[str, Any]:
    return read_tensors(EVALUATIONS / run / "test.safetensors")
