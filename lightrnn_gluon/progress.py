"""How far a run has come, and the file that it goes on from."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lightrnn_gluon.checkpoint import Arrays, load_arrays, save_arrays
from lightrnn_gluon.config import differing_keys
from lightrnn_gluon.errors import UserError


@dataclass
class Within:
    """How far the epoch under way has come."""

    chunks: int = 0
    tokens: int = 0
    cells: int = 0  # tokens and padding
    evaluations: int = 0
    nats: float = 0.0  # the objective, over
    counted: int = 0  # so many tokens, of which this worker's share


@dataclass
class Progress:
    """How far a run has come; JSON-able, part of each checkpoint.

    `train_seconds` is the time of training steps, re-allocations and what the model makes of the corpus
    beforehand (classes of words); evaluation is not in it, nor what a stopped run did after its last
    checkpoint.
    """

    learning_rate: float
    epoch: int = 0  # the last that is finished
    followed: int = 0  # the last that all has been done after that was to be
    step: int = 0
    setbacks: int = 0  # how often training has diverged, and gone back
    plateau_valid: float = math.inf  # the perplexity to beat, or the rate is halved
    best_valid: float = math.inf  # that of the model kept,
    best_epoch: int = 0  # which is the one after this epoch
    train_seconds: float = 0.0
    reallocation_seconds: float = 0.0
    padding_share: float = 0.0
    curve: list[dict[str, Any]] = field(default_factory=list)
    rounds: list[dict[str, float]] = field(default_factory=list)
    within: Within = field(default_factory=Within)


def times_left(
    progress: Progress, words: int, rounds_after: Sequence[int], rate: float | None
) -> dict[str, str]:
    """How long the epoch under way will last, and training up to the next round, for a progress bar.

    An epoch has so many words, of which `rate` are read a second; nothing is said where that is not known.
    """
    if not rate:
        return {}
    epochs = {"epoch_left": 1}
    if later := [epoch - progress.epoch for epoch in rounds_after if epoch > progress.epoch]:
        epochs["round_left"] = min(later)
    return {
        name: tqdm.format_interval((number * words - progress.within.tokens) / rate)
        for name, number in epochs.items()
    }


class Checkpoint:
    """A file with a run's progress and arrays, that another run does not go on from."""

    def __init__(self, path: Path, origin: dict[str, Any]) -> None:
        """The file that is, or will be, at `path`; `origin` is all that the run follows from."""
        self.path, self._origin = path, origin

    def save(self, progress: Progress, arrays: Arrays) -> None:
        """Put these in the place of what was saved before."""
        save_arrays(self.path, arrays, {"origin": self._origin, "progress": asdict(progress)})

    def load(self) -> tuple[Progress, Arrays]:
        """What was saved last. Raises UserError where it is damaged, or another run's."""
        arrays, facts = load_arrays(self.path)
        try:
            keys, known = differing_keys(facts["origin"], self._origin), facts["progress"]
            progress = Progress(**known | {"within": Within(**known["within"])})
        except (KeyError, TypeError) as error:
            raise UserError(f"{self.path} is another version's: remove it and train again") from error
        if keys:
            raise UserError(
                f"{self.path.parent} holds a run of another {', '.join(keys)}: "
                "remove it or choose another --out"
            )
        return progress, arrays


def below(prefix: str, arrays: Arrays) -> Arrays:
    """The arrays whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
