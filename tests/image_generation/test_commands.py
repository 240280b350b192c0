"""The command that writes a grid of a generator's images."""

from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from stages.core.errors import UserError
from stages.image_generation.commands import app


def call(*arguments: str):
    return CliRunner().invoke(app, ["sample", *arguments], catch_exceptions=False)


def test_a_grid_is_written_and_the_same_seed_gives_the_same(trained):
    sizes, contents = [], []
    for seed, out in (("1", "a.png"), ("1", "b.png"), ("2", "c.png")):
        printed = call("--run", "vae", "--count", "10", "--seed", seed, "--out", out).stdout
        assert printed == f"{out}: 10 images of vae\n"
        sizes.append(Image.open(out).size)
        contents.append(Path(out).read_bytes())
    assert sizes[0] == (4 * 30 * 3, 3 * 30 * 3)
    assert contents[0] == contents[1] != contents[2]


def test_a_full_name_and_another_model_may_be_named(trained):
    for seed, out in (("1", "a.png"), ("2", "b.png")):
        call("--run", "image_generation/vae", "--model-seed", seed, "--out", out)
    assert Path("a.png").read_bytes() != Path("b.png").read_bytes()


def test_bad_input_is_one_line(trained):
    """No images, no generator, not trained, no PNG file, too many images, unknown run: named, and nothing written."""
    assert "--count" in call("--run", "vae", "--count", "0").output
    for arguments, message in (
        (("--run", "autoencoder"), "--run = autoencoder: has no generator; these have: copies, noise"),
        (("--run", "extractor"), "--run = 'extractor': must be one of copies, noise"),
        (("--run", "vae", "--out", "grid.jpg"), r"--out = grid.jpg: must end in .png"),
        (("--run", "vae", "--out", "nowhere/grid.png"), r"--out = nowhere/grid.png: must name a file, in a folder"),
        (("--run", "copies", "--count", "61"), "--count = 61: must be at most 60"),
        (("--run", "vae", "--model-seed", "9"), "--model-seed = 9: must be one of 1, 2"),
    ):
        with pytest.raises(UserError, match=message):
            call(*arguments)
    Path("data/models/image_generation/vae/1.safetensors").unlink()
    with pytest.raises(UserError, match="data/models/image_generation/vae/1.safetensors is missing"):
        call("--run", "vae")
    assert not list(Path().glob("*.png"))
