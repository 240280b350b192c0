"""Readers of text data sets: each yields texts without markup, before they are divided into words."""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import mwparserfromhell

from stages.core.errors import UserError
from stages.texts.decoding import decoded
from stages.texts.rated import RATED

# The source of an entry of the dictionary, such as [1913 Webster] or [WordNet 1.5 +PJC].
_SOURCE = re.compile(r"\[[^\[\]]*(?:Webster|WordNet|PJC|Century|Suppl)[^\[\]]*\]")
# A list of synonyms, or a remark on how they differ: from a line that begins so to the end of the paragraph.
_SYNONYMS = re.compile(r"^\s*(?:Syn(?:onyms?)?\s?[:.-]|Usage:).*", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"\((?:a|p|ip)\)$")
_NOT_ARTICLES = ("file", "image", "category")  # links to them show no words, or those of a caption among their settings
_NOT_PROSE = ("ref", "table", "math", "gallery", "timeline")  # tags of a Wikipedia page


def read_plain(folder: Path) -> Iterator[str]:
    """Yield the lines of every .txt file in `folder`, in the order of their names.

    Raises:
        UserError: there is none, or a byte is not UTF-8.
    """
    paths = sorted(folder.glob("*.txt"))
    if not paths:
        raise UserError(f"{folder}: there is no .txt file in it")
    for path in paths:
        yield from decoded(path).splitlines()


def read_verse(folder: Path) -> Iterator[str]:
    """Yield the poems or songs of every .txt file in `folder`, without empty lines.

    A line with % alone, or an empty one, ends a poem (the format of the program fortune). Lines in colours of the
    terminal, which hold title and author there, are left out.

    Raises:
        UserError: there is no file, or a byte is not UTF-8.
    """
    poem: list[str] = []
    for line in (*read_plain(folder), "%"):
        if line.strip() in ("%", ""):
            if poem:
                yield "\n".join(poem)
            poem = []
        elif "\x1b[" not in line:
            poem.append(line.strip())


def read_brown(folder: Path) -> Iterator[str]:
    """Yield the sentences of the Brown corpus; a token is `word/tag`, and a word may hold a slash.

    Raises:
        UserError: a token has no tag.
    """
    path = folder / "brown.txt"
    for number, line in enumerate(decoded(path, "latin-1").splitlines(), 1):
        tokens = [token.rpartition("/") for token in line.split()]
        if not all(slash for _, slash, _ in tokens):
            raise UserError(f"{path}, line {number}: a token has no tag; each must be word/tag")
        if tokens:
            yield " ".join(word for word, _, _ in tokens)


def read_wikipedia(folder: Path) -> Iterator[str]:
    """Yield the paragraphs of the articles in a dump, redirects left out.

    Raises:
        UserError: the XML is damaged or ends early.
    """
    path = folder / "enwiki.xml"
    end = "</mediawiki>"
    *dumps, rest = decoded(path).split(end)  # the file may be two dumps, one after the other
    if rest.strip():
        raise UserError(f"{path} is not the XML of MediaWiki: it does not end with {end}")
    for dump in dumps:
        try:
            pages = ElementTree.fromstring(dump + end).findall("{*}page")
        except ElementTree.ParseError as error:
            raise UserError(f"{path} is not the XML of MediaWiki: {error}") from error
        for page in pages:
            if page.findtext("{*}ns") == "0" and page.find("{*}redirect") is None:
                yield from _prose(page.findtext("{*}revision/{*}text") or "").splitlines()


def _prose(markup: str) -> str:
    # Apostrophes that make italics are left in: they are no letters, and resolving them takes most of the time.
    page = mwparserfromhell.parse(markup, skip_style_tags=True)
    tags = page.filter_tags(matches=lambda node: str(node.tag).lower() in _NOT_PROSE)
    links = page.filter_wikilinks(
        matches=lambda node: str(node.title).partition(":")[0].strip().lower() in _NOT_ARTICLES
    )
    for node in [*tags, *links]:
        try:
            page.remove(node)
        except ValueError:  # it was inside one that is gone
            continue
    return page.strip_code()


def read_wordnet(folder: Path) -> Iterator[str]:
    """Yield the gloss of each set of synonyms of WordNet: its definition and examples, not the words themselves.

    Word vectors are compared with human judgements of synonyms, and the words of a set are a list of synonyms.

    Raises:
        UserError: a line is not in WordNet's format.
    """
    for _, gloss in _synsets(folder):
        yield gloss


def read_wordnet_synonyms(folder: Path) -> Iterator[str]:
    """Yield each set of synonyms of WordNet: its words and its gloss.

    Raises:
        UserError: a line is not in WordNet's format.
    """
    for words, gloss in _synsets(folder):
        # An adjective may end with the place where it stands: (a) before a noun, (p) in the predicate, (ip) after.
        yield f"{' '.join(_PLACE.sub('', word) for word in words).replace('_', ' ')} {gloss}"


def _synsets(folder: Path) -> Iterator[tuple[list[str], str]]:
    """Yield the words and the gloss of each set of synonyms (format: the manual page wndb)."""
    for part in ("noun", "verb", "adj", "adv"):
        path = folder / f"data.{part}"
        for number, line in enumerate(decoded(path, "latin-1").splitlines(), 1):
            if line.startswith("  "):  # the licence
                continue
            fields, bar, gloss = line.partition("|")
            try:
                _, _, _, count, *rest = fields.split()
                words = rest[: 2 * int(count, 16) : 2]
            except ValueError as error:
                raise UserError(f"{path}, line {number}: not a set of synonyms in WordNet's format") from error
            if not bar:
                raise UserError(f"{path}, line {number}: there is no gloss")
            yield words, gloss


def read_gcide(folder: Path) -> Iterator[str]:
    """Yield the paragraphs of the dictionary without its lists of synonyms and the bracketed names of their sources."""
    for paragraph in read_gcide_synonyms(folder):
        if rest := _SYNONYMS.sub("", paragraph).strip():
            yield rest


def read_gcide_synonyms(folder: Path) -> Iterator[str]:
    """Yield the paragraphs of the dictionary without the bracketed names of their sources."""
    # Three apostrophes are as Windows writes them, all else is ASCII.
    text = _SOURCE.sub("", decoded(folder / "gcide.dict", "cp1252"))
    yield from re.split(r"\n\s*\n", text)


def read_text8(folder: Path) -> Iterator[str]:
    """Yield text8, which is one line, in parts of about a million characters that end with a word.

    Raises:
        UserError: the file is missing or damaged.
    """
    path = folder / "text8.zip"
    try:
        with zipfile.ZipFile(path) as archive, archive.open("text8") as content:
            while part := content.read(1_000_000):
                while not part.endswith(b" ") and (more := content.read(1)):
                    part += more
                yield part.decode("ascii")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not the archive of text8: {error}") from error


def _texts_of(reader: str) -> Callable[[Path], Iterator[str]]:
    return lambda folder: (rated.text for rated in RATED[reader](folder))


READERS: dict[str, Callable[[Path], Iterator[str]]] = {
    "plain": read_plain,
    "verse": read_verse,
    "brown": read_brown,
    "wikipedia": read_wikipedia,
    "wordnet": read_wordnet,
    "wordnet_synonyms": read_wordnet_synonyms,
    "gcide": read_gcide,
    "gcide_synonyms": read_gcide_synonyms,
    "text8": read_text8,
    **{reader: _texts_of(reader) for reader in RATED},
}
