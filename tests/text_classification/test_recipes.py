"""Wrong recipes of rated texts are refused before anything is made."""

import pytest

from stages.core.errors import UserError
from stages.core.schema import validate
from stages.text_classification.prepare import RECIPES
from tests.results.real_project import refusal

FOLDS = {"raw": "x", "reader": "imdb", "tokens": "x", "vocab": "x", "eos": "</s>", "seed": 0}


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"num_folds": 1}, "num_folds = 1: Input should be greater than or equal to 2"),
        ({"reader": "tweets"}, "reader = 'tweets'.*movie_reviews"),
        ({"validation": 0.9}, "validation = 0.9"),
    ],
)
def test_a_wrong_recipe_is_named(values, problem):
    validate(RECIPES["folds"], FOLDS, "data.folds.x")
    with pytest.raises(UserError, match=f"^data.folds.x.{problem}"):
        validate(RECIPES["folds"], FOLDS | values, "data.folds.x")


def test_vectors_are_put_beside_texts_that_are_there():
    message = refusal(
        "text_classification", lambda params: params.data["embed"]["movie_reviews_vectors"].update(data="x")
    )
    where = "stages/text_classification/params.yaml: data.embed.movie_reviews_vectors.data"
    assert message == f"{where} = 'x': must be one of movie_reviews"


def test_texts_are_of_a_fetched_data_set():
    message = refusal("text_classification", lambda params: params.data["folds"]["movie_reviews"].update(raw="imdb"))
    assert message.startswith("stages/text_classification/params.yaml: data.folds.movie_reviews.raw = 'imdb': must be")
