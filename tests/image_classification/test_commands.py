"""The command that classifies a user's own pictures, by a small network that knows dark from light ones."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import Result
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from stages.core.data import Data, Split, write_data
from stages.core.errors import UserError
from stages.core.files import write_json
from stages.image_classification.commands import app
from stages.image_classification.pictures import SIZE, read_picture
from stages.image_classification.saliency import saliency
from tests.family_folder import make_family_folder

ARGS = {"num_epochs": 1, "batch_size": 8, "learning_rate": 0.1, "num_inputs": SIZE**2, "num_outputs": 2}
PARAMS = {
    "presets": {"plain": ARGS},
    "data": {"idx_images": {"small": {"raw": "r", "num_validation": 0, "seed": 0, "classes": ["dark", "light"]}}},
    "runs": {
        name: {"model": "softmax_regression", "data": "small", "preset": "plain", "seeds": 1, "args": {}}
        for name in ("lightness", "untrained")
    },
}


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current directory has a model whose logits are minus and plus the mean pixel less a quarter, times 40."""
    make_family_folder(tmp_path, "image_classification", PARAMS)
    monkeypatch.chdir(tmp_path)
    folder = Path("data/prepared/image_classification/small")
    folder.mkdir(parents=True)
    split = Split(torch.zeros(2, 1, SIZE, SIZE, dtype=torch.uint8), torch.arange(2))
    info = {"task": "multiclass", "classes": ["dark", "light"], "pixel_mean": 0.0, "pixel_sd": 1.0}
    write_data(folder, Data(split, None, split, info))
    weight = torch.tensor([[-1.0], [1.0]]).expand(2, SIZE**2).mul(40 / SIZE**2).contiguous()
    path = Path("data/models/image_classification/lightness/1.safetensors")
    path.parent.mkdir(parents=True)
    save_file({"1.weight": weight, "1.bias": torch.tensor([10.0, -10.0])}, path)
    write_json(path.with_suffix(".json"), [])


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current directory is a new one."""
    monkeypatch.chdir(tmp_path)


def call(*arguments: str, catch: bool = False, command: str = "classify") -> Result:
    return CliRunner().invoke(app, [command, *arguments], catch_exceptions=catch)


def save(name: str, pixels: np.ndarray, **options) -> str:
    Image.fromarray(pixels.astype(np.uint8)).save(name, **options)
    return name


def square(background: int, inside: int) -> np.ndarray:
    """Return a grey picture of 60 by 40 pixels with a square of 20 in its middle."""
    pixels = np.full((40, 60), background)
    pixels[10:30, 20:40] = inside
    return pixels


def test_a_picture_is_trimmed_made_light_on_black_and_small(empty_folder):
    """Colour, transparency, size and a light background make no difference: the square fills all."""
    for name, pixels in {
        "dark.png": square(0, 200),
        "light.png": square(255, 55),
        "colour.png": np.stack([square(255, 55)] * 3, -1),
        "transparent.png": np.stack([np.full((40, 60), 55)] * 3 + [square(0, 255)], -1),
    }.items():
        image, inverted = read_picture(Path(save(name, pixels)))
        assert (image.shape, image.dtype) == ((SIZE, SIZE), torch.uint8)
        assert image.unique().tolist() == [200], name
        assert inverted == (name != "dark.png")


def test_a_picture_of_the_datas_size_stays_as_it_is(empty_folder):
    pixels = np.random.default_rng(0).integers(100, size=(SIZE, SIZE))
    image, _ = read_picture(Path(save("same.png", pixels)))
    assert np.array_equal(image, pixels)
    inverted, _ = read_picture(Path("same.png"), "light")
    assert np.array_equal(inverted, 255 - pixels)


def test_an_oblong_picture_is_extended_with_black(empty_folder):
    image, _ = read_picture(Path(save("oblong.png", np.pad(np.full((40, 20), 200), 5))))
    assert image[:, :7].eq(0).all() and image[:, 7:21].eq(200).all() and image[:, 21:].eq(0).all()


def test_classes_and_probabilities(trained):
    """The mean pixel of the test picture is 200 / 255: logits of 10 - 31.37 and its negative."""
    printed = call(save("square.png", square(0, 200)), "--run", "lightness").stdout
    assert printed.splitlines()[3].split() == ["square.png", "light", "1.0000,", "dark", "0.0000", "dark"]
    printed = call(save("even.png", np.full((SIZE, SIZE), 64)), "--run", "lightness", "--count", "1").stdout
    expected = torch.tensor(2 * (40 * 64 / 255 - 10)).sigmoid().item()
    assert f"light {expected:.4f}" in printed and "dark 0." not in printed


def test_a_file_that_is_no_picture_is_named_and_the_others_are_classified(trained):
    Path("bad.png").write_text("text")
    done = call("bad.png", "none.png", save("square.png", square(0, 200)), "--run", "lightness", catch=True)
    assert str(done.exception) == "2 of 3 files could not be classified"
    assert "bad.png: is no picture that can be read\nnone.png: No such file or directory\n" in done.output
    assert "square.png" in done.output and "light 1.0000" in done.output


def test_a_truncated_picture_and_one_of_one_colour_are_named(empty_folder):
    path = Path(save("noise.png", np.random.default_rng(0).integers(256, size=(80, 80))))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(UserError, match=r"noise.png: is (damaged|no picture)"):
        read_picture(path)
    with pytest.raises(UserError, match=r"empty.png: all of it has one colour"):
        read_picture(Path(save("empty.png", np.full((50, 50), 9))))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "gone"], "--run = 'gone': must be one of"),
        (["--run", "untrained"], "untrained/1.safetensors is missing"),
        (["--run", "lightness", "--background", "blue"], "--background = 'blue': must be one of auto, light, dark"),
        (["--run", "lightness", "--saliency", "nowhere"], "--saliency = nowhere: must be a folder"),
        (["--run", "lightness", "--saliency", ".", "a/square.png"], "FILES: must have different names"),
    ],
)
def test_bad_options_are_one_line(trained, arguments, message):
    with pytest.raises(UserError, match=message):
        call(save("square.png", square(0, 200)), *arguments)


def test_saliency_is_where_the_class_depends_on_pixels():
    """Of a linear model the gradient is its weights, whatever the noise."""
    weights = torch.zeros(2, SIZE, SIZE)
    weights[1, 5, 7], weights[1, 6, 8] = 2.0, -1.0
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(SIZE**2, 2))
    model[1].weight.data = weights.flatten(1)
    found = saliency(model.eval(), torch.rand(1, SIZE, SIZE), 1)
    torch.testing.assert_close(found, weights[1].abs() / 2)


def test_a_saliency_map_is_drawn_beside_the_picture(trained):
    call(save("square.png", square(0, 200)), "--run", "lightness", "--saliency", ".")
    drawn = np.array(Image.open("square_light.png"))
    assert drawn.shape == (8 * SIZE, 2 * 8 * SIZE, 3)
    assert (drawn[:, : 8 * SIZE] == 200).all()
    assert (drawn[:, 8 * SIZE :] == [255, 0, 0]).all()  # all pixels decide as much


def prepare(split: Split, **info: Any) -> None:
    """Replace the data that the model `lightness` is said to be trained on."""
    info = {"task": "multiclass", "classes": ["dark", "light"], "pixel_mean": 0.0, "pixel_sd": 1.0} | info
    write_data(Path("data/prepared/image_classification/small"), Data(split, None, split, info))


def test_the_predictions_of_the_test_pictures_are_written(trained):
    """Logits are minus and plus (10 / 64) (value - 64): 69 gives 0.827 for light by the sigmoid of twice that."""
    values = torch.tensor([0, 69, 255], dtype=torch.uint8)
    images = values[:, None, None, None].expand(3, 1, SIZE, SIZE).contiguous()
    Path("p.csv").write_text("old")
    prepare(Split(images, torch.tensor([0, 1, 1])))
    call("p.csv", "--run", "lightness", command="predictions")
    logit = 2 * (40 * 69 / 255 - 10)
    expected = f"1,light,{torch.tensor(logit).sigmoid().item():.4f}"
    assert Path("p.csv").read_text() == f"id,label,probability\n0,dark,1.0000\n{expected}\n2,light,1.0000\n"
    prepare(Split(images, torch.tensor([0, 1, 1])), test_ids=["night", "dusk, or so", "day"])
    call("new/p.csv", "--run", "lightness", command="predictions")
    rows = list(csv.DictReader(Path("new/p.csv").read_text().splitlines()))
    assert [row["id"] for row in rows] == ["night", "dusk, or so", "day"]
    assert [row["label"] for row in rows] == ["dark", "light", "light"]


def test_wrong_predictions_are_one_line_and_write_nothing(trained):
    with pytest.raises(UserError, match=r"^FILE = \.: is a folder; must be a file$"):
        call(".", "--run", "lightness", command="predictions")
    with pytest.raises(UserError, match=r"untrained/1.safetensors is missing"):
        call("p.csv", "--run", "untrained", command="predictions")
    assert not Path("p.csv").exists()


def test_a_row_of_colour_pictures_classifies_no_grey_ones(trained):
    prepare(Split(torch.zeros(2, 3, SIZE, SIZE, dtype=torch.uint8), torch.arange(2)))
    with pytest.raises(UserError, match=r"^--run = 'lightness': is of colour pictures; must be a row of grey ones$"):
        call(save("square.png", square(0, 200)), "--run", "lightness")
