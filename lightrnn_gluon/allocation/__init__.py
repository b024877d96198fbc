"""Which cell of the table each word gets."""

from lightrnn_gluon.allocation.matching import Allocation, allocate

__all__ = ["Allocation", "allocate"]
