"""Installs the four top-level folders as ``xlite`` and its sub-packages.

The metadata is in pyproject.toml. What stands here is what that file cannot say: where the packages
lie (nothing generic such as ``schema`` may land in site-packages) and the optional C library.
"""

from setuptools import find_packages, setup

ROOTS = {
    "xlite": "xlite",
    "xlite.schema": "schema",
    "xlite.interpreter": "interpreter",
    "xlite.converter": "converter",
}


def packages():
    """Every package of the four folders, by its installed name."""
    found = []
    for name, folder in ROOTS.items():
        found.append(name)
        found.extend(f"{name}.{sub}" for sub in find_packages(folder))
    return found


setup(packages=packages(), package_dir=dict(ROOTS))
