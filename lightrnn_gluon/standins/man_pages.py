"""Running text of manual pages, from their roff source.

Pages written with the `man` macros are understood. Headings, tables, synopses and other text that is set
line by line, as code is, are left out. The few pages that use the `mdoc` macros instead (1 % of Debian's)
give no text.
"""

import re
import unicodedata
from collections.abc import Iterator

_TRANSLATORS = {"TRADUCCIÓN", "TRADUCTION", "PŘEKLAD", "ÜBERSETZUNG", "ПЕРЕВОД"}
"""The section that each translated page ends with: the same words on all of them, and names."""

_UNFILLED = {"nf": "fi", "EX": "EE", "TS": "TE", "EQ": "EN", "Vb": "Ve", "de": ".", "ig": "."}
_PARAGRAPH = {"PP", "P", "LP", "IP", "HP", "RS", "RE", "sp", "br", "Sp"}
_SPACED_FONTS = {"B", "I", "SM", "SB"}
_ALTERNATING_FONTS = {"BI", "BR", "IB", "IR", "RB", "RI"}

_REQUEST = re.compile(r"[.'][ \t]*(\S*)[ \t]*(.*)")
_ARGUMENT = re.compile(r'"((?:[^"]|"")*)"?|((?:\\.|[^\s\\])+)')
_COMMENT = re.compile(r"(?<!\\)\\[\"#].*")
_ESCAPE = re.compile(
    r"\\(?:[fFmMngkY](?:\(..|\[[^]]*\]|.)"  # fonts, colours, registers
    r"|s[+-]?\d+|[hvwolLDXbZRN]'[^']*'"  # sizes, motions
    r"|\*?(?:\((?P<two>..)|\[(?P<name>[^]]*)\])|\*(?P<string>.)|(?P<one>.)|$)"
)
_ONE = {"-": "-", "e": "\\", "\\": "\\", "'": "'", "`": "`", ".": ".", **dict.fromkeys(" ~0t", " ")}
_NAMED = {
    **{"aq": "'", "Aq": "'", "dq": '"', "lq": "“", "rq": "”", "oq": "‘", "cq": "’", "Fo": "«", "Fc": "»"},
    **{"-": "-", "hy": "-", "en": "–", "em": "—", "ti": "~", "ha": "^", "rs": "\\", "ga": "`", "at": "@"},
    **{"+-": "±", "->": "→", "<-": "←", "<=": "≤", ">=": "≥", "co": "©", "rg": "®", "de": "°", "mc": "µ"},
}
_ACCENTS = {"'": "\u0301", "`": "\u0300", "^": "\u0302", ":": "\u0308", "~": "\u0303", ",": "\u0327"}


def man_paragraphs(source: str) -> Iterator[str]:
    """The paragraphs of a page; the tag of a list's item is a paragraph of its own."""
    words: list[str] = []
    until = ""  # the request that ends what is being left out
    tag = translators = False
    for line in source.replace("\\\n", "").splitlines():
        request = _REQUEST.fullmatch(_COMMENT.sub("", line))
        name, rest = request.groups() if request else ("", "")
        if until and name not in (until, "SH"):
            continue
        until = _UNFILLED.get(name, "")
        if name in ("Dd", "Sh"):
            return
        if name == "SH":
            translators = " ".join(_arguments(rest)).upper() in _TRANSLATORS
        if name in ("SH", "SS", "TP", "TQ") or name in _PARAGRAPH or not line.strip() or until:
            yield " ".join(words)
            words = []
            tag = name in ("TP", "TQ")
            continue
        text = _text(line, name, rest) if not translators else ""
        if name in ("UE", "ME") and words:
            words[-1] += text  # the punctuation after a link
        elif text:
            words.append(text)
        if tag and text:
            yield " ".join(words)
            words, tag = [], False
    yield " ".join(words)


def _text(line: str, request: str, rest: str) -> str:
    """What an input line says; empty for requests that say nothing."""
    if not line.startswith((".", "'")):
        return _unescape(_COMMENT.sub("", line))
    if request in _SPACED_FONTS:
        return _unescape(" ".join(_arguments(rest)))
    return _unescape("".join(_arguments(rest))) if request in _ALTERNATING_FONTS | {"UE", "ME"} else ""


def _arguments(rest: str) -> list[str]:
    """The arguments of a request: words, or strings in double quotes."""
    return [quoted.replace('""', '"') or plain for quoted, plain in _ARGUMENT.findall(rest)]


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_character, text).strip()


def _character(match: re.Match[str]) -> str:
    """What an escape prints, or nothing."""
    if match["one"]:
        return _ONE.get(match["one"], "")
    name = match["two"] or match["name"] or match["string"] or ""
    if len(name) == 2 and name[0] in _ACCENTS:
        return unicodedata.normalize("NFC", name[1] + _ACCENTS[name[0]])
    return _NAMED.get(name, "")
