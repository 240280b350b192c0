"""How texts are made into data: the sections `tokenize`, `corpora`, `vocab`, `subsample`, `cooccur` of params.yaml."""

from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, Field

from stages.core.run import PARAMS, choose
from stages.core.schema import Strict, distinct, read_yaml, validate

R = TypeVar("R", bound=Strict)


class Tokenize(Strict):
    """A fetched data set divided into words.

    Attributes:
        raw: key of `fetch`.
        reader: which function of `stages/texts/readers.py` reads its files.
    """

    raw: str
    reader: Literal["plain", "brown", "wikipedia", "wordnet", "gcide", "text8"]


class Vocab(Strict):
    """The words of a corpus that count.

    Attributes:
        corpus: key of `corpora`.
        min_count: a rarer word is left out.
        max_size: at most so many words (two or more), the most frequent, special ones not counted; null for all.
        specials: special words such as `<unk>`, which come first.
    """

    corpus: str
    min_count: int = Field(default=1, ge=1)
    max_size: int | None = Field(default=None, ge=2)
    specials: Annotated[list[str], AfterValidator(distinct)] = []


class Subsample(Strict):
    """A corpus for models that look at words in a window; its result is data for runs.

    Attributes:
        family: whose `load` reads it.
        vocab: key of `vocab`.
        threshold: t of Mikolov et al. 2013; words more frequent than this share of all tokens are thinned out.
    """

    has_validation: ClassVar[bool] = False
    family: str
    vocab: str
    threshold: float = Field(gt=0, le=1)


class Cooccur(Strict):
    """How often words of a corpus occur near each other; its result is data for runs.

    Attributes:
        family: whose `load` reads it.
        vocab: key of `vocab`.
        window: the largest distance counted; a pair at distance d counts 1/d.
    """

    has_validation: ClassVar[bool] = False
    family: str
    vocab: str
    window: int = Field(ge=1)


Corpus = Annotated[list[str], Field(min_length=1), AfterValidator(distinct)]
TYPES: dict[str, Any] = {
    "tokenize": Tokenize,
    "corpora": Corpus,
    "vocab": Vocab,
    "subsample": Subsample,
    "cooccur": Cooccur,
}


def load_text_recipe(section: str, name: str, params: dict[str, Any] | None = None) -> Any:
    """Return the entry `name` of a section of params.yaml (or of `params`, its content), checked.

    Raises:
        UserError: there is no such entry, or a value in it is wrong.
    """
    params = read_yaml(PARAMS) if params is None else params
    entry = choose(params.get(section) or {}, name, f"{PARAMS}: {section}")
    return validate(TYPES[section], entry, f"{PARAMS}: {section}.{name}")
