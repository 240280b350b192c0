"""Baselines: the larger class, VADER's program, scikit-learn's own pipeline."""

import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_info, threadpool_limits
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from stages.text_classification import majority, tfidf, vader
from stages.text_classification.data import Texts
from tests.text_classification.small import small_texts


def test_majority_is_the_larger_class():
    data = small_texts()
    few = type(data)(**{**vars(data), "ratings": torch.where(torch.arange(96) < 70, -1.0, 1.0).double()})
    model = majority.build(majority.Args(), data.info)
    majority.train(model, few, majority.Args(), 1, "small")
    assert (model.scores(data.texts) < 0).all()


def test_tfidf_equals_scikit_learns_pipeline():
    """The words of texts, joined by spaces, through TfidfVectorizer and LogisticRegression."""
    data = small_texts()
    args = tfidf.Args(inverse_penalty=3.0)
    model = tfidf.build(args, data.info)
    tfidf.train(model, data, args, 1, "small")
    split = data.split(1)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\S+")
    peer = make_pipeline(vectorizer, LogisticRegression(C=3.0, max_iter=1000))
    peer.fit([data.texts.strings[number] for number in split.train], data.labels[split.train].numpy())
    wanted = torch.from_numpy(peer.decision_function([data.texts.strings[number] for number in split.test])).float()
    torch.testing.assert_close(model.scores(data.texts.select(split.test)), wanted, rtol=0, atol=2e-3)
    again = tfidf.build(args, data.info)
    again.load_state_dict(model.state_dict())
    assert torch.equal(again.scores(data.texts), model.scores(data.texts))


def test_tfidf_is_fitted_on_one_thread(monkeypatch):
    """Sums of BLAS are split differently between two, and the last digits with them."""
    data, threads = small_texts(), []
    fit = LogisticRegression.fit

    def watched(*args, **kwargs):
        threads.extend(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")
        return fit(*args, **kwargs)

    monkeypatch.setattr(LogisticRegression, "fit", watched)
    with threadpool_limits(2):
        tfidf.train(tfidf.build(tfidf.Args(), data.info), data, tfidf.Args(), 1, "small")
    assert set(threads) == {1}


def test_tfidf_pairs_do_not_reach_over_the_end_of_a_text():
    data = small_texts()
    model = tfidf.build(tfidf.Args(), data.info)
    model.known.fill_(True)
    texts = Texts(torch.tensor([3, 4, 5]), torch.tensor([2, 1]), ["", ""])
    assert len(model.terms(texts)[1]) == 3 + 1


def test_vader_has_the_sign_and_the_size_of_its_programs_score():
    data = small_texts()
    model = vader.build(vader.Args(), data.info)
    strings = ["The plot is GREAT!!!", "A dull, horrible mess.", "It has a plot."]
    scores = model.scores(Texts(torch.zeros(3, dtype=torch.int64), torch.ones(3, dtype=torch.int64), strings))
    rules = SentimentIntensityAnalyzer()
    compound = torch.tensor([rules.polarity_scores(text)["compound"] for text in strings])
    torch.testing.assert_close(2 * scores.sigmoid() - 1, compound, rtol=0, atol=1e-5)
    assert scores[0] > 0 > scores[1]
    assert scores[2] == 0
