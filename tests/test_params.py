"""`lightrnn params`: sizes against those published and against formulas, and what counting them costs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from nets import CASES, CPU, make_ids, make_words

from lightrnn_gluon.cli import cli
from lightrnn_gluon.config import NetworkConfig, load_row
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.systems import network_size, new_network

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / "reproduce" / "configs"
BILLIONW = sorted(path for path in (CONFIGS / "billionw").glob("*.yaml") if path.stem != "base")
PUBLISHED = yaml.safe_load((ROOT / "lightrnn_gluon" / "report" / "published.yaml").read_text())


def params(*arguments):
    """What the command prints, as JSON, by row."""
    result = CliRunner().invoke(cli, ["params", *map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    return {size["row"]: size for size in json.loads(result.output)}


def size_of(row, *arguments):
    (size,) = params(CONFIGS / f"{row}.yaml", *arguments).values()
    return size


def published_rows():
    """Each published size of a row of the repository, where it is published for a vocabulary we know."""
    table5, table4 = PUBLISHED["table5"], PUBLISHED["table4"]
    yield "billionw/lightrnn", 793_471, table5["LightRNN"]["parameters"]
    yield "billionw/hsm", 793_471, table5["HSM"]["parameters"]
    yield "billionw/b-rnn", 1_000_000, table5["B-RNN"]["parameters"]
    for row, system in (("hsm", "HSM"), ("c-hsm", "C-HSM"), ("lightrnn", "LightRNN")):
        yield f"aclw/{row}", 136_912, table4[system]["parameters"]["fr"]
    for row in ("lightrnn", "fr/lightrnn-h600", "fr/lightrnn-h200"):
        yield f"aclw/{row}", 136_912, PUBLISHED["table2"][row.split("/")[-1]]["parameters"]


@pytest.mark.parametrize(("row", "words", "published"), published_rows())
def test_size_is_the_published_one_to_the_digits_published(row, words, published):
    size = size_of(row)  # at the vocabulary that the row says is the published one
    assert size["words"] == words
    zeros = len(str(published)) - len(str(published).rstrip("0"))
    assert round(size["parameters"], -zeros) == published


def test_the_published_sizes_are_those_of_the_paper():
    millions = [published / 1e6 for _, _, published in published_rows()]
    assert millions == [41, 1600, 4100, 56, 44, 17, 17, 7, 0.9]


def lstm(inputs, hidden, layers):
    """Two products and two biases for each of four gates."""
    sizes = [inputs, *[hidden] * (layers - 1)]
    return sum(4 * hidden * (size + hidden + 2) for size in sizes)


FORMULAS = {
    # row: input, lstm, output of the published model
    "billionw/lightrnn": (2 * 891 * 1500, lstm(1500, 1500, 2), 2 * 891 * 1501),
    "billionw/full-softmax": (793_471 * 1500, lstm(1500, 1500, 2), 793_471 * 1501),
    "billionw/full-softmax-tied": (793_471 * 1500, lstm(1500, 1500, 2), 793_471),
    # 891 classes of 891 words, each with a vector and a bias
    "billionw/hsm": (793_471 * 1024, lstm(1024, 1024, 2), (891 + 891 * 891) * 1025),
    "billionw/b-rnn": (1_000_000 * 2048, lstm(2048, 2048, 1), 1_000_000 * 2049),
    # 256 characters of 15 dimensions; 25 w filters w wide, for w = 1 to 6, are 525; the highway layer
    # has two products; 371 columns and 370 rows hold 136,912 words
    "aclw/c-hsm": (
        256 * 15 + sum(25 * w * (15 * w + 1) for w in range(1, 7)) + 2 * 525 * 526,
        lstm(525, 300, 2),
        (370 + 370 * 371) * 301,
    ),
    "aclw/fr/lightrnn-h200": ((371 + 370) * 200, lstm(200, 200, 2), (371 + 370) * 201),
    # the head has a class for each tail; tails are projected to 375, 93 and 23 dimensions
    "billionw/adaptive-softmax": (
        793_471 * 1500,
        lstm(1500, 1500, 2),
        20_003 * 1501 + (1500 * 375 + 80_000 * 376) + (1500 * 93 + 200_000 * 94) + (1500 * 23 + 493_471 * 24),
    ),
}


@pytest.mark.parametrize("row", FORMULAS)
def test_each_part_is_what_the_model_is_made_of(row):
    size = size_of(row)
    parts = [size[part] for part in ("input", "lstm", "output")]
    assert parts == list(FORMULAS[row])
    assert size["parameters"] == sum(parts)


@pytest.mark.parametrize("words", [1, 2, 23, 31])
@pytest.mark.parametrize("case", CASES)
def test_size_is_that_of_all_arrays_of_a_network_that_is_there(case, words):
    model, options = CASES[case]
    config = NetworkConfig(system="x", model=model, hidden=6, layers=2, dropout=0.1, options=options)
    net = new_network(config, words)
    net.initialize_from(1, CPU)
    net.read_corpus(make_words(words), make_ids(words))
    arrays = {id(p): p.data() for p in net.collect_params().values() if p.grad_req != "null"}
    size = network_size(config, words)
    assert size["parameters"] == sum(array.size for array in arrays.values())
    assert size["parameters"] == size["input"] + size["lstm"] + size["output"]
    more = options.get("codes", 0) + options.get("first_column", False)
    assert size["table_integers"] == ((2 + more) * words if model == "lightrnn" else 0)


def test_the_number_of_words_can_be_said():
    assert size_of("billionw/lightrnn", "--words", 100)["words"] == 100
    assert size_of("billionw/full-softmax", "--words", 7)["input"] == 7 * 1500
    assert size_of("aclw/lightrnn", "--words", 100)["table_integers"] == 200


def test_rows_come_in_the_order_given_and_those_that_are_no_networks_are_passed_over():
    assert set(params(*BILLIONW)) == {path.stem for path in BILLIONW if not path.stem.startswith("kn")}
    rows = [CONFIGS / "billionw" / f"{name}.yaml" for name in ("hsm", "kn", "c-hsm")]
    assert list(params(*rows)) == ["hsm", "c-hsm"]


def test_a_scale_is_that_of_the_network():
    size = size_of("billionw/hsm", "--scale", CONFIGS / "scales" / "cpu.yaml", "--words", 1000)
    assert size["input"] == 1000 * 200


def test_the_line_printed_names_system_sum_and_parts():
    path = CONFIGS / "billionw" / "lightrnn.yaml"
    result = CliRunner().invoke(cli, ["params", str(path)], catch_exceptions=False)
    (line,) = result.output.splitlines()
    for part in ("LightRNN ", " 41,371,782 at 793,471 words:", "input 2,673,000", "lstm 36,024,000"):
        assert part in line


@pytest.mark.parametrize("case", CASES)
def test_counting_allocates_no_array(case):
    model, options = CASES[case]
    config = NetworkConfig(system="x", model=model, hidden=6, layers=2, dropout=0.1, options=options)
    net = new_network(config, 23)
    assert net.parameter_count() > 0
    parameters = net.collect_params().values()
    assert parameters and all(p._data is None and p._deferred_init == () for p in parameters)


# The command, and then the most memory that its process has held, in kilobytes.
MEASURED = """
from lightrnn_gluon.cli import main
try:
    main()
finally:
    with open("/proc/self/status") as status:
        print(status.read().split("VmHWM:")[1].split()[0])
"""


def test_the_largest_models_sizes_take_little_memory():
    command = [sys.executable, "-c", MEASURED, "params", *map(str, BILLIONW)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    *lines, kilobytes = result.stdout.splitlines()
    assert any("4,130,570,816" in line for line in lines)  # numbers, of 4 bytes each
    assert int(kilobytes) < 600_000  # most of it MXNet itself


def test_without_a_published_vocabulary_the_words_must_be_said(tmp_path):
    config = load_row(CONFIGS / "billionw" / "lightrnn.yaml", settings=["published_vocabulary=null"])
    with pytest.raises(UserError, match="LightRNN says no published_vocabulary: give the number of words"):
        network_size(config)
    assert network_size(config, 100)["words"] == 100


def test_multiplications_are_those_of_the_large_products():
    # 100 words: 10 rows, columns, classes, places. Four gates of 6 units read 6 + 6 numbers.
    cell, size = 4 * 6 * 12, 100
    expected = {
        "lightrnn": 2 * cell + (10 + 10) * 6,  # two steps a word
        "lightrnn with three codes": 2 * cell + (10 + 10 + 3 * 20) * 6,
        "lightrnn reads vectors of words": 2 * cell + 3 * 6 + (10 + 10) * 6,
        "full softmax": cell + 100 * 6,
        "full softmax tied": cell + 100 * 6,
        "hsm": cell + (10 + 10) * 6,
        "blackout": cell + (1 + 12) * 6,  # in training
        "adaptive softmax, two tails": cell + (2 + 2) * 6,
    }
    for case, number in expected.items():
        model, options = CASES[case]
        config = NetworkConfig(system="x", model=model, hidden=6, layers=1, dropout=0.1, options=options)
        assert new_network(config, size).multiplications() == number, case
