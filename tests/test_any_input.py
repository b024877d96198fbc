"""Whatever is in a text or in a row's file: it is read as Python reads it, or refused in one line."""

import codecs

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mistakes import NETWORK
from texts import sentences_in

from lightrnn_gluon.config import dump, load_row
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.numbering import END, Numbering
from lightrnn_gluon.sources import read_blocks

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

PIECES = [b"a", b" ", b"\n", b"\r\n", b"\0", b"\xff", "é".encode(), "\u2028".encode(), codecs.BOM_UTF8]


def sentences_of(content):
    """The words of each line that has some, as Python has it; None where that is no text."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    lines = [line.split() for line in text.removeprefix("\ufeff").split("\n")]
    return None if "\0" in text else [words for words in lines if words]


@same_folder
@given(st.binary(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join))
def test_any_bytes_are_the_sentences_that_python_finds_or_refused(tmp_path, content):
    path = tmp_path / "text"
    path.write_bytes(content)
    expected = sentences_of(content)
    try:
        blocks = list(read_blocks(path))
    except UserError as error:
        assert expected is None
        assert str(error).startswith(f"{path}, line ") and "\n" not in str(error)
        return
    assert sentences_in(blocks) == expected
    numbering = Numbering()
    numbers = [number for block in blocks for number in numbering.number(block)]
    assert numbers.count(END) == len(expected)
    words = numbering.words()
    spelled = [words[number - 1] for number in numbers if number != END]
    assert spelled == [word for sentence in expected for word in sentence]


KEYS = st.sampled_from(
    [*NETWORK, "kind", "members", "extends", "options", "rounds_after", "refinement", "x", "é", 3, None]
)
VALUES = st.recursive(
    st.sampled_from([None, True, "adam", ".", "a", "ngram", "interpolation"])
    | st.integers()
    | st.floats()
    | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(KEYS, values, max_size=3),
    max_leaves=6,
)
YAML = st.text("{}[]:-&*!|>#'\"%@ \n\ta1.$", max_size=40) | st.text(max_size=40)


def check(path):
    """The file is a row, which comes back from what is written of it; or it is refused in one line."""
    try:
        row = load_row(path)
    except UserError as error:
        assert "\n" not in str(error)
        return
    again = path.with_name("again.yaml")
    again.write_text(dump(row), encoding="utf-8")
    assert repr(load_row(again)) == repr(row)  # where there may be a NaN, which is not itself


@same_folder
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_values_of_a_row_are_taken_or_refused(tmp_path, changes):
    path = tmp_path / "row.yaml"
    path.write_text(yaml.safe_dump(NETWORK | changes, allow_unicode=True), encoding="utf-8")
    check(path)


@same_folder
@given(st.binary(max_size=40) | YAML.map(str.encode))
def test_any_bytes_in_place_of_a_row_are_refused_in_one_line(tmp_path, content):
    path = tmp_path / "row.yaml"
    path.write_bytes(content)
    check(path)
