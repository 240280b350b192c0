"""Images of a trained generator, side by side in a PNG file."""

import math
from pathlib import Path

from stages.core.data import load_prepared
from stages.core.device import prepare_device
from stages.core.errors import UserError
from stages.core.files import atomic_file
from stages.core.run import PARAMS
from stages.core.schema import read_yaml
from stages.evaluate import load_model
from stages.image_generation.data import to_pixels
from stages.image_generation.evaluate import draw
from stages.image_generation.figures import side_by_side, to_png
from stages.quality.recipe import is_generator
from stages.words import run_of, seed_of

FAMILY = "image_generation"
ZOOM = 3  # pixels that a pixel becomes, in both directions


def sample(name: str, count: int, seed: int, out: Path, model_seed: int | None) -> None:
    """Write `count` images of a run to `out`; the same seed gives the same images.

    Raises:
        UserError: the run is unknown, is no generator or was not trained, `out` is no PNG file or cannot be written, or
            the model has fewer images.
    """
    run = run_of(FAMILY, name)
    if out.suffix.lower() != ".png":
        raise UserError(f"--out = {out}: must end in .png")
    if out.is_dir() or not out.parent.is_dir():
        raise UserError(f"--out = {out}: must name a file, in a folder that is there")
    prepare_device(run.device)
    info = load_prepared(run.family, run.data, run.device).info
    model, _ = load_model(run, seed_of(run, model_seed, "--model-seed"), info)
    if not hasattr(model, "draw"):
        rows = read_yaml(PARAMS)["runs"].items()
        able = [key for key, row in rows if row["family"] == FAMILY and is_generator(FAMILY, row["model"])]
        raise UserError(f"--run = {name}: has no generator; these have: {', '.join(able)}")
    images = to_pixels(draw(model, count, seed).cpu())[:, 0]
    if len(images) < count:
        raise UserError(f"--count = {count}: must be at most {len(images)}, the images that {name} has")
    with atomic_file(out) as temporary:
        temporary.write_bytes(to_png(side_by_side(images, math.ceil(math.sqrt(count)), zoom=ZOOM)))
    print(f"{out}: {count} images of {name}")
