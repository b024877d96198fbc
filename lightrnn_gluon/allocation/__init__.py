"""Which cell of the table each word gets."""

from lightrnn_gluon.allocation.matching import METHODS, Allocation, allocate
from lightrnn_gluon.allocation.problem import Costs

__all__ = ["METHODS", "Allocation", "Costs", "allocate"]
