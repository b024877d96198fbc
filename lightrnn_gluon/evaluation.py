"""Perplexity of a text, counted as in every table."""

from dataclasses import dataclass

import numpy as np


def perplexity(nll: np.ndarray) -> float:
    """The exponential of the mean negative log-likelihood a token (nats)."""
    return float(np.exp(np.mean(nll, dtype=np.float64)))


@dataclass(frozen=True)
class Evaluation:
    """A text's counts and perplexities.

    Attributes:
        tokens: predicted tokens: words and one `</S>` a sentence.
        unknown: how many of them are `<UNK>`.
        perplexity: exp(total negative log-likelihood / tokens), `<UNK>` counted as a word.
        perplexity_without_unknown: the same over the tokens that are not `<UNK>`.
    """

    tokens: int
    unknown: int
    perplexity: float
    perplexity_without_unknown: float


def evaluate(nll: np.ndarray, ids: np.ndarray, unknown: int) -> Evaluation:
    """Count a text: `nll` (N,) in nats for each of its token `ids` (N,), `unknown` being `<UNK>`'s id."""
    known = np.asarray(ids) != unknown
    return Evaluation(
        tokens=len(ids),
        unknown=int(np.count_nonzero(~known)),
        perplexity=perplexity(nll),
        perplexity_without_unknown=perplexity(nll[known]),
    )
