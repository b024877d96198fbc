"""What a user would train instead, in PyTorch 2: on a generated batch, a piece of work being some steps.

Usage: PYTHON rivals.py MODEL --words V --hidden H ...; see stopwatch.py. It needs PyTorch and numpy.
The settings are those of ours.py: the same words, batch, LSTM, loss, clipping and optimizer.
"""

import argparse
from collections.abc import Callable

import numpy as np
import torch
from stopwatch import serve
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from words import CLIP, DROPOUT, RATE, batch_words


class WordModel(nn.Module):
    """An LSTM that reads a vector a word; `loss` predicts words from its states."""

    def __init__(self, words: int, hidden: int, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.input = nn.Embedding(words, hidden, sparse=True)
        self.dropout, self.lstm = nn.Dropout(DROPOUT), nn.LSTM(hidden, hidden)
        self.output = loss

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The sum of negative log-likelihoods, of (T, B) words each."""
        states, _ = self.lstm(self.dropout(self.input(inputs)))
        return self.output(self.dropout(states).flatten(0, 1), targets.flatten())


class FullSoftmax(nn.Module):
    """All words at once."""

    def __init__(self, words: int, hidden: int) -> None:
        super().__init__()
        self.logits = nn.Linear(hidden, words)

    def forward(self, states: Tensor, targets: Tensor) -> Tensor:
        """See WordModel."""
        return cross_entropy(self.logits(states), targets, reduction="sum")


class AdaptiveSoftmax(nn.Module):
    """nn.AdaptiveLogSoftmaxWithLoss, cut as its authors have it for large vocabularies."""

    def __init__(self, words: int, hidden: int) -> None:
        super().__init__()
        cutoffs = [cutoff for cutoff in (2_000, 10_000, 100_000) if cutoff < words]
        self.softmax = nn.AdaptiveLogSoftmaxWithLoss(hidden, words, cutoffs)

    def forward(self, states: Tensor, targets: Tensor) -> Tensor:
        """See WordModel."""
        return self.softmax(states, targets).loss * len(targets)


class LightRNN(nn.Module):
    """The paper's net, in the same order of operations as lightrnn_gluon.models.lightrnn."""

    def __init__(self, words: int, hidden: int) -> None:
        super().__init__()
        self.columns = int(np.ceil(np.sqrt(words)))
        rows = -(-words // self.columns)
        self.row_input, self.column_input = nn.Embedding(rows, hidden), nn.Embedding(self.columns, hidden)
        self.dropout, self.lstm = nn.Dropout(DROPOUT), nn.LSTM(hidden, hidden)
        self.row_logits, self.column_logits = nn.Linear(hidden, rows), nn.Linear(hidden, self.columns)
        self.register_buffer("cell_of", torch.from_numpy(np.random.RandomState(1).permutation(words)))
        absent = torch.arange(self.columns) >= words - (rows - 1) * self.columns
        self.register_buffer("absent", torch.where(absent, -1e30, 0.0))

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The sum of negative log-likelihoods, of (T, B) words each."""
        cells, following = self.cell_of[inputs], self.cell_of[targets]
        rows, columns = following // self.columns, following % self.columns
        _, state = self.lstm(self.dropout(self.row_input(cells[:1] // self.columns)))
        pairs = torch.stack([self.column_input(cells % self.columns), self.row_input(rows)], dim=1)
        states, _ = self.lstm(self.dropout(pairs.flatten(0, 1)), state)
        after_column, after_row = self.dropout(states).unflatten(0, (-1, 2)).unbind(1)
        in_last_row = (rows == self.row_logits.out_features - 1).flatten()
        column_logits = self.column_logits(after_row.flatten(0, 1)) + in_last_row[:, None] * self.absent
        row_logits = self.row_logits(after_column.flatten(0, 1))
        return cross_entropy(row_logits, rows.flatten(), reduction="sum") + cross_entropy(
            column_logits, columns.flatten(), reduction="sum"
        )


_MODELS: dict[str, Callable[[int, int], nn.Module]] = {
    "lightrnn": LightRNN,
    "full_softmax": lambda words, hidden: WordModel(words, hidden, FullSoftmax(words, hidden)),
    "adaptive_softmax": lambda words, hidden: WordModel(words, hidden, AdaptiveSoftmax(words, hidden)),
}


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=_MODELS)
    for name in ("--words", "--hidden", "--length", "--batch-size", "--steps"):
        parser.add_argument(name, type=int, required=True)
    chosen = parser.parse_args()
    train = training(chosen.model, chosen.words, chosen.hidden, chosen.length, chosen.batch_size)

    def work() -> int:
        train(chosen.steps)
        return chosen.steps * chosen.length * chosen.batch_size

    serve(work)


def training(model: str, words: int, hidden: int, length: int, batch_size: int) -> Callable[[int], None]:
    """A new network in training, on one thread: what makes as many steps as it is told."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    net = _MODELS[model](words, hidden)
    parameters = list(net.parameters())
    # Clipping by one pass over lists of dense gradients is the fastest there is; a sparse one has its own.
    sparse = [net.input.weight] if isinstance(net, WordModel) else []
    dense = [parameter for parameter in parameters if all(parameter is not other for other in sparse)]
    optimizer = torch.optim.SGD(parameters, lr=RATE)
    batches = batch_words(words, length + 1, batch_size)

    def train(steps: int) -> None:
        for _ in range(steps):
            batch = torch.from_numpy(next(batches))
            loss = net(batch[:-1], batch[1:]) / batch_size
            optimizer.zero_grad()
            loss.backward()
            clip(dense, sparse)
            optimizer.step()

    return train


def clip(dense: list[nn.Parameter], sparse: list[nn.Parameter]) -> None:
    """Scale all gradients so that their norm together is the clip at most."""
    gradients = [parameter.grad for parameter in dense]
    values = [parameter.grad.coalesce() for parameter in sparse]
    norms = torch._foreach_norm([*gradients, *(value._values() for value in values)])
    scale = min(1.0, CLIP / float(torch.stack(norms).norm()))
    torch._foreach_mul_(gradients, scale)
    for parameter, value in zip(sparse, values, strict=True):
        parameter.grad = value * scale


if __name__ == "__main__":
    main()
