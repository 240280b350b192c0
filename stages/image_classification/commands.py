"""A trained image classifier at work: on a user's own pictures, and on the test pictures of a data set.

Classes, probabilities, and the pixels that decide; a file of predictions as competitions want it.
"""

import csv
import sys
from pathlib import Path
from typing import Annotated, Any, get_args

import numpy as np
import torch
import typer
from PIL import Image
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor, nn

from stages.core.data import Data, Split, load_prepared
from stages.core.device import prepare_device
from stages.core.errors import UserError
from stages.core.files import atomic_file
from stages.core.run import Run
from stages.core.trained import load_model, run_of, seed_of
from stages.core.training import predict
from stages.image_classification.pictures import Background, read_picture
from stages.image_classification.saliency import saliency
from stages.image_classification.train import scale_pixels

FAMILY = Path(__file__).parent.name
DEFAULT_RUN = "lenet"
ZOOM = 8  # pixels that a pixel of a saliency map becomes, in both directions

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.callback()
def commands() -> None:
    """Trained image classifiers at work in the terminal."""


@app.command()
def classify(
    files: Annotated[list[Path], typer.Argument(help="pictures of any size")],
    run: Annotated[str, typer.Option("--run", help="a row of this family, or family/row")] = DEFAULT_RUN,
    model_seed: Annotated[int | None, typer.Option(help="one of the row's seeds; the first if none")] = None,
    count: Annotated[int, typer.Option(min=1, help="how many classes")] = 3,
    background: Annotated[str, typer.Option(help="light, dark, or auto: what most of the border is")] = "auto",
    saliency_folder: Annotated[
        Path | None, typer.Option("--saliency", help="a folder for pictures of the pixels that decide")
    ] = None,
) -> None:
    """Print the likeliest classes of pictures with their probabilities, and draw which pixels decide.

    \f
    Raises:
        UserError: an option is wrong, the run is unknown, not trained or not of grey images; after the last file, if
            one could not be read.
    """
    if background not in get_args(Background):
        raise UserError(f"--background = '{background}': must be one of {', '.join(get_args(Background))}")
    if saliency_folder is not None and not saliency_folder.is_dir():
        raise UserError(f"--saliency = {saliency_folder}: must be a folder that is there")
    if saliency_folder is not None and len({file.stem for file in files}) < len(files):
        raise UserError("FILES: must have different names, which the pictures of --saliency get")
    model, row, data = _load(run, model_seed)
    if data.test.inputs.shape[1] != 1:
        raise UserError(f"--run = '{run}': is of colour pictures; must be a row of grey ones")
    table = Table("file", "classes", "background", box=box.SIMPLE_HEAD)
    wrong = 0
    for file in files:
        try:
            picture, inverted = read_picture(file, background)
        except UserError as error:
            print(error, file=sys.stderr, flush=True)
            wrong += 1
            continue
        image = _scaled(picture, row, data.info)
        probabilities = predict(model, image).softmax(1)[0]
        best = probabilities.topk(min(count, len(probabilities)))
        classes = [data.info["classes"][index] for index in best.indices.tolist()]
        shown = ", ".join(f"{name} {value:.4f}" for name, value in zip(classes, best.values.tolist(), strict=True))
        table.add_row(Text(str(file)), shown, "light" if inverted else "dark")
        if saliency_folder is not None:
            map_ = saliency(model, image[0], int(best.indices[0]))
            _draw(picture, map_.cpu(), saliency_folder / f"{file.stem}_{classes[0].replace(' ', '_')}.png")
    if table.row_count:
        Console().print(table)
    if wrong:
        raise UserError(f"{wrong} of {len(files)} files could not be classified")


@app.command()
def predictions(
    file: Annotated[Path, typer.Argument(help="the CSV file to write; one that is there is replaced")],
    run: Annotated[str, typer.Option("--run", help="a row of this family, or family/row")] = DEFAULT_RUN,
    model_seed: Annotated[int | None, typer.Option(help="one of the row's seeds; the first if none")] = None,
) -> None:
    """Write the likeliest class of each test picture and its probability as CSV: id, label, probability.

    The id is what the data set calls the picture, or else its place in the test split, from 0.

    \f
    Raises:
        UserError: FILE is a folder, or the run is unknown or not trained.
    """
    if file.is_dir():
        raise UserError(f"FILE = {file}: is a folder; must be a file")
    model, row, data = _load(run, model_seed)
    test = scale_pixels(data.test, data.info, row.args)
    best = predict(model, test.inputs).softmax(1).max(1)
    ids = data.info.get("test_ids", range(len(test.inputs)))
    labels = [data.info["classes"][index] for index in best.indices.tolist()]
    with atomic_file(file) as temporary, temporary.open("w", encoding="utf-8", newline="") as content:
        writer = csv.writer(content, lineterminator="\n")
        writer.writerow(["id", "label", "probability"])
        writer.writerows(zip(ids, labels, (f"{value:.4f}" for value in best.values.tolist()), strict=True))
    print(f"{file}: {len(labels):,} test pictures of {row.data}, classified by {row.name}")


def _load(name: str, model_seed: int | None) -> tuple[nn.Module, Run, Data]:
    run = run_of(FAMILY, name)
    seed = seed_of(run, model_seed, "--model-seed")
    prepare_device(run.device)
    data = load_prepared(run.family, run.data, run.device)
    return load_model(run, seed, data.info)[0], run, data


def _scaled(picture: Tensor, run: Run, info: dict[str, Any]) -> Tensor:
    """Return a picture, uint8 (height, width), as a batch of one for the model."""
    batch = Split(picture[None, None], torch.zeros(1, dtype=torch.int64))
    return scale_pixels(batch, info, run.args).inputs.to(run.device)


def _draw(picture: Tensor, strength: Tensor, path: Path) -> None:
    """Write the picture as the network sees it, and the same with what decides in red."""
    grey = picture.float().div(255)[..., None].expand(-1, -1, 3)
    red = torch.tensor([1.0, 0.0, 0.0])
    marked = torch.lerp(grey * 0.6, red.expand_as(grey), strength[..., None])
    pair = torch.cat([grey, marked], 1).mul(255).round().to(torch.uint8).numpy()
    with atomic_file(path) as temporary:
        Image.fromarray(np.kron(pair, np.ones((ZOOM, ZOOM, 1), dtype=np.uint8))).save(temporary, format="PNG")
