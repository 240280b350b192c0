"""Figures of generative models: samples, by epoch and beside the nearest image, reconstructions and latents."""

import io
from collections.abc import Mapping

import matplotlib
import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from stages.core.data import PREDICTIONS, Data, load_prepared, read_tensors
from stages.core.run import EVALUATIONS, Run, load_family, one_of
from stages.image_generation.frechet import fit_gaussian, frechet_distance
from stages.image_generation.sample_quality import CLASSIFIERS, SAMPLES, load_judge
from stages.results.bootstrap import Examples
from stages.results.figures import COLOURS, Drawing, new_figure
from stages.results.formatting import words

COLUMNS = 8
MOVING = 32  # images of an animation, which weigh as much in every frame
MILLISECONDS = 600  # that the samples of an epoch are shown
PANELS = 3  # side by side
RESAMPLES = 200  # of samples and test images, whose covariances take a while


def draw(label: str, outputs: dict[str, Tensor], data: Data) -> dict[str, Drawing]:
    """Return the figures of one run from the `outputs` of its evaluation, images uint8 (…, height, width)."""
    drawings = {}
    if "samples" in outputs:
        samples, nearest = outputs["samples"], outputs["nearest"]
        caption = f"{label}: the first {len(samples)} images that the model of the first seed draws."
        drawings["samples"] = Drawing(caption, to_png(side_by_side(samples, COLUMNS)))
        pairs = torch.stack([samples[:COLUMNS], nearest[:COLUMNS]]).flatten(0, 1)
        caption = f"{label}: generated images above, and below each the training image nearest to it, pixel by pixel."
        drawings["nearest"] = Drawing(caption, to_png(side_by_side(pairs, COLUMNS)))
    if "progress" in outputs:
        frames = [side_by_side(images[:MOVING], COLUMNS) for images in outputs["progress"]]
        caption = f"{label}: images from the same noise after each of {len(frames)} epochs, without a selection."
        drawings["progress"] = Drawing(caption, to_png(*frames))
        few = outputs["progress"][:, :COLUMNS]
        caption = (
            f"{label}: images from the same noise, an epoch a row, without a selection and before anything else "
            f"is fitted."
        )
        drawings["epochs"] = Drawing(caption, to_png(side_by_side(few.flatten(0, 1), few.shape[1])))
    if "walks" in outputs:
        walks = outputs["walks"]
        caption = f"{label}: each row follows an arc from one latent vector to another, both drawn at random."
        drawings["walks"] = Drawing(caption, to_png(side_by_side(walks.flatten(0, 1), walks.shape[1])))
    if "reconstructions" in outputs:
        pairs = torch.stack([outputs["originals"], outputs["reconstructions"]])
        caption = f"{label}: the first test images above, and their reconstructions below."
        drawings["reconstructions"] = Drawing(caption, to_png(side_by_side(pairs.flatten(0, 1), pairs.shape[1])))
    if "denoised" in outputs:
        rows = torch.stack([outputs["originals"], outputs["noisy"], outputs["denoised"]])
        caption = f"{label}: test images, the same with pixels set to 0, and the reconstructions of those."
        drawings["denoising"] = Drawing(caption, to_png(side_by_side(rows.flatten(0, 1), rows.shape[1])))
    if "latents" in outputs:
        drawings["latents"] = _latents(label, outputs["latents"], outputs["classes"], data.info["classes"])
    return drawings


def test_examples(run: Run, metric: str, outputs: dict[str, Tensor]) -> Examples:
    """Return the samples of the first seed and the test images, of which `metric` is the Fréchet distance."""
    one_of(metric, ["frechet_distance"], f"{run.name}: headline.metric")
    row = run.name.partition("/")[2]
    entry = load_family(run.family).sections["sample_quality"][row]
    judge = load_judge(entry["extractor"], load_prepared(CLASSIFIERS, entry["data"]).test.inputs)
    samples = judge.extract(read_tensors(EVALUATIONS / run.name / PREDICTIONS)[f"{SAMPLES}{run.seeds[0]}"])

    def distance(some: np.ndarray, others: np.ndarray) -> float:
        return frechet_distance(fit_gaussian(samples[some]), fit_gaussian(judge.real[others]))

    return Examples((len(samples), len(judge.real)), distance, resamples=RESAMPLES)


def draw_table(
    title: str,
    curves: Mapping[str, pd.DataFrame],
    outputs: Mapping[str, dict[str, Tensor]],
    seconds_an_epoch: Mapping[str, float | None],
) -> dict[str, Drawing]:
    """Return the figure of a table; all arguments but the title go by the label of the row."""
    trained = {label: curve for label, curve in curves.items() if len(curve) > 1}
    if not trained:
        return {}
    adversarial = any("discriminator_loss" in curve for curve in trained.values())
    columns = min(PANELS, len(trained))
    rows = -(-len(trained) // columns)
    figure, grid = new_figure(2.4 * columns, 0.4 + 2.2 * rows, rows, columns, squeeze=False)
    for axes in grid.flat[len(trained) :]:
        axes.axis("off")
    for axes, (label, curve) in zip(grid.flat, trained.items(), strict=False):
        of_networks = [name for name in curve if name.startswith(("generator", "discriminator"))]
        for name, colour in zip(of_networks or ["train_loss"], COLOURS, strict=False):
            axes.plot(curve["epoch"], curve[name], color=colour, label=words(name) if of_networks else None)
        axes.set_title(label, fontsize="small")
        axes.set_xlabel("epoch")
        axes.locator_params(axis="x", integer=True)
        if of_networks:
            axes.set_ylim(0, 1.5 * curve[of_networks].to_numpy().max())  # room for the legend
            axes.legend(fontsize="x-small", loc="upper right")
    caption = (
        f"{title}: training loss by epoch, mean over the seeds, each row on an axis of its own: squared errors or nats "
        f"an image (of a normal likelihood those of a density, which may be below 0)."
    )
    if adversarial:
        caption += " Of adversarial networks the losses of both, and the share of images whose origin is recognised."
    return {"curves": Drawing(caption, figure)}


def side_by_side(images: Tensor, columns: int, gap: int = 2, zoom: int = 2) -> Tensor:
    """Return images, uint8 (n, height, width), as one, black on white, each pixel `zoom` pixels wide and high."""
    rows = -(-len(images) // columns)
    height, width = images.shape[1] + gap, images.shape[2] + gap
    cells = torch.zeros(rows * columns, height, width, dtype=torch.uint8)
    cells[: len(images), gap // 2 : height - gap // 2, gap // 2 : width - gap // 2] = images
    whole = cells.view(rows, columns, height, width).transpose(1, 2).reshape(rows * height, columns * width)
    return 255 - whole.repeat_interleave(zoom, 0).repeat_interleave(zoom, 1)


def to_png(*frames: Tensor) -> bytes:
    """Return a PNG file of uint8 (height, width); of more than one frame an animated one."""
    images = [Image.fromarray(frame.numpy()) for frame in frames]
    content = io.BytesIO()
    more = {"save_all": True, "append_images": images[1:], "duration": MILLISECONDS, "loop": 0} if images[1:] else {}
    images[0].save(content, "png", optimize=True, **more)
    return content.getvalue()


def _latents(label: str, latents: Tensor, classes: Tensor, names: list[str]) -> Drawing:
    """Draw latents, float32 (n, 2), coloured by class, int64 (n,)."""
    figure, axes = new_figure(6, 5)
    colours = matplotlib.colormaps["tab10"].colors  # one for each of ten classes
    for number, name in enumerate(names):
        points = latents[classes == number]
        axes.scatter(points[:, 0], points[:, 1], s=2, color=colours[number % len(colours)], label=name, rasterized=True)
    axes.set_axisbelow(True)
    axes.set_xlabel("first latent")
    axes.set_ylabel("second latent")
    axes.legend(markerscale=4, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return Drawing(f"{label}: latents of the test images, coloured by their classes; training saw neither.", figure)
