"""Wrong recipes of corpora, and models on data of the wrong kind, are refused before anything is made."""

import pytest

from stages.core.errors import UserError
from stages.core.schema import validate
from stages.word_vectors.prepare import RECIPES
from tests.results.real_project import refusal

TEXT = {"tokens": "brown", "vocab": "brown"}


@pytest.mark.parametrize(
    ("kind", "values", "problem"),
    [
        ("subsample", {"threshold": 2.0}, "threshold = 2.0: Input should be less than or equal to 1"),
        ("subsample", {"threshold": 0.0}, "threshold = 0.0"),
        ("cooccur", {"window": 0}, "window = 0"),
        ("cooccur", {"threshold": 0.1}, "unknown key 'threshold'"),
    ],
)
def test_a_wrong_recipe_is_named(kind, values, problem):
    with pytest.raises(UserError, match=problem):
        validate(RECIPES[kind], TEXT | values, f"data.{kind}.x")


@pytest.mark.parametrize(
    ("row", "data", "fitting"), [("glove", "all", "all_cooccurrences"), ("cbow", "all_cooccurrences", "all")]
)
def test_counts_are_for_models_that_count_and_windows_for_the_others(row, data, fitting):
    message = refusal(
        "word_vectors", lambda params: params.runs.update({row: params.runs[row].model_copy(update={"data": data})})
    )
    where, _, allowed = message.partition(": must be one of ")
    assert where == f"stages/word_vectors/params.yaml: runs.{row}.data = '{data}'"
    assert fitting in allowed.split(", ") and data not in allowed.split(", ")
