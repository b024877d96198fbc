"""LightRNN language models (Li, Qin, Yang, Liu, NIPS 2016) in MXNet/Gluon."""

__version__ = "0.1.0"
