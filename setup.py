"""Installs the four top-level folders as ``xlite`` and its sub-packages.

The metadata is in pyproject.toml. What stands here is what that file cannot say: where the packages
lie (nothing generic such as ``schema`` may land in site-packages) and the optional C library.
"""

import importlib.util
import os
from pathlib import Path

from setuptools import Distribution, find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

ROOTS = {
    "xlite": "xlite",
    "xlite.schema": "schema",
    "xlite.interpreter": "interpreter",
    "xlite.converter": "converter",
}
C_SOURCES = [
    f"{folder}/*.{kind}"
    for folder in ("include", "kernels", "lookup", "tiled", "arch", "runtime", "runtime/entries", "host")
    for kind in "ch"
]
WITHOUT_LIBRARY = bool(os.environ.get("XLITE_NO_LIBRARY"))  # a wheel for any machine, whatever compiler is here


def packages():
    """Every package of the four folders, by its installed name."""
    found = []
    for name, folder in ROOTS.items():
        found.append(name)
        found.extend(f"{name}.{sub}" for sub in find_packages(folder))
    return found


def library_builder():
    """interpreter/c/build.py, which is not importable as a part of xlite before xlite is installed."""
    path = Path(__file__).resolve().parent / "interpreter" / "c" / "build.py"
    spec = importlib.util.spec_from_file_location("build_library", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class LibraryDistribution(Distribution):
    """Makes ``build`` run ``build_ext``, though the library is no Python extension."""

    def has_ext_modules(self):
        return not WITHOUT_LIBRARY


class BuildLibrary(build_ext):
    """Compiles the C library, if there is a compiler; without one the install goes on without it."""

    def run(self):
        if WITHOUT_LIBRARY:
            return
        builder = library_builder()
        try:
            self.announce(f"built {builder.build(self._folder(builder))}", level=2)
        except builder.BuildError as error:
            self.warn(f"xlite is installed without its C library, other backends take its place: {error}")

    def get_outputs(self):
        builder = library_builder()
        library = self._folder(builder) / builder.LIBRARY_NAME
        return [str(library)] if library.is_file() and not self._in_place() else []

    def get_output_mapping(self):
        return {}

    def _in_place(self):
        return bool(self.inplace or self.editable_mode)

    def _folder(self, builder):
        """In the source tree beside the modules that load it, or at the same place in what is to be installed."""
        if self._in_place():
            return builder.LIBRARY_FOLDER
        return Path(self.build_lib, "xlite", "interpreter", "kernels", "c")


class PlatformWheel(bdist_wheel):
    """A wheel with the library is for one platform but for any Python 3, since ctypes loads it."""

    def get_tag(self):
        platform = super().get_tag()[2]
        return "py3", "none", platform if library_builder().find_compiler() and not WITHOUT_LIBRARY else "any"


setup(
    packages=packages(),
    package_dir=dict(ROOTS),
    package_data={"xlite.interpreter.c": C_SOURCES, "xlite.schema": ["*.fbs"]},
    distclass=LibraryDistribution,
    cmdclass={"build_ext": BuildLibrary, "bdist_wheel": PlatformWheel},
)
