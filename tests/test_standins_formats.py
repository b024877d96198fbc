"""Running text out of help pages, manual pages, fortunes and SWORD modules, and what is kept of it."""

import gzip

import pytest
from packages import files_of, write, write_sword_module

from lightrnn_gluon.sources import SPLITS, split_documents
from lightrnn_gluon.standins.cleaning import is_english, sentences_of, without_repeats
from lightrnn_gluon.standins.formats import (
    faq_pages,
    fortunes,
    gimp_pages,
    help_pages,
    man_pages,
    sword_chapters,
)
from lightrnn_gluon.standins.man_pages import man_paragraphs

HELP_PAGE = """<!DOCTYPE html>
<html lang="fr"><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"><title>Titre</title>
<script>var code;</script></head><body>
<header><p>Aide</p></header>
<div id="DisplayArea">
  <h1>Un titre</h1>
  <p class="paragraph">Définit les <span class="emph">options</span> de
     filtrage &amp; de tri.</p>
  <p>Choisissez <span class="switchinline"><span hidden="true" class="MAC">Préférences</span><span
     hidden="true">Outils - Options</span></span>.<br>Puis cliquez.</p>
  <div class="howtoget"><p>Pour accéder à cette commande...</p></div>
  <div class="bascode"><pre><code>Print "du code"</code></pre></div>
  <p class="code">x = 1</p>
  <table><tr><td><p class="paragraphintable">Dans un tableau.</p></td></tr></table>
  <div class="relatedtopics"><p>Rubriques connexes</p></div>
</div>
<footer><p>This page is a page.</p></footer>
</body></html>
"""


def squeezed(paragraphs):
    """Paragraphs that say something, with single spaces."""
    return [text for paragraph in paragraphs if (text := " ".join(paragraph.split()))]


def test_help_page_gives_the_paragraphs_of_its_content_alone(tmp_path):
    write(tmp_path / "usr/share/help/fr/b.html", HELP_PAGE)
    write(tmp_path / "usr/share/help/fr/a.html", "<html><body><p>Pas de contenu.</p></body></html>")
    first, second = help_pages(files_of(tmp_path))
    assert first == []
    assert squeezed(second) == [
        "Définit les options de filtrage & de tri.",
        "Choisissez Préférences. Puis cliquez.",
        "Dans un tableau.",
    ]


FAQ_PAGE = """<html><head><title>A.1</title></head><body><h1>A.1 What?</h1>
<p>He argued that <i>"all&mdash;all!<br/>are equal."</i> [<b>A Book</b>, p. 47] We say
"[t]his" [our emphasis].</p><blockquote><p>Quoted. [Op. Cit., pp. 1-2, p. 9]</p></blockquote>
<ul class="menu"><li>next</li></ul></body></html>
"""


def test_faq_page_gives_its_paragraphs_without_page_references(tmp_path):
    folder = tmp_path / "usr/share/doc/anarchism/html"
    for name in ("secA1", "biblio", "links", "index", "translations"):
        write(folder / f"{name}.html", FAQ_PAGE)
    write(tmp_path / "usr/share/doc/anarchism/changelog.html", FAQ_PAGE)
    (page,) = faq_pages(files_of(tmp_path))
    assert squeezed(page) == [
        'He argued that "all—all! are equal." We say "[t]his" [our emphasis].',
        "Quoted.",
    ]


def test_gimp_page_gives_the_paragraphs_of_the_english_manual(tmp_path):
    page = "<body><p class='title'>Figure 1</p><div><p>Click on<br/>one <b>point</b>.</p></div></body>"
    for code in ("en", "de"):
        write(tmp_path / f"usr/share/gimp/2.0/help/{code}/ch01.html", page)
    assert [squeezed(page) for page in gimp_pages(files_of(tmp_path))] == [["Click on one point."]]


MAN_PAGE = r"""'\" t
.\" A comment on the page.
.TH FOO 1 "May 2020" "Linux"
.ie \n(.g .ds Aq \(aq
.de XX
.B nothing of a macro
..
.SH NAME
foo \- prints \(lqbar\(rq
.SH "SYNOPSIS"
.nf
\fB#include <foo.h>\fP
.PP
int foo(void);
.fi
.SH DESCRIPTION
The
.BR foo "(2), "
.IR bar (3)
and
.B two \(dqbold\(dq words
are \fInot\fP the\ same, \m[blue]I\m[]\s-1SAY\s0\&. \" a comment in a line
It\(aqs gar\c
.\" in between
na\(:iv \[bu]\h'+3n'\e0 \-\-option \*(C`x\*(C' \*-.
A line that is \
continued.

After a blank line.
.TP
\fB\-a\fP, \fB\-\-all\fP
Shows all
.IP "" 4
of them.
.TP
.B name
.br
said below
.EX
code(here);
.EE
see
.UR https://example.org
the page
.UE .
.TS
l l.
a	table
.TE
.SS Sub heading
The end.
.SH TRADUCTION
Traduit par des gens.
.PP
Et d'autres.
"""


def test_man_page_gives_its_paragraphs_and_no_roff():
    assert squeezed(man_paragraphs(MAN_PAGE)) == [
        "foo - prints “bar”",
        'The foo(2), bar(3) and two "bold" words are not the same, ISAY. It\'s gar naïv \\0 --option x -. '
        "A line that is continued.",
        "After a blank line.",
        "-a, --all",
        "Shows all",
        "of them.",
        "name",
        "said below",
        "see the page.",
        "The end.",
    ]


def test_quoted_arguments_keep_their_spaces_and_doubled_quotes():
    page = '.BR "two  words" ", say ""yes"", " plain\\ one\n'
    assert squeezed(man_paragraphs(page)) == ['two words, say "yes", plain one']


def test_text_goes_on_after_unfilled_text_that_has_no_end():
    assert squeezed(man_paragraphs(".nf\ncode\n.SH NOTES\nText again.\n")) == ["Text again."]


def test_page_in_mdoc_gives_no_text():
    assert squeezed(man_paragraphs(".Dd May 1\n.Sh NAME\n.Nm foo\nsome text here\n")) == []


def test_man_pages_are_the_compressed_ones_below_man(tmp_path):
    folder = tmp_path / "usr/share/man/fr/man2"
    write(folder / "open.2.gz", gzip.compress(".SH NOM\nouvrir déjà\n".encode()))
    write(folder / "creat.2.gz", gzip.compress(b".so man2/open.2\n"))
    write(tmp_path / "usr/share/doc/x/changelog.gz", gzip.compress(b"no page\n"))
    assert [squeezed(page) for page in man_pages(files_of(tmp_path))] == [[], ["ouvrir déjà"]]


FORTUNES = """Kdo se ptá,
ten se dozví.
\t\t-- Někdo, Kniha
   (strana 3)
%
\tPrvní odstavec
pokračuje zde.

Druhý odstavec.
- Kdo je tam?
- Já!
%
    Odsazený text
    na dvou řádcích -- a dál.
"""


def test_fortunes_are_documents_of_joined_lines_without_their_authors(tmp_path):
    folder = tmp_path / "usr/share/games/fortunes/cs"
    write(folder / "citaty", FORTUNES)
    write(folder / "citaty.dat", b"\0\0\0\2")
    write(folder / "klasik-sk", "Po slovensky.\n")
    write(tmp_path / "usr/share/games/fortunes/translate-me", "Ego sum.\n")
    write(tmp_path / "usr/share/doc/fortunes-cs/README", "not a fortune\n")
    assert [squeezed(fortune) for fortune in fortunes(files_of(tmp_path))] == [
        ["Kdo se ptá, ten se dozví."],
        ["První odstavec pokračuje zde.", "Druhý odstavec.", "- Kdo je tam?", "- Já!"],
        ["Odsazený text na dvou řádcích -- a dál."],
    ]


def test_sword_chapters_are_documents_without_titles_and_notes(tmp_path):
    folder = tmp_path / "usr/share/sword/modules/texts/ztext/web"
    genesis = (
        '<div type="book" sID="b"/><title>Genesis</title><div sID="p1" type="x-p"/>'
        '<chapter n="1" osisID="Gen.1" sID="Gen.1"/><w lemma="H1">In the</w> beginning<note>Or</note>. '
        '<div eID="p1" type="x-p"/><div sID="p2" type="x-p"/>God said.<chapter eID="Gen.1"/>'
        '<chapter n="2" osisID="Gen.2" sID="Gen.2"/><l sID="l1"/>Thus the heavens<l eID="l1"/>'
        '<l sID="l2"/>and the earth.<l eID="l2"/><chapter eID="Gen.2"/>'
    )
    write_sword_module(folder, "ot", ['<milestone n="importer"/>', genesis])
    write_sword_module(folder, "nt", ['<chapter sID="Mat.1"/>El Señor.<chapter eID="Mat.1"/>'])
    assert [squeezed(chapter) for chapter in sword_chapters(files_of(tmp_path))] == [
        ["El Señor."],
        ["In the beginning.", "God said."],
        ["Thus the heavens and the earth."],
    ]


def test_chapters_of_a_commentary_are_documents_without_tables(tmp_path):
    folder = tmp_path / "usr/share/sword/modules/comments/zcom/psalms"
    psalms = [
        f'<chapter n="{n}" sID="Ps.{n}"/><title>TITLE.</title><table><row><cell>Outline</cell></row></table>'
        f'<div sID="p" type="x-p"/><hi type="bold">Verse 1.</hi> On psalm {n}.<chapter eID="Ps.{n}"/>'
        for n in (1, 2)
    ]
    write_sword_module(folder, "ot", psalms, block="c")
    write_sword_module(folder, "nt", [], block="c")
    assert [squeezed(chapter) for chapter in sword_chapters(files_of(tmp_path))] == [
        ["Verse 1. On psalm 1."],
        ["Verse 1. On psalm 2."],
    ]


def lines(*paragraphs):
    return [" ".join(sentence) for sentence in sentences_of(list(paragraphs))]


def test_sentences_end_in_all_six_languages():
    assert lines(
        "¿Qué has hecho? ¡Nada de nada! Élan de la vie. Что там было? Это я сам.",
        "„Kdo je to tam?“ Řekl mi to. «Oui, cela est bien.» Vraiment pas mal… Čas už běží.",
        "Er sagte z. B. Nein und ca. 5 Mal Ja. См. Главу номер пять. Siehe J. R. Tolkien dort.",
    ) == [
        "¿ Qué has hecho ?",
        "¡ Nada de nada !",
        "Élan de la vie .",
        "Что там было ?",
        "Это я сам .",
        "„ Kdo je to tam ? “",
        "Řekl mi to .",
        "« Oui , cela est bien . »",
        "Vraiment pas mal …",
        "Čas už běží .",
        "Er sagte z . B . Nein und ca . 5 Mal Ja .",
        "См . Главу номер пять .",
        "Siehe J . R . Tolkien dort .",
    ]


def test_unseen_characters_are_dropped_and_accents_composed():
    assert lines("Silben\u00adtrennung im\u200b Text\x08 hier", "cafe\u0301 и за\u0301мок") == [
        "Silbentrennung im Text hier",
        "café и замок",
    ]


@pytest.mark.parametrize(
    "text", ["Voir aussi", "-a, --all=WERT", "accept(2), bind(2), ip(7)", "x = f(a, b) + 1;", "1 2 3 4"]
)
def test_what_is_no_running_text_is_left_out(text):
    assert lines(text, "Mais ceci reste (un peu).") == ["Mais ceci reste ( un peu ) ."]


@pytest.mark.parametrize(
    ("sentence", "english"),
    [
        ("The file is removed from the list .", True),
        ("Print sizes in powers of 1000", True),
        ("Le fichier est supprimé de la liste .", False),
        ("Die Norm » Open Document Format for Office « gilt für diese Datei hier nicht .", False),
        ("Эта функция возвращает NULL .", False),
    ],
)
def test_english_is_known_by_its_frequent_words(sentence, english):
    assert is_english(sentence.split()) == english


def test_a_line_stays_only_where_it_is_first():
    documents = [["a", "b", "a"], ["b", "a"], ["c", "b", "d"], []]
    assert list(without_repeats(documents)) == [["a", "b"], ["c", "d"]]


def test_whole_documents_are_held_out_by_their_size():
    documents = [f"{number:03}" * (1 + number % 7) for number in range(500)]
    splits = split_documents(documents, size=len)
    assert set(splits) == set(SPLITS)
    assert sorted(document for split in SPLITS for document in splits[split]) == sorted(documents)
    total = sum(map(len, documents))
    for split in ("valid", "test"):
        assert 0.04 * total <= sum(map(len, splits[split])) < 0.04 * total + 21
    assert splits["train"] != sorted(splits["train"])
    assert splits == split_documents(documents, size=len)
