"""What the tables say in words: the protocol above them, the counting rules below."""

from collections.abc import Callable

from lightrnn_gluon.config import NetworkConfig
from lightrnn_gluon.report.finished import Run, equal_time
from lightrnn_gluon.report.formatting import escape_markdown, show_seconds

BENCHMARK = "One Billion Word benchmark"  # the corpus's name in sources.py


def protocol(runs: list[Run]) -> str:
    """What was trained on how much and how; a setting names its rows where they differ."""
    configs = [(run.system, run.config) for run in runs if isinstance(run.config, NetworkConfig)]
    settings: dict[str, Callable[[NetworkConfig], str]] = {
        "H": lambda c: str(c.hidden),
        "layers": lambda c: str(c.layers),
        "dropout": lambda c: f"{c.dropout:g}",
        "epochs": lambda c: str(c.epochs),
        "optimizer": lambda c: f"{c.optimizer} at {c.learning_rate:g}",
        "rate halved": lambda c: f"after epochs from {c.halve_after} on" if c.halve_after else "on a plateau",
        "re-allocation after epochs": lambda c: " ".join(map(str, c.rounds_after)) or "none",
        "sampler": lambda c: f"{c.sampler.kind}, {c.sampler.batch_size} x {c.sampler.length} words",
        "seed": lambda c: str(c.seed),
    }
    parts = [f"{runs[0].metrics['corpus']['train']['tokens']:,} training tokens"]
    if configs:
        parts += [
            f"{name}: {grouped([(system, show(config)) for system, config in configs])}"
            for name, show in settings.items()
        ]
    return "Protocol: " + "; ".join(parts) + "."


def grouped(values: list[tuple[str, str]]) -> str:
    """(system, value) pairs as `200` where all agree, else as `200 (HSM, LightRNN), 72 (Full softmax)`."""
    systems: dict[str, list[str]] = {}
    for system, value in values:
        systems.setdefault(value, []).append(system)
    if len(systems) == 1:
        return escape_markdown(values[0][1])
    return escape_markdown(", ".join(f"{value} ({', '.join(names)})" for value, names in systems.items()))


def tokens_note(runs: list[Run]) -> str:
    """What counts as a token."""
    tokens, unknown = (runs[0].metrics[key] for key in ("test_tokens", "test_unknown"))
    return (
        "Tokens: every word of a sentence and its closing `</S>` are predicted and count, `<S>` is context "
        "only. All systems predict the same tokens. `<UNK>` counts as a word: it is "
        f"{unknown:,} of the {tokens:,} test tokens ({100 * unknown / tokens:.2f} %)."
    )


def parameters_note(runs: list[Run]) -> str:
    """What counts as a parameter."""
    note = (
        "Parameters: every trained number, embeddings and biases included; for KN its n-grams, as the "
        "paper counts; for an interpolation the sum of its members'."
    )
    tables = [(run.system, f"{n:,}") for run in runs if (n := run.metrics["table_integers"])]
    beside = f" Beside them stand the 2|V| integers of LightRNN's word table: {grouped(tables)}."
    return note + (beside if tables else "")


def time_note(runs: list[Run]) -> str:
    """What counts as training time, and where it was measured."""
    trained = [run.metrics for run in runs if run.metrics["kind"] != "interpolation"]
    where = [(m["system"], f"{m['device']}, threads: {m['threads']}") for m in trained]
    note = (
        "Training time includes re-allocation and excludes evaluation; an interpolation's is the sum of its "
        "members'. "
        "Rows that are trained side by side, a thread each, slow each other down a little."
    )
    return f"{note} Measured on: {grouped(where)}." if where else note


def equal_time_notes(runs: list[Run]) -> list[str]:
    """What the columns of equal epochs and equal time mean; nothing without networks."""
    seconds = equal_time(runs)
    if seconds is None:
        return []
    return [
        "Equal epochs: every network trains for the number of epochs given, and its perplexities are those "
        "of the epoch that is best on validation. Equal time: the network's last validation perplexity at or "
        f"before {show_seconds(seconds)} of training, the shortest total among the networks, on a schedule "
        "that was made for all epochs; empty where it had not been evaluated by then."
    ]


def published_note(runs: list[Run]) -> str:
    """What the published figures are of."""
    note = f"Published figures are for the {BENCHMARK} at full scale (published.yaml names the sources)"
    if runs[0].metrics["corpus"]["name"] == BENCHMARK and runs[0].metrics["scale"] == "paper":
        return f"{note}."
    return f"{note} and are NOT comparable with the figures measured here."
