"""A trained model in one file: numbers in float32, float16 or int8, vocabulary and table, and a checksum."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lightrnn_gluon.checkpoint import Arrays, load_arrays, save_arrays
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.runtime.networks import FullSoftmax, LightRNN, Network
from lightrnn_gluon.runtime.onnx_network import SUFFIX, OnnxNetwork

PRECISIONS = ("float32", "float16", "int8")
NETWORKS: Mapping[str, type[LightRNN] | type[FullSoftmax]] = {
    "lightrnn": LightRNN,
    "full_softmax": FullSoftmax,
}
_VERSION = 1
_WORDS, _SCALE = "words", ".scale"  # the array of the words' spelling; the end of a name


def save_model(path: Path, model: str, arrays: Arrays, words: list[str], precision: str) -> None:
    """Write a model of NETWORKS whose arrays are float32 and integers, and its words in the order of ids.

    With int8 a row of a matrix is kept as integers of -127 to 127 times a number of its own; vectors stay
    float32. Raises UserError where there is no such precision.
    """
    if precision not in PRECISIONS:
        raise UserError(f"precision {precision!r} is none of {', '.join(PRECISIONS)}")
    kept: Arrays = {_WORDS: np.frombuffer("\n".join(words).encode(), np.uint8)}
    for name, array in arrays.items():
        kept |= _packed(name, array, precision)
    save_arrays(path, kept, {"version": _VERSION, "model": model, "precision": precision})


def load_model(path: Path) -> tuple[Network, list[str], dict[str, Any]]:
    """The network, its words, and what is said of them; of an ONNX file by its name.

    Raises UserError where the file is neither.
    """
    if path.suffix == SUFFIX:
        network = OnnxNetwork(path)
        return network, network.words, network.facts
    kept, facts = load_arrays(path)
    if facts.get("version") != _VERSION or facts.get("model") not in NETWORKS:
        raise UserError(f"{path} is no model that `lightrnn export` of this version wrote: export it again")
    words = kept.pop(_WORDS).tobytes().decode().split("\n")
    arrays = {name: _unpacked(name, kept) for name in kept if not name.endswith(_SCALE)}
    return NETWORKS[facts["model"]](arrays), words, facts


def _packed(name: str, array: np.ndarray, precision: str) -> Arrays:
    """An array as it is kept, and its scale if it has one."""
    if array.dtype.kind != "f":  # ids and places, none below zero
        return {name: array.astype(np.min_scalar_type(int(array.max(initial=0))))}
    if precision == "int8" and array.ndim == 2:
        largest = np.abs(array).max(axis=1, keepdims=True)
        scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
        return {name: np.round(array / scale).astype(np.int8), name + _SCALE: scale}
    return {name: array.astype(np.float16 if precision == "float16" else np.float32)}


def _unpacked(name: str, kept: Arrays) -> np.ndarray:
    array = kept[name]
    if name + _SCALE in kept:
        return array.astype(np.float32) * kept[name + _SCALE]
    return array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
