from __future__ import annotations

import sys

import numpy as np
import pytest

import xlite
from tests.interpreter.networks import Builder
from xlite.inputs import load_npz
from xlite.interpreter import Resolver, backends
from xlite.schema import write_model
from xlite.schema.types import OpKind


@pytest.fixture(scope="session")
def images(keras_file):
    with np.load(keras_file.with_name("images.npz")) as arrays:
        return arrays["images"][:40]


def scores(packed, images):
    return np.concatenate([xlite.Interpreter(packed)(image[..., np.newaxis]) for image in images])


def test_saves_what_the_interpreter_gives(call, packed, images, tmp_path):
    np.save(tmp_path / "x.npy", images)
    result = call("run", packed, tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    assert result.exit_code == 0
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), scores(packed, images))


def test_several_files_are_one_batch_in_their_order(call, packed, images, tmp_path):
    paths = [tmp_path / f"{i}.npy" for i in range(3)]
    for path, part in zip(paths, (images[0], images[1:4], images[4, ..., np.newaxis])):
        np.save(path, part)
    call("run", packed, *paths, "-o", tmp_path / "y.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), scores(packed, images[:5]))


def test_one_sample_gets_a_table_of_its_best_labels(call, packed, images, tmp_path):
    np.save(tmp_path / "x.npy", images[0])
    lines = call("run", packed, tmp_path / "x.npy", "--top-k", 3).stdout.splitlines()
    (wanted,) = scores(packed, images[:1])
    order = np.argsort(-wanted)[:3]
    rows = [line for line in lines if line.strip().startswith("class ")]
    assert [row.split()[1] for row in rows] == [str(i) for i in order]
    assert [row.split()[2] for row in rows] == [f"{wanted[i]:.4f}" for i in order]


def test_many_samples_get_a_line_each_and_the_rest_is_counted(call, packed, images, tmp_path):
    np.save(tmp_path / "x.npy", images)
    text = call("run", packed, tmp_path / "x.npy", "--top-k", 1).stdout
    best = scores(packed, images).argmax(axis=1)
    rows = [line.split() for line in text.splitlines() if " class " in line]
    assert [int(row[2]) for row in rows] == best[: len(rows)].tolist()
    assert f"{len(images) - len(rows)} more samples" in text


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_an_image_is_resized_and_turned_grey(call, packed, images, tmp_path, suffix):
    image = pytest.importorskip("PIL.Image")
    big = image.fromarray(images[0]).convert("RGB").resize((56, 84), image.Resampling.NEAREST)
    big.save(tmp_path / f"x.{suffix}")
    result = call("run", packed, tmp_path / f"x.{suffix}", "-o", tmp_path / "y.npy")
    assert result.exit_code == 0
    raw = np.asarray(image.open(tmp_path / f"x.{suffix}").convert("L").resize((28, 28), image.Resampling.BILINEAR))
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), scores(packed, raw[np.newaxis]))


def test_an_image_for_a_file_without_preprocessing_gets_a_note(call, keras_file, images, tmp_path):
    image = pytest.importorskip("PIL.Image")
    xlite.convert(keras_file, tmp_path / "plain.xlite")
    image.fromarray(images[0]).save(tmp_path / "x.png")
    np.save(tmp_path / "x.npy", images[0])
    assert "--scale" in call("run", tmp_path / "plain.xlite", tmp_path / "x.png").stderr
    assert "--scale" not in call("run", tmp_path / "plain.xlite", tmp_path / "x.npy").stderr


def test_without_the_c_library_the_backend_is_named(call, packed, images, monkeypatch, tmp_path):
    np.save(tmp_path / "x.npy", images[0])
    monkeypatch.setattr(Resolver, "default_backend", "numpy")
    monkeypatch.setattr(backends, "unavailable_reason", lambda name: f"{name} is not there")
    assert "the backend is numpy, not c: c is not there" in call("run", packed, tmp_path / "x.npy").stderr
    assert call("run", packed, tmp_path / "x.npy", "--backend", "numpy").stderr == ""


def test_an_image_without_pillow(refusal, packed, monkeypatch, tmp_path):
    (tmp_path / "x.png").write_bytes(b"not looked at")
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "xlite[images]" in refusal("run", packed, tmp_path / "x.png")


def test_a_broken_image_and_a_wrong_shape_are_named(refusal, packed, tmp_path):
    pytest.importorskip("PIL")
    (tmp_path / "x.png").write_bytes(b"no image")
    assert "x.png" in refusal("run", packed, tmp_path / "x.png")
    np.save(tmp_path / "x.npy", np.zeros((3, 7, 7), np.float32))
    message = refusal("run", packed, tmp_path / "x.npy")
    assert "(3, 7, 7)" in message
    assert "batch, 28, 28, 1" in message


def test_floats_are_taken_as_they_are(call, packed, images, tmp_path):
    np.save(tmp_path / "x.npy", images[:2].astype(np.float32) * np.float32(1 / 255))
    call("run", packed, tmp_path / "x.npy", "-o", tmp_path / "y.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), scores(packed, images[:2]))


@pytest.mark.parametrize("backend", ["c", "numba", "numpy"])
def test_a_backend_can_be_chosen(call, packed, images, tmp_path, backend):
    from xlite.interpreter import backends

    if not backends.available(backend):
        pytest.skip(backends.unavailable_reason(backend))
    np.save(tmp_path / "x.npy", images[:3])
    result = call("run", packed, tmp_path / "x.npy", "-o", tmp_path / "y.npy", "--backend", backend)
    assert result.exit_code == 0
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), scores(packed, images[:3]), rtol=1e-5, atol=1e-6)


@pytest.fixture
def two_by_two(tmp_path):
    """A model with inputs a and b and outputs a + b and their signs."""
    builder = Builder()
    a, b = builder.input((4,), name="a"), builder.input((4,), name="b")
    total = builder.op(OpKind.ADD, [a, b], name="sum")
    signs = builder.op(OpKind.SIGN, [total], name="sign")
    path = tmp_path / "two.xlite"
    path.write_bytes(write_model(builder.model([total, signs])))
    return path


def test_several_inputs_by_name_and_several_outputs(call, two_by_two, tmp_path):
    a, b = np.arange(8, dtype=np.float32).reshape(2, 4) - 5, np.ones((2, 4), np.float32)
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", b)
    np.savez(tmp_path / "ab.npz", a=a, b=b)
    separate = (f"b={tmp_path / 'b.npy'}", f"a={tmp_path / 'a.npy'}")
    for given in (separate, (tmp_path / "ab.npz",)):
        call("run", two_by_two, *given, "-o", tmp_path / "y.npz")
        with np.load(tmp_path / "y.npz") as found:
            np.testing.assert_array_equal(found["sum/0"], a + b)
            np.testing.assert_array_equal(found["sign/0"], np.where(a + b < 0, -1, 1))


def test_a_missing_input_is_named(refusal, two_by_two, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(4, np.float32))
    assert "'b'" in refusal("run", two_by_two, f"a={tmp_path / 'a.npy'}")
    assert "a=FILE" in refusal("run", two_by_two, tmp_path / "a.npy")


def test_neither_the_model_nor_an_input_is_overwritten(refusal, packed, two_by_two, images, tmp_path):
    model = tmp_path / "sc.xlite"
    model.write_bytes(packed.read_bytes())
    one, many = tmp_path / "one.npy", tmp_path / "many.npz"
    np.save(one, images[0])
    np.savez(many, images=images)
    np.save(tmp_path / "a.npy", np.zeros(4, np.float32))
    link = tmp_path / "link.npy"
    link.symlink_to(one)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert "the model itself" in refusal("run", model, one, "-o", model)
    a = f"a={tmp_path / 'a.npy'}"
    for file, given, out in (
        (model, [one], one),
        (model, [one], link),
        (model, [one, f"{many}:images"], many),
        (model, [f"image={one}"], one),
        (two_by_two, [a, a.replace("a=", "b=")], tmp_path / "a.npy"),
    ):
        assert "an input" in refusal("run", file, *given, "-o", out)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("out", ["", "-", "y", "y.txt", "y.npy/", "nowhere/y.npy"])
def test_where_outputs_cannot_go(refusal, packed, images, tmp_path, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", images[0])
    refusal("run", packed, "x.npy", "-o", out)
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_the_suffix_says_what_is_written(call, refusal, packed, two_by_two, images, tmp_path):
    np.save(tmp_path / "x.npy", images[0])
    assert call("run", packed, tmp_path / "x.npy", "-o", tmp_path / "y.npz").exit_code == 0
    with np.load(tmp_path / "y.npz") as found:
        assert found.files == ["classes"]
        np.testing.assert_array_equal(found["classes"], scores(packed, images[:1]))
    np.savez(tmp_path / "ab.npz", a=np.zeros(4, np.float32), b=np.zeros(4, np.float32))
    message = refusal("run", two_by_two, tmp_path / "ab.npz", "-o", tmp_path / "y.npy")
    assert "2 (sum/0, sign/0)" in message
    assert not (tmp_path / "y.npy").exists()


def named(outputs, path):
    """A model of one input whose outputs, each twice the one before, have these names."""
    builder = Builder()
    tensors = [builder.input((4,), name="x")]
    for _ in outputs:
        tensors.append(builder.op(OpKind.ADD, [tensors[-1], tensors[-1]]))
    model = builder.model(tensors[1:])
    for index, name in zip(tensors[1:], outputs):
        model.tensors[index].name = name
    path.write_bytes(write_model(model))
    return path


def test_outputs_may_have_any_name_in_an_npz(call, tmp_path):
    names = ["file", "args", "kwds", "kwargs", "self", "allow_pickle", "arr_0", "a/b:0", "x.npy", "Größe", "1 2"]
    x = np.arange(4, dtype=np.float32)[np.newaxis]
    np.save(tmp_path / "x.npy", x)
    path = named(names, tmp_path / "many.xlite")
    result = call("run", path, tmp_path / "x.npy", "-o", tmp_path / "y.npz")
    assert result.exit_code == 0
    with np.load(tmp_path / "y.npz") as found:
        assert found.files == names
    found = load_npz(str(tmp_path / "y.npz"))
    for power, name in enumerate(names, start=1):
        np.testing.assert_array_equal(found[name], x * np.float32(2**power))


def test_outputs_of_one_name_are_not_saved_as_one(refusal, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(4, np.float32))
    path = named(["a", "b", "a"], tmp_path / "same.xlite")
    assert "two have the same (a, b, a)" in refusal("run", path, tmp_path / "x.npy", "-o", tmp_path / "y.npz")
    assert not (tmp_path / "y.npz").exists()


@pytest.mark.parametrize("shape", [(0, 28, 28), (0, 28, 28, 1)])
def test_an_empty_batch_is_refused(refusal, packed, tmp_path, shape):
    np.save(tmp_path / "x.npy", np.zeros(shape, np.uint8))
    assert "no samples" in refusal("run", packed, tmp_path / "x.npy", "-o", tmp_path / "y.npz")
    assert "no samples" in refusal("run", packed, tmp_path / "x.npy")
    assert not (tmp_path / "y.npz").exists()


def test_an_input_that_the_model_does_not_have(refusal, call, packed, images, tmp_path):
    np.save(tmp_path / "x.npy", images[0])
    assert "an input 'a'; it has 'image'" in refusal("run", packed, f"a={tmp_path / 'x.npy'}")
    assert call("run", packed, f"image={tmp_path / 'x.npy'}").exit_code == 0
    np.save(tmp_path / "a=x.npy", images[0])
    assert call("run", packed, tmp_path / "a=x.npy").exit_code == 0
    assert "no such file" in refusal("run", packed, "image=nowhere.npy")
