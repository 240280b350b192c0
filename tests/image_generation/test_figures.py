"""Figures of generated samples: PNG files of the right size, animated where there are epochs."""

import io
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from PIL import Image

from stages.image_generation import autoencoder, dcgan, evaluate, vae
from stages.image_generation.figures import draw, draw_table, side_by_side
from tests.image_generation.test_models import ARGS, trained


def drawings(module, monkeypatch, **changes):
    monkeypatch.setattr(evaluate, "NUM_SAMPLES", 64)
    model, data, _ = trained(module, **changes)
    run = SimpleNamespace(args=ARGS[module].model_copy(update=changes))
    outputs = evaluate.outputs(model, run, data, evaluate.example_scores(model, run, data))
    return draw("small", outputs, data)


def test_a_vae_shows_samples_progress_walks_and_reconstructions(monkeypatch):
    found = drawings(vae, monkeypatch)
    assert set(found) == {"samples", "nearest", "progress", "epochs", "walks", "reconstructions"}
    animation = Image.open(io.BytesIO(found["progress"].figure))
    assert animation.n_frames == 2
    assert Image.open(io.BytesIO(found["samples"].figure)).size == (480, 480)


def test_uniform_noise_and_mixtures_have_no_walks(monkeypatch):
    """On an arc between two draws there is no such noise."""
    assert set(drawings(dcgan, monkeypatch)) == {"samples", "nearest", "progress", "epochs"}
    assert "walks" not in drawings(vae, monkeypatch, num_components=2)


def test_an_autoencoder_with_two_latent_dimensions_shows_them(monkeypatch):
    assert set(drawings(autoencoder, monkeypatch, num_latents=2, noise=0.0)) == {"reconstructions", "latents"}
    assert set(drawings(autoencoder, monkeypatch, num_latents=3, noise=0.0)) == {"reconstructions"}


def test_a_denoising_autoencoder_shows_reconstructions_of_noisy_images(monkeypatch):
    assert set(drawings(autoencoder, monkeypatch)) == {"reconstructions", "denoising"}


def test_each_row_of_a_table_has_its_own_axis():
    """Losses of different kinds; what was not trained has none, and GANs show both networks."""
    gan = {"epoch": [1, 2], "train_loss": [2, 3], "generator_loss": [1, 2], "discriminator_loss": [1, 1]}
    curves = {
        "noise": pd.DataFrame({"epoch": [1], "train_loss": [0]}),
        "VAE": pd.DataFrame({"epoch": [1, 2], "train_loss": [300, 200]}),
        "GAN": pd.DataFrame(gan | {"discriminator_accuracy": [0.6, 0.5]}),
    }
    panels = draw_table("Images", curves, {}, {})["curves"].figure.axes
    assert [(axes.get_title(), len(axes.lines)) for axes in panels] == [("VAE", 1), ("GAN", 3)]
    assert draw_table("Images", {"noise": curves["noise"]}, {}, {}) == {}


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (5, 3)])
def test_images_stand_in_rows_black_on_white(count, columns):
    images = torch.full((count, 2, 2), 255, dtype=torch.uint8)
    picture = side_by_side(images, columns, gap=2, zoom=1)
    assert picture.shape == (4 * -(-count // columns), 4 * columns)
    assert (picture == 0).sum() == 4 * count
    assert picture[0].eq(255).all()
