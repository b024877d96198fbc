"""From a run directory to one file that is used without MXNet."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lightrnn_gluon.checkpoint import Arrays, load_arrays
from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.runs import check_file, open_run
from lightrnn_gluon.runtime.model_file import NETWORKS, save_model
from lightrnn_gluon.runtime.onnx_network import SUFFIX
from lightrnn_gluon.runtime.scorer import Model
from lightrnn_gluon.training import MODEL

# A saved model's arrays, by the end of their names, as the runtime's networks call them.
_NAMES = {
    "lightrnn": {
        "encoder.row_of": "row_of",
        "encoder.column_of": "column_of",
        "encoder.row_input": "input.rows",
        "encoder.second.column_input": "input.columns",
        "encoder.second.first_column_of": "first_column_of",
        "encoder.second.code_input": "codes",
        "encoder.second.code_of": "code_of",
        "encoder.second.word_input": "input.words",
        "encoder.second.widening_input": "input.widening",
        "output.row_weight": "output.rows",
        "output.row_bias": "output.row_bias",
        "output.column_weight": "output.columns",
        "output.column_bias": "output.column_bias",
        "output.word_bias": "word_bias",
    },
    "full_softmax": {"input.weight": "input", "output.weight": "output", "output.bias": "output.bias"},
}


def export(run: Path, path: Path, precision: str) -> None:
    """Write a finished run's network with its vocabulary into one file; as ONNX where its name ends so.

    Raises UserError where the run is not finished or damaged, its system is none of runtime's networks, or
    ONNX is asked for in another precision than float32.
    """
    if path.suffix == SUFFIX and precision != "float32":
        raise UserError(f"{path}: ONNX files are written in float32 alone: leave --precision or {SUFFIX} out")
    metrics, config, vocabulary = open_run(run)
    if not isinstance(config, NetworkConfig) or config.model not in NETWORKS:
        raise UserError(f"{run} is a {config.system}: only {', '.join(NETWORKS)} can be exported")
    check_file(run / MODEL, metrics)
    values, _ = load_arrays(run / MODEL)
    arrays = runtime_arrays(values, config)
    if path.suffix == SUFFIX:
        from lightrnn_gluon.onnx_graph import save_onnx  # whose packages take a while to import

        save_onnx(path, config.model, arrays, vocabulary.words)
    else:
        save_model(path, config.model, arrays, vocabulary.words, precision)


def scorer_of(run: Path) -> Model:
    """A scorer of a finished run, as of the file that it would be. Raises UserError as `export` does."""
    with TemporaryDirectory() as scratch:
        export(run, Path(scratch) / "model", "float32")
        return Model(Path(scratch) / "model")


def runtime_arrays(values: Arrays, config: NetworkConfig) -> Arrays:
    """A saved network's values as the runtime's networks have them."""
    names = _NAMES[config.model]
    arrays = {names[name]: value for name, value in values.items() if name in names}
    if config.model == "full_softmax":
        arrays["output.bias"] = arrays["output.bias"].reshape(-1)
    for name, value in values.items():
        if ".layers." in name and name.endswith(".weight"):
            layer = name.split(".")[-2]
            arrays |= _layer(value, layer, config.hidden)
    return arrays


def _layer(weight: np.ndarray, layer: str, hidden: int) -> Arrays:
    """One LSTM's parameters out of the vector that models.base.LSTM keeps them in."""
    gates = 4 * hidden
    inputs = len(weight) // gates - hidden - 2
    matrices, biases = np.split(weight, [gates * (inputs + hidden)])
    first, second = np.split(matrices, [gates * inputs])
    return {
        f"lstm.{layer}.inputs": first.reshape(gates, inputs),
        f"lstm.{layer}.states": second.reshape(gates, hidden),
        f"lstm.{layer}.bias": biases.reshape(2, gates).sum(axis=0),
    }
