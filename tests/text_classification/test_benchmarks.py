"""How many sentences a second text classifiers score, as a ratio to scikit-learn's TF-IDF in the same run.

`make bench` runs them, on all 10,605 sentences of movie reviews as token ids; the peer reads the sentences
themselves, words and pairs, with scikit-learn's own pipeline.
"""

import time

import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from stages.core.data import load_prepared
from stages.core.device import prepare_device
from stages.core.run import MODELS, load_run
from stages.core.trained import load_model
from tests.conftest import ROOT

RUNS = ["text_classification/word_avg", "text_classification/cnn", "text_classification/bilstm_subwords"]
LEAST = 5000  # sentences a second, but for the LSTM


@pytest.fixture(autouse=True)
def in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture
def peer_seconds(in_root: None) -> float:
    data = load_prepared("text_classification", "movie_reviews")
    train = data.split(1).train
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w+|[^\w\s]")
    peer = make_pipeline(vectorizer, LogisticRegression(C=10, max_iter=1000))
    peer.fit([data.texts.strings[number] for number in train], data.labels[train].numpy())
    start = time.perf_counter()
    peer.predict_proba(data.texts.strings)
    return time.perf_counter() - start


@pytest.mark.parametrize("name", RUNS)
def test_sentences_a_second(benchmark, name, peer_seconds):
    """At least 5,000 a second in one process on one thread."""
    run = load_run(name)
    if not (MODELS / name).exists():
        pytest.skip(f"needs `python -m stages repro {name}`")
    prepare_device("cpu")
    data = load_prepared(run.family, run.data)
    model, _ = load_model(run, run.seeds[0], data.info)
    scores = benchmark.pedantic(model.scores, (data.texts,), rounds=3, warmup_rounds=1)
    assert torch.isfinite(scores).all()
    speed = len(data.texts.lengths) / benchmark.stats.stats.mean
    ratio = peer_seconds / benchmark.stats.stats.mean
    benchmark.extra_info |= {"sentences a second": speed, "times as fast as TF-IDF": ratio}
    print(f"{name}: {speed:,.0f} sentences a second, {ratio:.1f} times as fast as scikit-learn's TF-IDF")
    if name != RUNS[-1]:
        assert speed >= LEAST
