"""The files that fuzzing starts from: ``python -m tests.fuzz.seeds`` writes them to ``seeds/``, which is kept
with the sources. One op each, of every kind and every combination of element types, as small as can be; and
networks."""

from __future__ import annotations

from pathlib import Path

from tests.interpreter.c.reader import models
from tests.interpreter.random_networks import random_network
from tests.schema.models import every_op_model, small_model
from xlite.schema import Model
from xlite.schema.writer import write_model

FOLDER = Path(__file__).resolve().parent / "seeds"
LARGEST = 12_000  # bytes of a network


def single_ops() -> dict[str, bytes]:
    """The smallest file of each kind and combination."""
    found: dict[str, bytes] = {}
    for model in models.of_cases(range(40)):
        data = write_model(model)
        name = _name(model)
        if name not in found or len(data) < len(found[name]):
            found[name] = data
    return found


def networks() -> dict[str, bytes]:
    made = {"small": write_model(small_model()), "every_op": write_model(every_op_model())}
    for seed in range(40):
        data = write_model(random_network(seed, ops=6))
        if len(data) < LARGEST and len(made) < 14:
            made[f"network{seed}"] = data
    return made


def _name(model: Model) -> str:
    op = model.ops[0]
    types = [model.tensors[t].type.dtype.short for t in (*op.inputs[:2], *op.outputs) if t >= 0]
    return "_".join([op.kind.name.lower(), *types])


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.xlite"):
        old.unlink()
    for name, data in {**single_ops(), **networks()}.items():
        (FOLDER / f"{name}.xlite").write_bytes(data)


if __name__ == "__main__":
    main()
