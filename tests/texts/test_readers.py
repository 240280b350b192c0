"""Each reader yields the text of its format and nothing of the markup, and says in one line where a file is bad."""

import zipfile

import pytest

from stages.core.errors import UserError
from stages.texts.readers import (
    READERS,
    read_brown,
    read_gcide,
    read_gcide_synonyms,
    read_plain,
    read_text8,
    read_verse,
    read_wikipedia,
    read_wordnet,
    read_wordnet_synonyms,
)

LICENCE = "  1 This software and database is being provided to you, the LICENSEE, by\n  2 Princeton University.\n"


def words(texts) -> list[str]:
    return " ".join(texts).split()


def dump(*pages: str) -> str:
    return f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">\n{"".join(pages)}</mediawiki>\n'


def page(text: str, ns: str = "0", redirect: str = "") -> str:
    return f"<page><title>T</title><ns>{ns}</ns>{redirect}<revision><text>{text}</text></revision></page>\n"


def write_wordnet(folder, **lines: str) -> None:
    """The four files; those that are not named hold the licence only."""
    for part in ("noun", "verb", "adj", "adv"):
        (folder / f"data.{part}").write_text(LICENCE + lines.get(part, ""))


def write_text8(folder, content: bytes, member: str = "text8") -> None:
    with zipfile.ZipFile(folder / "text8.zip", "w") as archive:
        archive.writestr(member, content)


def one_line(caught) -> str:
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_plain_files_follow_each_other_by_name(tmp_path):
    """Two folders with the same files must give the same text, whatever the file system's order."""
    (tmp_path / "b.txt").write_text("third\n")
    (tmp_path / "a.txt").write_text("first, été\nsecond")
    (tmp_path / "c.md").write_text("not read")
    assert list(read_plain(tmp_path)) == ["first, été", "second", "third"]


@pytest.mark.parametrize("folder", [".", "missing"])
def test_a_folder_without_plain_files_is_one_line(tmp_path, folder):
    with pytest.raises(UserError, match=r"no \.txt file"):
        list(read_plain(tmp_path / folder))


def test_a_byte_that_is_not_utf8_is_named_with_file_and_line(tmp_path):
    """The bad byte lies far beyond one buffer, where a count of lines in the last chunk would be wrong."""
    (tmp_path / "a.txt").write_bytes(b"well\n" * 20_000 + b"caf\xe9\n")
    with pytest.raises(UserError, match=r"a\.txt, line 20001: byte 0xe9 is not UTF-8") as caught:
        list(read_plain(tmp_path))
    one_line(caught)


def test_brown_tokens_are_split_at_the_last_slash(tmp_path):
    """Words hold slashes, tags do not; blank lines divide paragraphs and are no sentences."""
    (tmp_path / "brown.txt").write_bytes(b"\n\n\tThe/at caf\xe9/nn ,/, 1/2/cd\n\n\n\tAnd\xa3/cc and/or/cc\n")
    assert list(read_brown(tmp_path)) == ["The café , 1/2", "And£ and/or"]


def test_a_brown_token_without_tag_is_named_by_line(tmp_path):
    (tmp_path / "brown.txt").write_text("\nThe/at jury/nn\nsaid it/pps\n")
    with pytest.raises(UserError, match=r"brown\.txt, line 3: a token has no tag"):
        list(read_brown(tmp_path))


def test_only_articles_of_wikipedia_are_read(tmp_path):
    """Redirects and talk pages are no prose; a page without text is nothing."""
    pages = (
        page("An article."),
        page("#REDIRECT [[A]]", redirect='<redirect title="A"/>'),
        page("Talk.", ns="1"),
        page(""),
    )
    (tmp_path / "enwiki.xml").write_text(dump(*pages))
    assert list(read_wikipedia(tmp_path)) == ["An article."]


def test_wikipedia_dumps_follow_each_other(tmp_path):
    """The file of the catalogue may be two dumps in one, which is no XML."""
    (tmp_path / "enwiki.xml").write_text(dump(page("First."), page("Second.")) + dump(page("Third.")))
    assert list(read_wikipedia(tmp_path)) == ["First.", "Second.", "Third."]


def test_wikipedia_markup_is_removed_and_links_are_resolved(tmp_path):
    """What a reader of the page sees as prose stays: paragraphs, link texts, entities."""
    markup = """A [[cat]] sees [[Dog|the dogs]]&lt;ref name="x"&gt;Source {{cite|book}}&lt;/ref&gt; &amp;amp; runs.
{| class="wikitable"
! heading
|-
| cell &lt;ref&gt;inner&lt;/ref&gt;
|}
{{Infobox|key=value}}&lt;math&gt;x^2&lt;/math&gt;Still&lt;!-- hidden --&gt; here, [http://example.org outside]."""
    (tmp_path / "enwiki.xml").write_text(dump(page(markup)))
    found = words(read_wikipedia(tmp_path))
    assert found == ["A", "cat", "sees", "the", "dogs", "&", "runs.", "Still", "here,", "outside."]


@pytest.mark.parametrize(
    "content",
    [
        "<mediawiki><page></mediawiki>",
        dump(page("Whole.")) + "<mediawiki><page><ns>0</ns>",
        "<html>Not found</html>",
        "<mediawiki>&undefined;</mediawiki>",
    ],
)
def test_damaged_xml_is_one_line(tmp_path, content):
    """A dump that was cut off must not pass as a shorter one."""
    (tmp_path / "enwiki.xml").write_text(content)
    with pytest.raises(UserError, match=r"enwiki\.xml is not the XML of MediaWiki: ") as caught:
        list(read_wikipedia(tmp_path))
    one_line(caught)


def test_wordnet_is_glosses_and_its_words_only_if_asked_for(tmp_path):
    """Underscores are spaces; the licence is not read; the files come as nouns, verbs, adjectives, adverbs."""
    write_wordnet(
        tmp_path,
        adv="00000003 02 r 01 now 0 000 | at once\n",
        noun="00000001 03 n 02 physical_entity 0 thing 1 001 @ 00001740 n 0000 | it exists; a|b  \n",
        verb="00000002 29 v 01 breathe 0 000 01 + 02 00 | draw air\n",
    )
    assert [text.strip() for text in read_wordnet(tmp_path)] == ["it exists; a|b", "draw air", "at once"]
    assert [" ".join(text.split()) for text in read_wordnet_synonyms(tmp_path)] == [
        "physical entity thing it exists; a|b",
        "breathe draw air",
        "now at once",
    ]


def test_wordnets_count_of_words_is_hexadecimal(tmp_path):
    """0c is twelve words; 10 is sixteen and not ten."""
    for count in (12, 16):
        names = [f"w{chr(97 + i)}" for i in range(count)]
        pairs = " ".join(f"{name} 0" for name in names)
        write_wordnet(tmp_path, noun=f"00000001 03 n {count:02x} {pairs} 001 @ 00001740 n 0000 | gloss\n")
        assert words(read_wordnet_synonyms(tmp_path)) == [*names, "gloss"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("00000001 03 n", "not a set of synonyms"),
        ("00000001 03 n zz thing 0 000 | gloss", "not a set of synonyms"),
        ("", "not a set of synonyms"),
        ("00000001 03 n 01 thing 0 000", "there is no gloss"),
    ],
)
def test_a_wordnet_line_of_another_format_is_named(tmp_path, line, said):
    write_wordnet(tmp_path, verb=f"{line}\n")
    with pytest.raises(UserError, match=rf"data\.verb, line 3: .*{said}"):
        list(read_wordnet(tmp_path))


def test_gcide_paragraphs_lose_the_names_of_their_source(tmp_path):
    """A name may be broken over two lines; other brackets are the dictionary's own words."""
    text = (
        "Cat \\Cat\\, n. [OE. catte.]\n   1. An animal. [1913 Webster]\n \n"
        "   2. A ship. [WordNet 1.5\n   +PJC]\n\nDog\n   [Obs.] Don\x92t."
    )
    (tmp_path / "gcide.dict").write_bytes(text.encode("latin-1"))
    paragraphs = [" ".join(text.split()) for text in read_gcide(tmp_path)]
    assert paragraphs == ["Cat \\Cat\\, n. [OE. catte.] 1. An animal.", "2. A ship.", "Dog [Obs.] Don’t."]


def test_gcide_loses_its_lists_of_synonyms_unless_they_are_asked_for(tmp_path):
    """A list may stand alone or end a paragraph; a word that begins with Syn, or a cross-reference, is no list."""
    text = (
        "Abuse\n   To hurt.\n\n   Syn: To maltreat; injure;\n        revile.\n\n   Usage: {Abuse}, {Misuse}.\n\n"
        "Synod\n   A council.\n   Syn. -- Assembly.\n\nRide\n   To travel. See Synonym, below."
    )
    (tmp_path / "gcide.dict").write_text(text)
    shown = [" ".join(text.split()) for text in read_gcide(tmp_path)]
    assert shown == ["Abuse To hurt.", "Synod A council.", "Ride To travel. See Synonym, below."]
    assert "maltreat;" in words(read_gcide_synonyms(tmp_path)) and "Assembly." in words(read_gcide_synonyms(tmp_path))


def test_text8_is_read_in_parts_that_end_with_a_word(tmp_path):
    """Parts of a million bytes would cut a word in two: it is no multiple of six."""
    text = b" words" * 400_000
    write_text8(tmp_path, text)
    parts = list(read_text8(tmp_path))
    assert len(parts) == 3
    assert "".join(parts) == text.decode()
    assert {word for part in parts for word in part.split()} == {"words"}


@pytest.mark.parametrize("damage", ["no zip", "another member", "cut", "other bytes", "not ascii"])
def test_a_damaged_text8_is_one_line(tmp_path, damage):
    """A page of errors in place of the file, a wrong archive, half a download, a flipped bit, another text."""
    path = tmp_path / "text8.zip"
    write_text8(
        tmp_path, b"caf\xe9" if damage == "not ascii" else b"a text", "t" if damage == "another member" else "text8"
    )
    if damage == "no zip":
        path.write_text("<html>")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-30])
    if damage == "other bytes":
        path.write_bytes(path.read_bytes().replace(b"a text", b"a test"))
    with pytest.raises(UserError, match=r"text8\.zip is not the archive of text8: ") as caught:
        list(read_text8(tmp_path))
    one_line(caught)


@pytest.mark.parametrize("reader", sorted(READERS))
def test_a_missing_file_is_one_line_with_its_name(tmp_path, reader):
    """Whatever the format, nobody should see a traceback for a data set that is not fetched."""
    with pytest.raises(UserError) as caught:
        list(READERS[reader](tmp_path / "nowhere"))
    assert "nowhere" in one_line(caught)


def test_verse_is_read_poem_by_poem(tmp_path):
    """Fortune's format and a plain file of songs: titles in colours, empty lines and signs of ends left out."""
    (tmp_path / "a.txt").write_text("\x1b[32mTitle\x1b[m\nline one\nline two\n%\n\x1b[32mNext\x1b[m\nthree  \n")
    (tmp_path / "b.txt").write_text("\nfour\n\nfive\nsix\n")
    assert list(read_verse(tmp_path)) == ["line one\nline two", "three", "four", "five\nsix"]
