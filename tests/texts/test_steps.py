"""The steps from a text to tokens and a vocabulary; without words they say so and leave nothing behind."""

import ast
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stages.core.errors import UserError
from stages.core.vocabulary import load_vocabulary
from stages.texts.recipes import Vocab
from stages.texts.tokens import read_tokens
from stages.tokenize import join_tokens, tokenize
from stages.vocab import choose_words, vocab
from tests.conftest import FAMILIES, ROOT, yaml
from tests.family_folder import SHARED, written


@pytest.fixture
def write_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Write two texts and a params.yaml; tmp_path is the current directory."""
    monkeypatch.chdir(tmp_path)

    def write(first: str, second: str = "", /, recipe: dict[str, Any] | None = None, **words) -> None:
        tokenized = {"first": {"raw": "one", "reader": "plain"}, "second": {"raw": "two", "reader": "plain"}}
        tokenized["first"] |= recipe or {}
        own = {
            "tokenize": tokenized,
            "join": {"both": {"first": "first", "second": "second"}},
            "vocab": {"words": {"tokens": "first", **words}},
        }
        yaml.dump(SHARED | own, tmp_path / "params.yaml")
        for name, text in {"one/a.txt": first, "two/a.txt": second}.items():
            path = tmp_path / "data/raw" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write


def words_of(name: str) -> list[str]:
    words, ids = read_tokens(Path("data/tokens") / name)
    return [words[number] for number in ids]


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ("text8", ["it", "s", "a", "cat"]),
        ("words", ["It's", "a", "Cat", "."]),
        ("lower_case_words", ["it's", "a", "cat", "."]),
        ("words_and_signs", ["it", "'", "s", "a", "cat", "."]),
        ("characters", list("It's a Cat .")),
    ],
)
def test_ways_to_divide_a_text(write_texts, tokens, expected):
    write_texts("It's a Cat .\n", recipe={"tokens": tokens})
    tokenize("first")
    assert words_of("first") == expected


def test_eos_follows_each_text_that_has_a_word(write_texts):
    write_texts("a b\n\n3\nc", recipe={"eos": "</s>"})
    tokenize("first")
    assert words_of("first") == ["a", "b", "</s>", "c", "</s>"]


def test_joined_texts_follow_each_other(write_texts):
    """Their vocabulary counts both, or the part of the whole that the recipe names."""
    write_texts("the cat the", "a cat a the", tokens="both", first=4)
    tokenize("first")
    with pytest.raises(UserError, match=r"data/tokens/second is missing"):
        join_tokens("both")
    tokenize("second")
    join_tokens("both")
    assert words_of("both") == ["the", "cat", "the", "a", "cat", "a", "the"]
    vocab("words")
    vocabulary = load_vocabulary(Path("data/vocabularies/words.json"))
    assert dict(zip(vocabulary.words, vocabulary.counts, strict=True)) == {"the": 2, "a": 1, "cat": 1}
    write_texts("the cat the", "a cat a the", tokens="both")
    vocab("words")
    vocabulary = load_vocabulary(Path("data/vocabularies/words.json"))
    assert dict(zip(vocabulary.words, vocabulary.counts, strict=True)) == {"the": 3, "a": 2, "cat": 2}


def test_a_lyrics_file_that_is_not_utf_8(write_texts):
    """One line with the file, the line and the byte; nothing is written."""
    write_texts("a b c", recipe={"tokens": "characters", "reader": "verse"})
    Path("data/raw/one/a.txt").write_bytes("one\ntwo \u00e9".encode("latin-1"))
    with pytest.raises(UserError, match=r"data/raw/one/a\.txt, line 2: byte 0xe9 is not UTF-8; convert the file"):
        tokenize("first")
    assert written() == set()


def test_an_empty_text_is_named(write_texts):
    """No text, and one with no letter from a to z."""
    for text in ("", "123 – 456\n"):
        write_texts(text)
        with pytest.raises(UserError, match="^data/raw/one: there is no word in it$"):
            tokenize("first")
        assert written() == set()


@pytest.mark.parametrize("text", ["word", "word word word"])
def test_a_corpus_of_one_word_is_named(write_texts, text):
    write_texts(text)
    tokenize("first")
    with pytest.raises(
        UserError, match=r"^params\.yaml: vocab\.words: 1 words occur min_count = 1 times: it needs two$"
    ):
        vocab("words")
    assert written() == {"tokens/first"}


def test_a_vocabulary_of_one_word_is_refused_by_its_key(write_texts):
    """No text could make up for it, so the message must not blame the text."""
    write_texts("a b c", max_size=1)
    with pytest.raises(UserError, match=r"params\.yaml: vocab\.words\.max_size = 1: .*greater than or equal to 2"):
        vocab("words")


def test_a_vocabulary_that_admits_nothing_is_named(write_texts):
    """Special words do not make up for it."""
    write_texts("a b c a b c", min_count=3, specials=["<unk>", "<pad>"])
    tokenize("first")
    with pytest.raises(UserError, match=r"vocab\.words: 0 words occur min_count = 3 times"):
        vocab("words")
    assert written() == {"tokens/first"}


def test_a_step_that_is_missing_is_named(write_texts):
    """Each step says which file it lacks, or which entry of params.yaml."""
    write_texts("a b")
    with pytest.raises(UserError, match=r"data/tokens/first is missing"):
        vocab("words")
    for step, section in ((tokenize, "tokenize"), (join_tokens, "join"), (vocab, "vocab")):
        with pytest.raises(UserError, match=rf"params\.yaml: {section} has no 'nothing'"):
            step("nothing")


COUNTS = Counter({"b": 3, "c": 3, "a": 3, "the": 9, "rare": 1})


@pytest.mark.parametrize(
    ("options", "words", "counts"),
    [
        ({}, ["the", "a", "b", "c", "rare"], [9, 3, 3, 3, 1]),
        ({"min_count": 3}, ["the", "a", "b", "c"], [9, 3, 3, 3]),
        ({"min_count": 4}, ["the"], [9]),
        ({"max_size": 3}, ["the", "a", "b"], [9, 3, 3]),
        ({"max_size": 4, "min_count": 9}, ["the"], [9]),
        ({"max_size": 2, "specials": ["<unk>", "<pad>"]}, ["<unk>", "<pad>", "the", "a"], [7, 0, 9, 3]),
    ],
)
def test_words_are_chosen_by_count_and_then_by_the_alphabet(options, words, counts):
    """Equal counts have an order of their own, so that the same text gives the same vectors."""
    chosen = choose_words(COUNTS, Vocab(tokens="text", **options))
    assert (chosen.words, chosen.counts) == (words, counts)


def test_runs_need_no_torchtext():
    """Torchtext is at its end: only the two steps that the documents do with it may need it."""
    modules = {path: f"stages.{path.stem}" for path in (ROOT / "stages").glob("*.py")}
    steps = ["stages.prepare", "stages.train", "stages.evaluate", "stages.figures"]
    assert {*steps} <= {*modules.values()}
    for family in FAMILIES:
        steps += [f"stages.{family}.{path.stem}" for path in (ROOT / "stages" / family).glob("*.py")]
    commands = {f"stages.{family}.commands" for family in FAMILIES}  # they may tokenize what a user types
    assert "torchtext" not in all_imports({*steps} - commands)
    assert "torchtext" in all_imports({"stages.tokenize"})


def all_imports(modules: set[str]) -> set[str]:
    """Return all that modules of this project import, and what these import in turn."""
    found: set[str] = set()
    left = {*modules}
    while left:
        name = left.pop()
        found.add(name)
        path = ROOT / (name.replace(".", "/") + ".py")
        if path.exists():
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    left |= {alias.name for alias in node.names} - found
                elif isinstance(node, ast.ImportFrom):
                    left |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)} - found
    return found
