"""Each rule of the verifier, broken alone; and models of a size that would show a quadratic walk."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Callable

import numpy as np
import pytest

from tests.schema.models import BIT, F32, I32, Builder, chain_model, every_op_model, small_model
from xlite.schema import (
    CustomOptions,
    DenseOptions,
    Model,
    OpKind,
    Preprocessing,
    ReshapeOptions,
    Tensor,
    TensorType,
    VerifyError,
    read_model,
    verify,
    write_model,
)
from xlite.schema.limits import MAX_ENTRIES, MAX_LABELS, MAX_OPS, MAX_TENSORS

# small_model: tensors 0 input, 1 sign/out, 2 filter, 3 scale, 4 conv/out, 5 flatten/out, 6 softmax/out;
# ops 0 sign, 1 conv, 2 flatten, 3 softmax.


def set_type(index: int, *shape: int, dtype=F32, packed_axes: int = 1) -> Callable[[Model], None]:
    def change(model: Model) -> None:
        model.tensors[index].type = TensorType(shape, dtype, packed_axes)

    return change


def set_op(index: int, **fields) -> Callable[[Model], None]:
    def change(model: Model) -> None:
        model.ops[index] = replace(model.ops[index], **fields)

    return change


def set_model(**fields) -> Callable[[Model], None]:
    def change(model: Model) -> None:
        for name, value in fields.items():
            setattr(model, name, value)

    return change


def set_plan(**fields) -> Callable[[Model], None]:
    def change(model: Model) -> None:
        model.plan = replace(model.plan, **fields)

    return change


def set_offset(index: int, offset: int) -> Callable[[Model], None]:
    def change(model: Model) -> None:
        offsets = list(model.plan.offsets)
        offsets[index] = offset
        model.plan = replace(model.plan, offsets=tuple(offsets))

    return change


def add_tensor(name: str, tensor_type: TensorType, data=None) -> Callable[[Model], None]:
    def change(model: Model) -> None:
        model.tensors.append(Tensor(name, tensor_type, data))

    return change


def all_of(*changes: Callable[[Model], None]) -> Callable[[Model], None]:
    def change(model: Model) -> None:
        for one in changes:
            one(model)

    return change


def set_tail_bit(model: Model) -> None:
    words = model.tensors[2].data.copy()
    words[1, 0] |= 1 << 18  # a row holds 3 * 3 * 2 = 18 bits
    model.tensors[2].data = words


def wrong_data(model: Model) -> None:
    model.tensors[3].data = np.zeros(3, "<i4")


def swap_ops(model: Model) -> None:
    model.ops[0], model.ops[1] = model.ops[1], model.ops[0]


def too_many_bytes(model: Model) -> None:
    big = TensorType((1, 2**29 - 1), F32)
    model.tensors.extend(Tensor(f"big {n}", big) for n in range(513))


RULES = {
    # tensors
    "rank": (set_type(0), r"^tensor 0 'input': rank 0 is not 1 to 6$"),
    "rank 7": (set_type(0, *[1] * 7), r"^tensor 0 'input': rank 7 is not 1 to 6$"),
    "extent": (set_type(0, 1, 0, 4, 2), r"^tensor 0 'input': shape \(1, 0, 4, 2\) has an axis out of range$"),
    "elements": (set_type(0, 1, 2**20, 2**20), r"^tensor 0 'input': shape .* has more than 2\^31 - 1 elements$"),
    "packed_axes": (set_type(1, 1, 4, dtype=BIT, packed_axes=3), r"^tensor 1 .*: packed_axes 3 is out of range$"),
    "packed activation": (
        set_type(1, 1, 4, 4, 2, dtype=BIT, packed_axes=3),
        r"^tensor 1 'sign/out': an activation packs its last axis alone, packed_axes must be 1$",
    ),
    "packed floats": (
        set_type(3, 1, 3, packed_axes=2),
        r"^tensor 3 'scale': only bits are packed, packed_axes must be 1 for f32$",
    ),
    "no batch axis": (
        set_type(0, 1),
        r"^tensor 0 'input': an activation needs a batch axis and at least one",
    ),
    "batch": (
        set_type(0, 2, 4, 4, 2),
        r"^tensor 0 'input': an activation is stored for batch 1, f32\[2,4,4,2\] has batch 2$",
    ),
    "data": (wrong_data, r"^tensor 3 'scale': f32\[3\] does not fit its data, int32 \(3,\)$"),
    "tail bits": (
        set_tail_bit,
        r"^tensor 2 'filter': unused bits \(from bit 18 of a row's last word on\) are not all zero$",
    ),
    "orphan": (
        add_tensor("lost", TensorType((1, 2), F32)),
        r"^tensor 7 'lost': no op writes it and it is no graph input$",
    ),
    "sum of sizes": (too_many_bytes, r"^the activations take \d+ bytes, over the limit of 2\^40$"),
    # graph inputs and outputs
    "no inputs": (set_model(inputs=()), r"^the model has no inputs$"),
    "no outputs": (set_model(outputs=()), r"^the model has no outputs$"),
    "input index": (set_model(inputs=(7,)), r"^graph input 7 is no tensor of the model$"),
    "negative input": (set_model(inputs=(-1,)), r"^graph input -1 is no tensor of the model$"),
    "output index": (set_model(outputs=(2**31 - 1,)), r"^graph output 2147483647 is no tensor of the model$"),
    "negative output": (set_model(outputs=(-7,)), r"^graph output -7 is no tensor of the model$"),
    "constant input": (set_model(inputs=(0, 3)), r"^tensor 3 'scale': a constant cannot be a graph input$"),
    "constant output": (set_model(outputs=(3,)), r"^tensor 3 'scale': a constant cannot be a graph output$"),
    "input twice": (set_model(inputs=(0, 0)), r"^tensor 0 'input': is a graph input twice$"),
    "output twice": (set_model(outputs=(6, 5, 6)), r"^tensor 6 'softmax/out': is a graph output twice$"),
    # ops
    "op input index": (
        set_op(1, inputs=(1, 2, 99, -1, -1)),
        r"^op 1 \(conv_2d 'conv'\): input 99 is no tensor of the model$",
    ),
    "op input below -1": (
        set_op(1, inputs=(1, 2, -2, -1, -1)),
        r"^op 1 \(conv_2d 'conv'\): input -2 is no tensor of the model$",
    ),
    "op output index": (set_op(0, outputs=(7,)), r"^op 0 \(sign 'sign'\): output 7 is no tensor of the model$"),
    "op output absent": (set_op(0, outputs=(-1,)), r"^op 0 \(sign 'sign'\): output -1 is no tensor of the model$"),
    "no op outputs": (set_op(0, outputs=()), r"^op 0 \(sign 'sign'\): has no outputs$"),
    "two outputs": (
        all_of(add_tensor("more", TensorType((1, 4, 4, 2), BIT)), set_op(0, outputs=(1, 7))),
        r"^op 0 \(sign 'sign'\): has 2 outputs, needs 1$",
    ),
    "order": (swap_ops, r"^op 0 \(conv_2d 'conv'\): reads tensor 1 'sign/out' before it is written$"),
    "reads itself": (
        set_op(2, inputs=(5,)),
        r"^op 2 .*: reads tensor 5 'flatten/out' before it is written$",
    ),
    "writes a constant": (
        set_op(0, outputs=(3,)),
        r"^op 0 .*: writes tensor 3 'scale', which is a constant$",
    ),
    "writes an input": (set_op(0, outputs=(0,)), r"^op 0 .*: writes tensor 0 'input', which is a graph input$"),
    "writes twice": (set_op(2, outputs=(4,)), r"^op 2 .*: writes tensor 4 'conv/out', which is written already$"),
    "arity": (set_op(1, inputs=(1,)), r"^op 1 \(conv_2d 'conv'\): needs 6 inputs, has 1$"),
    "absent input": (
        set_op(1, inputs=(1, -1, -1, -1, -1)),
        r"^op 1 .*: input 'filter' is absent$",
    ),
    "filter no constant": (
        all_of(
            add_tensor("weights", TensorType((1, 12), F32)),
            set_model(inputs=(0, 7)),
            set_op(3, kind=OpKind.DENSE, inputs=(5, 7, -1, -1, -1), options=DenseOptions()),
        ),
        r"^op 3 \(dense 'softmax'\): input 'filter' must be a constant$",
    ),
    "constant x": (
        all_of(
            add_tensor("x", TensorType((1, 4, 4, 2), F32), np.zeros((1, 4, 4, 2), "<f4")),
            set_op(0, inputs=(7,)),
        ),
        r"^op 0 \(sign 'sign'\): input 'x' must be an activation, a constant has no batch$",
    ),
    "contract": (
        set_op(2, options=ReshapeOptions((13,))),
        r"^op 2 \(reshape 'flatten'\): f32\[1,2,2,3\] does not hold the elements of shape \(13,\)$",
    ),
    "options": (set_op(2, options=None), r"^op 2 \(reshape 'flatten'\): needs ReshapeOptions$"),
    "no options": (set_op(3, options=ReshapeOptions((12,))), r"^op 3 \(softmax 'softmax'\): takes no options$"),
    "declared type": (
        set_type(4, 1, 2, 2, 3, dtype=I32),
        r"^op 1 \(conv_2d 'conv'\): gives f32\[1,2,2,3\], tensor 4 'conv/out' is i32\[1,2,2,3\]$",
    ),
    "custom name": (
        set_op(3, kind=OpKind.CUSTOM, options=CustomOptions("")),
        r"^op 3 \('' 'softmax'\): a custom op needs a name$",
    ),
    # plan
    "plan length": (set_plan(offsets=(0, 128)), r"^the plan has 2 offsets for 7 tensors$"),
    "arena cap": (set_plan(arena_bytes=2**40 + 1), r"^the plan's arena of \d+ bytes is over the limit of 2\^40$"),
    "arena size": (set_plan(arena_bytes=2**39), r"^the plan's arena of \d+ bytes is larger than all activations"),
    "lower bound": (
        set_plan(lower_bound=337),
        r"^the plan's lower bound of 337 bytes is above its arena of 336",
    ),
    "planned constant": (set_offset(3, 0), r"^tensor 3 'scale': a constant is planned at 0, it must be -1$"),
    "unplanned": (set_offset(4, -1), r"^tensor 4 'conv/out': the plan has no place for it \(offset -1\)$"),
    "negative offset": (set_offset(4, -16), r"^tensor 4 'conv/out': the plan has no place for it \(offset -16\)$"),
    "plan alignment": (
        set_offset(4, 200),
        r"^tensor 4 .*: its offset in the arena, 200, is not aligned to 16",
    ),
    "plan bounds": (set_offset(6, 304), r"^tensor 6 .*: bytes 304 to 352 lie outside the arena of 336 bytes$"),
    "huge offset": (set_offset(6, 2**62), r"^tensor 6 .* lie outside the arena of 336 bytes$"),
    "overlap": (
        set_offset(4, 176),
        r"^tensor 1 'sign/out' and tensor 4 'conv/out' overlap in the arena \(from bytes 128 and 176\) "
        r"while both are alive at op 1 \(conv_2d 'conv'\)$",
    ),
    "over an input": (set_offset(6, 0), r"^tensor 0 'input' and tensor 6 'softmax/out' overlap .* at op 3 "),
    "in place, elsewhere": (
        set_offset(5, 208),
        r"^tensor 4 'conv/out' and tensor 5 .* overlap .* op 2 ",
    ),
    "in place, wrong op": (
        set_offset(4, 128),
        r"^tensor 1 'sign/out' and tensor 4 .* overlap .* op 1 ",
    ),
    # metadata
    "labels": (
        lambda model: model.metadata.labels.extend(["a"] * MAX_LABELS),
        rf"^metadata has {MAX_LABELS + 2} labels, over {MAX_LABELS}$",
    ),
    "entries": (
        lambda model: model.metadata.entries.update({str(i): "" for i in range(MAX_ENTRIES)}),
        rf"^metadata has {MAX_ENTRIES + 1} entries, over {MAX_ENTRIES}$",
    ),
    "preprocessing": (
        lambda model: setattr(model.metadata, "preprocessing", Preprocessing(math.nan, 0.0)),
        r"^metadata's preprocessing is not finite \(scale nan, offset 0.0\)$",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_named(rule: str) -> None:
    change, message = RULES[rule]
    model = small_model()
    verify(model)
    change(model)
    with pytest.raises(VerifyError, match=message):
        verify(model)


@pytest.mark.parametrize(("what", "limit"), [("tensors", MAX_TENSORS), ("ops", MAX_OPS)], ids=["tensors", "ops"])
def test_counts_have_limits(what: str, limit: int) -> None:
    model = small_model()
    items = getattr(model, what)
    items.extend(items[:1] * limit)
    with pytest.raises(VerifyError, match=f"^the model has {len(items)} {what}, over {limit}$"):
        verify(model)


def test_names_may_be_any_text_and_messages_stay_one_line() -> None:
    model = small_model()
    model.tensors[5].name = "a\nb\x1b[31m" + "x" * 500
    verify(model)
    model.outputs = (5, 5)
    with pytest.raises(VerifyError) as error:
        verify(model)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 120
    model.outputs = (6,)
    model.ops[3] = replace(model.ops[3], kind=OpKind.CUSTOM, options=CustomOptions("e\nvil" * 50), outputs=())
    with pytest.raises(VerifyError) as error:
        verify(model)
    assert str(error.value).isprintable()


def test_a_model_of_every_kind_of_op_is_valid() -> None:
    model = every_op_model()
    assert {op.kind for op in model.ops} == set(OpKind)
    verify(model)


def test_a_constant_may_be_one_operand_where_the_op_says_so() -> None:
    message = r"must be an activation, a constant has no batch$"
    for kind, first in (
        (OpKind.ADD, False),
        (OpKind.MULTIPLY, False),
        (OpKind.SUBTRACT, True),
        (OpKind.DIVIDE, True),
    ):
        b = Builder()
        x, constant = b.input(1, 4), b.floats(1, 4)
        verify(b.model([b.op(kind, [x, constant])]))
        b = Builder()
        model = b.model([b.op(kind, [b.floats(1, 4), b.input(1, 4)])])
        if first:
            verify(model)
        else:
            with pytest.raises(VerifyError, match="input 'a' " + message):
                verify(model)
        b = Builder()
        b.input(1, 4)
        model = b.model([b.op(kind, [b.floats(1, 4), b.floats(1, 4)])])
        with pytest.raises(VerifyError, match=message):
            verify(model)


def test_a_mask_is_a_constant_with_its_unused_bits_zero() -> None:
    model = every_op_model()
    (index,) = (i for i, t in enumerate(model.tensors) if t.name == "mask")
    words = model.tensors[index].data.copy()
    words[0, 0] |= 1 << 31  # a row holds 27 bits
    model.tensors[index].data = words
    with pytest.raises(VerifyError, match=rf"^tensor {index} 'mask': unused bits \(from bit 27 "):
        verify(model)


def test_a_custom_op_may_take_constants_and_give_several_outputs() -> None:
    b = Builder()
    x, table = b.input(1, 4), b.floats(4)
    first = b.op(OpKind.CUSTOM, [x, table], CustomOptions("Split"), "split", out=TensorType((1, 2), F32))
    second = b.tensor("second", TensorType((1, 2), F32))
    b.ops[0] = replace(b.ops[0], outputs=(first, second))
    verify(b.model([first, second]))


# -- plans that share memory ---------------------------------------------------------------------------------


def in_place(model: Model, output: int, over: int) -> Model:
    offsets = list(model.plan.offsets)
    offsets[output] = offsets[over]
    model.plan = replace(model.plan, offsets=tuple(offsets))
    return model


def test_an_output_may_lie_exactly_on_an_input_that_dies() -> None:
    verify(in_place(small_model(), 5, 4))
    verify(in_place(in_place(small_model(), 5, 4), 6, 5))


def test_but_not_on_one_that_is_read_later_or_is_an_output() -> None:
    model = in_place(small_model(), 5, 4)
    model.outputs = (6, 4)
    with pytest.raises(VerifyError, match="overlap"):
        verify(model)
    b = Builder()
    x = b.op(OpKind.SOFTMAX, [b.input(1, 8)])
    y = b.op(OpKind.SOFTMAX, [x])
    z = b.op(OpKind.ADD, [x, y])
    with pytest.raises(VerifyError, match=r"overlap .* alive at op 1"):
        verify(in_place(b.model([z]), y, x))
    verify(in_place(b.model([z]), z, x))
    verify(in_place(b.model([z]), z, y))


def test_a_graph_input_is_never_written_over() -> None:
    b = Builder()
    x = b.input(1, 8)
    y = b.op(OpKind.SOFTMAX, [x])
    z = b.op(OpKind.SOFTMAX, [b.op(OpKind.SOFTMAX, [y])])
    for output in (y, z):
        with pytest.raises(VerifyError, match="tensor 0 'input' and tensor"):
            verify(in_place(b.model([z]), output, x))


def test_adding_a_tensor_to_itself_in_place() -> None:
    b = Builder()
    x = b.op(OpKind.SOFTMAX, [b.input(1, 8)])
    y = b.op(OpKind.ADD, [x, x])
    verify(in_place(b.model([y]), y, x))


def test_memory_of_the_dead_may_be_used_again() -> None:
    model = chain_model(6)
    activations = [i for i, t in enumerate(model.tensors) if not t.is_constant]
    offsets = list(model.plan.offsets)
    for n, index in enumerate(activations[1:]):
        offsets[index] = 16 + 16 * (n % 2)
    model.plan = replace(model.plan, offsets=tuple(offsets), arena_bytes=48, lower_bound=48)
    verify(model)


def test_overlaps_are_found_as_by_comparing_every_pair() -> None:
    rng = np.random.default_rng(0)
    verdicts = {True: 0, False: 0}
    for _ in range(2000):
        model = random_plan(rng)
        count = len(model.tensors)
        collides = any(_collide(model, i, j) for i in range(count) for j in range(i))
        verdicts[collides] += 1
        if collides:
            with pytest.raises(VerifyError, match="overlap"):
                verify(model)
        else:
            verify(model)
    assert min(verdicts.values()) > 200


def random_plan(rng: np.random.Generator) -> Model:
    """A few ops that are never in place, at offsets drawn so that some plans are good and some are not."""
    b = Builder()
    alive = [b.input(1, int(rng.integers(1, 9)))]
    for _ in range(rng.integers(1, 6)):
        chosen = alive[rng.integers(max(0, len(alive) - 3), len(alive))]
        out = TensorType((1, int(rng.integers(1, 9))), F32)
        alive.append(b.op(OpKind.CUSTOM, [chosen], CustomOptions("Any"), out=out))
    model = b.model([alive[-1]])
    top = model.plan.arena_bytes
    offsets = tuple(int(rng.integers(0, (top - t.type.nbytes) // 16 + 1)) * 16 for t in model.tensors)
    return replace(model, plan=replace(model.plan, offsets=offsets))


def _collide(model: Model, a: int, b: int) -> bool:
    """The definition: two lifetimes meet and two ranges of bytes meet (a CUSTOM op is never in place)."""
    last = {**{i: i - 1 for i in range(len(model.tensors))}, 0: len(model.ops)}
    for n, op in enumerate(model.ops):
        last[op.inputs[0]] = max(last[op.inputs[0]], n)
    last[model.outputs[0]] = len(model.ops)
    in_time = a - 1 <= last[b] and b - 1 <= last[a]
    (x, y), (s, t) = ((model.plan.offsets[i], model.tensors[i].type.nbytes) for i in (a, b))
    return in_time and x < s + t and s < x + y


# -- sizes that would show a quadratic walk ------------------------------------------------------------------


def test_very_many_tensors_alive_at_once() -> None:
    count = 25_000
    b = Builder()
    x = b.input(1, 1)
    outs = [b.tensor("", TensorType((1, 1), F32)) for _ in range(count)]
    b.op(OpKind.CUSTOM, [x], CustomOptions("Fan"), out=TensorType((1, 1), F32))
    b.ops[0] = replace(b.ops[0], outputs=(b.ops[0].outputs[0], *outs))
    verify(b.model(outs))


def test_very_many_ops_and_inputs() -> None:
    count = 12_000
    b = Builder()
    xs = [b.input(1, 1) for _ in range(count)]
    ys = [b.op(OpKind.SOFTMAX, [x]) for x in xs]
    verify(b.model(ys))


def test_many_constants_that_share_one_large_buffer() -> None:
    words = np.zeros((2**18, 1), "<u4")
    b = Builder()
    b.input(1, 1)
    for n in range(20_000):
        b.tensor("", TensorType((2**18, 1 + n % 31), BIT), words)
    verify(b.model([0]))


def test_a_file_of_every_op_keeps_its_verdict_through_the_file() -> None:
    verify(read_model(write_model(every_op_model())))
