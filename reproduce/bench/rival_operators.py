"""Where the time of a training step of LightRNN in PyTorch goes, as its profiler counts it: JSON to stdout.

Usage: PYTHON rival_operators.py --words V --hidden H ...; see operators.py. It needs PyTorch and numpy.
"""

import argparse
import json

from rivals import training
from torch.profiler import ProfilerActivity, profile


def main() -> None:
    """By operator its calls, and its own time in milliseconds, over all steps."""
    parser = argparse.ArgumentParser()
    for name in ("--words", "--hidden", "--length", "--batch-size", "--warm-up", "--steps"):
        parser.add_argument(name, type=int, required=True)
    chosen = parser.parse_args()
    train = training("lightrnn", chosen.words, chosen.hidden, chosen.length, chosen.batch_size)
    train(chosen.warm_up)
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        train(chosen.steps)
    found = {
        each.key: {"calls": each.count, "milliseconds": each.self_cpu_time_total / 1000}
        for each in profiled.key_averages()
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
