"""Reading and lowering a file imports no framework: that is what makes conversion take less than a second."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.converter.frontend.files import unpacked

SCRIPT = """
import sys
from xlite.converter.frontend import read
from xlite.converter.lowering import lower
graph = lower(read(sys.argv[1]))
assert len(graph.nodes) > 5
print(sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "keras", "tf_keras", "jax", "torch"}))
"""


@pytest.mark.parametrize("file", ["larq.h5", "nested_keras_3.6.0.keras"])
def test_no_framework_is_imported(file, tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(unpacked(file, tmp_path))]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_package_loads_without_h5py():
    """h5py is not there on 32-bit Arm; only opening a Keras file needs it."""
    script = "import sys, xlite.converter.frontend, xlite.converter.lowering; print('h5py' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_without_h5py_a_file_is_refused_with_the_mend(tmp_path, monkeypatch):
    from xlite.converter.frontend import read
    from xlite.schema.errors import ConversionError

    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ConversionError, match="needs h5py; install it with `pip install h5py`"):
        read(unpacked("larq.h5", tmp_path))
