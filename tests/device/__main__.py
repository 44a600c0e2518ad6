"""python -m tests.device: sets the emulated computers up, saying what it does, and in the end whether it could.

Ends with SKIPPED and the reason where one cannot be emulated: a make target need not start tests then.
"""

from __future__ import annotations

import sys

from tests.device import networks, setup
from tests.device.machines import MACHINES, PI_ZERO

SKIPPED = 77  # as automake has it


def main() -> int:
    try:
        for machine in MACHINES:
            setup.package(machine)
    except setup.Unavailable as reason:
        print(f"device-test is skipped: {reason}", file=sys.stderr)
        return SKIPPED
    try:
        setup.counter(setup.emulator(PI_ZERO))
    except setup.Unavailable as reason:
        print(f"tests that count instructions are skipped: {reason}", file=sys.stderr)
    for network in networks.NETWORKS:
        networks.ready(network)
    return 0


if __name__ == "__main__":
    sys.exit(main())
