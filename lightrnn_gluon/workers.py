"""Processes that train one net together, on one machine or on several: MXNet's KVStore, synchronous.

Each is told by the environment that it is one, as MXNet has it: DMLC_ROLE=worker, and where the scheduler is
(https://mxnet.apache.org/versions/1.9.1/api/faq/distributed_training). Without that a process works alone.
"""

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import mxnet as mx
import numpy as np
from mxnet.base import _LIB, check_call

from lightrnn_gluon.errors import UserError

# Seconds that a worker waits for the others, who have as much to do as it has.
PATIENCE = 600.0
_GIVEN_UP = 3  # the exit status of a worker that has waited for so long
_FIRST_KEY = 1 << 30  # beyond those of a trainer's parameters, which share the store
_BLOCK = 1 << 24  # numbers that are summed at a time


class Workers:
    """What the workers of a training share. Alone, everything is what this process has itself."""

    def __init__(self, store: mx.kvstore.KVStore | None = None, patience: float = PATIENCE) -> None:
        """Those of a store, or this process alone. A worker waits `patience` seconds for the others."""
        self.store, self._patience = store, patience
        self.rank: int = store.rank if store else 0
        self.number: int = store.num_workers if store else 1
        self._keys: dict[int, int] = {}

    @classmethod
    def join(cls) -> "Workers":
        """Those that the environment tells of, once all are there."""
        return cls(mx.kv.create("dist_sync") if os.environ.get("DMLC_ROLE") == "worker" else None)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Leave the store: when all are done, or, where something has gone wrong, at once.

        MXNet would leave it to the interpreter's end, too late for threads to be ended in order.
        """
        if self.store is None:
            return
        if kind is None:
            mx.nd.waitall()
        check_call(_LIB.MXKVStoreSetBarrierBeforeExit(self.store.handle, ctypes.c_int(kind is None)))
        check_call(_LIB.MXKVStoreFree(self.store.handle))
        self.store.handle = ctypes.c_void_p()  # its finaliser then frees nothing

    def add_up(self, array: np.ndarray) -> None:
        """Put in place of each worker's array, all of one shape, their sum."""
        if self.store is None:
            return
        flat = array.reshape(-1)
        assert np.shares_memory(flat, array), "an array in one piece is needed"
        for first in range(0, len(flat), _BLOCK):
            part = slice(first, first + _BLOCK)
            flat[part] = (
                self._sum(flat[part]) if flat.dtype == np.float32 else self.all_of(flat[part]).sum(axis=0)
            )

    def total(self, array: np.ndarray) -> np.ndarray:
        """The sum of the workers' arrays, all of one shape."""
        result = array.copy()
        self.add_up(result)
        return result

    def all_of(self, array: np.ndarray) -> np.ndarray:
        """(workers, ...): every worker's array, exactly, all of one shape and type: integers or float64."""
        parts = np.zeros((self.number, 3, array.size), np.float32)
        left = array.reshape(-1).astype(np.float64)
        for part in parts[self.rank]:  # a server may round to float32: see below
            part[:] = left
            left = left - part
        if self.store is not None:
            parts = self._sum(parts.reshape(-1)).reshape(parts.shape)
        numbers = parts.astype(np.float64).sum(axis=1)
        return numbers.astype(array.dtype).reshape(self.number, *array.shape)

    def of_first(self, array: np.ndarray) -> np.ndarray:
        """The first worker's array, whatever is in the others', which must have its shape and type."""
        return self.all_of(array)[0] if self.store is not None else array

    def agree(self, what: str, checksum: str) -> None:
        """Raise UserError where the workers have different checksums (hexadecimal) of what should be one."""
        number = int(checksum[:12], 16)  # as exact as a float64
        if (self.all_of(np.array(number)) != number).any():
            raise UserError(
                f"worker {self.rank} of {self.number} has another {what} than the rest: all must have the "
                "same software and corpus, and share the run directory"
            )

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While in it, end this process if nothing has come of waiting for the others."""
        if self.store is None:
            yield
            return
        timer = threading.Timer(self._patience, self._give_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _sum(self, numbers: np.ndarray) -> np.ndarray:
        """The sum of float32 (N,), the only type that a server is sure to keep (MXNet 1.9.1)."""
        assert self.store is not None
        key = self._keys.get(len(numbers))
        if key is None:
            key = self._keys[len(numbers)] = _FIRST_KEY + len(self._keys)
            self.store.init(key, mx.nd.zeros(len(numbers)))
            mx.nd.waitall()  # or what comes next may get ahead of it
        # What is pushed is overwritten by what is pulled: a new array each time.
        array = mx.nd.array(numbers)
        with self.waiting():
            self.store.push(key, array)
            self.store.pull(key, out=array)
            return array.asnumpy()

    def _give_up(self) -> None:
        # The main thread cannot be reached: it is inside of MXNet.
        os.write(
            2,
            f"lightrnn: worker {self.rank} has waited for the others for {self._patience:.0f} s: one of "
            "them, or the network, is dead; start all again: they go on after the last epoch\n".encode(),
        )
        os._exit(_GIVEN_UP)


ALONE = Workers()
