"""Pipeline steps: divide one text data set into tokens, words by torchtext; join two of them."""

import re
from collections.abc import Callable

import torchtext

from stages.core.data import RAW
from stages.core.errors import UserError
from stages.texts.readers import READERS
from stages.texts.recipes import Join, Tokenize, load_text_recipe
from stages.texts.tokens import TOKENS, join, read_tokens, save_tokens, write_tokens

torchtext.disable_torchtext_deprecation_warning()
from torchtext.transforms import RegexTokenizer  # noqa: E402  warns when it is imported

_RUNS_OF_LETTERS = RegexTokenizer([("[^a-z]+", " ")])
_WORDS_AND_SIGNS = re.compile(r"\w+|[^\w\s]")  # RegexTokenizer knows the letters of ASCII only
_STRAIGHT = str.maketrans("‘’“”", "''\"\"")
DIVIDERS: dict[str, Callable[[str], list[str]]] = {
    "text8": lambda text: _RUNS_OF_LETTERS(text.lower()),
    "words": str.split,
    "lower_case_words": lambda text: text.lower().split(),
    "words_and_signs": lambda text: _WORDS_AND_SIGNS.findall(text.lower().translate(_STRAIGHT)),
    "characters": list,
}


def tokenize(name: str) -> None:
    """Write data/tokens/<name>.

    Raises:
        UserError: the entry is wrong, a file cannot be read, or nothing is in it.
    """
    recipe: Tokenize = load_text_recipe("tokenize", name)
    divide = DIVIDERS[recipe.tokens]
    ends = [] if recipe.eos is None else [recipe.eos]
    raw = RAW / recipe.raw
    texts = (tokens for text in READERS[recipe.reader](raw) if (tokens := divide(text)))
    count = write_tokens(TOKENS / name, (tokens + ends for tokens in texts))
    if count == 0:
        raise UserError(f"{raw}: there is no word in it")
    print(f"{TOKENS / name}: {count:,} tokens")


def join_tokens(name: str) -> None:
    """Write data/tokens/<name>: two tokenized texts, one after the other.

    Raises:
        UserError: the entry is wrong, or a text is not tokenized.
    """
    recipe: Join = load_text_recipe("join", name)
    joined = join(read_tokens(TOKENS / recipe.first), read_tokens(TOKENS / recipe.second))
    save_tokens(TOKENS / name, joined)
    print(f"{TOKENS / name}: {len(joined.ids):,} tokens")
