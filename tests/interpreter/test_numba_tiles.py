"""numba's register tiles against numpy's kernels, over sizes around those of a tile; the kernels without packed
filters; what is kept is what was announced; and threads, which change nothing."""

from __future__ import annotations

import dataclasses
import gc
import itertools
import os
import threading
import time
from functools import partial

import numpy as np
import pytest

from tests.interpreter import cases_filtered
from tests.interpreter.cases import make_case, run_kernel
from tests.interpreter.making import BIT, F32, I32, Case, Maker
from tests.interpreter.networks import residual_network
from xlite import Interpreter
from xlite.interpreter import backends
from xlite.interpreter.kernels.base import Buffers
from xlite.interpreter.kernels.numba.threads import Threads
from xlite.interpreter.program import aligned_bytes
from xlite.schema.bits import pack_signs
from xlite.schema.types import Activation, Conv2DOptions, DenseOptions, DType, OpKind

pytestmark = pytest.mark.skipif(not backends.available("numba"), reason="numba not installed")

OUTPUTS = (BIT, I32, F32)
FILTERS = (12, 31, 32, 33, 63, 64, 65, 96, 97, 128, 129)  # blocks have 64 and 32 lanes
BYTES = (30, 31, 32, 61, 62, 63)  # 31 are counted at a time


@dataclasses.dataclass(frozen=True)
class Threaded(Case):
    """A case for several threads."""

    threads: int = 1

    @property
    def spec(self):
        return dataclasses.replace(super().spec, threads=self.threads)


def on_threads(case: Case, threads: int) -> Case:
    return Threaded(case.op, case.types, case.values, case.output, threads)


def kernels_for(case: Case, name: str = "nb_"):
    found = backends.kernels_of("numba").get(case.op.kind, ())
    return [kernel for kernel in found if kernel.supports(case.spec) and name in kernel.name]


def check(case: Case, least: int = 1) -> None:
    """Every numba kernel that takes the case gives what numpy's does, to the last bit: sums are exact, so that one
    product and one sum a float are all that is rounded."""
    (reference,) = backends.kernels_of("numpy")[case.op.kind]
    expected = run_kernel(reference, case)
    kernels = kernels_for(case)
    assert len(kernels) >= least, case
    for kernel in kernels:
        np.testing.assert_array_equal(run_kernel(kernel, case), expected, f"{kernel.name} {case.op} {case.types}")


def operands(m: Maker, out: DType, length: int, masked: bool = False) -> None:
    """Scale, bias, threshold and mask for the filters in slot 1."""
    count = m.types[1].shape[0]
    for _ in ("scale", "bias"):
        if out is F32 and m.pick.random() < 0.7:
            m.add((count,), F32)
        else:
            m.give(None)
    limit = max(2, int(2 * length**0.5))
    m.give(m.rng.integers(-limit, limit, size=count).astype(np.int32), I32) if out is BIT else m.give(None)
    m.add(m.types[1].shape, BIT, m.types[1].packed_axes) if masked else m.give(None)


def dense(rows: int, features: int, units: int, out: DType, seed: int = 0, **options) -> Case:
    m, masked = Maker(seed), options.pop("masked", False)
    m.add((rows, features * options.get("planes", 1)), BIT)
    m.add((units, features), BIT)
    operands(m, out, features, masked)
    return m.case(OpKind.DENSE, DenseOptions(output_dtype=out, activation=Activation(), **options))


def conv(image, depth: int, filters: int, window, out: DType, seed: int = 0, **options) -> Case:
    m, masked = Maker(seed), options.pop("masked", False)
    groups, planes, samples = options.get("groups", 1), options.get("planes", 1), options.pop("samples", 1)
    m.add((samples, *image, depth * groups * planes), BIT)
    m.add((filters * groups, *window, depth), BIT, 3)
    operands(m, out, depth * window[0] * window[1], masked)
    return m.case(OpKind.CONV_2D, Conv2DOptions(output_dtype=out, activation=Activation(), **options))


# -- sizes around a tile's --------------------------------------------------------------------------------------


@pytest.mark.parametrize("out", OUTPUTS, ids=lambda d: d.name)
def test_every_number_of_filters(out):
    for filters in FILTERS:
        check(dense(7, 70, filters, out, seed=filters), least=2)
        check(conv((4, 5), 16, filters, (2, 2), out, seed=filters, pad_left=1), least=2)


@pytest.mark.parametrize("out", OUTPUTS, ids=lambda d: d.name)
def test_every_number_of_pixels(out):
    for pixels in range(1, 20):
        check(dense(pixels, 40, 33, out, seed=pixels), least=2)
        check(conv((1, pixels), 8, 33, (1, 1), out, seed=pixels), least=2)


def test_every_length_of_a_window():
    for count, odd in itertools.product(BYTES, (-1, 0, 1)):
        check(dense(7, 8 * count + odd, 65, I32, seed=count), least=2)
    for depth in (1, 7, 8, 9, 31, 32, 33, 40, 64, 70):
        check(conv((5, 6), depth, 33, (3, 3), I32, seed=depth, pad_top=1, pad_right=1), least=2)


@pytest.mark.parametrize("out", OUTPUTS, ids=lambda d: d.name)
@pytest.mark.parametrize("pad_value", [-1, 0, 1])
def test_every_padding(pad_value, out):
    sides = ("pad_top", "pad_bottom", "pad_left", "pad_right")
    steps = [(1, 1, 1, 1), (2, 3, 1, 1), (1, 1, 2, 3), (3, 1, 1, 2), (4, 4, 1, 1)]
    for seed, (pads, step) in enumerate(itertools.product(itertools.product((0, 1), repeat=4), steps)):
        for depth in (8, 12):  # read from a larger image, and gathered
            names = ("stride_h", "stride_w", "dilation_h", "dilation_w")
            options = {**dict(zip(sides, pads)), **dict(zip(names, step)), "pad_value": pad_value}
            check(conv((7, 8), depth, 13, (3, 2), out, seed, samples=2, **options), least=2)


@pytest.mark.parametrize("masked", [False, True])
def test_groups_planes_and_masks(masked):
    """Ternary filters are for tiles alone."""
    least = 1 if masked else 2
    for groups, planes, depth, out in itertools.product((1, 3), (1, 2, 3), (8, 11), OUTPUTS):
        options = {"groups": groups, "planes": planes, "masked": masked, "pad_left": 2, "samples": 2}
        check(conv((3, 5), depth, 33, (2, 3), out, groups + planes, **options), least)
    for planes, features, out in itertools.product((1, 2), (64, 80), OUTPUTS):
        check(dense(8, features, 40, out, planes=planes, masked=masked), least)


@pytest.mark.parametrize("family", [cases_filtered.conv_2d, cases_filtered.dense], ids=lambda f: f.__name__)
def test_kernels_that_keep_nothing_equal_those_that_do(family):
    compared = 0
    for seed in range(100, 160):
        case = make_case(family, seed)
        lean = [k for k in kernels_for(case) if k.prepacked(case.spec) == 0]
        for tiled in kernels_for(case, "tiled"):
            for kernel in lean:
                np.testing.assert_array_equal(run_kernel(kernel, case), run_kernel(tiled, case))
                compared += 1
    assert compared > 5


def test_sums_that_a_tile_cannot_hold_are_left_to_the_other_kernel():
    case = dense(1, 2**16 - 1, 32, I32)
    assert len(kernels_for(case, "tiled")) == 1
    check(case, 2)
    case = dense(1, 2**16, 32, I32)
    assert not kernels_for(case, "tiled")
    assert not kernels_for(dense(1, 2**15, 32, I32, masked=True), "tiled")
    m = Maker(0)  # all bits differ: the largest count
    m.give(np.ones((7, 2**16 - 1), np.int8), BIT)
    m.give(-np.ones((12, 2**16 - 1), np.int8), BIT)
    for _ in range(4):
        m.give(None)
    check(m.case(OpKind.DENSE, DenseOptions(output_dtype=I32)), 2)


@pytest.mark.parametrize("way", ["count_by_ctpop", "count_by_tables"])
@pytest.mark.parametrize(("pixels", "lanes"), [(6, 64), (1, 32)])
def test_both_ways_to_count(way, pixels, lanes):
    """A machine uses one of them; the other is to be right as well."""
    import numba

    from xlite.interpreter.kernels.numba import bit_tiles

    if way == "count_by_tables" and "+avx2" not in bit_tiles.target_features():
        pytest.skip("this machine has no AVX2")
    tile = bit_tiles.make_tile(pixels, lanes, getattr(bit_tiles, way))

    @numba.njit(error_model="numpy")
    def run(x, starts, offsets, filters, counts):
        tile(x, starts, offsets, 0, 20, filters, 0, counts, 0)
        tile(x, starts, offsets, 20, offsets.size, filters, 20 * lanes, counts, 1)

    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, 200).astype(np.uint8)
    starts, offsets = rng.integers(0, 100, pixels), rng.permutation(100)[:51].astype(np.int32)
    filters, counts = aligned_bytes(51 * lanes), np.full(pixels * lanes, 999, np.uint16)
    filters[:] = rng.integers(0, 256, filters.size)
    filters[:lanes], x[:50] = 0, 255
    run(x, starts, offsets, filters, counts)
    windows = x[starts[:, np.newaxis] + offsets]
    differ = np.unpackbits(windows[:, :, np.newaxis] ^ filters.reshape(51, lanes), axis=1)
    np.testing.assert_array_equal(counts.reshape(pixels, lanes), differ.sum(axis=1))


def test_far_padding_takes_no_image():
    """A file may ask for padding that is thousands of times the image."""
    case = conv((4, 4), 8, 12, (2, 2), I32, pad_top=3000, pad_left=3000, stride_h=3001, stride_w=3001)
    check(case, 2)
    (kernel,) = kernels_for(case, "tiled")
    assert kernel.workspace(case.spec) < 2**14


def test_sums_of_taps_do_not_outgrow_the_filters():
    case = conv((30, 30), 1, 200, (20, 20), I32, pad_left=1)
    assert not kernels_for(case, "tiled")
    check(case, 1)


# -- memory -----------------------------------------------------------------------------------------------------


def test_what_is_kept_is_what_was_announced():
    from xlite.interpreter.kernels.numba import tiled

    cases = [dense(3, 70, 65, I32), conv((5, 5), 16, 33, (3, 3), BIT, pad_top=1), conv((5, 5), 9, 96, (2, 2), F32)]
    for case in cases:
        (kernel,) = kernels_for(case, "tiled")
        arrays = tiled.pack(case.spec, stored(case))
        memory = arrays[0]
        while memory.base is not None:
            memory = memory.base
        assert memory.nbytes == kernel.prepacked(case.spec)
        assert arrays[0].ctypes.data % 64 == 0


def test_prepack_chooses():
    network = residual_network()
    kept, lean = (Interpreter(network, backend="numba", prepack=prepack) for prepack in (True, False))
    assert kept.account.prepacked > 0 == lean.account.prepacked
    assert any("tiled" in row.kernel for row in kept.kernels())
    assert not any("tiled" in row.kernel for row in lean.kernels())


# -- threads ----------------------------------------------------------------------------------------------------


def stored(case: Case):
    return tuple(
        None if v is None else pack_signs(v, t.packed_axes) if t.dtype is BIT else v
        for v, t in zip(case.values, case.types)
    )


def large(out: DType, depth: int = 64, **options) -> list[Case]:
    """Large enough for threads."""
    image = conv((14, 15), depth, 70, (3, 3), out, pad_top=1, pad_left=1, samples=2, **options)
    return [image, dense(100, 1000, 100, out)]


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_any_number_of_threads_gives_the_same(threads):
    cases = [case for out in OUTPUTS for depth in (64, 60) for case in large(out, depth)]
    for case in (*cases, *large(I32, groups=3, planes=2, masked=True)):
        (kernel,) = kernels_for(case, "tiled")
        expected = run_kernel(kernel, case)
        wide = on_threads(case, threads)
        assert kernel.workspace(wide.spec) != kernel.workspace(case.spec)  # it does use them
        np.testing.assert_array_equal(run_kernel(kernel, wide), expected)  # one after the other, memory guarded
        output = np.zeros(case.output.storage_shape, case.output.dtype.numpy)
        workspace = aligned_bytes(kernel.workspace(wide.spec))
        step = kernel.prepare(wide.spec, Buffers(stored(case), (output,), workspace, Threads(threads)))
        for _ in range(5):
            output[...] = 0
            step()
            np.testing.assert_array_equal(output, pack_signs(expected) if case.output.dtype is BIT else expected)


def test_every_piece_is_done_once():
    threads = Threads(3)
    for count in (1, 2, 3, 4, 50):
        for _ in range(50):
            done: list[int] = []
            threads.run([[partial(done.append, i)] * 3 for i in range(count)])
            assert sorted(done) == list(range(count))


def test_work_is_shared():
    """A piece that waits for another ends only where they run at the same time."""
    both = threading.Barrier(2)
    Threads(2).run([[partial(both.wait, 60)] * 2] * 2)


def fail():
    raise ValueError("a piece")


@pytest.mark.parametrize("thread", [0, 1])
def test_an_error_in_a_thread_is_the_callers(thread):
    threads, met = Threads(2), threading.Barrier(2)

    def piece(own: int):
        def run():
            met.wait(60)  # each takes one
            if own == thread:
                fail()

        return run

    pieces = [[piece(0), piece(1)]] * 2
    with pytest.raises(ValueError, match="a piece"):
        threads.run(pieces)
    done = []
    threads.run([[lambda: done.append(0)] * 2] * 4)
    assert done == [0] * 4


def test_threads_end_with_their_owner():
    before = set(threading.enumerate())
    threads = Threads(3)
    threads.run([[time.time] * 3] * 3)
    started = set(threading.enumerate()) - before
    assert len(started) == 2
    del threads
    gc.collect()
    for thread in started:
        thread.join(60)
        assert not thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    threads = Threads(2)
    threads.run([[time.time] * 2] * 2)
    child = os.fork()
    if child == 0:
        done = []
        threads.run([[lambda: done.append(0)] * 2] * 8)
        os._exit(0 if len(done) == 8 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_interpreters_in_threads_of_python_do_not_disturb_each_other():
    network = residual_network()
    rng = np.random.default_rng(0)
    inputs = [
        rng.normal(size=(3, *network.tensors[network.inputs[0]].type.shape[1:])).astype(np.float32) for _ in "abc"
    ]
    expected = [Interpreter(network, backend="numba")(x) for x in inputs]
    found = [None] * len(inputs)

    def work(i):
        interpreter = Interpreter(network, backend="numba", num_threads=2)
        found[i] = [interpreter(inputs[i]) for _ in range(20)]

    workers = [threading.Thread(target=work, args=(i,)) for i in range(len(inputs))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for outputs, wanted in zip(found, expected):
        assert len(outputs) == 20
        for output in outputs:
            for a, b in zip(output, wanted):
                np.testing.assert_array_equal(a, b)
