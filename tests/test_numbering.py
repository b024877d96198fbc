"""Words of a text as numbers, against Python's own splitting and a dictionary."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lightrnn_gluon.numbering import END, Numbering

LINES = st.lists(
    st.lists(st.sampled_from(["a", "b", "aa", "é", "東京", "a\x00b", "w" * 300]) | st.text(), max_size=6)
)


def expected(lines):
    """The words in the order of their first occurrence, None where a sentence ends."""
    return [word for words in lines if words for word in (*words, None)]


def spelled(numbering, numbers):
    words = numbering.words()
    return [None if number == END else words[number - 1] for number in numbers.tolist()]


@settings(deadline=None)  # the first call compiles
@given(LINES, st.integers(1, 5), st.sampled_from([" ", "\t", " \r\x1f "]))
def test_numbers_are_the_words_whatever_the_blocks(lines, size, space):
    lines = [
        [word for text in words for word in text.encode("utf-8", "ignore").decode().split()]
        for words in lines
    ]
    numbering, found = Numbering(), []
    for first in range(0, len(lines), size):
        text = "".join(f"{space}{space.join(words)}{space}\n" for words in lines[first : first + size])
        found += numbering.number(text.encode()).tolist()
    words = numbering.words()
    assert [None if number == END else words[number - 1] for number in found] == expected(lines)
    assert words == list(dict.fromkeys(word for word in expected(lines) if word is not None))
    assert numbering.size == len(words)


def test_tables_grow_with_words_and_their_spelling():
    lines = [
        [f"{i:x}" * (1 + i % 40) for i in range(first, first + 50)] for first in range(0, 100_000, 50)
    ] * 2
    numbering = Numbering()
    for part in (lines[:3], lines[3:]):
        numbers = numbering.number("".join(" ".join(words) + "\n" for words in part).encode())
    assert spelled(numbering, numbers) == expected(lines[3:])
    assert numbering.size == len({word for words in lines for word in words}) > 90_000


def test_a_last_line_without_an_end_and_blank_ones():
    numbering = Numbering()
    assert numbering.number(b"\n\n").tolist() == numbering.number(b"").tolist() == []
    assert numbering.number(b"b\n \n\na b").tolist() == [1, END, 2, 1, END]
