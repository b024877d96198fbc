"""A full softmax in PyTorch 2 that scores sentences: a piece of work is to score all of a file of ids once.

Usage: PYTHON rival_scoring.py IDS.npy --words V --hidden H; see stopwatch.py. It needs PyTorch and numpy.
"""

import argparse

import numpy as np
import torch
from rivals import FullSoftmax, WordModel
from stopwatch import serve
from torch.nn.functional import cross_entropy
from words import BATCH_SIZE


class Scorer(FullSoftmax):
    """Each word's own negative log-likelihood."""

    def forward(self, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """See WordModel."""
        return cross_entropy(self.logits(states), targets, reduction="none")


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("ids")
    for name in ("--words", "--hidden"):
        parser.add_argument(name, type=int, required=True)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    net = WordModel(chosen.words, chosen.hidden, Scorer(chosen.words, chosen.hidden)).eval()
    sentences = torch.from_numpy(np.load(chosen.ids, allow_pickle=False))

    def work() -> int:
        with torch.inference_mode():
            for batch in sentences.split(BATCH_SIZE):
                words = batch.T
                net(words[:-1], words[1:]).reshape(words[1:].shape).sum(dim=0).tolist()
        return len(sentences)

    serve(work)


if __name__ == "__main__":
    main()
