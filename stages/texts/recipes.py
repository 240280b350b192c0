"""How texts are made into data: the sections of params.yaml from `tokenize` to `embed`."""

from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, Field

from stages.core.run import PARAMS, choose
from stages.core.schema import Strict, distinct, read_yaml, validate

R = TypeVar("R", bound=Strict)


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
        mark: a token that follows each piece that the reader yields, such as a sentence or a poem; null for none.
    """

    raw: str
    reader: Literal["plain", "brown", "verse", "wikipedia", "wordnet", "gcide", "text8", "movie_reviews", "imdb"]
    tokens: Literal["text8", "words", "lower_case_words", "words_and_signs", "characters"] = "text8"
    mark: str | None = Field(default=None, min_length=1)


class Vocab(Strict):
    """The words of a corpus that count.

    Attributes:
        corpus: key of `corpora`.
        min_count: a rarer word is left out.
        max_size: at most so many words (two or more), the most frequent, special ones not counted; null for all.
        specials: special words such as `<unk>`, which come first.
        first: the part of the corpus that is counted, from its beginning, so that nothing is learned from the text that
            models are tested on; null for all of it.
    """

    corpus: str
    min_count: int = Field(default=1, ge=1)
    max_size: int | None = Field(default=None, ge=2)
    specials: Annotated[list[str], AfterValidator(distinct)] = []
    first: Part | None = None


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


class Divide(Strict):
    """A corpus in three parts, one after the other, for language models; its result is data for runs.

    Attributes:
        family: whose `load` reads it.
        vocab: key of `vocab`; other words become its `<unk>`.
        unit: what a token is; words are joined by spaces when they are shown, characters by nothing.
        mark: the token that ends a sentence or a poem, after which a text begins.
        train: the first part, that models are trained on.
        validation: the part after it; the rest is the test split.
    """

    has_validation: ClassVar[bool] = True
    family: str
    vocab: str
    unit: Literal["word", "character"]
    mark: str
    train: Part
    validation: Part


class Mix(Strict):
    """What the models of two runs gave the tokens of the same data; its result is data for runs that mix them.

    Attributes:
        family: of both runs, and whose `load` reads it.
        data: of both runs.
        first: a run.
        second: another.
    """

    has_validation: ClassVar[bool] = True
    family: str
    data: str
    first: str
    second: str


class Fold(Strict):
    """Rated texts, divided again and again into training and test texts; its result is data for runs.

    The positive ones are those rated above 0. A run's seed is the number of a split: seeds 1 to `num_folds` are the
    folds of a cross-validation, the next as many those of a second one with other folds, and so on.

    Attributes:
        family: whose `load` reads it.
        raw: key of `fetch`.
        reader: which function of `stages/texts/rated.py` reads texts and ratings.
        vocab: key of `vocab`, of a corpus with these texts alone. It numbers the words; which of them a model knows,
            its training texts decide.
        mark: what follows each text in the corpus.
        num_folds: each text is tested in one of so many.
        num_repeats: cross-validations with different folds.
        validation: share of each training part that is held out, to choose hyperparameters on; 0 for none.
        seed: of the folds.
    """

    family: str
    raw: str
    reader: Literal["movie_reviews", "imdb"]
    vocab: str
    mark: str
    num_folds: int = Field(default=5, ge=2)
    num_repeats: int = Field(default=2, ge=1)
    validation: float = Field(default=0.0, ge=0, le=0.5)
    seed: int = Field(ge=0, lt=2**31)

    @property
    def has_validation(self) -> bool:
        """Whether there are validation texts."""
        return self.validation > 0


class Embed(Strict):
    """Rated texts and what another run's word vectors say of their words; its result is data for runs.

    Attributes:
        family: whose `load` reads it.
        data: key of `fold`.
        run: of the family word_vectors; the vectors of its first seed are taken.
    """

    has_validation: ClassVar[bool] = False
    family: str
    data: str
    run: str


def part_size(part: Part, total: int) -> int:
    """Return how many of `total` tokens a part has."""
    return part if isinstance(part, int) else round(part * total)


Corpus = Annotated[list[str], Field(min_length=1), AfterValidator(distinct)]
TYPES: dict[str, Any] = {
    "tokenize": Tokenize,
    "corpora": Corpus,
    "vocab": Vocab,
    "subsample": Subsample,
    "cooccur": Cooccur,
    "divide": Divide,
    "mix": Mix,
    "fold": Fold,
    "embed": Embed,
}


def load_text_recipe(section: str, name: str, params: dict[str, Any] | None = None) -> Any:
    """Return the entry `name` of a section of params.yaml (or of `params`, its content), checked.

    Raises:
        UserError: there is no such entry, or a value in it is wrong.
    """
    params = read_yaml(PARAMS) if params is None else params
    entry = choose(params.get(section) or {}, name, f"{PARAMS}: {section}")
    return validate(TYPES[section], entry, f"{PARAMS}: {section}.{name}")
