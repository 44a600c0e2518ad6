"""The recipes that come with xlite, each built at its full size; and the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

keras = pytest.importorskip("keras")

import xlite  # noqa: E402
from tests.xlite.training.small import arrays, write_npz  # noqa: E402
from xlite.cli.app import cli  # noqa: E402
from xlite.schema.errors import FileError, TrainingError  # noqa: E402
from xlite.training import recipe as recipes  # noqa: E402
from xlite.training.images import make_images  # noqa: E402

pytestmark = pytest.mark.keras

RUNS = Path(__file__).resolve().parents[3] / "docs" / "runs"
SHAPES = {"fashion": (28, 28, 1), "cifar10": (32, 32, 3)}


def job(name, start=None):
    shape = SHAPES[name.split("_")[0]]
    x, y = np.zeros((20, *shape), np.uint8), np.arange(20) % 10
    return recipes.Job(make_images(x, y, x, y, "zeros"), epochs=2, steps=3, start=start)


@pytest.fixture(scope="module")
def built():
    """Every recipe's model, the float twin being what distillation starts with."""
    models = {}
    for name in sorted(recipes.names(), key=lambda name: bool(recipes.find(name).start)):
        found = recipes.find(name)
        models[name] = found.build(job(name, models[found.twin] if found.start else None))
    return models


@pytest.mark.parametrize("name", recipes.names())
def test_a_recipe_describes_itself_and_builds_a_model_that_packs(name, built):
    found = recipes.find(name)
    assert found.name == name
    assert found.about
    assert built[name].optimizer is not None
    report = xlite.convert(found.deployed(built[name])).report
    assert not [row.name for row in report.layers if row.broken_mark]
    binary = sum(count for key, count in report.macs.items() if key == "bitxbit")
    share = binary / sum(report.macs.values())
    assert share == 0 if name.endswith(("_float", "_weights")) else share > 0.9


def test_the_fashion_network_is_as_small_as_promised(built):
    for name in ("fashion", "fashion_distilled"):
        model = recipes.find(name).deployed(built[name])
        assert len(xlite.convert(model, strict=True).data) <= 60_000


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_but_the_float_ones_has_a_float_twin_trained_alike(name):
    found = recipes.find(name)
    if name.endswith("_float"):
        assert found.twin == ""
        return
    twin = recipes.find(found.twin)
    assert twin.name == name.split("_")[0] + "_float"
    assert (twin.epochs, twin.batch_size) == (found.epochs, found.batch_size)
    assert twin.load is found.load


def test_the_networks_for_cifar10_have_the_same_layers(built):
    twin = {layer.name: layer.count_params() for layer in built["cifar10_float"].layers if layer.weights}
    for model in (built["cifar10_weights"], built["cifar10_binary"], built["cifar10_distilled"].student):
        assert {layer.name: layer.count_params() for layer in model.layers if layer.name in twin} == twin


@pytest.mark.parametrize("name", recipes.names())
def test_expected_figures_are_those_of_a_runs_log(name):
    expected = recipes.find(name).expected
    assert expected is not None, "a recipe of xlite's own is measured"
    start, *_, end = map(json.loads, (RUNS / f"{name}-{expected.seed}.jsonl").read_text().splitlines())
    # without a digest they are of the recipe's own images
    assert expected.data_sha256 == ("" if start["data"] == "Fashion-MNIST" else start["data_sha256"])
    assert recipes.find(name).epochs == start["epochs"]
    assert expected.accuracy == end["test_accuracy"]
    assert expected.minutes == round(end["seconds"] / 60)


def test_recipes_of_ones_own_are_found_by_path_and_wrong_ones_named(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("from xlite.recipes.fashion import RECIPE\n")
    assert recipes.find(str(path)).name == "fashion"
    path.write_text("RECIPE = 3\n")
    with pytest.raises(TrainingError, match="holds no RECIPE"):
        recipes.find(str(path))
    for text, message in (
        ("import keras\n\ndef build(:\n", r"mine.py, line 3: SyntaxError: invalid syntax$"),
        ("x = 1\nimport no_such_module\n", r"mine.py, line 2: ModuleNotFoundError: .*no_such_module"),
        ("import json\njson.loads('{')\n", r"mine.py, line 2: JSONDecodeError"),
    ):
        path.write_text(text)
        with pytest.raises(TrainingError, match=message):
            recipes.find(str(path))
    path.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "from xlite.recipes.fashion import RECIPE\n\n@dataclass\nclass Mine:\n    sizes: int = 3\n"
    )
    assert recipes.find(str(path)).name == "fashion"
    with pytest.raises(TrainingError, match="no such recipe file"):
        recipes.find(str(tmp_path / "none.py"))
    with pytest.raises(TrainingError, match=r"did you mean 'fashion'"):
        recipes.find("fashon")


OWN = """
from tests.xlite.training.small import recipe
from xlite.schema.errors import FileError

def load(data):
    raise FileError("no images today")

def build(job):
    return helper(job)

def helper(job):
    return undefined

def augment(rng, images):
    return images.nothing

RECIPE = recipe(load=load, build=build, augment=augment, deployed=[].remove)
"""


def test_what_fails_in_a_recipe_file_is_told_with_its_line(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    found = recipes.find("mine.py")
    with pytest.raises(TrainingError, match=r"^mine\.py, line 12: NameError: name 'undefined' is") as at:
        found.build(job("fashion"))
    assert isinstance(at.value.__cause__, NameError)
    with pytest.raises(TrainingError, match=r"^mine\.py, line 15: AttributeError: .*nothing"):
        found.augment(np.random.default_rng(0), np.zeros((1, 8, 8, 3)))
    with pytest.raises(FileError, match=r"^no images today$"):  # a sentence stays one
        found.load(None)
    with pytest.raises(ValueError, match=r"not in list"):  # it comes from nowhere in the file
        found.deployed(1)
    (tmp_path / "mine.py").write_text(OWN.replace("augment=augment, ", "augment=None, "))
    assert recipes.find("mine.py").augment is None


def test_a_recipe_that_reads_images_needs_data(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from tests.xlite.training.small import recipe\nfrom xlite.training.images import read_images\n"
        "RECIPE = recipe(load=read_images)\n"
    )
    refused = call("train", tmp_path / "mine.py", "--out", tmp_path / "model.h5")
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[-1].endswith("give it a .npz file or a folder with --data PATH")


def call(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], prog_name="xlite")


def test_the_command_trains_resumes_and_says_what_came_out(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("from tests.xlite.training.small import recipe\nRECIPE = recipe(epochs=1)\n")
    out = tmp_path / "model.h5"
    arguments = ("train", tmp_path / "mine.py", "--data", write_npz(tmp_path), "--out", out, "--limit", 32)
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    assert "% of the test images" in result.output
    assert f"written: {out}" in result.output.replace("\n", "")
    assert out.exists()
    assert xlite.convert(out).data
    refused = call(*arguments)
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[-1].endswith("give another --out, or --overwrite to replace it")
    assert call(*arguments, "--overwrite").exit_code == 0
    refused = call(*arguments, "--epochs", 0)
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[-1].startswith("xlite: --epochs 0")


def test_expected_figures_are_shown_for_runs_that_they_are_of(tmp_path, monkeypatch):
    from tests.xlite.training.small import recipe

    data = write_npz(tmp_path)
    monkeypatch.chdir(tmp_path)
    digest = recipe().load(str(data)).sha256

    def shows(expected, *arguments, own=False):
        load = {"load": lambda path: recipe().load(str(data))} if own else {}
        made = recipe(epochs=1, expected=recipes.Expected(0.91, 1, 33, **expected), **load)
        monkeypatch.setattr(recipes, "find", lambda name: made)
        result = call("train", "small", "--overwrite", *arguments)
        assert result.exit_code == 0, result.output
        return "expected: 91.00 % with seed 1, 33 minutes" in result.output

    assert shows({}, own=True)
    assert shows({}, "--epochs", 1, "--seed", 2, own=True)
    assert not shows({}, "--epochs", 2, own=True)
    assert not shows({}, "--limit", 40, own=True)
    assert not shows({}, "--data", data)
    assert shows({"data_sha256": digest}, "--data", data)
    assert not shows({"data_sha256": "of others"}, own=True)


def test_classes_without_a_training_image_are_told_before_the_training(tmp_path):
    (tmp_path / "mine.py").write_text("from tests.xlite.training.small import recipe\nRECIPE = recipe(epochs=1)\n")
    labels = {key: value + 1 for key, value in arrays().items() if key[0] == "y"}
    data, out = write_npz(tmp_path, **labels), tmp_path / "model.h5"
    result = call("train", tmp_path / "mine.py", "--data", data, "--out", out)
    assert "xlite: note: 1 of 4 classes have no training image: 0\n" in result.stderr
    result = call("train", tmp_path / "mine.py", "--data", write_npz(tmp_path), "--out", tmp_path / "2.h5")
    assert "note" not in result.stderr


class Interrupt(keras.callbacks.Callback):
    """As Ctrl-C in the middle of the second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def test_who_interrupts_is_told_how_to_go_on(tmp_path, monkeypatch):
    from tests.xlite.training.small import recipe

    monkeypatch.setattr(recipes, "find", lambda name: recipe(callbacks=lambda: [Interrupt()]))
    result = call("train", "small", "--data", write_npz(tmp_path), "--out", tmp_path / "model.h5")
    assert result.exit_code == 130
    assert "--resume goes on from the last whole epoch" in result.stderr
    (tmp_path / "model.checkpoint.npz").unlink()
    monkeypatch.setattr(
        recipes, "find", lambda name: recipe(build=lambda job: (_ for _ in ()).throw(KeyboardInterrupt))
    )
    result = call("train", "small", "--data", write_npz(tmp_path), "--out", tmp_path / "model.h5")
    assert result.exit_code == 130
    assert "--resume" not in result.stderr  # there is nothing to go on from


def test_a_backend_that_is_not_installed_is_named():
    program = "import sys; sys.modules['jax'] = None; from xlite.cli.app import cli; cli(['train', '--list'])"
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "xlite: KERAS_BACKEND=jax asks for jax: pip install jax"


def test_the_command_lists_recipes_and_asks_for_one():
    listed = call("train", "--list")
    assert listed.exit_code == 0
    assert all(name in listed.output for name in recipes.names())
    assert call("train").exit_code == 2
    assert "no recipe is called" in call("train", "nothing").stderr
