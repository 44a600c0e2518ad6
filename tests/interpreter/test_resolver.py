"""Choosing kernels: preferences, fallbacks that can be seen, kernels and custom ops of a user's own."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.interpreter.networks import BIT, F32, SAME_3, Builder, residual_network
from xlite.interpreter import Interpreter, Kernel, Resolver, backends
from xlite.interpreter.resolver import _fastest
from xlite.schema import write_model
from xlite.schema.errors import BackendError, KernelError
from xlite.schema.types import CustomOptions, OpKind, TensorType


def image() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 12, 12, 3)).astype(np.float32)


class FakeBackend:
    """A backend package with a few kernels: the reference's, under another name."""

    def __init__(self, name: str, kinds: set[OpKind], reason: str = "", workspace: int = 0, prepacked: int = 0):
        self._reason = reason
        self.linked: list[int] = []
        self.KERNELS = [
            Kernel(f"{name}_{kind.name.lower()}", name, kind, kernels[0].prepare, kernels[0].supports,
                   lambda spec: workspace, lambda spec: prepacked)
            for kind, kernels in backends.kernels_of("numpy").items()
            if kind in kinds
        ]  # fmt: skip

    def available(self) -> bool:
        return not self._reason

    def unavailable_reason(self) -> str:
        return self._reason

    def link(self, steps):
        self.linked.append(len(steps))

        def joined() -> None:
            for step in steps:
                step()

        return [joined]


@pytest.fixture
def fake(monkeypatch):
    """Replaces the backends "c" and "numba"; returns what to put in their place."""
    packages = {"numpy": backends._package("numpy"), "c": None, "numba": None}
    backends.kernels_of("numpy")
    caches = (backends.kernels_of, _fastest)

    def clear():
        for cache in caches:
            cache.cache_clear()

    def install(name, package):
        packages[name] = package
        clear()
        return package

    original = backends._package
    monkeypatch.setattr(backends, "_package", lambda name: packages[name] if name in packages else original(name))
    clear()
    yield install
    monkeypatch.undo()
    clear()


CONVS = {OpKind.CONV_2D, OpKind.ADD}


def test_without_a_preference_the_fastest_that_is_there(fake):
    model = residual_network()
    assert Interpreter(model).backend == "numpy"
    fake("numba", FakeBackend("numba", CONVS))
    assert Interpreter(model).backend == "numba"
    fake("c", FakeBackend("c", CONVS))
    assert Interpreter(model).backend == "c"


def test_a_broken_backend_is_passed_over_unless_it_is_named(fake):
    class Broken(FakeBackend):
        @property
        def KERNELS(self):
            raise ImportError("numba needs an older numpy")

        @KERNELS.setter
        def KERNELS(self, value):
            pass

    fake("numba", Broken("numba", CONVS))
    assert Interpreter(residual_network()).backend == "numpy"
    with pytest.raises(BackendError, match=r"'numba' is not available.*older numpy"):
        Interpreter(residual_network(), backend="numba")


def test_fallback_is_reported(fake):
    fake("c", FakeBackend("c", CONVS))
    interpreter = Interpreter(residual_network())
    for row in interpreter.kernels():
        if row.kind in ("conv_2d", "add"):
            assert (row.backend, row.wanted, row.note) == ("c", "c", "")
        else:
            assert (row.backend, row.wanted) == ("numpy", "c")
            assert row.note.startswith(f"no c kernel takes {row.kind}(f32[") or "bit[" in row.note
    counts = interpreter.backends
    assert counts == {"c": 8, "numpy": 14}


def test_consecutive_steps_of_a_backend_are_joined(fake):
    package = fake("c", FakeBackend("c", set(OpKind) - {OpKind.SIGN}))
    model = residual_network()
    plain = Interpreter(model, backend="numpy")(image())
    joined = Interpreter(model)(image())
    signs = [i for i, op in enumerate(model.ops) if op.kind is OpKind.SIGN]
    edges = [-1, *signs, len(model.ops)]
    assert package.linked == [b - a - 1 for a, b in zip(edges, edges[1:])]
    for a, b in zip(plain, joined):
        np.testing.assert_array_equal(a, b)


def test_unavailable_backend_gives_the_reason(fake):
    fake("c", FakeBackend("c", set(), reason="the library was not built: no compiler was found"))
    with pytest.raises(BackendError, match="'c' is not available: the library was not built"):
        Interpreter(residual_network(), backend="c")
    with pytest.raises(BackendError, match="'numba' is not available: it is not part of this installation"):
        Interpreter(residual_network(), backend="numba")
    with pytest.raises(BackendError, match="no backend of"):
        Interpreter(residual_network(), backend=("c", "numba"))


@pytest.mark.parametrize("backend", ["cuda", "", 3, ("numpy", "cuda"), {"default": "cuda"}, {"add": 3}])
def test_unknown_backend(backend):
    with pytest.raises(BackendError, match="there is no backend"):
        Interpreter(residual_network(), backend=backend)


def test_a_sequence_leaves_out_what_is_not_there(fake):
    fake("numba", FakeBackend("numba", CONVS))
    interpreter = Interpreter(residual_network(), backend=("c", "numba"))
    assert interpreter.backends == {"numba": 8, "numpy": 14}


def test_a_mapping_by_kind_and_by_name(fake):
    fake("c", FakeBackend("c", set(OpKind)))
    fake("numba", FakeBackend("numba", set(OpKind)))
    model = residual_network()
    interpreter = Interpreter(model, backend={"conv_2d": "numba", "scores": "numpy", model.ops[0].name: "numpy"})
    for i, row in enumerate(interpreter.kernels()):
        wanted = "numpy" if i == 0 or row.name == "scores" else "numba" if row.kind == "conv_2d" else "c"
        assert row.backend == row.wanted == wanted


def test_a_mapping_that_names_no_op():
    with pytest.raises(BackendError, match="'conv2d', which is neither"):
        Interpreter(residual_network(), backend={"conv2d": "numpy"})


# -- a user's own kernels ------------------------------------------------------------------------------------


def doubling_add(spec, buffers):
    a, b = buffers.inputs
    return lambda: np.add(2 * a, b, out=buffers.outputs[0])


def add_model():
    b = Builder()
    x = b.input((4,))
    return b.model([b.op(OpKind.ADD, (x, b.batch_norm(x)), name="sum")])


def test_registered_kernels_come_first_where_they_support_the_op():
    plain = Interpreter(add_model(), backend="numpy")(np.ones((1, 4)))
    resolver = Resolver()
    resolver.register(Kernel("my_add", "mine", OpKind.ADD, doubling_add))
    interpreter = Interpreter(add_model(), backend="numpy", resolver=resolver)
    np.testing.assert_array_equal(interpreter(np.ones((1, 4))), plain + 1)
    assert [row.kernel for row in interpreter.kernels()] == ["np_batch_norm", "my_add"]
    resolver.register(Kernel("never", "mine", OpKind.ADD, doubling_add, supports=lambda spec: False))
    assert Interpreter(add_model(), resolver=resolver).kernels()[1].kernel == "my_add"


def test_a_mapping_can_take_a_registered_kernel_back():
    resolver = Resolver()
    resolver.register(Kernel("my_add", "mine", OpKind.ADD, doubling_add))
    names = [
        Interpreter(add_model(), resolver=resolver, backend=backend).kernels()[1].kernel
        for backend in ({"add": "numpy"}, {"sum": "mine"}, {"default": "numpy"})
    ]
    assert names == ["np_add", "my_add", "my_add"]


# -- custom ops ----------------------------------------------------------------------------------------------


def custom_model():
    """bits -> the custom op "Count" (bits and a constant in, floats and bits out) -> floats."""
    b = Builder()
    packed = b.conv(b.input((4, 4, 3), name="image"), 33, bit_filter=False, **SAME_3)
    packed = b.op(OpKind.SIGN, (packed,))
    weights = b.const(np.array([0.5, 2.0], np.float32))
    data = json.dumps({"axis": -1}).encode()
    types = [TensorType((1, 4, 4), F32), TensorType((1, 4, 4, 33), BIT)]
    counts = b.op(
        OpKind.CUSTOM, (packed, weights), CustomOptions("Count", data), output_types=types, name="counting"
    )
    flipped = b.op(OpKind.UNPACK, (counts + 1,))
    return b.model([counts, packed, flipped])


def count(inputs, data):
    signs, weights = inputs
    assert signs.dtype == np.int8
    return [signs.sum(axis=json.loads(data)["axis"]) * weights.sum(), -signs]


@pytest.mark.parametrize("name", backends.available_backends())
def test_custom_op_from_a_function(name):
    resolver = Resolver()
    resolver.register_custom("Count", count)
    interpreter = Interpreter(write_model(custom_model()), backend=name, resolver=resolver)
    x = np.random.default_rng(0).normal(size=(3, 4, 4, 3)).astype(np.float32)
    counts, packed, flipped = interpreter(x)
    np.testing.assert_allclose(counts, packed.sum(axis=-1) * 2.5)
    np.testing.assert_array_equal(flipped, -packed)
    row = interpreter.kernels()[2]
    assert (row.kind, row.backend) == ("Count", "python")


def test_custom_op_sees_the_whole_batch():
    seen = []

    def watch(inputs, data):
        seen.append(len(inputs[0]))
        return count(inputs, data)

    resolver = Resolver()
    resolver.register_custom("Count", watch)
    Interpreter(custom_model(), resolver=resolver)(np.ones((5000, 4, 4, 3)))
    assert seen == [5000]


def test_custom_op_from_prepare():
    def prepare(spec, buffers):
        def step():
            buffers.outputs[0][...] = 7
            buffers.outputs[1][...] = buffers.inputs[0]

        return step

    resolver = Resolver()
    resolver.register_custom("Count", prepare=prepare)
    counts, packed, same = Interpreter(custom_model(), resolver=resolver)(np.ones((4, 4, 3)))
    assert (counts == 7).all()
    np.testing.assert_array_equal(same, packed)


def test_unknown_custom_op_names_it_and_the_mend():
    with pytest.raises(KernelError, match=r"'counting' is the custom op 'Count'.*register_custom\('Count'"):
        Interpreter(custom_model())


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda inputs, data: inputs[0], "returned 1 arrays, its file wants 2"),
        (lambda inputs, data: [np.ones((1, 4, 5)), inputs[0]], r"shape \(1, 4, 5\), its file wants \(1, 4, 4\)"),
        (lambda inputs, data: [np.ones((1, 4, 4)) * 1j, inputs[0]], "complex128, its file wants float32"),
    ],
)
def test_custom_op_that_returns_something_else(function, words):
    resolver = Resolver()
    resolver.register_custom("Count", function)
    with pytest.raises(KernelError, match=f"'Count' .*{words}"):
        Interpreter(custom_model(), resolver=resolver)(np.ones((1, 4, 4, 3)))


def test_custom_functions_cannot_change_their_inputs():
    def spoil(inputs, data):
        inputs[1][...] = 0
        return count(inputs, data)

    resolver = Resolver()
    resolver.register_custom("Count", spoil)
    with pytest.raises(ValueError, match="read-only"):
        Interpreter(custom_model(), resolver=resolver)(np.ones((1, 4, 4, 3)))


def test_register_custom_wants_one_of_the_two():
    with pytest.raises(KernelError, match="either a function or prepare"):
        Resolver().register_custom("Count")
    with pytest.raises(KernelError, match="either a function or prepare"):
        Resolver().register_custom("Count", count, prepare=lambda spec, buffers: lambda: None)


# -- kernels that need memory --------------------------------------------------------------------------------


def test_the_fastest_kernels_that_fit(fake):
    """With room for the workspace of "c" it is used; with less the ops run elsewhere, and say why."""
    fake("c", FakeBackend("c", {OpKind.CONV_2D}, workspace=10**6))
    model = residual_network()
    need = Interpreter(model, backend="numpy").account.total
    assert Interpreter(model, memory_limit=need + 10**6).backends == {"c": 5, "numpy": 17}
    lean = Interpreter(model, memory_limit=need)
    assert lean.backends == {"numpy": 22}
    notes = [row.note for row in lean.kernels() if row.kind == "conv_2d"]
    assert notes == ["c_conv_2d needs more memory than the limit leaves"] * 5


def test_prepacked_weights_are_given_up_one_op_at_a_time(fake):
    """Three of five convolutions keep theirs: those with the most to compute, where they save the most time."""
    fake("c", FakeBackend("c", {OpKind.CONV_2D}, prepacked=1000))
    model = residual_network()
    need = Interpreter(model, backend="numpy").account.total
    assert Interpreter(model).account.prepacked == 5000
    some = Interpreter(model, memory_limit=need + 3500)
    assert some.account.prepacked == 3000
    assert [row.backend for row in some.kernels() if row.kind == "conv_2d"] == ["numpy", "c", "c", "c", "numpy"]


def test_prepack_off_takes_kernels_that_keep_nothing(fake):
    fake("c", FakeBackend("c", {OpKind.CONV_2D, OpKind.ADD}, prepacked=1000))
    interpreter = Interpreter(residual_network(), prepack=False)
    assert interpreter.account.prepacked == 0
    assert interpreter.backends == {"numpy": 22}
