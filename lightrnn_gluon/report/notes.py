"""What the tables say in words: the protocol above them, the counting rules below."""

from collections import Counter
from collections.abc import Callable, Collection
from functools import partial

from lightrnn_gluon.config import NetworkConfig, RefinementConfig
from lightrnn_gluon.report.experiments import BENCHMARKS, Results
from lightrnn_gluon.report.finished import Run, equal_time
from lightrnn_gluon.report.formatting import escape_markdown, show_seconds
from lightrnn_gluon.report.published import Figures

UNSEEN_UNKNOWN_NOTE = (
    "With all words kept, training never meets `<UNK>`: what a system gives the unknown words of held-out "
    "text it has learned from no example, and the test perplexity without them says more."
)


PARAMETERS_NOTE = (
    "Parameters: every trained number, embeddings and biases included; for KN its n-grams, as the "
    "paper counts; for an interpolation the sum of its members'."
)


def protocol(results: Results, apart: Collection[str] = ()) -> str:
    """What was trained on how much and how; rows that differ from most are named with their setting.

    Settings in `apart`, of SETTINGS, are left out: they have columns of their own.
    """
    tokens = [(group.folder, f"{group.corpus['train']['tokens']:,}") for group in results.groups]
    parts = [f"training tokens: {grouped(tokens)}"]
    for name, show in SETTINGS.items():
        if name not in apart and (shown := _by_system(results, partial(_setting, show))):
            parts.append(f"{name}: {grouped(shown)}")
    if setbacks := _by_system(results, _show_setbacks):
        named = ", ".join(f"{system}: {number}" for system, number in setbacks)
        parts.append(escape_markdown(f"training diverged, and went back with half the rate: {named}"))
    return "Protocol: " + "; ".join(parts) + "."


def _show_epochs(config: NetworkConfig) -> str:
    """Their number, and the time that may end them before."""
    limit = "" if config.time_limit is None else f", for {config.time_limit:g} s at most"
    return f"{config.epochs}{limit}"


def _show_rounds(config: NetworkConfig) -> str:
    """The epochs, and what is not the default of how words are re-allocated."""
    if not config.rounds_after:
        return "none"
    way, default = config.refinement, RefinementConfig()
    method = "" if way.method == default.method else f" by {way.method}"
    costs = "" if way.costs == default.costs else f" on costs of {way.costs}"
    return " ".join(map(str, config.rounds_after)) + method + costs


SETTINGS: dict[str, Callable[[NetworkConfig], str]] = {
    "H": lambda c: str(c.hidden),
    "layers": lambda c: str(c.layers),
    "dropout": lambda c: f"{c.dropout:g}",
    "epochs": _show_epochs,
    "optimizer": lambda c: f"{c.optimizer} at {c.learning_rate:g}",
    "rate halved": lambda c: f"after epochs from {c.halve_after} on" if c.halve_after else "on a plateau",
    "re-allocation after epochs": _show_rounds,
    "sampler": lambda c: f"{c.sampler.kind}, {c.sampler.batch_size} x {c.sampler.length} words",
    "seed": lambda c: str(c.seed),
}


def _show_setbacks(run: Run) -> str:
    number = run.metrics.get("setbacks")  # not in those of earlier versions
    return f"{number} times" if number else ""


def grouped(values: list[tuple[str, str]]) -> str:
    """(name, value) pairs as `200` where all agree, else as `200 (C-HSM: 300; HSM, B-RNN: 1024)`.

    The value in front is that of most names.
    """
    names: dict[str, list[str]] = {}
    for name, value in values:
        names.setdefault(value, []).append(name)
    (usual, _), *_ = Counter(value for _, value in values).most_common(1)
    others = [f"{', '.join(named)}: {value}" for value, named in names.items() if value != usual]
    return escape_markdown(usual + (f" ({'; '.join(others)})" if others else ""))


def tokens_note(results: Results) -> str:
    """What counts as a token."""
    shares = []
    for group in results.groups:
        tokens, unknown = (group.runs[0].metrics[key] for key in ("test_tokens", "test_unknown"))
        of = f"{group.folder} " if len(results.groups) > 1 else ""
        shares.append(f"{unknown:,} of the {tokens:,} {of}test tokens ({100 * unknown / tokens:.2f} %)")
    return (
        "Tokens: every word of a sentence and its closing `</S>` are predicted and count, `<S>` is context "
        "only. All systems of a corpus predict the same tokens. `<UNK>` counts as a word: it is "
        f"{', '.join(shares)}."
    )


def parameters_note(results: Results) -> str:
    """What counts as a parameter."""
    integers = _by_system(results, _integers_a_word)
    if not integers:
        return PARAMETERS_NOTE
    of_word = "integers, which say a word's place in the table and its codes"
    return f"{PARAMETERS_NOTE} Beside them stand {of_word}: {grouped(integers)} a word."


def time_note(results: Results) -> str:
    """What counts as training time, and where it was measured."""
    note = (
        "Training time includes re-allocation and excludes evaluation; an interpolation's is the sum of its "
        "members'. Rows that are trained side by side, a thread each, slow each other down."
    )
    measured = _by_system(results, _machine)
    return f"{note} Measured on: {grouped(measured)}." if measured else note


def equal_time_notes(results: Results) -> list[str]:
    """What the columns of equal epochs and equal time mean; nothing without networks."""
    times = [seconds for group in results.groups if (seconds := equal_time(group.runs)) is not None]
    if not times:
        return []
    when = show_seconds(times[0]) if len(results.groups) == 1 else "the equal time"
    whose = "the networks" if len(results.groups) == 1 else f"the {results.of_groups}'s networks"
    return [
        "Equal epochs: every network trains for the number of epochs given, and its perplexities are those "
        "of the epoch that is best on validation. Equal time: the network's last validation perplexity at or "
        f"before {when} of training, the shortest total among {whose}, on a schedule "
        "that was made for all epochs; empty where it had not been evaluated by then."
    ]


def corpora_notes(results: Results) -> list[str]:
    """Which corpus each language has; nothing where the title says it."""
    named = [f"{group.folder}: {group.corpus['name']}" for group in results.groups]
    return [f"Corpora: {escape_markdown('; '.join(named))}."] if len(named) > 1 else []


def published_note(results: Results) -> str:
    """What the published figures are of, and whether those measured compare with them."""
    benchmark = BENCHMARKS[results.experiment]
    note = f"Published figures are for the {benchmark} at full scale (published.yaml names the sources)"
    if results.scale != "paper" or results.has_standins:
        return f"{note} and are NOT comparable with the figures measured here."
    if {group.corpus["name"] for group in results.groups} == {benchmark}:
        return f"{note}."
    return f"{note}; those measured here compare with them only where the text handed in is that very one."


def models_notes(figures: Figures, table: str) -> list[str]:
    """Which models the published figures of a table are of, where their rows' names do not say it."""
    models = {row: line["model"] for row, line in figures[table].items() if "model" in line}
    return [f"Published models: {'; '.join(f'{row}: {model}' for row, model in models.items())}."]


def _setting(show: Callable[[NetworkConfig], str], run: Run) -> str:
    return show(run.config) if isinstance(run.config, NetworkConfig) else ""


def _integers_a_word(run: Run) -> str:
    number = run.metrics["table_integers"]
    return str(number // run.metrics["corpus"]["vocabulary"]["size"]) if number else ""


def _machine(run: Run) -> str:
    metrics = run.metrics
    if metrics["kind"] == "interpolation":
        return ""
    of = f" of {metrics['processor']}" if "processor" in metrics else ""  # not of earlier versions
    return f"{metrics['device']}{of}, threads: {metrics['threads']}"


def _by_system(results: Results, show: Callable[[Run], str]) -> list[tuple[str, str]]:
    """(system, value) of all runs with a value; one pair for a system that has it in all folders.

    The values of a system's several runs in one folder (its seeds) are listed.
    """
    listed: dict[tuple[str, str], list[str]] = {}
    for group in results.groups:
        for run in group.runs:
            if value := show(run):
                listed.setdefault((run.system, group.folder), []).append(value)
    folders: dict[str, dict[str, list[str]]] = {}
    for (system, folder), values in listed.items():
        folders.setdefault(system, {}).setdefault(", ".join(dict.fromkeys(values)), []).append(folder)
    return [
        (system if len(by_value) == 1 else f"{system} {' '.join(named)}", value)
        for system, by_value in folders.items()
        for value, named in by_value.items()
    ]
