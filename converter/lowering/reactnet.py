"""RSign and RPReLU of ReActNet (Liu et al. 2020, arXiv 2003.03488): a sign and a PReLU with learned shifts."""

from __future__ import annotations

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.quantizers import sign_op
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import OpKind


@lowering("RSign", "xlite>RSign")
def rsign(ctx: Context, x: Value) -> Value:
    """sign(x - shift); the shift becomes the sign's threshold."""
    (shift,) = ctx.weights("shift")
    return sign_op(ctx, _shifted(ctx, x, "shift", -shift))


@lowering("RPReLU", "xlite>RPReLU")
def rprelu(ctx: Context, x: Value) -> Value:
    """prelu(x - shift_in) + shift_out."""
    shift_in, slope, shift_out = ctx.weights("shift_in", "alpha", "shift_out")
    x = _shifted(ctx, x, "shift_in", -shift_in)
    ctx.check_shape("alpha", slope, (x.type.shape[-1],))
    slope = slope.reshape((1,) * (len(x.type.shape) - 2) + slope.shape)  # one for all places, as PReLU's
    return _shifted(ctx, ctx.add(OpKind.PRELU, [x, ctx.constant("alpha", slope)]), "shift_out", shift_out)


def _shifted(ctx: Context, x: Value, role: str, offset: np.ndarray) -> Value:
    """``x`` plus a number for each channel: ``x * 1`` rounds nothing."""
    channels = x.type.shape[-1]
    ctx.check_shape(role, offset, (channels,))
    scale = ctx.constant(f"{role}_scale", np.ones(channels, np.float32))
    return ctx.add(OpKind.BATCH_NORM, [x, scale, ctx.constant(role, offset)])
