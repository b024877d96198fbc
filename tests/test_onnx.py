"""Models in ONNX, run by onnxruntime, against the nets that were trained and against numpy."""

import numpy as np
import onnxruntime
import pytest
from nets import CASES, make_words, score
from test_runtime import EXPORTED, both, config_of, read_all

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.export import export, runtime_arrays
from lightrnn_gluon.onnx_graph import save_onnx
from lightrnn_gluon.runtime.onnx_network import OnnxNetwork
from lightrnn_gluon.runtime.scorer import Model


def three(folder, case, size=23, hidden=6, layers=1):
    """A net, the same in numpy, and the same in ONNX."""
    net, network = both(case, size=size, hidden=hidden, layers=layers)
    arrays = runtime_arrays(net.values(), config_of(case, hidden, layers))
    save_onnx(folder / "model.onnx", CASES[case][0], arrays, make_words(size))
    return net, network, OnnxNetwork(folder / "model.onnx")


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("case", EXPORTED)
def test_onnx_scores_as_the_net_does(tmp_path, case, layers):
    net, _, in_onnx = three(tmp_path, case, layers=layers)
    words = np.random.RandomState(0).randint(0, 23, 100)
    np.testing.assert_allclose(read_all(in_onnx, words), score(net, words, chunk=37), atol=1e-4)


@pytest.mark.parametrize("case", EXPORTED)
def test_many_words_at_once_are_words_one_by_one(tmp_path, case):
    _, network, _ = three(tmp_path, case, layers=2)
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    words = np.random.RandomState(0).randint(0, 23, (12, 3))
    hidden = cell = np.zeros((2, 3, 6), np.float32)
    found = []
    for first, last in ((0, 7), (7, 8), (8, 11)):  # the states go on from part to part
        given = {"words": words[first : last + 1], "hidden": hidden, "cell": cell}
        log_prob, hidden, cell = session.run(["log_prob", "next_hidden", "next_cell"], given)
        found.append(log_prob)
    reading = network.begin(words[0])
    for row, log_prob in zip(words[1:], np.concatenate(found), strict=True):
        expected, reading = network.read(reading, row)
        np.testing.assert_allclose(log_prob, expected, atol=1e-5)


@pytest.mark.parametrize("size", [7, 12, 23, 25])
@pytest.mark.parametrize("case", EXPORTED)
def test_all_words_probabilities_are_numpys_and_sum_to_one(tmp_path, case, size):
    _, network, in_onnx = three(tmp_path, case, size=size)
    one, other = network.begin(np.array([3])), in_onnx.begin(np.array([3]))
    for word in (2, 5):
        logs = in_onnx.distribution(other)
        assert np.exp(logs.astype(np.float64)).sum() == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(logs, network.distribution(one), atol=1e-5)
        words, best = in_onnx.best(other, 4)
        assert list(words) == list(np.argsort(-logs, kind="stable")[:4]) and list(best) == list(logs[words])
        _, one = network.read(one, np.array([word]))
        _, other = in_onnx.read(other, np.array([word]))


def test_commands_take_such_a_file(exported, tmp_path, call):
    folder, _ = exported
    path = tmp_path / "model.onnx"
    status, said, _ = call(["export", str(folder / "net"), str(path)])
    assert status == 0 and said == f"{path}: {path.stat().st_size:,} bytes\n"
    plain, in_onnx = Model(folder / "model"), Model(path)
    sentences = ["w1 w2 w3", "w4 unheard-of w1", ""]
    for one, other in zip(plain.score_all(sentences), in_onnx.score_all(sentences), strict=True):
        np.testing.assert_allclose([s.log_prob for s in one], [s.log_prob for s in other], atol=1e-5)
        assert [s.oov for s in one] == [s.oov for s in other]
    generated = [call(["generate", str(model), "--words", "8"])[:2] for model in (folder / "model", path)]
    assert generated[0] == generated[1]
    text = folder / "data" / "test.txt"
    results = [call(["evaluate", str(model), "--text", str(text)])[:2] for model in (folder / "model", path)]
    assert results[0] == results[1] and results[0][0] == 0


def test_what_onnx_does_not_do_is_refused_in_a_line(exported, tmp_path, call):
    folder, _ = exported
    path = tmp_path / "model.onnx"
    status, _, said = call(["export", str(folder / "net"), str(path), "--precision", "int8"])
    assert status == 2 and "float32" in said and not path.exists()
    export(folder / "net", path, "float32")
    status, _, said = call(["neighbours", str(path), "w1"])
    assert status == 2 and "vectors" in said
    with pytest.raises(UserError, match="bos=True"):
        Model(path).score("w1", bos=False)


def test_a_damaged_file_is_refused_by_name(exported, tmp_path):
    folder, _ = exported
    path = tmp_path / "model.onnx"
    export(folder / "net", path, "float32")
    data = path.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 3] ^= 4
    for left in (b"", data[: len(data) // 2], data[:-1], bytes(flipped), b"nothing of the kind"):
        path.write_bytes(left)
        with pytest.raises(UserError, match=r"model\.onnx"):
            Model(path)
    path.unlink()
    with pytest.raises(UserError, match="cannot read"):
        Model(path)


def test_a_model_too_large_for_one_file_is_refused(exported, tmp_path, monkeypatch):
    monkeypatch.setattr("lightrnn_gluon.onnx_graph._LARGEST", 1000)
    with pytest.raises(UserError, match="2 GB"):
        export(exported[0] / "net", tmp_path / "model.onnx", "float32")
    assert not list(tmp_path.iterdir())
