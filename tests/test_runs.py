"""Every run of params.yaml: it builds, learns, and gives the same numbers for the same seed."""

import json

import pytest
import safetensors.torch
import torch

from stages.core.data import Data, Split
from stages.core.device import prepare_device
from stages.core.recipe import load_recipe
from stages.core.run import family_module, load_run
from stages.core.schema import read_yaml
from tests.conftest import ROOT
from tests.language_modeling.small import small_predictions, small_stream
from tests.text_classification.small import small_texts
from tests.word_vectors.small import small_cooccurrences, small_corpus

RUNS = list(read_yaml(ROOT / "params.yaml")["runs"])


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    prepare_device("cpu")  # as the stages do: with two threads some sums have no fixed order
    monkeypatch.chdir(ROOT)


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
    raw, recipe = load_recipe(run.data)
    if not raw:
        data = recipe.make(None)
        return Data(data.train, None, data.test, data.info)
    draws = torch.Generator().manual_seed(0)
    if run.family == "image_classification":
        inputs = torch.randint(256, (96, 1, 28, 28), generator=draws, dtype=torch.uint8)
        split = Split(inputs, torch.arange(96) % 10)
        info = {"task": "multiclass", "pixel_mean": 0.5, "pixel_sd": 0.3}
    else:
        split = Split(torch.randn(96, run.args.num_inputs, generator=draws), (torch.arange(96) % 2)[:, None].float())
        info = {"task": "binary"}
    return Data(split, split, split, info)


def fit(run, data):
    torch.manual_seed(1)
    changes = {"num_epochs": 1, "warmup_epochs": 0, "schedule": "constant"}
    if run.family == "language_modeling":  # the text is short, and one epoch of it must be better than a guess
        changes |= {"num_frequent": 16, "num_sampled": 8} if run.args.model_dump().get("num_frequent") else {}
        changes |= {"learning_rate": min(run.args.model_dump().get("learning_rate", 1.0), 0.5), "batch_size": 2}
        changes |= {"num_epochs": 5} if run.model == "transformer" else {}  # it begins worse than a guess
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
    assert safetensors.torch.save(model.state_dict()) == safetensors.torch.save(twin.state_dict())
    scores = family_module(run.family, "evaluate").score(model, run, data, history)
    assert all(torch.isfinite(torch.tensor(value)) for value in scores.values())


@pytest.mark.parametrize("name", RUNS)
def test_the_committed_metrics_are_of_this_model(name):
    """The number of parameters pins the architecture; a changed model with old metrics is caught."""
    settings = json.loads((ROOT / f"metrics/{name}.json").read_text())["settings"]
    run = load_run(name)
    if run.model not in ("ngram", "tfidf"):  # how many n-grams or terms there are, the text decides
        assert settings["num_parameters"] == sum(parameter.numel() for parameter in run.build(settings).parameters())
    assert settings.get("num_train", settings.get("num_tokens")) > 0
