"""What a model is with bytes for its images and int8 filters in its first layers, as far as memory is concerned.

before: %1 = conv_2d(%0 f32, f32[32,3,3,1]); %2 = max_pool_2d(%1); %3 = batch_norm(%2); %4 = sign(%3)
after:  %1 = conv_2d(%0 u8, i8[32,3,3,1], -, -, i32[32]) {output_dtype=BIT}; %4 = max_pool_2d(%1 bit)

So ``xlite convert --input-dtype uint8 --quantize int8-stem`` makes it: an op that sums integers gives bits where
only a sign reads it, and else takes the batch norm and the activation behind it into its scale and bias. No device
has the converter, so these rewrites stand here once more, without numbers; a test holds the one to the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xlite.schema.activations import is_rising
from xlite.schema.contracts import ContractError, infer, with_optional_inputs
from xlite.schema.records import TYPE_CHECKING, replace
from xlite.schema.types import (
    NO_ACTIVATION,
    ActivationOptions,
    DType,
    Model,
    Op,
    OpKind,
    Tensor,
    TensorType,
)
from xlite.schema.types import ActivationKind as Kind

if TYPE_CHECKING:
    from typing import Any, Optional

_KINDS = (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D, OpKind.DENSE)  # whose filters the converter makes int8
_BEHIND = (OpKind.BATCH_NORM, OpKind.ACTIVATION, OpKind.PRELU, OpKind.MAX_POOL_2D)  # between a filter and a sign


def with_int8_stem(model: Model) -> Optional[Model]:
    """The model as it would be, without a plan; None where a float input is read by anything but layers that can
    become int8, or where what becomes of them depends on their numbers. Its constants have sizes, not values."""
    made = _Rewriting(model)
    stems = [i for t in model.inputs if model.tensors[t].type.dtype is DType.FLOAT32 for i in made.readers[t]]
    if not stems or not all(made.lower(i) for i in stems):
        return None
    return made.model()


class _Rewriting:
    """Tensors and ops of a model on their way; ops that are gone are None. ``readers``: of every tensor, by
    index."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._tensors = list(model.tensors)
        self._ops: list[Optional[Op]] = list(model.ops)
        self.readers: list[list[int]] = [[] for _ in model.tensors]
        for i, op in enumerate(model.ops):
            for t in {*op.inputs} - {-1}:
                self.readers[t].append(i)

    def lower(self, index: int) -> bool:
        """Makes a layer that reads an image one of bytes and int8. Returns whether that can be done and told."""
        op = self._model.ops[index]
        if op.kind not in _KINDS or not self._is_worth_it(op):
            return False
        behind = self._behind(op)
        image, kernel, scale, bias, _, _ = with_optional_inputs(op.kind, op.inputs)
        self._retype(image, DType.UINT8)
        ends_in_sign = bool(behind) and behind[-1].kind is OpKind.SIGN
        room = _Room(self._tensors[kernel])
        channels = self._tensors[op.outputs[0]].type.shape[-1]
        integers = room.take(TensorType(self._tensors[kernel].type.shape, DType.INT8))
        self._tensors[kernel] = replace(self._tensors[kernel], type=integers.type, data=integers.data)
        if ends_in_sign:
            threshold = self._add(room.take(TensorType((channels,), DType.INT32)))
            done = self._to_bits(index, behind, (image, kernel, -1, -1, threshold), room)
        else:
            scale = scale if scale >= 0 else self._add(room.take(TensorType((channels,), DType.FLOAT32)))
            done = self._to_floats(index, behind, (image, kernel, scale, bias))
        return done and self._is_allowed(index)

    def model(self) -> Model:
        """What is left, numbered anew."""
        ops = [op for op in self._ops if op is not None]
        used = {*self._model.inputs, *self._model.outputs}
        used |= {t for op in ops for t in (*op.inputs, *op.outputs) if t >= 0}
        number = {t: i for i, t in enumerate(sorted(used))}
        number[-1] = -1

        def renumbered(indices: Sequence[int]) -> tuple[int, ...]:
            return tuple(number[t] for t in indices)

        return replace(
            self._model,
            tensors=[self._tensors[t] for t in sorted(used)],
            ops=[replace(op, inputs=renumbered(op.inputs), outputs=renumbered(op.outputs)) for op in ops],
            inputs=renumbered(self._model.inputs),
            outputs=renumbered(self._model.outputs),
            plan=None,
        )

    def _is_worth_it(self, op: Op) -> bool:
        """Whether int8 weights and a scale a channel are smaller than the filter."""
        kernel = self._tensors[op.inputs[1]].type
        channels = self._tensors[op.outputs[0]].type.shape[-1]
        return kernel.dtype is DType.FLOAT32 and kernel.elements + 4 * channels < kernel.nbytes

    def _behind(self, op: Op) -> list[Op]:
        """Ops behind this one that each are all that reads the one before, up to a sign or a second pool, which
        the converter leaves where it is."""
        found: list[Op] = []
        value = op.outputs[0]
        while len(self.readers[value]) == 1 and value not in self._model.outputs:
            reader = self._model.ops[self.readers[value][0]]
            again = reader.kind is OpKind.MAX_POOL_2D and any(op.kind is reader.kind for op in found)
            if again or reader.kind not in (*_BEHIND, OpKind.SIGN):
                break
            found.append(reader)
            if reader.kind is OpKind.SIGN:
                break
            value = reader.outputs[0]
        return found

    def _to_bits(self, index: int, behind: Sequence[Op], inputs: tuple[int, ...], room: _Room) -> bool:
        """The layer gives the bits of the sign at the end, a pool between them compares bits, all else is gone."""
        op = self._model.ops[index]
        if not is_rising(_options(op).activation) or not all(_rises(link) for link in behind):
            return False
        options = replace(_options(op), output_dtype=DType.BIT, activation=NO_ACTIVATION)
        chain = [(index, replace(op, inputs=inputs, options=options))]
        for at, link in enumerate(behind):
            if link.kind is OpKind.MAX_POOL_2D:
                given = [chain[-1][1].outputs[0]]
                if self._falls(behind[at:]):  # the pool has to know of which channels it takes the least
                    channels = self._tensors[given[0]].type.shape[-1]
                    given.append(self._add(room.take(TensorType((channels,), DType.BIT))))
                chain.append((self._index(link), replace(link, inputs=tuple(given))))
            else:
                self._ops[self._index(link)] = None
        for _, made in chain:
            self._retype(made.outputs[0], DType.BIT)
        chain[-1] = chain[-1][0], replace(chain[-1][1], outputs=behind[-1].outputs)
        for at, made in chain:
            self._ops[at] = made
        return True

    def _to_floats(self, index: int, behind: Sequence[Op], inputs: tuple[int, ...]) -> bool:
        """The layer takes in what follows, as far as that is a batch norm, or an activation once."""
        op, bias = self._model.ops[index], inputs[3]
        options, outputs = _options(op), op.outputs
        for link in behind:
            if options.activation.kind is not Kind.NONE:
                break
            if link.kind is OpKind.BATCH_NORM:
                bias = bias if bias >= 0 else link.inputs[2]
            elif isinstance(link.options, ActivationOptions):
                options = replace(options, activation=link.options.activation)
            else:
                break
            self._ops[self._index(link)] = None
            outputs = link.outputs
        self._ops[index] = replace(op, inputs=(*inputs[:3], bias), outputs=outputs, options=options)
        return True

    def _is_allowed(self, index: int) -> bool:
        """Whether the format has such a layer: its sums must fit an int32."""
        op = self._ops[index]
        assert op is not None
        types = [None if t < 0 else self._tensors[t].type for t in op.inputs]
        try:
            return infer(op.kind, types, op.options) == [self._tensors[op.outputs[0]].type]
        except ContractError:
            return False

    def _falls(self, links: Sequence[Op]) -> bool:
        """Whether some channel is negated on the way."""
        norms = [self._tensors[link.inputs[1]].data for link in links if link.kind is OpKind.BATCH_NORM]
        signs = [np.sign(scale) for scale in norms if scale is not None]
        return bool(signs) and bool(np.any(np.prod(signs, axis=0) < 0))

    def _index(self, op: Op) -> int:
        """Where an op stands, found by what it reads: nobody else does."""
        return self.readers[op.inputs[0]][0]

    def _add(self, tensor: Tensor) -> int:
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _retype(self, tensor: int, dtype: DType) -> None:
        old = self._tensors[tensor]
        self._tensors[tensor] = replace(old, type=TensorType(old.type.shape, dtype))


class _Room:
    """Bytes for constants, out of a float filter that is no more: so they lie where it lay, in the mapped file
    too. It has four times as many as its int8 weights need."""

    def __init__(self, kernel: Tensor) -> None:
        assert kernel.data is not None
        self._left = kernel.data.reshape(-1).view(np.uint8)

    def take(self, type_: TensorType) -> Tensor:
        count = type_.nbytes
        taken, self._left = self._left[:count], self._left[count:]
        if len(taken) < count:  # a filter of a few weights
            taken = np.zeros(count, np.uint8)
        return Tensor("", type_, taken.view(type_.dtype.numpy).reshape(type_.storage_shape))


def _options(op: Op) -> Any:
    return op.options


def _rises(link: Op) -> bool:
    """Of batch norms it does not matter: a threshold stands for one that falls as well."""
    if isinstance(link.options, ActivationOptions):
        return is_rising(link.options.activation)
    return link.kind is not OpKind.PRELU
