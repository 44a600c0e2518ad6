"""Rewrites of the graph, one file each, and the order in which they run.

Every pass is a function ``run(graph) -> bool`` that rewrites in place, keeps the outputs' values as they were and
says whether it changed anything; it may stop at the first change, since it is called until nothing changes. A
stage runs its passes in order, again and again until none changes anything.
The first stage moves bits and packs; the second fuses what is left, which would hide patterns from the first.
"""

from __future__ import annotations

from collections.abc import Callable

from xlite.converter.graph import Graph
from xlite.converter.passes import (
    cancel_sign_unpack,
    dead_code,
    fold_thresholds,
    fuse_activation,
    fuse_batch_norm,
    fuse_padding,
    hoist_sign,
    merge_duplicates,
    merge_groups,
    merge_reshapes,
    merge_transposes,
    pack_int8,
    pack_weights,
    pool_after_sign,
    read_integers,
    sink_planes,
    sink_reshape,
    sink_unpack,
)
from xlite.schema.errors import ConversionError

Pass = Callable[[Graph], bool]

STAGES: tuple[tuple[tuple[str, Pass], ...], ...] = (
    (
        ("merge_duplicates", merge_duplicates.run),
        ("merge_transposes", merge_transposes.run),
        ("merge_reshapes", merge_reshapes.run),
        ("sink_reshape", sink_reshape.run),
        ("cancel_sign_unpack", cancel_sign_unpack.run),
        ("fuse_padding", fuse_padding.run),
        ("sink_unpack", sink_unpack.run),
        ("sink_planes", sink_planes.run),
        ("hoist_sign", hoist_sign.run),
        ("pack_weights", pack_weights.run),
        ("pack_int8", pack_int8.run),
        ("merge_groups", merge_groups.run),  # behind the packing, which looks at each filter for itself
        ("read_integers", read_integers.run),
        ("pool_after_sign", pool_after_sign.run),
        ("fold_thresholds", fold_thresholds.run),
        ("dead_code", dead_code.run),
    ),
    (
        ("fuse_batch_norm", fuse_batch_norm.run),
        ("fuse_activation", fuse_activation.run),
        ("dead_code", dead_code.run),
    ),
)

MAX_ROUNDS = 1000  # each round changes something; a graph needs about as many as it is deep


def run_passes(graph: Graph, trace: Callable[[str, Graph], None] | None = None) -> None:
    """Runs all stages in place. ``trace(pass name, graph)`` is called after every pass that changed something."""
    for stage in STAGES:
        for _ in range(MAX_ROUNDS):
            if not _round(graph, stage, trace):
                break
        else:
            raise ConversionError(f"the passes did not settle in {MAX_ROUNDS} rounds; please report this model")


def _round(graph: Graph, stage: tuple[tuple[str, Pass], ...], trace: Callable[[str, Graph], None] | None) -> bool:
    changed = False
    for name, run in stage:
        if not _exhaust(run, graph):
            continue
        changed = True
        if trace is not None:
            trace(name, graph)
    return changed


def _exhaust(run: Pass, graph: Graph) -> bool:
    changed = False
    while run(graph):
        changed = True
    return changed
