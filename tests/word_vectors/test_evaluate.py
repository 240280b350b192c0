"""Scores against hand arithmetic, and the exported vectors against gensim."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from stages.core.errors import UserError
from stages.core.run import Run
from stages.core.vocabulary import Vocabulary
from stages.word_vectors import evaluate, skip_gram, skip_gram_softmax
from stages.word_vectors.data import Corpus
from stages.word_vectors.evaluate import GROUPS, PROBES, answer, export, nearest, outputs, pair_flops, spearman
from stages.word_vectors.figures import draw
from tests.word_vectors.small import small_corpus

VOCABULARY = Vocabulary(["a", "b", "c", "d"], [4, 3, 2, 1])
VECTORS = torch.tensor([[1.0, 0.0], [2.0, 0.2], [0.0, 3.0], [-1.0, 1.0]])


def test_spearman_compares_ranks_of_cosines_and_leaves_out_of_vocabulary_pairs_out():
    pairs = [("a", "b", 9.0), ("a", "c", 5.0), ("a", "d", 6.0), ("a", "zebra", 1.0)]
    correlation, missing = spearman(VECTORS, VOCABULARY, pairs, "test")
    cosines = [2 / np.hypot(2, 0.2), 0, -1 / np.sqrt(2)]
    assert correlation == pytest.approx(spearmanr(cosines, [9, 5, 6]).statistic)
    assert missing == 0.25


def test_a_correlation_of_two_pairs_is_refused():
    with pytest.raises(UserError, match="wordsim353: 2 of 3 pairs are in the vocabulary"):
        spearman(VECTORS, VOCABULARY, [("a", "b", 1.0), ("a", "c", 2.0), ("a", "x", 3.0)], "wordsim353")


def square() -> tuple[torch.Tensor, Vocabulary]:
    """king - man + woman = queen, and a word of no use."""
    words = ["man", "woman", "king", "queen", "stone"]
    vectors = torch.tensor([[1.0, 0, 0.3], [0.0, 1, 0.3], [1.0, 0, 2], [0.0, 1, 2], [-1, -1, -1]])
    return vectors, Vocabulary(words, [5, 4, 3, 2, 1])


def test_analogies_count_right_answers_and_left_out_questions(monkeypatch):
    vectors, vocabulary = square()
    questions = [["man", "woman", "king", "queen"], ["man", "king", "woman", "stone"], ["man", "woman", "king", "hen"]]
    assert answer(vectors, vocabulary, questions) == (0.5, pytest.approx(1 / 3))
    monkeypatch.setattr(evaluate, "ANALOGY_WORDS", 3)  # queen and stone are too rare
    assert answer(vectors, vocabulary, questions) == (0.0, 1.0)


def test_analogies_agree_with_gensim():
    keyed = pytest.importorskip("gensim.models.keyedvectors")
    torch.manual_seed(0)
    vectors = torch.randn(60, 5)
    words = [f"w{number}" for number in range(60)]
    other = keyed.KeyedVectors(5)
    other.add_vectors(words, vectors.numpy())
    questions = torch.randint(60, (200, 3), generator=torch.Generator().manual_seed(1)).tolist()
    asked = [[words[number] for number in row] for row in questions if len(set(row)) == 3]
    found = [[*row, other.most_similar(positive=[row[1], row[2]], negative=[row[0]], topn=1)[0][0]] for row in asked]
    assert answer(vectors, Vocabulary(words, [1] * 60), found) == (1.0, 0.0)


def test_the_nearest_words_are_in_order_and_others_than_the_word():
    cosines, numbers = nearest(torch.nn.functional.normalize(VECTORS), torch.tensor([0]), 10)
    assert numbers.tolist() == [[1, 2, 3]]
    assert cosines[0].tolist() == sorted(cosines[0].tolist(), reverse=True)


def trained(dimensions: int = 20):
    torch.manual_seed(3)
    data = small_corpus()
    model = skip_gram.build(skip_gram.Args(dimensions=dimensions, num_epochs=1, learning_rate=0.1), data.info)
    return model, data


def test_gensim_reads_the_exported_vectors_and_gives_the_same_spearman(tmp_path):
    """To four decimals, though the text has six digits of each number."""
    keyed = pytest.importorskip("gensim.models.keyedvectors")
    model, data = trained()
    export(model, data, tmp_path)
    other = keyed.KeyedVectors.load_word2vec_format(str(tmp_path / "vectors.txt"))
    assert other.index_to_key == data.vocabulary.words
    np.testing.assert_allclose(other.vectors, model.vectors().numpy(), rtol=1e-5)
    for name, pairs in data.similarity.items():
        path = tmp_path / f"{name}.tsv"
        path.write_text("".join(f"{a}\t{b}\t{rating}\n" for a, b, rating in pairs))
        ours, missing = spearman(model.vectors(), data.vocabulary, pairs, name)
        _, theirs, unknown = other.evaluate_word_pairs(str(path))
        assert ours == pytest.approx(theirs.statistic, abs=5e-5)
        assert missing == pytest.approx(unknown / 100)


def test_the_operations_of_a_pair_are_those_of_its_dot_products():
    """2 a multiplication and addition, once forward and twice backward: 6 x dimensions x words compared with."""
    args = {"dimensions": 10, "num_epochs": 1, "learning_rate": 0.1, "window": 4}
    for module, size in ((skip_gram, 1 + 7), (skip_gram_softmax, 40 / 5)):
        own = {"num_negatives": 7} if module is skip_gram else {}
        run = Run("x", "word_vectors", module.__name__.rsplit(".", 1)[1], "x", module.Args(**args, **own), [1], "cpu")
        # The full softmax is computed once for the 5 pairs that a place has on average with a window of 4.
        assert pair_flops(run, module.build(run.args, {"num_words": 40})) == pytest.approx(6 * 10 * size)


def test_the_figures_show_the_words_that_the_vocabulary_has():
    words = [word for group in GROUPS.values() for word in group[2:]]  # some are out of vocabulary
    words += [probe for probe in PROBES[:4] if probe not in words]
    vocabulary = Vocabulary(words, [1] * len(words))
    data = Corpus(vocabulary, {}, [], torch.zeros(1), torch.zeros(1))
    torch.manual_seed(0)
    args = skip_gram.Args(dimensions=5, num_epochs=1, learning_rate=0.1)
    model = skip_gram.build(args, data.info)
    drawings = draw("Row", outputs(model, Run("x", "word_vectors", "skip_gram", "x", args, [1], "cpu"), data), data)
    groups, neighbours = drawings["groups"].figure, drawings["neighbours"].figure
    shown = {text.get_text() for text in groups.axes[0].texts}
    assert shown == {word for group in GROUPS.values() for word in group if word in vocabulary.index}
    assert {text.get_text() for text in neighbours.axes[0].texts} >= set(PROBES[:4])
