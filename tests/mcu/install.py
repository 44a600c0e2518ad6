"""Installs the boards' compilers and emulators where that can be done: ``python -m tests.mcu.install``.

Needs apt-get of Debian or Ubuntu and to be run by root, and says what it installs; otherwise prints what is
missing, which the tests then skip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.mcu.toolchain import PACKAGES, missing


def main() -> int:
    families = [family for family in PACKAGES if missing(family)]
    if not families:
        return 0
    packages = [package for family in families for package in PACKAGES[family]]
    apt = shutil.which("apt-get")
    if apt is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        for family in families:
            print(missing(family))
        return 0
    print(f"as root: apt-get install {' '.join(packages)} (about 2.5 GB on the disk)", flush=True)
    command = [apt, "install", "-y", "-qq", "--no-install-recommends", *packages]
    done = subprocess.run([apt, "update", "-qq"], check=False).returncode or subprocess.run(command).returncode
    if done:
        print("apt-get failed: boards whose tools are missing are skipped", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
