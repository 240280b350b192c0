"""Wrong recipes of corpora and mixtures, and models on data of the wrong kind, are refused before anything is made."""

import pytest

from stages.core.errors import UserError
from stages.core.schema import validate
from stages.language_modeling.prepare import RECIPES
from stages.language_modeling.rnn import Args
from tests.results.real_project import refusal

DIVIDED = {"tokens": "x", "vocab": "x", "unit": "word", "eos": "</s>", "train": 8, "validation": 0.1}


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"train": 1.5}, r"train(\.\S+)? = 1.5"),
        ({"validation": 0}, r"validation(\.\S+)? = 0"),
        ({"unit": "letter"}, "unit = 'letter'.*'word' or 'character'"),
    ],
)
def test_a_wrong_recipe_is_named(values, problem):
    validate(RECIPES["divide"], DIVIDED, "data.divide.x")
    with pytest.raises(UserError, match=f"^data.divide.x.{problem}"):
        validate(RECIPES["divide"], DIVIDED | values, "data.divide.x")


def test_one_hot_vectors_cannot_be_tied():
    args = {"embedding_size": None, "num_hiddens": 4, "num_epochs": 1, "batch_size": 1, "num_steps": 5}
    with pytest.raises(UserError, match="tied needs an embedding_size"):
        validate(Args, args | {"tied": True, "learning_rate": 0.1}, "runs.x.args")


@pytest.mark.parametrize(("row", "data"), [("rnn", "brown_lstm_kn_5"), ("lstm_kn_5", "brown_sentences")])
def test_only_mixtures_read_what_others_predicted(row, data):
    message = refusal(
        "language_modeling",
        lambda params: params.runs.update({row: params.runs[row].model_copy(update={"data": data})}),
    )
    where, _, allowed = message.partition(": must be one of ")
    assert where == f"stages/language_modeling/params.yaml: runs.{row}.data = '{data}'"
    assert data not in allowed.split(", ")


@pytest.mark.parametrize("data", ["gone", "brown_lstm_kn_5"])
def test_a_mixture_is_of_data_that_are_there(data):
    message = refusal("language_modeling", lambda params: params.data["mix"]["brown_lstm_kn_5"].update(data=data))
    assert message.startswith(
        f"stages/language_modeling/params.yaml: data.mix.brown_lstm_kn_5.data = '{data}': must be"
    )
