"""Files that are damaged, foreign or hostile: one sentence with the mend, never anything else."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile

import h5py
import numpy as np
import pytest

from tests.converter.frontend.files import members, unpacked, write_h5, write_zip
from xlite.converter.frontend import read
from xlite.converter.lowering import lower
from xlite.schema.errors import ConversionError, Error, FileError


def dense_config(**changes):
    return {
        "class_name": "Sequential",
        "config": {
            "name": "m",
            "layers": [
                {"class_name": "InputLayer", "config": {"batch_shape": [None, 3], "name": "x"}},
                {"class_name": "Dense", "config": {"name": "d", "units": 2, **changes}},
            ],
        },
    }


KERNEL, BIAS = np.ones((3, 2), np.float32), np.zeros(2, np.float32)
WEIGHTS = {"d": {"d/kernel:0": KERNEL, "d/bias:0": BIAS}}


def fails(path, kind, pattern):
    with pytest.raises(kind, match=pattern) as caught:
        lower(read(path))
    message = str(caught.value)
    assert "\n" not in message
    assert ";" in message or "cannot read" in message, "a message says what to do"
    return message


def test_what_is_no_model_file(tmp_path):
    fails(tmp_path / "none.h5", FileError, "cannot read .*none.h5: No such file")
    fails(tmp_path, FileError, "is a folder")
    (tmp_path / "text.h5").write_text("hello")
    fails(tmp_path / "text.h5", FileError, "neither HDF5 nor a .keras file")
    (tmp_path / "empty.keras").write_bytes(b"")
    fails(tmp_path / "empty.keras", FileError, "neither HDF5 nor a .keras file")
    with pytest.raises(ConversionError, match=r"cannot convert int; give the path"):
        read(3)


def test_h5_without_a_model(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = [1, 2, 3]
    fails(tmp_path / "other.h5", FileError, "holds no Keras model")
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.attrs["layer_names"] = [b"d"]
    fails(tmp_path / "weights.h5", FileError, r"weights only.*model\.save\('model\.h5'\) instead of save_weights")
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        file["layers/dense/vars/0"] = KERNEL
    fails(tmp_path / "m.weights.h5", FileError, "weights only")
    with h5py.File(tmp_path / "config.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(dense_config())
    fails(tmp_path / "config.h5", FileError, "and no weights")


def test_missing_and_wrong_weights(tmp_path):
    path = tmp_path / "m.h5"
    write_h5(path, dense_config(), {})
    fails(path, FileError, "no weights of layer 'd'")
    write_h5(path, dense_config(), {"d": {"d/kernel:0": KERNEL}})
    fails(
        path, ConversionError, r"layer 'd' \(Dense\) should have 2 weights \(kernel, bias\) and the file holds 1"
    )
    write_h5(path, dense_config(), {"d": {"d/kernel:0": KERNEL.T, "d/bias:0": BIAS}})
    fails(path, ConversionError, r"layer 'd' \(Dense\) has a kernel of shape \(2, 3\)")
    write_h5(path, dense_config(), {"d": {"d/kernel:0": KERNEL, "d/bias:0": BIAS[:1]}})
    fails(path, ConversionError, r"layer 'd' \(Dense\) has a bias of shape \(1,\)")
    write_h5(path, dense_config(), {"d": {"d/kernel:0": KERNEL.astype(np.int32), "d/bias:0": BIAS}})
    fails(path, ConversionError, r"layer 'd' \(Dense\) has a kernel of int32")
    write_h5(path, dense_config(), WEIGHTS)
    with h5py.File(path, "a") as file:
        del file["model_weights/d/d/bias:0"]
    fails(path, FileError, "no array 'd/bias:0'")


def test_nothing_is_read_from_other_files(tmp_path):
    write_h5(tmp_path / "secret.h5", dense_config(), WEIGHTS)
    path = tmp_path / "m.h5"
    place = "model_weights/d/d/kernel:0"
    links = {
        "link": lambda file: file.__setitem__(place, h5py.ExternalLink("secret.h5", place)),
        "another link": lambda file: file.__setitem__(place, h5py.SoftLink("/model_weights/d/d/bias:0")),
        "external": lambda file: file.create_dataset(
            place, (3, 2), "f4", external=[(str(tmp_path / "secret.h5"), 0, 24)]
        ),
        "virtual": lambda file: file.create_virtual_dataset(place, virtual_layout(tmp_path / "secret.h5", place)),
    }
    for make in links.values():
        write_h5(path, dense_config(), WEIGHTS)
        with h5py.File(path, "a") as file:
            del file[place]
            make(file)
        fails(path, FileError, "is a link|in another file")


def virtual_layout(path, place):
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource(str(path), place, (3, 2))
    return layout


def test_bombs_are_not_unpacked(tmp_path):
    path = tmp_path / "m.h5"
    write_h5(path, dense_config(), WEIGHTS)
    with h5py.File(path, "a") as file:
        del file["model_weights/d/d/kernel:0"]
        file.create_dataset("model_weights/d/d/kernel:0", (1 << 20, 1 << 20), "f4", chunks=(64, 64))
    fails(path, FileError, "made to exhaust memory")
    write_zip(tmp_path / "m.keras", {"config.json": b" " * ((1 << 26) + 1)}, zipfile.ZIP_DEFLATED)
    fails(tmp_path / "m.keras", FileError, "made to exhaust memory")


def test_models_that_multiply_are_not_unrolled(tmp_path):
    """Each model calls the one inside it ten times: 10^8 calls from a small file."""
    inner = {"class_name": "Dense", "config": {"name": "d0", "units": 2}}
    for level in range(1, 9):
        calls = [[["x", 0, 0, {}]]] + [[[f"d{level - 1}", i, 0, {}]] for i in range(9)]
        config = {
            "name": f"d{level}",
            "layers": [
                {
                    "class_name": "InputLayer",
                    "config": {"name": "x", "batch_shape": [None, 2]},
                    "inbound_nodes": [],
                },
                {**inner, "name": f"d{level - 1}", "inbound_nodes": calls},
            ],
            "input_layers": [["x", 0, 0]],
            "output_layers": [[f"d{level - 1}", 9, 0]],
        }
        inner = {"class_name": "Functional", "config": config}
    write_h5(tmp_path / "m.h5", inner, {})
    fails(tmp_path / "m.h5", FileError, "more than 20000 layer calls")


def test_endless_nesting(tmp_path):
    config = dense_config()
    for _ in range(60):
        config = {"class_name": "Sequential", "config": {"name": "m", "layers": [config]}}
    write_h5(tmp_path / "m.h5", config, {})
    fails(tmp_path / "m.h5", FileError, "nests models more than 32 deep")
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["model_config"] = 0
        file.attrs["model_config"] = "[" * 60000
    fails(tmp_path / "m.h5", FileError, "damaged or no file that Keras writes")


def test_zip_without_a_model(tmp_path):
    path = tmp_path / "m.keras"
    write_zip(path, {"readme.txt": b"hello"})
    fails(path, FileError, r"no config\.json")
    write_zip(path, {"config.json": json.dumps(dense_config()).encode()})
    fails(path, FileError, r"no model\.weights\.h5")
    write_zip(path, {"config.json": b"{", "model.weights.h5": b""})
    fails(path, FileError, "damaged or no file that Keras writes")
    write_zip(path, {"config.json": b"[1]", "model.weights.h5": b""})
    fails(path, FileError, "no JSON object")


def test_a_graph_that_cannot_run(tmp_path):
    def functional(*layers, outputs=(("d", 0, 0),)):
        x = {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 3]}, "name": "x"}
        config = {
            "name": "m",
            "layers": [{**x, "inbound_nodes": []}, *layers],
            "input_layers": [["x", 0, 0]],
            "output_layers": [list(ref) for ref in outputs],
        }
        return {"class_name": "Functional", "config": config}

    def dense(*nodes):
        return {"class_name": "Dense", "config": {"units": 2}, "name": "d", "inbound_nodes": list(nodes)}

    path = tmp_path / "m.h5"
    write_h5(path, functional(dense([["d", 0, 0, {}]])), WEIGHTS)
    with pytest.raises(FileError, match="call 0 of layer 'd' waits for a tensor that nothing computes"):
        read(path)
    write_h5(path, functional(dense([["nobody", 0, 0, {}]])), WEIGHTS)
    with pytest.raises(FileError, match="names a layer 'nobody' that it does not hold"):
        read(path)
    write_h5(path, functional(dense([["x", 0, 0, {}]]), outputs=[("d", 4, 0)]), WEIGHTS)
    with pytest.raises(FileError, match="call 4 of layer 'd', which is not there"):
        read(path)
    write_h5(path, functional(dense([["x", 0, 0, {}]]), outputs=[("d", 0, 3)]), WEIGHTS)
    with pytest.raises(ConversionError, match="reads output 3"):
        lower(read(path))


@pytest.mark.parametrize("file", ["larq.h5", "larq.keras", "nested_keras_2.21.0.h5"])
def test_truncated_anywhere(file, tmp_path):
    whole = unpacked(file, tmp_path).read_bytes()
    path = tmp_path / "cut"
    for length in range(0, len(whole), 499):
        path.write_bytes(whole[:length])
        with pytest.raises(FileError):
            read(path)


def nodes_of(tree):
    """Every (container, key) in nested lists and dicts."""
    for key in range(len(tree)) if isinstance(tree, list) else list(tree):
        yield tree, key
        if isinstance(tree[key], (list, dict)):
            yield from nodes_of(tree[key])


JUNK = [None, "junk", -1, 0, 7, 2.5, True, [], {}, [None], {"class_name": "x"}, 1 << 40, "same", [3, 3, 3]]


@pytest.mark.parametrize("file", ["larq.keras", "nested_keras_2.21.0.keras", "nested_keras_3.6.0.keras"])
def test_any_entry_of_the_configuration_may_be_junk(file, tmp_path):
    """Each node of the JSON replaced by something else: an error of xlite's or a model, nothing else."""
    contents = members(unpacked(file, tmp_path))
    original = json.loads(contents["config.json"])
    chance = random.Random(0)
    count = len(list(nodes_of(original)))
    outcomes = {"read": 0, "refused": 0}
    for index in chance.sample(range(count), min(count, 120)):
        config = copy.deepcopy(original)
        container, key = list(nodes_of(config))[index]
        container[key] = chance.choice(JUNK)
        write_zip(tmp_path / "junk.keras", {**contents, "config.json": json.dumps(config).encode()})
        try:
            lower(read(tmp_path / "junk.keras"))
            outcomes["read"] += 1
        except Error:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 10, outcomes


def test_any_byte_of_a_zip_may_be_junk(tmp_path):
    """Its checksums find almost all; what they miss must be harmless."""
    whole = unpacked("larq.keras", tmp_path).read_bytes()
    path = tmp_path / "junk.keras"
    chance = random.Random(1)
    refused = 0
    for _ in range(100):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            lower(read(path))
        except Error:
            refused += 1
    assert refused > 80


def test_a_member_that_h5py_cannot_open(tmp_path):
    contents = members(unpacked("larq.keras", tmp_path))
    contents["model.weights.h5"] = io.BytesIO(contents["model.weights.h5"]).getvalue()[:900]
    write_zip(tmp_path / "m.keras", contents)
    fails(tmp_path / "m.keras", FileError, "damaged or no file that Keras writes")
