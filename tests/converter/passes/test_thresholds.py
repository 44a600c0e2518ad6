"""Folded thresholds against the chain they replace, evaluated at every accumulator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import oracle
from tests.converter.passes.build import Builder
from xlite.converter.passes import chains, fold_thresholds, pack_weights
from xlite.schema.types import ActivationKind, DType, Op, OpKind

CHANNELS = 6


def folded_signs(threshold: np.ndarray, flip: np.ndarray, acc: np.ndarray) -> np.ndarray:
    """The bits that the folded op gives: the accumulator of a flipped channel is negated."""
    turned = np.where(flip, -acc, acc)
    return turned < threshold


def packed_conv(b: Builder, alpha, bias: bool):
    x = b.op(OpKind.UNPACK, b.input(3, 3, 5, dtype=DType.BIT))
    conv = b.conv(x, CHANNELS, alpha=alpha, bias=bias)
    b.done(conv)
    assert pack_weights.run(b.graph)
    return conv, b.graph.nodes[-1]


SHAPES = ["SIGMOID", "TANH", "HARD_TANH", "SELU", "SOFTPLUS", "SOFTSIGN", "SILU"]
numbers = st.floats(-8, 8, width=32)
vectors = st.lists(numbers, min_size=CHANNELS, max_size=CHANNELS)
links = st.one_of(
    st.tuples(st.just("norm"), vectors, vectors),
    st.tuples(st.just("relu"), st.floats(0, 1, width=32), st.sampled_from([np.inf, 6.0])),
    st.tuples(st.just("shape"), st.sampled_from(SHAPES), st.none()),
    st.tuples(st.just("elu"), st.sampled_from(["ELU", "CELU"]), st.floats(0.25, 2, width=32)),
    st.tuples(st.just("prelu"), vectors, st.none()),
)


@settings(max_examples=150, deadline=None)
@given(
    alpha=st.lists(st.floats(0, 4, width=32), min_size=CHANNELS, max_size=CHANNELS),
    bias=st.booleans(),
    steps=st.lists(links, max_size=4),
)
def test_thresholds_equal_the_chain(alpha, bias, steps):
    b = Builder()
    value, conv = packed_conv(b, alpha, bias)
    for name, first, second in steps:
        if name == "norm":
            value = b.norm(value, first, second)
        elif name == "relu":
            value = b.activation(value, alpha=first, max_value=second)
        elif name == "elu":
            value = b.activation(value, ActivationKind[first], alpha=second)
        elif name == "shape":
            value = b.activation(value, ActivationKind[first])
        else:
            value = b.prelu(value, first)
    chain = b.graph.nodes[b.graph.nodes.index(conv) + 1 :]
    bound = chains.accumulator_bound(conv)
    assert bound == 45
    acc = np.repeat(np.arange(-bound, bound + 1)[:, None], CHANNELS, axis=1)
    wanted = chains.evaluate(conv, chain, acc) < 0
    found = fold_thresholds.thresholds(conv, chain)
    once = (np.diff(wanted.astype(int), axis=0) != 0).sum(axis=0).max() <= 1
    assert (found is not None) == once
    if found is not None:
        np.testing.assert_array_equal(folded_signs(*found, acc), wanted)


def test_gamma_of_either_sign_and_zero():
    b = Builder()
    value, conv = packed_conv(b, np.ones(CHANNELS), False)
    b.norm(value, [1, -1, 0, 0, 1e-30, -1e-30], [0, 0, 1, -1, 0, 0])
    threshold, flip = fold_thresholds.thresholds(conv, b.graph.nodes[-1:])
    assert threshold.tolist() == [0, 0, fold_thresholds.NEVER, fold_thresholds.ALWAYS, 0, 0]
    assert flip.tolist() == [False, True, False, False, False, True]


def test_ties_are_plus_one():
    """sign(0) = +1 on both slopes: mean 7 is met exactly by acc = 7."""
    b = Builder()
    value, conv = packed_conv(b, np.ones(CHANNELS), False)
    b.norm(value, [1, -1, 1, -1, 1, -1], [-7, 7, -7, 7, -7, 7])
    threshold, flip = fold_thresholds.thresholds(conv, b.graph.nodes[-1:])
    acc = np.array([[6] * 6, [7] * 6, [8] * 6])
    expected = [[True, False] * 3, [False, False] * 3, [False, True] * 3]
    assert folded_signs(threshold, flip, acc).tolist() == expected


@pytest.mark.parametrize("huge", [1e30, 3e38])
def test_offsets_beyond_every_accumulator(huge):
    b = Builder()
    value, conv = packed_conv(b, np.ones(CHANNELS), False)
    b.norm(value, 1, [huge, -huge] * 3)
    threshold, _ = fold_thresholds.thresholds(conv, b.graph.nodes[-1:])
    assert threshold.tolist() == [fold_thresholds.NEVER, fold_thresholds.ALWAYS] * 3


def test_a_tanh_that_saturates_is_still_exact():
    """tanh(acc) is 1.0 in float64 from acc = 20 on; the bisection must still find where tanh(acc) - c changes."""
    b = Builder()
    value, conv = packed_conv(b, np.ones(CHANNELS), False)
    b.activation(value, ActivationKind.TANH)
    b.norm(b.graph.nodes[-1].output, 1, [-0.5, -0.999, 0, 0.5, 0.999, -1.5])
    chain = b.graph.nodes[-2:]
    threshold, flip = fold_thresholds.thresholds(conv, chain)
    acc = np.repeat(np.arange(-45, 46)[:, None], CHANNELS, axis=1)
    np.testing.assert_array_equal(folded_signs(threshold, flip, acc), chains.evaluate(conv, chain, acc) < 0)


@pytest.mark.parametrize("kind", list(ActivationKind))
def test_an_activation_that_is_not_known_here_is_not_folded(kind):
    """Every kind is either evaluated as the oracle does or left alone."""
    b = Builder()
    value, conv = packed_conv(b, np.ones(CHANNELS), False)
    given = {"alpha": 0.5} if kind.name in ("ELU", "CELU", "HARD_SIGMOID", "SQUAREPLUS") else {}
    if kind is ActivationKind.NONE:
        return
    b.activation(value, kind, **given)
    node = b.graph.nodes[-1]
    if not chains.is_link(node):
        return
    acc = np.repeat(np.arange(-45, 46)[:, None], CHANNELS, axis=1)
    expected = oracle.evaluate(Op(OpKind.ACTIVATION, (0,), (1,), node.options), [acc.astype(np.float64)])
    np.testing.assert_allclose(chains.evaluate(conv, [node], acc), expected, rtol=1e-9, atol=1e-12)
