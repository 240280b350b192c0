"""Pipeline step: rated texts with the vectors that another run learned for their words."""

import shutil
from pathlib import Path

import torch

from stages.core.data import PREPARED, write_tensors
from stages.core.errors import UserError
from stages.core.files import atomic_folder
from stages.core.vocabulary import load_vocabulary
from stages.texts.recipes import Embed, load_text_recipe

EVALUATIONS = Path("data/evaluations")


def embed(name: str) -> None:
    """Write data/prepared/<name>: all of data/prepared/<data>, and the vectors.

    `vectors` are float32 (words, dimensions) in the vocabulary's order, 0 for words that the run does not know, which
    `has_vector`, bool (words,), tells.

    Raises:
        UserError: the entry is wrong, or what it needs is missing or damaged.
    """
    recipe: Embed = load_text_recipe("embed", name)
    source = PREPARED / recipe.data
    index = load_vocabulary(source / "vocabulary.json").index
    path = EVALUATIONS / recipe.run / "vectors.txt"
    found = {}
    try:
        with path.open(encoding="utf-8") as file:
            _, dimensions = map(int, file.readline().split())
            for line in file:
                word, *numbers = line.split()
                if word in index:
                    found[index[word]] = torch.tensor([float(number) for number in numbers])
        vectors, has_vector = torch.zeros(len(index), dimensions), torch.zeros(len(index), dtype=torch.bool)
        rows = torch.tensor(list(found), dtype=torch.int64)
        vectors[rows], has_vector[rows] = torch.stack(list(found.values())), True
    except (OSError, ValueError, RuntimeError) as error:
        message = f"{path} is missing or damaged; `dvc repro evaluate@{recipe.run}` makes it again"
        raise UserError(message) from error
    with atomic_folder(PREPARED / name) as folder:
        shutil.copytree(source, folder, dirs_exist_ok=True)
        write_tensors(folder / "vectors.safetensors", {"vectors": vectors, "has_vector": has_vector})
    print(f"{PREPARED / name}: {len(found):,} of {len(index):,} words have a vector of {recipe.run}")
