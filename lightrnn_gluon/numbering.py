"""Text to numbers: each different word has the number of its first occurrence, by a compiled hash table."""

from itertools import pairwise

import numba
import numpy as np

END = 0  # the number of a sentence's end; words are numbered from 1
_FIRST_SLOTS, _FIRST_BYTES = 1 << 16, 1 << 20


class Numbering:
    """The words that `number` has come across, and their numbers.

    Attributes:
        size: how many different words there are; the greatest number.
    """

    def __init__(self) -> None:
        self.size = 0
        self._spelling = np.empty(_FIRST_BYTES, np.uint8)  # of all words, one after the other
        self._ends = np.zeros(_FIRST_SLOTS // 2 + 1, np.int64)  # in it, by number
        self._hashes = np.zeros(_FIRST_SLOTS // 2 + 1, np.uint64)  # by number
        self._slots = np.zeros(_FIRST_SLOTS, np.int32)  # numbers, 0 where free

    def number(self, text: bytes) -> np.ndarray:
        """int32 (tokens,): the numbers of a text's words, and END after each of its lines that has words.

        The text is of whole lines; words are what stands between ASCII white space.
        """
        data, done, filled = np.frombuffer(text, np.uint8), 0, 0
        numbers = np.empty(len(data) + 1, np.int32)
        while done < len(data):
            done, filled, self.size = _number(
                data, done, numbers, filled, self.size, self._spelling, self._ends, self._hashes, self._slots
            )
            if done < len(data):
                self._grow(len(data))
        if filled and numbers[filled - 1] != END:  # the last line is not ended
            numbers[filled] = END
            filled += 1
        return numbers[:filled]

    def words(self) -> list[str]:
        """The words by number, from 1 on."""
        ends = self._ends[: self.size + 1].tolist()
        spelling = self._spelling[: ends[-1]].tobytes()
        return [spelling[first:last].decode() for first, last in pairwise(ends)]

    def _grow(self, more: int) -> None:
        """Make room for twice as many words, and `more` bytes of spelling besides twice as many."""
        slots = 2 * len(self._slots)
        self._spelling = _longer(self._spelling, 2 * len(self._spelling) + more)
        self._ends = _longer(self._ends, slots // 2 + 1)
        self._hashes = _longer(self._hashes, slots // 2 + 1)
        self._slots = _fill_slots(self._hashes[: self.size + 1], np.zeros(slots, np.int32))


def _longer(array: np.ndarray, length: int) -> np.ndarray:
    result = np.zeros(length, array.dtype)
    result[: len(array)] = array
    return result


@numba.njit(cache=True, nogil=True)
def _number(
    data: np.ndarray,
    place: int,
    numbers: np.ndarray,
    filled: int,
    size: int,
    spelling: np.ndarray,
    ends: np.ndarray,
    hashes: np.ndarray,
    slots: np.ndarray,
) -> tuple[int, int, int]:
    """Number the words from `place` on, while there is room for new ones; the place come to, and sizes."""
    mask = np.uint64(len(slots) - 1)
    while place < len(data):
        byte = data[place]
        if byte == 10:  # a line's end
            if filled and numbers[filled - 1] != END:
                numbers[filled] = END
                filled += 1
            place += 1
            continue
        if _is_space(byte):
            place += 1
            continue
        end, code = place, np.uint64(14695981039346656037)  # FNV-1a
        while end < len(data) and not _is_space(data[end]):
            code = (code ^ np.uint64(data[end])) * np.uint64(1099511628211)
            end += 1
        code ^= code >> np.uint64(29)  # its last bits alone are the slot
        slot = code & mask
        while slots[slot] and not (
            hashes[slots[slot]] == code and _is_spelled(spelling, ends, slots[slot], data, place, end)
        ):
            slot = (slot + np.uint64(1)) & mask
        if not slots[slot]:
            start = ends[size]
            if size + 1 >= len(ends) or start + end - place > len(spelling):
                return place, filled, size
            size += 1
            spelling[start : start + end - place] = data[place:end]
            ends[size], hashes[size], slots[slot] = start + end - place, code, size
        numbers[filled] = slots[slot]
        filled += 1
        place = end
    return place, filled, size


@numba.njit(inline="always")
def _is_space(byte: int) -> bool:
    """As str.split has it of ASCII."""
    return byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31


@numba.njit(inline="always")
def _is_spelled(
    spelling: np.ndarray, ends: np.ndarray, number: int, data: np.ndarray, place: int, end: int
) -> bool:
    start = ends[number - 1]
    if ends[number] - start != end - place:
        return False
    for offset in range(end - place):  # noqa: SIM110
        if spelling[start + offset] != data[place + offset]:
            return False
    return True


@numba.njit(cache=True, nogil=True)
def _fill_slots(hashes: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """Put the numbers of words, by their hashes, into free slots."""
    mask = np.uint64(len(slots) - 1)
    for number in range(1, len(hashes)):
        slot = hashes[number] & mask
        while slots[slot]:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = number
    return slots
