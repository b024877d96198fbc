"""The experiments: which texts each is about, and what is known of the published ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.report.experiments import TEXTS, sort_vocabularies
from lightrnn_gluon.report.published import load_published
from lightrnn_gluon.sources import SPLITS, Source, TextFiles, find_source
from lightrnn_gluon.standins import english
from lightrnn_gluon.standins.aclw import LANGUAGES, describe, prepare_texts

CONFIGS = Path(__file__).resolve().parent / "configs"
CORPUS = "corpus.yaml"  # how an experiment's text, or the one in a folder of it, is prepared


@dataclass(frozen=True)
class Size:
    """What a plan needs to know of a corpus: its name, training tokens, and words in the vocabulary."""

    name: str
    train_tokens: int
    vocabulary: int


def find_sources(experiment: str, data: Path | None, out: Path) -> dict[str, Source]:
    """An experiment's texts, each by its folder below the experiment's own ("" where it is the only one).

    Stand-ins that have to be fetched are put into `out`/texts. Raises UserError where `data` lacks
    what the experiment needs.
    """
    return EXPERIMENTS[experiment](data, out)


def published_sizes(experiment: str) -> dict[str, Size]:
    """The published texts of an experiment in place of its own; none where they are not known."""
    published = load_published()
    sizes = published["table1"] | published["ptb_sizes"]
    names = {
        "billionw": {"": "BillionW"},
        "refinement": {"": "BillionW"},
        "allocation": {"": "BillionW"},
        "aclw": {code: f"ACLW {language}" for code, language in LANGUAGES.items()},
        "ptb": {"": "Penn Treebank"},
    }
    return {
        folder: Size(f"{name}, published sizes", sizes[name]["tokens"], sizes[name]["vocabulary"])
        for folder, name in names.get(experiment, {}).items()
    }


def _billionw(data: Path | None, out: Path) -> dict[str, Source]:
    return {"": find_source(data)}


def _vocabulary(data: Path | None, out: Path) -> dict[str, Source]:
    """The same text at each vocabulary that has a folder of its own among the configurations."""
    source = find_source(data)
    folders = (path.parent.name for path in (CONFIGS / "vocabulary").glob(f"*/{CORPUS}"))
    return {folder: source for folder in sort_vocabularies(folders)}


def _texts(names: Sequence[str], data: Path | None, out: Path) -> dict[str, Source]:
    """Of these TEXTS: the one handed in, with few words and with all; without it, stand-ins for each."""
    own = dict.fromkeys((name for name in names if name.endswith("-words")), find_source(data))
    if data is not None:
        return own
    texts = _standins(out)
    return {name: own[name] if name in own else _standin(texts, name) for name in names}


def _standin(texts: Path, name: str) -> Source:
    """The larger English text, or a language's."""
    if name == "english":
        english.prepare_text(texts / name)
        return _text_files(english.describe(texts / name), texts / name)
    prepare_texts(texts / "aclw")
    (code,) = (code for code, language in LANGUAGES.items() if language.lower() == name)
    return _text_files(describe(texts / "aclw", code), texts / "aclw" / code)


def _aclw(data: Path | None, out: Path) -> dict[str, Source]:
    """A folder a language, or the stand-ins; names say which."""
    if data is None:
        texts = _standins(out)
        prepare_texts(texts)
        return {code: _text_files(describe(texts, code), texts / code) for code in LANGUAGES}
    missing = [code for code in LANGUAGES if not (data / code).is_dir()]
    if len(missing) == len(LANGUAGES):
        raise UserError(
            f"{data} has no folder of a language: name one with {', '.join(LANGUAGES)} (or some of them), "
            "train.txt, valid.txt and test.txt in each"
        )
    if missing:
        print(f"{data} has no {', '.join(missing)}: going on without", flush=True)
    name = data.resolve().name
    return {
        code: _text_files(f"{language} ({name})", data / code)
        for code, language in LANGUAGES.items()
        if code not in missing
    }


def _standins(out: Path) -> Path:
    """Where stand-ins are put that have to be fetched; says that they are."""
    texts = out / "texts"
    print(f"preparing the stand-ins' texts in {texts}, unless they are there already", flush=True)
    return texts


def _ptb(data: Path | None, out: Path) -> dict[str, Source]:
    """Penn Treebank's files under either of the names that they go by."""
    if data is None:
        raise UserError(
            "Penn Treebank has to be handed in: name the folder of its ptb.train.txt, ptb.valid.txt and "
            "ptb.test.txt with --data DIR or PTB_DIR"
        )
    prefix = "ptb." if (data / "ptb.train.txt").is_file() else ""
    return {"": _text_files("Penn Treebank", data, prefix)}


def _text_files(name: str, directory: Path, prefix: str = "") -> TextFiles:
    """The three plain files of a folder, under the name that the tables are to call them by."""
    paths = {split: [directory / f"{prefix}{split}.txt"] for split in SPLITS}
    missing = [path.name for (path,) in paths.values() if not path.is_file()]
    if missing:
        raise UserError(f"{directory} has no {', '.join(missing)}: name a folder with all three files")
    return TextFiles(name, paths)


EXPERIMENTS: dict[str, Callable[[Path | None, Path], dict[str, Source]]] = {
    "billionw": _billionw,
    "aclw": _aclw,
    "ptb": _ptb,
    "refinement": _billionw,
    "allocation": _billionw,
    "vocabulary": _vocabulary,
    "tables": partial(_texts, TEXTS),
    "sizes": partial(_texts, ("6000-words", "german")),
}
