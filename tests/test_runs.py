"""Every run of params.yaml: it builds, learns, and gives the same numbers for the same seed."""

import json

import pytest
import safetensors.torch
import torch

from stages.core.data import Data, Split
from stages.core.recipe import load_recipe
from stages.core.run import family_module, load_run
from stages.core.schema import read_yaml
from stages.image_generation import evaluate
from tests.conftest import ROOT
from tests.image_generation.small import small_images
from tests.language_modeling.small import small_predictions, small_stream
from tests.text_classification.small import small_texts
from tests.word_vectors.small import small_cooccurrences, small_corpus

RUNS = list(read_yaml(ROOT / "params.yaml")["runs"])


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(evaluate, "NUM_SAMPLES", 50)


def small_data(run) -> Data:
    """A few examples of the right shapes: drawn by the recipe itself, or random where it needs fetched files."""
    if run.family == "word_vectors":
        return small_cooccurrences() if run.model == "glove" else small_corpus()
    if run.family == "language_modeling":
        if run.model == "mixture":
            return small_predictions()
        return small_stream(unit="character" if "verse" in run.name else "word")
    if run.family == "text_classification":
        return small_texts(vectors="vectors" in run.data)
    if run.family == "image_generation":
        return small_images()
    raw, recipe = load_recipe(run.data)
    if not raw:
        data = recipe.make(None)
        return Data(data.train, None, data.test, data.info)
    draws = torch.Generator().manual_seed(0)
    if run.family == "image_classification":
        inputs = torch.randint(256, (96, 1, 28, 28), generator=draws, dtype=torch.uint8)
        split = Split(inputs, torch.arange(96) % 10)
        info = {"task": "multiclass", "pixel_mean": 0.5, "pixel_sd": 0.3, "classes": ["c"] * 10}
    else:
        split = Split(torch.randn(96, run.args.num_inputs, generator=draws), (torch.arange(96) % 2)[:, None].float())
        info = {"task": "binary"}
    return Data(split, split, split, info)


def fit(run, data):
    torch.manual_seed(1)
    changes = {"num_epochs": 1, "warmup_epochs": 0, "schedule": "constant", "num_images": 50}
    if run.family == "language_modeling":  # the text is short, and one epoch of it must be better than a guess
        changes |= {"num_frequent": 16, "num_sampled": 8} if run.args.model_dump().get("num_frequent") else {}
        changes |= {"learning_rate": min(run.args.model_dump().get("learning_rate", 1.0), 0.5), "batch_size": 2}
        changes |= {"num_epochs": 5} if run.model == "transformer" else {}  # it begins worse than a guess
    if run.family == "image_generation":
        changes |= {"num_components": min(2, run.args.model_dump().get("num_components", 0))}
    if run.family == "text_classification":
        changes |= {"average_from": 1, "num_train": 40 if run.args.num_train else None}
    one_epoch = run.args.model_copy(update={key: value for key, value in changes.items() if hasattr(run.args, key)})
    short = type(run)(**{**vars(run), "args": one_epoch})
    return family_module(run.family, "train").fit(short, data, seed=1)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_learns_and_repeats_itself(name):
    run = load_run(name)
    data = small_data(run)
    torch.manual_seed(1)
    before = run.build(data.info).state_dict()
    model, history = fit(run, data)
    twin, again = fit(run, data)
    assert history == again
    for key, tensor in model.state_dict().items():
        assert torch.equal(tensor, twin.state_dict()[key]), key
        assert not torch.equal(tensor, before[key]), f"{key} did not move"
    saved, again = (
        safetensors.torch.save({name: tensor.contiguous() for name, tensor in one.state_dict().items()})
        for one in (model, twin)
    )
    assert saved == again
    family = family_module(run.family, "evaluate")
    predicted = {"predictions": family.example_scores(model, run, data)} if run.family == "image_generation" else {}
    scores = family.score(model, run, data, history, **predicted)
    assert all(torch.isfinite(torch.tensor(value)) for value in scores.values())


@pytest.mark.parametrize("name", RUNS)
def test_the_committed_metrics_are_of_this_model(name):
    """The number of parameters pins the architecture; a changed model with old metrics is caught."""
    settings = json.loads((ROOT / f"metrics/{name}.json").read_text())["settings"]
    run = load_run(name)
    if run.model not in ("ngram", "tfidf"):  # how many n-grams or terms there are, the text decides
        model = run.build({"classes": ["c"] * 10} | settings)
        assert settings["num_parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert settings.get("num_train", settings.get("num_tokens")) > 0


def test_committed_generators_come_in_the_order_of_honest_training():
    """In every seed: noise, pixels drawn alone, GAN, DCGAN, training images; DCGAN forgets no garment."""
    names = ("uniform_noise", "pixel_gaussian", "gan", "dcgan", "training_images")
    paths = [ROOT / f"metrics/judged/image_generation_{name}.json" for name in names]
    noise, pixels, gan, dcgan, training = [json.loads(path.read_text()) for path in paths]
    for seed in dcgan["frechet_distance"]["seeds"]:
        distances = [row["frechet_distance"]["seeds"]["1"] for row in (noise, pixels)]  # which no seed changes
        distances += [row["frechet_distance"]["seeds"][seed] for row in (gan, dcgan, training)]
        assert distances == sorted(distances, reverse=True)
        assert dcgan["least_class"]["seeds"][seed] >= 0.04
    assert dcgan["frechet_distance"]["mean"] <= pixels["frechet_distance"]["mean"] / 10
    assert dcgan["classifier_score"]["mean"] >= 7
