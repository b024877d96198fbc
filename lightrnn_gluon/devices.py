"""Where a network computes."""

import mxnet as mx

from lightrnn_gluon.errors import UserError


def find_devices(name: str, number: int = 1) -> list[mx.Context]:
    """So many of `auto` (GPUs where there is one), `cpu` or `gpu`.

    There is any number of `cpu`, which share the processor's cores. Raises UserError where GPUs are wanting.
    """
    if name not in ("auto", "cpu", "gpu"):
        raise UserError(f"device {name!r} is none of auto, cpu, gpu")
    present = mx.context.num_gpus()
    if name == "gpu" and not present:
        raise UserError("device gpu: MXNet finds none; say device: cpu, or install mxnet-cu112 and a driver")
    if name == "cpu" or not present:
        return [mx.cpu(index) for index in range(number)]
    if number > present:
        raise UserError(
            f"devices is {number}, and MXNet finds {present} of device {name}: say no more than that"
        )
    return [mx.gpu(index) for index in range(number)]
