"""Dense, plain and quantized, on inputs of any rank."""

from __future__ import annotations

from xlite.converter.graph import Value
from xlite.converter.lowering.activations import activated
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.quantizers import quantized_input, quantized_kernel
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import DenseOptions, OpKind


@lowering("Dense", "QuantDense", "xlite>QuantDense", "Larq>QuantDense")
def dense(ctx: Context, x: Value) -> Value:
    """Keras's kernel (features, units) becomes (units, features)."""
    units = int(ctx.config["units"])
    bias = None
    if ctx.config.get("use_bias", True):
        kernel, offsets = ctx.weights("kernel", "bias")
        ctx.check_shape("bias", offsets, (units,))
        bias = ctx.constant("bias", offsets)
    else:
        (kernel,) = ctx.weights("kernel")
    ctx.check_shape("kernel", kernel, (x.type.shape[-1], units))
    kernel = quantized_kernel(ctx, kernel)
    x = quantized_input(ctx, x)
    y = ctx.add(OpKind.DENSE, [x, ctx.constant("kernel", kernel.T), None, bias, None], DenseOptions())
    return activated(ctx, y)
