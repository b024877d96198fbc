"""A network that `lightrnn export` wrote as ONNX (see onnx_graph), run by onnxruntime."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.runtime.networks import NOTHING, Reading

SUFFIX = ".onnx"
# What opens the property `sha256`, of 64 characters, in a file of this format (protocol buffers): to its end
# properties can be added.
_SEAL = b"rJ\n\x06sha256\x12@"


def sealed(data: bytes) -> bytes:
    """An ONNX file with a checksum of what it was as a property more."""
    return data + _SEAL + hashlib.sha256(data).hexdigest().encode()


class OnnxNetwork:
    """See networks.Network; texts that begin with nothing, and vectors of words, are not to be had of it."""

    def __init__(self, path: Path) -> None:
        """Raises UserError where there is no such file, or it is damaged, or another's."""
        import onnxruntime  # the one module that files of other kinds do without

        self._path = path
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
        if data != sealed(data[: -len(_SEAL) - 64]):
            raise UserError(
                f"{path} is damaged, or no ONNX file that `lightrnn export` wrote: export it again"
            )
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has a class of its own for each reason, with no common base
            raise UserError(f"{path} cannot be run by this onnxruntime: {error}") from error
        about = self._session.get_modelmeta().custom_metadata_map
        self.words = about["words"].split("\n")
        self.facts: dict[str, Any] = {"model": about["model"], "precision": "float32"}
        self._outputs = [output.name for output in self._session.get_outputs()]
        self._layers, _, self._hidden = self._session.get_inputs()[1].shape

    def begin(self, words: np.ndarray) -> Reading:
        """See Network. Raises UserError where a text begins with nothing."""
        if (words == NOTHING).any():
            raise UserError(f"{self._path}: ONNX files score sentences from their begin alone: say bos=True")
        zero = np.zeros((self._layers, len(words), self._hidden), np.float32)
        return Reading(zero, zero, words)

    def read(self, reading: Reading, words: np.ndarray) -> tuple[np.ndarray, Reading]:
        """See Network."""
        found = self._run(reading, words)
        after = Reading(found["next_hidden"], found["next_cell"], words)
        return found["log_prob"][0], after

    def distribution(self, reading: Reading) -> np.ndarray:
        """See Network."""
        if "all_log_prob" in self._outputs:
            return self._run(reading, reading.last)["all_log_prob"][0, 0]
        every = self._word_of_each_row
        found = self._run(reading.of(np.zeros(len(every), int)), every)
        words, logs = found["row_words"][0], found["word_log_prob"][0]
        of_rows = found["log_prob"][0] - logs[words == every[:, None]]
        result, present = np.empty(len(self.words), np.float32), words != NOTHING
        result[words[present]] = (of_rows[:, None] + logs)[present]
        return result

    def best(self, reading: Reading, number: int) -> tuple[np.ndarray, np.ndarray]:
        """See Network."""
        logs = self.distribution(reading)
        words = np.argsort(-logs, kind="stable")[:number]
        return words, logs[words]

    def vectors(self) -> np.ndarray:
        """See Network. Raises UserError always."""
        raise UserError(f"{self._path}: an ONNX file does not give its words' vectors: export without .onnx")

    @cached_property
    def _word_of_each_row(self) -> np.ndarray:
        """One of the words of each row of LightRNN's table, by which the graph is asked for all of them."""
        reading, seen, found = self.begin(np.zeros(1, int)), np.zeros(len(self.words), bool), []
        while not seen.all():
            found.append(np.flatnonzero(~seen)[:1])
            words = self._run(reading, found[-1])["row_words"][0, 0]
            seen[words[words != NOTHING]] = True
        return np.concatenate(found)

    def _run(self, reading: Reading, words: np.ndarray) -> dict[str, np.ndarray]:
        """All outputs of one word more of each text."""
        given = {
            "words": np.stack([reading.last, words]).astype(np.int64),
            "hidden": reading.hidden,
            "cell": reading.cell,
        }
        return dict(zip(self._outputs, self._session.run(self._outputs, given), strict=True))
