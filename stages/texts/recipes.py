"""How texts become tokens and vocabularies: the sections `tokenize`, `join` and `vocab` of params.yaml."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from stages.core.run import PARAMS, choose
from stages.core.schema import Strict, distinct, read_yaml, validate

# So many tokens from the beginning of a corpus, or this share of them.
Part = Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)]


class Tokenize(Strict):
    """A data set divided into tokens.

    Attributes:
        raw: key of `fetch`, or a folder of data/raw that the user made.
        reader: which function of `stages/texts/readers.py` reads its files.
        tokens: `text8` are runs of the letters a to z, the text in lower case; `words` are what spaces separate;
            `lower_case_words` the same in lower case; `words_and_signs` are runs of letters and digits, in lower case,
            and single signs; `characters` are single ones, line breaks included.
        eos: a token that follows each text that the reader yields, such as a sentence or a poem; null for none.
    """

    raw: str
    reader: Literal[
        "plain",
        "brown",
        "verse",
        "wikipedia",
        "wordnet",
        "wordnet_synonyms",
        "gcide",
        "gcide_synonyms",
        "text8",
        "movie_reviews",
        "imdb",
    ]
    tokens: Literal["text8", "words", "lower_case_words", "words_and_signs", "characters"] = "text8"
    eos: str | None = Field(default=None, min_length=1)


class Join(Strict):
    """Two tokenized texts, one after the other; DVC's dependencies take no lists, so that more are joined in turn.

    Attributes:
        first: key of `tokenize` or of `join`.
        second: another.
    """

    first: str
    second: str


class Vocab(Strict):
    """The words of a corpus that count.

    Attributes:
        tokens: key of `tokenize` or of `join`.
        min_count: a rarer word is left out.
        max_size: at most so many words (two or more), the most frequent, special ones not counted; null for all.
        specials: special words such as `<unk>`, which come first.
        first: the part of the corpus that is counted, from its beginning, so that nothing is learned from the text that
            models are tested on; null for all of it.
    """

    tokens: str
    min_count: int = Field(default=1, ge=1)
    max_size: int | None = Field(default=None, ge=2)
    specials: Annotated[list[str], AfterValidator(distinct)] = []
    first: Part | None = None


def part_size(part: Part, total: int) -> int:
    """Return how many of `total` tokens a part has."""
    return part if isinstance(part, int) else round(part * total)


TYPES: dict[str, type] = {"tokenize": Tokenize, "join": Join, "vocab": Vocab}


def load_text_recipe(section: str, name: str, params: dict[str, Any] | None = None) -> Any:
    """Return the entry `name` of a section of params.yaml (or of `params`, its content), checked.

    Raises:
        UserError: there is no such entry, or a value in it is wrong.
    """
    params = read_yaml(PARAMS) if params is None else params
    entry = choose(params.get(section) or {}, name, f"{PARAMS}: {section}")
    return validate(TYPES[section], entry, f"{PARAMS}: {section}.{name}")
