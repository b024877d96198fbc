"""The fastest product of float32 matrices that MXNet makes here: a piece of work is some of each shape.

Usage: .venv/bin/python reproduce/bench/sgemm.py; see stopwatch.py. Counted are the best shape's
multiplications.
"""

import time

import mxnet as mx
from stopwatch import serve

# FullyConnected goes through oneDNN, which is faster here than what nd.dot goes through.
_SHAPES = ((1280, 800, 400), (1280, 2600, 1300), (2048, 2048, 2048))
_SECONDS = 0.5  # for each shape


def main() -> None:
    """Serve; the rate of the best shape, times the seconds of all of the work."""
    pairs = [(mx.nd.ones((m, k)), mx.nd.ones((n, k))) for m, n, k in _SHAPES]

    def work() -> int:
        started, best = time.perf_counter(), 0.0
        for left, right in pairs:
            begun, count = time.perf_counter(), 0
            while (seconds := time.perf_counter() - begun) < _SECONDS:
                mx.nd.FullyConnected(left, right, None, num_hidden=len(right), no_bias=True).wait_to_read()
                count += 1
            best = max(best, count * left.size * len(right) / seconds)
        return int(best * (time.perf_counter() - started))

    serve(work)


if __name__ == "__main__":
    main()
