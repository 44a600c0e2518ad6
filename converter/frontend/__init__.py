"""Keras files and live models -> one neutral list of layers. Never imports Keras or TensorFlow, never runs or
unpickles anything that a file holds."""

from xlite.converter.frontend.model import Call, KerasLayer, KerasModel, Ref
from xlite.converter.frontend.reader import read

__all__ = ["Call", "KerasLayer", "KerasModel", "Ref", "read"]
