"""Samples of trained generators: written as a picture, and compared with real images."""

import math
from pathlib import Path
from typing import Annotated

import typer

from stages.core.data import load_prepared
from stages.core.device import prepare_device
from stages.core.errors import UserError
from stages.core.files import atomic_file
from stages.core.run import load_family
from stages.core.trained import load_model, run_of, seed_of
from stages.image_generation.data import to_pixels
from stages.image_generation.sample_quality import FAMILY, sample_quality

DEFAULT_RUN = "r1_gan_selected"
ZOOM = 3  # pixels that a pixel becomes, in both directions

app = typer.Typer(no_args_is_help=True, help=__doc__)
app.command()(sample_quality)


@app.command()
def sample(
    run: Annotated[str, typer.Option("--run", help="a row of this family")] = DEFAULT_RUN,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="how many images")] = 64,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="of the noise")] = 1,
    out: Annotated[Path, typer.Option(help="a PNG file to write")] = Path("grid.png"),
    model_seed: Annotated[int | None, typer.Option(help="one of the row's seeds; the first if none")] = None,
) -> None:
    """Write a grid of images that a trained generator draws; the same seed gives the same images.

    \f
    Raises:
        UserError: the run is unknown, is no generator or was not trained, `out` is no PNG file or cannot be written, or
            the model has fewer images.
    """
    from stages.image_generation.evaluate import draw
    from stages.image_generation.figures import side_by_side, to_png  # with matplotlib, a second to import

    row = run_of(FAMILY, run)
    if out.suffix.lower() != ".png":
        raise UserError(f"--out = {out}: must end in .png")
    if out.is_dir() or not out.parent.is_dir():
        raise UserError(f"--out = {out}: must name a file, in a folder that is there")
    prepare_device(row.device)
    info = load_prepared(row.family, row.data, row.device).info
    model, _ = load_model(row, seed_of(row, model_seed, "--model-seed"), info)
    if not hasattr(model, "draw"):
        generators = load_family(FAMILY).sections.get("sample_quality", {})
        raise UserError(f"--run = {run}: has no generator; these have: {', '.join(generators)}")
    images = to_pixels(draw(model, count, seed).cpu())[:, 0]
    if len(images) < count:
        raise UserError(f"--count = {count}: must be at most {len(images)}, the images that {run} has")
    with atomic_file(out) as temporary:
        temporary.write_bytes(to_png(side_by_side(images, math.ceil(math.sqrt(count)), zoom=ZOOM)))
    print(f"{out}: {count} images of {run}")
