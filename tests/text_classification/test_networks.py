"""Networks on texts: padding changes nothing, out-of-vocabulary words are one, each equals its equations."""

import pytest
import torch
from torch.nn import functional

from stages.core.errors import UserError
from stages.text_classification import bilstm, rnn, text_cnn, word_avg
from stages.text_classification.data import Texts
from stages.text_classification.train import subwords_of, targets, train_network
from tests.text_classification.small import WORDS, small_texts

COMMON = {
    "num_epochs": 1,
    "batch_size": 16,
    "learning_rate": 0.01,
    "vector_learning_rate": 0.01,
    "vector_sd": 1.0,
    "precision": "float32",
}
ARGS = {
    word_avg: word_avg.Args(**COMMON, embedding_size=5),
    rnn: rnn.Args(**COMMON, embedding_size=5, num_hiddens=7),
    bilstm: bilstm.Args(**COMMON, embedding_size=5, num_hiddens=7, subword_size=4),
    text_cnn: text_cnn.Args(**COMMON, embedding_size=5, widths=[1, 3, 5], num_filters=4),
}


def trained(module, data=None, **changes):
    data = small_texts() if data is None else data
    torch.manual_seed(0)
    args = ARGS[module].model_copy(update=changes)
    model = module.build(args, data.info)
    train_network(model, data, args, 1, "small")
    return model.eval(), data


@pytest.mark.parametrize("module", ARGS)
def test_padding_and_the_rest_of_the_batch_change_no_prediction(module):
    """Trained in bfloat16, used in float32; the last digits are those of sums in another order."""
    model, data = trained(module, precision="bfloat16")
    numbers = torch.arange(40)
    together = model.scores(data.texts.select(numbers))
    alone = torch.cat([model.scores(data.texts.select(number[None])) for number in numbers])
    tokens, lengths = data.texts.padded(numbers)
    with torch.no_grad():
        rubbish = functional.pad(tokens, (0, 9), value=5)  # in-vocabulary words behind the end of each text
        padded = model(rubbish, lengths)
        turned = model(rubbish.flip(0), lengths.flip(0)).flip(0)
    for other in (alone, padded, turned):
        torch.testing.assert_close(other, together, rtol=0, atol=1e-5)
    assert together.std() > 0.02


@pytest.mark.parametrize("module", ARGS)
def test_the_first_and_the_last_word_count(module):
    """That padding is left out must not leave out words."""
    model, data = trained(module)
    tokens, lengths = data.texts.padded(torch.tensor([0]))
    with torch.no_grad():
        for place in (0, int(lengths) - 1):
            other = tokens.clone()
            other[0, place] = next(word for word in (30, 40) if model.known[word] and word != tokens[0, place])
            assert not torch.equal(model(other, lengths), model(tokens, lengths))


def test_word_avg_is_the_mean_of_vectors_and_a_linear_layer():
    model, data = trained(word_avg)
    words = data.texts.select(torch.tensor([3])).tokens
    wanted = model.tuned[words.where(model.known[words], 0)].mean(0) @ model.output.weight[0] + model.output.bias[0]
    torch.testing.assert_close(model.scores(data.texts.select(torch.tensor([3])))[0], wanted)


def test_text_cnn_equals_products_with_windows():
    model, data = trained(text_cnn)
    words = data.texts.select(torch.tensor([3])).tokens
    vectors = model.tuned[words.where(model.known[words], 0)]
    pooled = []
    for width, filters in zip((1, 3, 5), model.filters, strict=True):
        wide = functional.pad(vectors, (0, 0, width - 1, width - 1))
        windows = wide.unfold(0, width, 1)  # (places, elements, width)
        responses = torch.einsum("pdw,fdw->pf", windows, filters.weight) + filters.bias
        pooled.append(responses.amax(0, keepdim=True).relu())
    wanted = model.output(torch.cat(pooled, 1))[0]
    torch.testing.assert_close(model.scores(data.texts.select(torch.tensor([3]))), wanted)


def test_bilstm_equals_torch_on_packed_sequences():
    model, data = trained(bilstm, subword_size=0)
    both = torch.nn.LSTM(5, 7, batch_first=True, bidirectional=True)
    state = dict(model.forwards.state_dict())
    state |= {f"{key}_reverse": value for key, value in model.backwards.state_dict().items()}
    both.load_state_dict(state)
    tokens, lengths = data.texts.padded(torch.arange(8))
    vectors = model.tuned[tokens.where(model.known[tokens], 0)]
    pack = torch.nn.utils.rnn.pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
    h, _ = torch.nn.utils.rnn.pad_packed_sequence(both(pack)[0], batch_first=True, padding_value=-torch.inf)
    torch.testing.assert_close(model.scores(data.texts.select(torch.arange(8))), model.output(h.amax(1))[:, 0])


def test_out_of_vocabulary_words_are_one_unless_they_have_subwords():
    model, _ = trained(word_avg, min_count=1000)
    assert not model.known.any()
    texts = Texts(torch.tensor([5, 6, 7, 8]), torch.tensor([2, 2]), ["", ""])
    assert model.scores(texts).unique().numel() == 1
    with_subwords, _ = trained(bilstm, min_count=1000)
    assert with_subwords.scores(texts).unique().numel() == 2


def test_subwords_are_the_character_n_grams_of_a_word_with_its_ends():
    """`ab` has <ab, ab> and <ab>, and the same n-gram has the same id in another word."""
    ids = [number for number in subwords_of("ab") if number]
    assert len(ids) == len(set(ids)) == 3
    assert len(set(ids) & set(subwords_of("abc"))) == 1  # <ab
    assert all(subwords_of("a" * 50))


def test_vectors_of_the_data_begin_the_training_and_static_ones_stay():
    data = small_texts(vectors=True)
    still = {"learning_rate": 1e-12, "vector_learning_rate": 1e-12, "vectors": "both"}
    model, _ = trained(word_avg, data, **still)
    having = data.has_vector & model.known
    scale = 1 / data.vectors[data.has_vector].std()
    torch.testing.assert_close(model.fixed[having], data.vectors[having] * scale)
    torch.testing.assert_close(model.tuned[having], data.vectors[having] * scale)
    assert not model.fixed[~model.known].any()
    moved, _ = trained(word_avg, data, vectors="both")
    assert torch.equal(moved.fixed, model.fixed)
    assert not torch.equal(moved.tuned, model.tuned)


def test_vectors_without_data_that_have_them():
    with pytest.raises(
        UserError, match=r"vectors = 'static': the data have no vectors; they must be an entry of `embed`"
    ):
        trained(word_avg, vectors="static")


def test_more_training_texts_than_there_are():
    with pytest.raises(UserError, match=r"small: num_train = 65: must be at most 64, the training texts"):
        trained(word_avg, num_train=65)


def test_a_clear_rating_is_a_surer_target():
    ratings = torch.tensor([-2.0, 0.0, 0.5], dtype=torch.float64)
    args = ARGS[word_avg]
    assert targets(ratings, args).tolist() == [0.0, 0.0, 1.0]
    soft = targets(ratings, args.model_copy(update={"rating_scale": 0.5}))
    torch.testing.assert_close(soft, torch.tensor([-4.0, 0.0, 1.0]).sigmoid())


def test_only_training_texts_are_learned_from():
    """Other ratings and other words in the test texts give the same model."""
    data = small_texts()
    model, _ = trained(word_avg, data)
    ratings, tokens = data.ratings.clone(), data.texts.tokens.clone()
    starts = data.texts.lengths.cumsum(0) - data.texts.lengths
    for number in data.split(1).test.tolist():
        ratings[number] *= -1
        tokens[starts[number]] = WORDS.index("fine0")
    other = type(data)(**{**vars(data), "ratings": ratings, "texts": data.texts._replace(tokens=tokens)})
    twin, _ = trained(word_avg, other)
    for key, value in model.state_dict().items():
        assert torch.equal(value, twin.state_dict()[key]), key


def test_the_mean_of_states_is_kept():
    """Of two epochs, from the second on: the last one; from the first on: neither."""
    last, _ = trained(word_avg, num_epochs=2)
    same, _ = trained(word_avg, num_epochs=2, average_from=2)
    first, _ = trained(word_avg, num_epochs=1)
    mean, _ = trained(word_avg, num_epochs=2, average_from=1)
    torch.testing.assert_close(same.tuned, last.tuned)
    torch.testing.assert_close(mean.tuned, (first.tuned + last.tuned) / 2)


def test_it_learns():
    model, data = trained(word_avg, num_epochs=30, vector_learning_rate=0.03)
    test = data.split(1).test
    assert ((model.scores(data.texts.select(test)) > 0) == data.labels[test]).float().mean() > 0.9
