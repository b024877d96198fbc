"""Language models behind one interface: `models.base.LanguageModel`."""

from lightrnn_gluon.models.base import LanguageModel
from lightrnn_gluon.models.full_softmax import FullSoftmax
from lightrnn_gluon.models.lightrnn import LightRNN

MODELS: dict[str, type[LanguageModel]] = {"lightrnn": LightRNN, "full_softmax": FullSoftmax}

__all__ = ["MODELS", "FullSoftmax", "LanguageModel", "LightRNN"]
