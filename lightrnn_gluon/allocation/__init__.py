"""Which cell of the table each word gets."""

from lightrnn_gluon.allocation.matching import METHODS, Allocation, allocate
from lightrnn_gluon.allocation.problem import Costs
from lightrnn_gluon.allocation.within import allocate_within

__all__ = ["METHODS", "Allocation", "Costs", "allocate", "allocate_within"]
