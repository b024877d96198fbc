"""From documents to sentences: running text only, in one language, and nothing twice."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from lightrnn_gluon.sources import Sentence, split_sentences
from lightrnn_gluon.standins.formats import Document

_MIN_WORDS = 3
_MAX_ENGLISH = 0.1
# Frequent words of English that are rare in the other languages, whose pages are translated in part.
_ENGLISH = {"the", "of", "and", "that", "for", "with", "are", "be", "this", "from", "which", "not", "you"}
_ENGLISH |= {"it", "if", "is", "have", "when", "can"}

_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f]"  # control characters
    r"|[\u00ad\u0300-\u036f\u200b-\u200f\u2060-\u206f\ufeff]"  # soft hyphens, stress marks, joiners
)
_ABBREVIATION = re.compile(r"\b([^\W\d_]|bzw|ca|nr|vgl|např|resp|str|tzv|inc|ee|напр|см)\.\s+", re.IGNORECASE)


def sentences_of(document: Document) -> Iterator[Sentence]:
    """The sentences of a document that are running text.

    Characters that one does not see are dropped. So is the space after an abbreviation, lest the
    sentence end there: its words stay the same.
    """
    for paragraph in document:
        text = _UNSEEN.sub("", unicodedata.normalize("NFC", paragraph))
        yield from filter(_is_running_text, split_sentences(_ABBREVIATION.sub(r"\1.", text)))


def _is_running_text(sentence: Sentence) -> bool:
    """Whether letters make up three words and half of all words: no code, option or list of links."""
    words = sum(map(str.isalpha, sentence))
    return words >= max(_MIN_WORDS, len(sentence) / 2)


def is_english(sentence: Sentence) -> bool:
    """Whether more than a tenth of the words are frequent ones of English."""
    words = [word.lower() for word in sentence if word.isalpha()]
    return sum(word in _ENGLISH for word in words) > _MAX_ENGLISH * len(words)


def without_repeats(documents: Iterable[list[str]]) -> Iterator[list[str]]:
    """The documents, each line only where it occurs first; documents of which nothing is left are gone.

    Manuals say the same sentence on many pages: a held-out page's would be known from training (a fifth
    of its sentences, before this). The One Billion Word benchmark is without duplicates likewise.
    """
    seen: set[str] = set()
    for document in documents:
        lines = [line for line in dict.fromkeys(document) if line not in seen]
        seen.update(lines)
        if lines:
            yield lines
