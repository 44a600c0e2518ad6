"""Padding with a value of one's choice, in one, two and three dimensions."""

from __future__ import annotations

from typing import Any

from keras import ops

from xlite.schema.errors import TrainingError


def same_padding(size: int | None, kernel: int, stride: int, dilation: int) -> tuple[int, int] | None:
    """Elements that ``padding="same"`` adds before and after one spatial axis; ``None`` if unknowable.

    ``out = ceil(size / stride)``, and the odd element goes to the end, as TensorFlow places it. With stride 1
    the answer does not depend on ``size``.
    """
    reach = (kernel - 1) * dilation + 1
    if stride == 1:
        total = reach - 1
    elif size is None:
        return None
    else:
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


class Padded:
    """Mixed into a convolution that has ``pad_values``."""

    def check_options(self) -> None:
        """``pad_values`` becomes a float; refuses the one combination that no backend could run alike."""
        layer: Any = self
        if layer.pad_values and layer.data_format == "channels_first":
            raise TrainingError(
                f"layer {layer.name!r}: pad_values={layer.pad_values} works with data_format='channels_last' "
                "only; use that, or pad_values=0"
            )
        layer.pad_values = float(layer.pad_values)

    def build(self, input_shape: Any) -> None:
        if self._pads_itself():
            self._widths(input_shape)  # a shape that cannot be padded is refused here, not at run time
        super().build(input_shape)  # type: ignore[misc]

    def padded(self, inputs: Any) -> tuple[Any, str]:
        """The inputs and the padding mode with which a convolution sees ``pad_values`` at its borders."""
        layer: Any = self
        if not self._pads_itself():
            return inputs, layer.padding
        outer = [(0, 0)] * (len(inputs.shape) - layer.rank - 1)
        spatial = self._widths(inputs.shape)
        widths = [*outer, *spatial, (0, 0)] if layer.data_format == "channels_last" else [*outer, (0, 0), *spatial]
        return ops.pad(inputs, widths, mode="constant", constant_values=layer.pad_values), "valid"

    def _pads_itself(self) -> bool:
        layer: Any = self
        return layer.padding == "causal" or (layer.padding == "same" and layer.pad_values != 0)

    def _widths(self, shape: Any) -> list[tuple[int, int]]:
        """What the padding adds around each spatial axis of an input ``[..., *spatial, channels]``."""
        layer: Any = self
        geometry = list(zip(layer.kernel_size, layer.strides, layer.dilation_rate))
        if layer.padding == "causal":
            return [((kernel - 1) * dilation, 0) for kernel, _, dilation in geometry]
        widths = []
        for size, axis in zip(shape[-1 - layer.rank : -1], geometry):
            pads = same_padding(size, *axis)
            if pads is None:
                raise TrainingError(
                    f"layer {layer.name!r}: pad_values={layer.pad_values} with strides={tuple(layer.strides)} "
                    f"needs a known input {_EXTENTS[layer.rank]}; give the model's Input a full shape, or use "
                    "strides of 1"
                )
            widths.append(pads)
        return widths


_EXTENTS = {1: "length", 2: "height and width", 3: "depth, height and width"}
