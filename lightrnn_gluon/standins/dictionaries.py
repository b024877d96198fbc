"""Running text of dictionaries: of English, WordNet, and of the words of those who work with computers.

Where a file keeps words apart from their definitions, the sentence is "word, other word: definition".
"""

import gzip
import re
import unicodedata
from collections.abc import Iterator

from lightrnn_gluon.standins.formats import Document, Files, matching

# Characters that ASCII lacks are in brackets: [ae], ['e], [=o]. So are etymologies and labels.
_ACCENTS = {"`": "\u0300", "'": "\u0301", '"': "\u0308", "^": "\u0302", "~": "\u0303", ",": "\u0327"}
_ACCENTS["="] = "\u0304"
_ACCENTED = re.compile(r"\[([`'\"^~,=])([A-Za-z])\]")
_LETTERS = {"ae": "æ", "AE": "Æ", "oe": "œ", "=ae": "ǣ", "eth": "ð", "thorn": "þ", "imac": "ī", "aum": "ä"}
_LETTERS |= {"deg": "°", "sect": "§", "pounds": "£", "times": "×"}
_LETTER = re.compile(rf"\[({'|'.join(_LETTERS)})\]")
_BRACKETS = re.compile(r"[ \t]?\[[^\[\]]*\]")
_VARIANTS = re.compile(r"\[(Written also [^\[\]]*)\]")

_HEAD = re.compile(r"\S[^\n]*\\")  # a word, and its syllables between backslashes: \Cal"o*rie\
_SYLLABLES = re.compile(r"\\[^\\]*\\(?:\s*\([^()]*\))?")
_LEFT_OVER = re.compile(r"\][ \t]+\S[^\]\n]*\s*\Z")  # the next entry's word, after an entry's last bracket
_BEFORE_WORD = re.compile(r"[\s,;&]*(?:or\s)?\s*")
_SENSE = re.compile(r"\n(?=\s*(?:\d+\.|\([a-z]\)|Note:|Syn:|Usage:|\n))")
_LABELS = re.compile(r"(?:\s|\d+\.\s|(?:n|a|adv|v\. [ti])\.[,;]?\s|\([a-z]\)|\([A-Z][^()]*\)|Note:|Usage:)*")
_IN_LINE = r"(?:[^.\n]|\n(?!\s*\n))*"  # what a full stop or a blank line ends
_REFERENCE = re.compile(rf"\(?\b(?:See|Cf\.|Compare)(?:\s+(?:also|under|the|\w+\.?))?\s+\{{{_IN_LINE}\.\)?")
_ATTRIBUTION = re.compile(r"\s*--\s*[A-Z(][^\n]*(?:\n {20,}[^\n]*)*$", re.MULTILINE)  # or farther right
# -- {Cor"dial*ly}, adv.
_DERIVED = re.compile(r"\s-{1,2}\s*\{?(\w[^\s{},]*[*\"`][^{},]*)\}?(?=,\s+(?:adv|n|a|v)\.)")
_FIELD = re.compile(r"\s\([A-Z][a-z]+\.(?:\s&\s[A-Z][a-z]+\.)?\)")  # (Zool.)


def gcide_entries(files: Files) -> Iterator[Document]:
    """The Collaborative International Dictionary of English: each entry is a document.

    Its paragraphs are definitions, notes and quotations. How the word is said, what part of speech it
    is, where it comes from and references to other entries are left out.
    """
    for entry in _entries(files, "usr/share/dictd/gcide.dict.dz"):
        if _HEAD.match(entry):  # what has no head is about the dictionary, or left over from an entry
            yield list(_senses(entry))


def _senses(entry: str) -> Iterator[str]:
    entry = _LETTER.sub(lambda match: _LETTERS[match[1]], _ACCENTED.sub(_accented, entry))
    entry = _LEFT_OVER.sub("]", entry)
    *words, _ = _SYLLABLES.split(entry.partition("\n")[0])
    entry = _VARIANTS.sub(r"\1", entry)
    for _ in range(2):  # brackets in brackets
        entry = _BRACKETS.sub("", entry)
    senses = _SYLLABLES.sub("", entry).partition("\n")[2]
    senses = _DERIVED.sub(_derived, senses)
    for pattern in (_REFERENCE, _ATTRIBUTION, _FIELD):
        senses = pattern.sub("", senses)
    head = ", ".join(filter(None, (_BEFORE_WORD.sub("", word, count=1).strip() for word in words)))
    for sense in _SENSE.split(senses):
        text = _one_line(_LABELS.sub("", sense, count=1))
        if text and not text.endswith(","):  # what it went on with was a reference
            # Phrases with the word in them are there without it; so are synonyms.
            defines = head and not sense.lstrip().startswith(("{", "Syn:"))
            yield f"{head}: {text}" if defines else text
            head = ""


def _derived(match: re.Match[str]) -> str:
    """A derived word without the marks of its syllables, and small, since it begins no sentence."""
    return " -- " + re.sub(r"[*\"`]", "", match[1]).lower()


def _accented(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", match[2] + _ACCENTS[match[1]])


_SUBJECT = re.compile(r"<[^<>]*>\s*|/\S[^/]*\S/\s")  # <networking>; /how it is said/
_CONTACT = re.compile(r"(?:Usenet )?newsgr|e-?mail\b|telephone\b|mailing list\b", re.IGNORECASE)


def computing_entries(files: Files) -> Iterator[Document]:
    """FOLDOC or the Jargon File: each entry is a document, without head, references and sources."""
    for entry in _entries(files, "usr/share/dictd/*.dict.dz"):
        paragraphs = _REFERENCE.sub("", _BRACKETS.sub("", entry)).split("\n\n")[1:]
        texts = (_one_line(_SUBJECT.sub("", paragraph)) for paragraph in paragraphs)
        yield [_LABELS.sub("", text, count=1) for text in texts if not _CONTACT.match(text)]


def devil_entries(files: Files) -> Iterator[Document]:
    """The Devil's Dictionary: each entry, "WORD, n. Definition" and verses on it, is a document."""
    for entry in _entries(files, "usr/share/dictd/devil.dict.dz"):
        yield [_one_line(paragraph) for paragraph in entry.split("\n\n")]


def _entries(files: Files, path: str) -> Iterator[str]:
    """Entries begin where a line after a blank one is not indented; those about the file are left out."""
    for _, content in matching(files, path):
        for entry in re.split(r"\n\n(?=\S)", gzip.decompress(content).decode("utf-8", "replace")):
            if not entry.startswith("00-database"):
                yield entry


def _one_line(text: str) -> str:
    """The text without line ends and the braces of references."""
    return " ".join(text.replace("{", "").replace("}", "").split())


_SYNSET = re.compile(r"\d{8} \d\d [a-z] ([0-9a-f]{2}) (.*?) \| (.*?)((?:; *\".*)?)")
_EXAMPLE = re.compile(r"\"([^\"]+)\"")


def wordnet_entries(files: Files) -> Iterator[Document]:
    """WordNet: each set of synonyms is a document; its definition and its examples are the paragraphs."""
    for _, content in matching(files, "usr/share/wordnet/data.*"):
        for line in content.decode("utf-8").splitlines():
            if match := _SYNSET.fullmatch(line.rstrip()):
                count, fields, definition, examples = match.groups()
                words = fields.split()[: 2 * int(count, 16) : 2]  # each is followed by a number
                names = ", ".join(re.sub(r"\(\w+\)$", "", word).replace("_", " ") for word in words)
                yield [f"{names}: {definition.strip(' ;')}.", *_EXAMPLE.findall(examples)]
