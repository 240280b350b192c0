"""The command that writes a grid of a generator's images."""

from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from stages.__main__ import app
from stages.core.errors import UserError
from stages.image_generation import evaluate
from tests.image_generation.runs import PARAMS, train_all


@pytest.fixture
def params() -> dict:
    return PARAMS


@pytest.fixture
def trained(workspace: Path, monkeypatch) -> Path:
    """The workspace with trained models."""
    monkeypatch.setattr(evaluate, "NUM_SAMPLES", 60)
    train_all()
    return workspace


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


def test_bad_input_is_one_line(trained):
    """No images, no generator, not trained, no PNG file, too many images, unknown run: named, and nothing written."""
    assert "--count" in call("--run", "vae", "--count", "0").output
    for arguments, message in (
        (("--run", "codes"), r"--run = codes: has no generator; these have: copies, noise, blind, vae"),
        (("--run", "seer"), "--run = 'seer': must be one of copies, noise"),
        (("--run", "vae", "--out", "grid.jpg"), r"--out = grid.jpg: must end in .png"),
        (("--run", "copies", "--count", "61"), "--count = 61: must be at most 60"),
        (("--run", "vae", "--model-seed", "9"), "--model-seed = 9: must be one of 1, 2"),
    ):
        with pytest.raises(UserError, match=message):
            call(*arguments)
    Path("data/models/vae/1.safetensors").unlink()
    with pytest.raises(UserError, match="data/models/vae/1.safetensors is missing or damaged"):
        call("--run", "vae")
    assert not list(Path().glob("*.png"))
