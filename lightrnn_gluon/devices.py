"""Where a network computes."""

import mxnet as mx

from lightrnn_gluon.errors import UserError


def find_device(name: str) -> mx.Context:
    """`auto` (a GPU where there is one), `cpu` or `gpu`. Raises UserError where it is not there."""
    if name not in ("auto", "cpu", "gpu"):
        raise UserError(f"device {name!r} is none of auto, cpu, gpu")
    present = mx.context.num_gpus() > 0
    if name == "gpu" and not present:
        raise UserError("device gpu: MXNet finds none; say device: cpu, or install mxnet-cu112 and a driver")
    return mx.gpu() if present and name != "cpu" else mx.cpu()
