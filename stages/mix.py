"""Pipeline step: what the models of two runs predicted, side by side, as data for runs that mix them."""

import json
from pathlib import Path

from stages.core.data import PREDICTIONS, PREPARED, read_tensors, write_tensors
from stages.core.errors import UserError
from stages.core.files import atomic_folder, write_json
from stages.core.run import PARAMS
from stages.core.vocabulary import load_vocabulary
from stages.texts.recipes import Mix, load_text_recipe

EVALUATIONS = Path("data/evaluations")


def mix(name: str) -> None:
    """Write data/prepared/<name>: the log-probabilities of both runs, by part and seed, and the sizes of their data.

    Raises:
        UserError: the entry is wrong, a file is missing or damaged, or the runs are of other data.
    """
    recipe: Mix = load_text_recipe("mix", name)
    source = PREPARED / recipe.data
    try:
        info = json.loads((source / "info.json").read_text(encoding="utf-8"))
        sizes = {key: info[key] for key in ("num_train", "num_validation", "num_test")}
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{source} is missing or damaged; `dvc repro` makes it again") from error
    sizes["num_words"] = len(load_vocabulary(source / "vocabulary.json"))
    with atomic_folder(PREPARED / name) as folder:
        for place, run in (("first", recipe.first), ("second", recipe.second)):
            predictions = read_tensors(EVALUATIONS / run / PREDICTIONS)
            for key, scores in predictions.items():
                wanted = sizes[f"num_{key.rpartition('_')[0]}"]
                if len(scores) != wanted:
                    raise UserError(
                        f"{PARAMS}: mix.{name}.{place} = '{run}': it predicted {len(scores):,} tokens of {key}, and "
                        f"'{recipe.data}' has {wanted:,}: both runs must have these data"
                    )
            write_tensors(folder / f"{place}.safetensors", predictions)
        write_json(folder / "info.json", {"first": recipe.first, "second": recipe.second, **sizes})
    print(f"{PREPARED / name}: predictions of {recipe.first} and {recipe.second}")
