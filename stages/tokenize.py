"""Pipeline step: divide one text data set into words, by torchtext."""

from pathlib import Path

import torchtext

from stages.core.errors import UserError
from stages.texts.readers import READERS
from stages.texts.recipes import Tokenize, load_text_recipe
from stages.texts.tokens import TOKENS, write_tokens

torchtext.disable_torchtext_deprecation_warning()
from torchtext.transforms import RegexTokenizer  # noqa: E402  warns when it is imported

# The rules of text8: a word is a run of letters from a to z (the text is in lower case by then).
WORDS = [("[^a-z]+", " ")]


def tokenize(name: str) -> None:
    """Write data/tokens/<name>.

    Raises:
        UserError: the entry is wrong, a file cannot be read, or no word is in it.
    """
    recipe: Tokenize = load_text_recipe("tokenize", name)
    divide = RegexTokenizer(WORDS)
    raw = Path("data/raw") / recipe.raw
    count = write_tokens(TOKENS / name, (divide(piece.lower()) for piece in READERS[recipe.reader](raw)))
    if count == 0:
        raise UserError(f"{raw}: there is no word in it")
    print(f"{TOKENS / name}: {count:,} words")
