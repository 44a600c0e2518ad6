"""Keras callbacks for training binarized networks.

======================  ================================================================================
callback                job
======================  ================================================================================
``BinarizeWeights``     trains an ordinary Keras model to binary weights (XNOR-Net's algorithm)
``StagedTraining``      binary activations first, binary weights from an epoch on
``TemperatureSchedule`` narrows the gradients of ``AnnealedSign`` from epoch to epoch
``LogFlipRatio``        the share of weights that change their sign, in the logs
``LogBinarization``     flips, saturation and dead filters and channels, in the logs and in a CSV file
======================  ================================================================================
"""

from __future__ import annotations

from xlite.callbacks.binarize_weights import BinarizeWeights
from xlite.callbacks.diagnostics import LogBinarization
from xlite.callbacks.flips import LogFlipRatio
from xlite.callbacks.staged import StagedTraining
from xlite.callbacks.temperature import TemperatureSchedule

__all__ = ["BinarizeWeights", "LogBinarization", "LogFlipRatio", "StagedTraining", "TemperatureSchedule"]
