"""A trained network as an ONNX graph, which reads words side by side and one after another.

With T words read and scored of B texts, the graph takes

    words           integers (T + 1, B): the last one read before, first `<S>`, then those that are scored
    hidden, cell    (layers, B, H): what the LSTM remembers of the words before those; zeros at the start

and gives the natural logarithms

    log_prob        (T, B): of each scored word's probability
    row_log_prob, word_log_prob, row_words
                    LightRNN: (T, B, rows) of all rows; (T, B, columns) of the words in the scored word's row,
                    and which words those are, -1 for none
    all_log_prob    full softmax: (T, B, V) of all words
    next_hidden, next_cell
                    as `hidden` and `cell`, for the words after those; the last scored word comes first there
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

from lightrnn_gluon.checkpoint import Arrays
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import atomic_path
from lightrnn_gluon.runtime.networks import number_of_layers
from lightrnn_gluon.runtime.onnx_network import sealed
from lightrnn_gluon.table import WordTable

_OPSET, _IR_VERSION = 17, 8
_LARGEST = 2**31 - 2**20  # bytes of one file, by the format that ONNX is kept in
_GATES = [0, 3, 1, 2]  # ONNX has input, output, forget, new


def save_onnx(path: Path, model: str, arrays: Arrays, words: list[str]) -> None:
    """Write a model of runtime.NETWORKS, its words in the order of ids beside it.

    Raises UserError where it is too large for one file.
    """
    if sum(array.nbytes for array in arrays.values()) > _LARGEST:
        raise UserError(f"{path}: a model of more than 2 GB does not go into one ONNX file: leave .onnx out")
    graph = Graph(arrays)
    outputs = lightrnn(graph) if model == "lightrnn" else full_softmax(graph)
    built = helper.make_model(
        graph.build(outputs), opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION,
        producer_name="lightrnn_gluon",
    )  # fmt: skip
    helper.set_model_props(built, {"model": model, "words": "\n".join(words)})
    onnx.checker.check_model(built, full_check=True)
    with atomic_path(path) as temporary:
        temporary.write_bytes(sealed(built.SerializeToString(deterministic=True)))


class Graph:
    """Nodes one after another; what a node gives is known by its name."""

    def __init__(self, arrays: Arrays) -> None:
        """Of the arrays that export.runtime_arrays gives."""
        self.arrays = arrays
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, np.ndarray] = {}
        self.layers, self.hidden = number_of_layers(arrays), arrays["lstm.0.states"].shape[1]

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """One node more, and the name of what it gives; of the first of several."""
        names = [f"{operator}.{len(self._nodes)}.{place}" for place in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, names[0], **attributes))
        return names[0]

    def constant(self, value: ArrayLike) -> str:
        """The name of an array that is part of the graph."""
        name = f"constant.{len(self._constants)}"
        self._constants[name] = _stored(value)
        return name

    def array(self, name: str) -> str:
        """The name of one of the model's arrays."""
        if name not in self._constants:
            self._constants[name] = _stored(self.arrays[name])
        return name

    def look_up(self, table: str, places: str) -> str:
        """The rows of a matrix, or numbers of a vector, at these places."""
        return self.add("Gather", table, places)

    def pick(self, values: str, places: str) -> str:
        """(T, B): of (T, B, N) those at (T, B)."""
        last = self.constant([-1])
        picked = self.add("GatherElements", values, self.add("Unsqueeze", places, last), axis=2)
        return self.add("Squeeze", picked, last)

    def part(self, values: str, first: int, end: int = 2**31 - 1) -> str:
        """Along the first axis, from one place to before another."""
        return self.add("Slice", values, self.constant([first]), self.constant([end]), self.constant([0]))

    def logits(self, states: str, weight: str, bias: str) -> str:
        """(T, B, N) of states (T, B, H) by (N, H) and (N,)."""
        weights = self.add("Transpose", self.array(weight), perm=[1, 0])
        return self.add("Add", self.add("MatMul", states, weights), self.array(bias))

    def log_softmax(self, logits: str) -> str:
        """Along the last axis."""
        return self.add("LogSoftmax", logits, axis=-1)

    def lstm(self, vectors: str, states: list[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
        """The last layer's states (T, B, H) of vectors (T, B, E), and each layer's last, (1, B, H) twice."""
        after = []
        for layer, (hidden, cell) in enumerate(states):
            weights = [self._gates(f"lstm.{layer}.{part}") for part in ("inputs", "states", "bias")]
            of_all = self.add("LSTM", vectors, *weights, "", hidden, cell, outputs=3, hidden_size=self.hidden)
            after.append((of_all[:-1] + "1", of_all[:-1] + "2"))
            vectors = self.add("Squeeze", of_all, self.constant([1]))
        return vectors, after

    def _gates(self, name: str) -> str:
        """The name of a layer's parameters as ONNX has them: with one direction, and a second bias."""
        if name not in self._constants:
            array = self.arrays[name]
            ordered = array.reshape(4, self.hidden, -1)[_GATES].reshape(array.shape)
            both = ordered if array.ndim == 2 else np.append(ordered, np.zeros_like(ordered))
            self._constants[name] = _stored(both[None])
        return name

    def begin(self) -> list[tuple[str, str]]:
        """What the graph is given of each layer, (1, B, H) twice."""
        return [
            (self.part("hidden", layer, layer + 1), self.part("cell", layer, layer + 1))
            for layer in range(self.layers)
        ]

    def end(self, states: list[tuple[str, str]]) -> dict[str, str]:
        """The outputs `next_hidden` and `next_cell`."""
        hidden, cell = zip(*states, strict=True)
        return {
            "next_hidden": self.add("Concat", *hidden, axis=0),
            "next_cell": self.add("Concat", *cell, axis=0),
        }

    def _kind(self, output: str) -> tuple[int, list[str | int | None]]:
        """An output's type and shape."""
        if output.startswith("next_"):
            return TensorProto.FLOAT, [self.layers, "texts", self.hidden]
        number = {"row_log_prob": "rows", "all_log_prob": "vocabulary"}.get(output, "columns")
        shape: list[str | int | None] = ["scored", "texts", *([] if output == "log_prob" else [number])]
        return TensorProto.INT64 if output == "row_words" else TensorProto.FLOAT, shape

    def build(self, outputs: dict[str, str]) -> onnx.GraphProto:
        """All of it, with its outputs by name."""
        for name, inner in outputs.items():
            self._nodes.append(helper.make_node("Identity", [inner], [name]))
        memory: list[str | int | None] = [self.layers, "texts", self.hidden]
        inputs = [
            helper.make_tensor_value_info("words", TensorProto.INT64, ["read", "texts"]),
            helper.make_tensor_value_info("hidden", TensorProto.FLOAT, memory),
            helper.make_tensor_value_info("cell", TensorProto.FLOAT, memory),
        ]
        given = [helper.make_tensor_value_info(name, *self._kind(name)) for name in outputs]
        constants = [numpy_helper.from_array(value, name) for name, value in self._constants.items()]
        return helper.make_graph(self._nodes, "lightrnn_gluon", inputs, given, constants)


def _stored(value: ArrayLike) -> np.ndarray:
    """Numbers as a graph has them: float32, or int64."""
    array = np.asarray(value)
    return array.astype(np.float32 if array.dtype.kind == "f" else np.int64)


def lightrnn(graph: Graph) -> dict[str, str]:
    """See models.lightrnn and models.table_output: row, second vector, row, second vector, ..."""
    arrays = graph.arrays
    of_rows = graph.look_up(graph.array("input.rows"), graph.look_up(graph.array("row_of"), "words"))
    before, scored = graph.part("words", 0, -1), graph.part("words", 1)
    between = graph.constant([1])
    pairs = graph.add(
        "Concat", graph.add("Unsqueeze", graph.part(of_rows, 0, -1), between),
        graph.add("Unsqueeze", _second(graph, before), between), axis=1,
    )  # fmt: skip
    texts = graph.add("Shape", "words", start=1)  # (B,)
    size = arrays["input.rows"].shape[1]
    in_turn = graph.add("Concat", graph.constant([-1]), texts, graph.constant([size]), axis=0)
    states, after = graph.lstm(graph.add("Reshape", pairs, in_turn), graph.begin())
    two = graph.add("Concat", graph.constant([-1, 2]), texts, graph.constant([graph.hidden]), axis=0)
    states = graph.add("Reshape", states, two)
    after_rows, after_words = (graph.add("Gather", states, graph.constant(place), axis=1) for place in (0, 1))
    last, _ = graph.lstm(graph.part(of_rows, -1), after)  # the last word's row is read for its column alone
    after_rows = graph.add("Concat", graph.part(after_rows, 1), last, axis=0)

    row_log_prob = graph.log_softmax(graph.logits(after_words, "output.rows", "output.row_bias"))
    rows = graph.look_up(graph.array("row_of"), scored)
    table = WordTable.of_places(arrays["row_of"], arrays["column_of"])
    row_words = graph.look_up(graph.constant(table.words()), rows)  # (T, B, columns)
    logits = graph.logits(after_rows, "output.columns", "output.column_bias")
    if "code_of" in arrays:
        logits = graph.add("Add", logits, _of_words(graph, after_rows, row_words))
    absent = graph.add("Less", row_words, graph.constant(0))
    logits = graph.add("Where", absent, graph.constant(-np.inf), logits)
    word_log_prob = graph.log_softmax(logits)
    columns = graph.look_up(graph.array("column_of"), scored)
    log_prob = graph.add("Add", graph.pick(row_log_prob, rows), graph.pick(word_log_prob, columns))
    return {
        "log_prob": log_prob, "row_log_prob": row_log_prob, "word_log_prob": word_log_prob,
        "row_words": row_words, **graph.end(after),
    }  # fmt: skip


def _second(graph: Graph, words: str) -> str:
    """What the second of a word's two steps reads (T, B, E); see models.second_input."""
    if "code_of" in graph.arrays:
        codes = graph.look_up(graph.array("code_of"), words)  # (T, B, N)
        return graph.add(
            "ReduceSum", graph.look_up(graph.array("codes"), codes), graph.constant([2]), keepdims=0
        )
    if "input.words" in graph.arrays:
        wide = graph.add("Transpose", graph.array("input.widening"), perm=[1, 0])
        return graph.add("MatMul", graph.look_up(graph.array("input.words"), words), wide)
    columns = "first_column_of" if "first_column_of" in graph.arrays else "column_of"
    return graph.look_up(graph.array("input.columns"), graph.look_up(graph.array(columns), words))


def _of_words(graph: Graph, states: str, words: str) -> str:
    """What words' own codes and biases add to their logits, (T, B, columns)."""
    of_codes = graph.add("MatMul", states, graph.add("Transpose", graph.array("codes"), perm=[1, 0]))
    codes = graph.look_up(graph.array("code_of"), words)  # (T, B, columns, N)
    places = graph.add("Reshape", codes, graph.constant([0, 0, -1]))
    picked = graph.add("GatherElements", of_codes, places, axis=2)
    apart = graph.add("Reshape", picked, graph.add("Shape", codes))
    of_words = graph.add("ReduceSum", apart, graph.constant([3]), keepdims=0)
    return graph.add("Add", of_words, graph.look_up(graph.array("word_bias"), words))


def full_softmax(graph: Graph) -> dict[str, str]:
    """See models.full_softmax."""
    before, scored = graph.part("words", 0, -1), graph.part("words", 1)
    states, after = graph.lstm(graph.look_up(graph.array("input"), before), graph.begin())
    output = "output" if "output" in graph.arrays else "input"  # one for both where they are tied
    all_log_prob = graph.log_softmax(graph.logits(states, output, "output.bias"))
    return {"log_prob": graph.pick(all_log_prob, scored), "all_log_prob": all_log_prob, **graph.end(after)}
