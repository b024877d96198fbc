"""Language models behind one interface: `models.base.LanguageModel`."""

from lightrnn_gluon.models.adaptive_softmax import AdaptiveSoftmax
from lightrnn_gluon.models.base import LanguageModel
from lightrnn_gluon.models.blackout import BlackOut
from lightrnn_gluon.models.c_hsm import CHSM
from lightrnn_gluon.models.full_softmax import FullSoftmax
from lightrnn_gluon.models.hsm import HSM
from lightrnn_gluon.models.lightrnn import LightRNN

MODELS: dict[str, type[LanguageModel]] = {
    "lightrnn": LightRNN,
    "full_softmax": FullSoftmax,
    "hsm": HSM,
    "c_hsm": CHSM,
    "blackout": BlackOut,
    "adaptive_softmax": AdaptiveSoftmax,
}

__all__ = [
    "CHSM", "HSM", "MODELS", "AdaptiveSoftmax", "BlackOut", "FullSoftmax", "LanguageModel", "LightRNN"
]  # fmt: skip
