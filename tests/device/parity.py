"""Runs a network on an emulated computer and holds it against what was recorded here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from tests.device import guest, scripts
from tests.device.machines import Machine
from tests.device.networks import Network, ready


def run_parity(
    network: Network,
    machine: Machine,
    backends: Sequence[str],
    cpu: Optional[str] = None,
    environment: Optional[Mapping[str, str]] = None,
) -> dict[str, Any]:
    """What scripts.PARITY prints."""
    files = {"m.xlite": ready(network).path, "m.npz": network.samples}
    arguments = ["m.xlite", "m.npz", *backends]
    done = guest.run(scripts.PARITY, files, machine=machine, cpu=cpu, arguments=arguments, environment=environment)
    return json.loads(done.check().stdout)


def check_parity(found: dict[str, Any]) -> None:
    """Bits are exact; floats differ by the rounding of sums, which differs from machine to machine. Probabilities
    are as the design wants floats, within 1e-5 of each, however small it is (but for those that are nearly
    subnormal). That leaves little: where one is 1e-10, an exponent of -23 has the error of 6e-6 of its result."""
    assert found["backends"]
    for result in found["backends"].values():
        assert result["same_argmax"]
        assert result["compared"] >= 10
        assert result["relative"] < 1e-5
        assert result["difference"] < 1e-6
