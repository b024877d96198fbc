"""Running text out of dictionaries: GCIDE, FOLDOC, the Jargon File, the Devil's Dictionary, WordNet."""

import pytest
from packages import files_of, write, write_dictionary

from lightrnn_gluon.standins.dictionaries import (
    computing_entries,
    devil_entries,
    gcide_entries,
    wordnet_entries,
)


def entries_of(read, folder):
    return [[text for text in document if text] for document in read(files_of(folder))]


@pytest.fixture
def gcide(tmp_path):
    """What an entry of GCIDE gives."""

    def read(entry):
        write_dictionary(tmp_path, "gcide", [entry])
        (senses,) = entries_of(gcide_entries, tmp_path)
        return senses

    return read


CALOTTE = r"""Calotte \Ca*lotte"\, Callot \Cal"lot\, n. [F. calotte, dim. of
   cale a [flat] cap. Cf. {Caul}.]
   A close cap worn by
   {friars}. Especially:
   (a) (Eccl.) Such a cap, worn by English serjeants
       at law. [Obs.]
   [1913 Webster]

         His close calotte.
                                                  --Luke
                                                  xiv. 18.
   [1913 Webster]

   {To assume the calotte}, to become a priest.
      [1913 Webster]

   {Red calotte}. See under {Red}, and
      {Cap}.
      [1913 Webster]

   {Blue calotte}, See {Cap}.
      [1913 Webster]

   Syn: Cap; hat. [1913 Webster] Calotype"""


def test_entry_gives_its_words_with_the_first_definition_and_no_labels(gcide):
    assert gcide(CALOTTE) == [
        "Calotte, Callot: A close cap worn by friars. Especially:",
        "Such a cap, worn by English serjeants at law.",
        "His close calotte.",
        "To assume the calotte, to become a priest.",
        "Red calotte.",
        "Syn: Cap; hat.",
    ]


def test_head_may_go_on_in_the_next_line(gcide):
    entry = (
        'Calorie \\Cal"o*rie\\\n   (k[a^]l"*r[y^]), n. [F.]\n   (Phys.)\n   1. A unit (Phys.) of\n   heat.'
    )
    assert gcide(entry) == ["Calorie: A unit of heat."]


def test_phrases_and_synonyms_are_not_given_as_definitions(gcide):
    assert gcide("Cap \\Cap\\, n.\n   See {Hat}.\n\n   {Cap money}, money for caps.") == [
        "Cap money, money for caps."
    ]
    assert gcide("Cap \\Cap\\, n.\n   Syn: Hat.") == ["Syn: Hat."]


def test_letters_that_ascii_lacks_are_letters_again(gcide):
    entry = (
        "Cap \\Cap\\, n.\n   Zygophylle[ae], caf['e], fa[,c]ade, [=o], 0[deg], [=ae]; [Written also {cape}.]"
    )
    assert gcide(entry) == ["Cap: Zygophylleæ, café, façade, ō, 0°, ǣ; Written also cape."]


def test_derived_words_stay_without_their_marks_and_authors_go(gcide):
    entry = (
        'Far \\Far\\, a.\n   Droll; -- said of men. -- {Far"ci*cal*ly},\n   adv. -Far"ci*cal*ness, n.\n\n'
        "   A jest. -- Shak."
    )
    assert gcide(entry) == [
        "Far: Droll; -- said of men. -- farcically, adv. -- farcicalness, n.",
        "A jest.",
    ]


def test_what_has_no_head_is_no_entry(tmp_path):
    write_dictionary(tmp_path, "gcide", ["Begin file 1", "Calotype"])
    assert entries_of(gcide_entries, tmp_path) == []


def test_computing_entries_are_their_paragraphs_without_sources(tmp_path):
    foldoc = (
        "GEnie\nGE Information\n\n   <networking, company> /jee'nee/ An on-line\n   {service}.  Old.\n\n"
        "   E-mail: <info@ge.com>.\n\n   See also {Internet}, {mail}.\n\n   [{Jargon File}]"
    )
    jargon = "beta\n n.\n\n    1. Under test; see {Real World}.\n\n    2. New."
    write_dictionary(tmp_path, "foldoc", [foldoc])
    write_dictionary(tmp_path, "jargon", [jargon])
    documents = [document for document in entries_of(computing_entries, tmp_path) if document]
    assert documents == [
        ["An on-line service. Old."],
        ["Under test; see Real World.", "New."],
    ]


def test_devils_entries_are_whole(tmp_path):
    write_dictionary(
        tmp_path, "devil", ["CIRCUS, n.  A place where\nhorses see men.\n\n    I dreamed,\n    and lo!"]
    )
    (circus,) = entries_of(devil_entries, tmp_path)
    assert circus == ["CIRCUS, n. A place where horses see men.", "I dreamed, and lo!"]


def test_synsets_give_their_words_definition_and_examples(tmp_path):
    data = (
        "  1 This software and database | a licence  \n"
        "00001740 03 n 02 fakir 0 Muslim_holy_man b 001 @ 00001930 n 0000 | a holy man; of the East  \n"
        '00002098 00 a 01 able(p) 0 001 = 05200169 n 0101 | (with "to") having means; "able to swim"; '
        '"she was able, at last"; \n'
    )
    write(tmp_path / "usr/share/wordnet/data.x", data)
    write(tmp_path / "usr/share/wordnet/index.x", data)
    assert entries_of(wordnet_entries, tmp_path) == [
        ["fakir, Muslim holy man: a holy man; of the East."],
        ['able: (with "to") having means.', "able to swim", "she was able, at last"],
    ]
