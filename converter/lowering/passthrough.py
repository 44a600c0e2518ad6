"""Layers that do something while training only."""

from __future__ import annotations

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.registry import lowering

_REGULARIZERS = (
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "ActivityRegularization",
    "Identity",
)

# RandomCrop is not among them: at inference it crops the centre.
_AUGMENTATIONS = (
    "AugMix",
    "CutMix",
    "MixUp",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHeight",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomWidth",
    "RandomZoom",
    "Solarization",
)


@lowering(*_REGULARIZERS, *_AUGMENTATIONS)
def identity(ctx: Context, x: Value) -> Value:
    ctx.inference_only()
    return x
