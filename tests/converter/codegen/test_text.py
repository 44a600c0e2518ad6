"""What the generated files say: the same bytes every time, names that C takes, and sentences for mistakes."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from tests.converter.codegen.programs import FLAGS, compile_program, generate_all, run_program
from tests.converter.codegen.test_generated import inputs_of
from tests.interpreter.networks import F32, Builder, residual_network
from xlite.cli.app import cli
from xlite.converter.codegen import generate
from xlite.converter.codegen.golden import run_on, sample
from xlite.converter.codegen.literals import number
from xlite.converter.codegen.names import check_prefix
from xlite.interpreter import Resolver
from xlite.schema import write_model
from xlite.schema.errors import Error, FileError, KernelError
from xlite.schema.types import CustomOptions, DType, Metadata, OpKind, Preprocessing, TensorType


def classifier(last_bits: bool = True, softmax: bool = True):
    b = Builder(7)
    x = b.op(OpKind.SIGN, (b.input((40,)),))
    x = b.dense(x, 6, out=F32, bit_filter=last_bits) if last_bits else b.dense(b.op(OpKind.UNPACK, (x,)), 6)
    x = b.op(OpKind.SOFTMAX, (x,)) if softmax else x
    labels = ["cat", 'a "dog"', "??/", "Ü\n", "back\\slash", "*/"]
    return b.model(
        [x], Metadata(source_name="pets */ .h5", labels=labels, preprocessing=Preprocessing(0.25, -1.0))
    )


def custom_network():
    b = Builder(8)
    x = b.input((5,))
    x = b.op(OpKind.CUSTOM, (x,), CustomOptions("Twice", b"\x01\xff"), output_types=[TensorType((1, 5), F32)])
    return b.model([x])


def twice() -> Resolver:
    resolver = Resolver()
    resolver.register_custom("Twice", lambda inputs, data: [inputs[0] * 2])
    return resolver


def test_the_same_bytes_twice():
    assert generate(residual_network()).files == generate(residual_network()).files


@pytest.mark.usefixtures("compiler")
def test_the_example_passes_on_what_the_reference_computes(tmp_path, compiler):
    for arena in ("static", "caller"):
        folder = tmp_path / arena
        generate(residual_network(), folder, arena=arena)
        files = [str(p) for p in (*folder.glob("*.c"), *folder.glob("xlite/*.c"))]
        command = [*compiler, *FLAGS, f"-I{folder}", f"-I{folder}/xlite", *files, "-lm", "-o", str(folder / "run")]
        subprocess.run(command, check=True)
        done = subprocess.run([str(folder / "run")], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "pass\n")
        damaged = (folder / "main.c").read_text().replace("state = 1u", "state = 2u")
        (folder / "main.c").write_text(damaged)
        subprocess.run(command, check=True)
        assert subprocess.run([str(folder / "run")], capture_output=True, check=False).returncode == 1


@pytest.mark.usefixtures("compiler")
def test_cmake_builds_it_and_its_test_passes(tmp_path):
    if not shutil.which("cmake"):
        pytest.skip("cmake is not installed here")
    generate(residual_network(), tmp_path / "out", prefix="small")
    subprocess.run(["cmake", "-S", tmp_path / "out", "-B", tmp_path / "b"], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", tmp_path / "b"], check=True, capture_output=True)
    subprocess.run(["ctest", "--test-dir", tmp_path / "b"], check=True, capture_output=True)


def test_a_header_is_for_c_plus_plus_too(tmp_path):
    if not shutil.which("g++"):
        pytest.skip("g++ is not installed here")
    generate(classifier(), tmp_path, prefix="pets")
    program = (
        '#include "pets.h"\nint main() { pets_input()[0] = 1; pets_run(); return pets_labels[0] == nullptr; }\n'
    )
    (tmp_path / "program.cpp").write_text(program)
    subprocess.run(
        ["g++", "-std=c++11", "-Wall", "-Wextra", "-Werror", "-c", "program.cpp"], cwd=tmp_path, check=True
    )


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("scores", ["model", "logits", "int32"])
def test_scores_as_they_are_asked_for(tmp_path, scores):
    model = classifier()
    made = generate_all([model], scores=scores)
    inputs = inputs_of(model, 3)
    ((got,),) = run_program(compile_program(tmp_path, made), made, [inputs])
    whole = classifier(softmax=False)
    (probabilities,), (logits,) = run_on(model, inputs, "c"), run_on(whole, inputs, "c")
    header = made[0].files["n0.h"]
    if scores == "int32":
        kept = made[0].network.scores
        assert got.dtype == np.int32
        np.testing.assert_array_equal(np.float32(got) * kept.scale + kept.bias, logits)
        assert "n0_score_scale[6]" in header
    else:
        np.testing.assert_array_equal(got, probabilities if scores == "model" else logits)
    assert ("softmax" in header) == (scores != "model")


@pytest.mark.parametrize(
    ("model", "scores", "said"),
    [
        (classifier(softmax=False), "logits", "does not end with a softmax"),
        (classifier(last_bits=False), "int32", "last dense layer of bits"),
        (replace(residual_network(), outputs=residual_network().outputs * 2), "logits", "one output"),
        (classifier(), "best", "must be one of"),
    ],
)
def test_scores_that_cannot_be(model, scores, said):
    with pytest.raises(Error, match=said):
        generate(model, scores=scores)


@pytest.mark.usefixtures("compiler")
def test_a_custom_op_is_a_function_of_the_users(tmp_path):
    made = [generate(custom_network(), prefix="n0", custom={"Twice": "my_twice"}, resolver=twice())]
    mine = """#include "xlite.h"
void my_twice(const xl_op *op);
void my_twice(const xl_op *op) {
  const float *x = (const float *)op->in[0];
  float *y = (float *)op->out;
  const unsigned char *data = (const unsigned char *)op->params;
  for (int i = 0; i < 5; ++i) y[i] = data[1] == 255 ? 2.0f * x[i] : 0.0f;
}
"""
    made[0].files["n0.mine.c"] = mine
    inputs = inputs_of(custom_network(), 1)
    ((got,),) = run_program(compile_program(tmp_path, made), made, [inputs])
    np.testing.assert_array_equal(got, inputs[0] * 2)


def test_mistakes_are_one_sentence(tmp_path):
    model = custom_network()
    with pytest.raises(KernelError, match="--custom Twice=FUNCTION"):
        generate(model)
    for options, said in (
        ({"custom": {"Twice": "no name"}}, "no name of a C function"),
        ({"prefix": "1st"}, "cannot begin C names"),
        ({"prefix": "while"}, "cannot begin C names"),
        ({"target": "z80"}, "choose one of cortex-m0plus"),
        ({"arena": "heap"}, "must be one of static, caller"),
        ({"section": 'a"b'}, "no name of one"),
    ):
        with pytest.raises(Error, match=said) as caught:
            generate(model, **options)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "prefix", ["xl", "Xl", "XL", "xl_a", "Xl_a", "xlite", "XLITE", "main", "Main", "stdint", "string", "Math"]
)
def test_prefixes_that_the_kernels_or_c_have_already(prefix):
    """xl_run is a function, XLITE_H a guard, and a string.h beside the code is read instead of C's own."""
    with pytest.raises(Error, match="cannot begin C names"):
        check_prefix(prefix)


@pytest.mark.parametrize("prefix", ["xla", "x", "strings", "domain", "xlite2", "While"])
def test_prefixes_that_are_only_like_them(prefix):
    assert check_prefix(prefix) == prefix


def test_a_folder_with_files_of_others_is_left_alone(tmp_path):
    model = residual_network()
    generate(model, tmp_path / "out", prefix="first")
    (tmp_path / "out" / "mine.txt").write_text("mine")
    generate(model, tmp_path / "out", prefix="second")  # an earlier generation goes, what is not of it stays
    assert {p.name for p in (tmp_path / "out").iterdir()} >= {"mine.txt", "second.c", "second.h", "main.c"}
    assert not (tmp_path / "out" / "first.c").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "main.c").write_text("int main(void) { return 0; }\n")
    with pytest.raises(FileError, match="is not of xlite compile"):
        generate(model, tmp_path / "other")
    assert [p.name for p in (tmp_path / "other").iterdir()] == ["main.c"]
    with pytest.raises(FileError, match="is a file"):
        generate(model, tmp_path / "other" / "main.c")


def test_names_from_a_file_cannot_leave_their_comments_and_strings(tmp_path):
    model = classifier()
    model.tensors[0].name = "*/ int evil; /* \n\\"
    made = generate(model, tmp_path)
    assert "evil; /" not in made.files["model.c"].replace("evil; / *", "")
    assert all(ord(c) < 128 for name in ("model.c", "model.h", "main.c") for c in made.files[name])
    if shutil.which("gcc"):
        flags = [*FLAGS, "-trigraphs", "-c", "-I.", "-Ixlite"]
        subprocess.run(["gcc", *flags, "model.c", "main.c"], cwd=tmp_path, check=True)


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 0.1, 1e-45, 3.4028235e38, -1.17549435e-38, 123456789.0, 1e7])
def test_floats_come_back_from_their_text(value):
    text = number(np.float32(value), DType.FLOAT32)
    assert text.endswith("f")
    assert np.float32(text[:-1]).tobytes() == np.float32(value).tobytes()


def test_bits_of_samples_end_where_the_row_does():
    drawn, _ = sample(TensorType((1, 3, 37), DType.BIT), 1)
    assert drawn.shape == (6,)
    assert np.all(drawn[1::2] < 2**5)
    assert np.any(drawn[0::2] >= 2**5)


def test_the_command(tmp_path):
    file = tmp_path / "pets.xlite"
    file.write_bytes(write_model(classifier()))
    runner = CliRunner()
    found = runner.invoke(cli, ["compile", str(file), "-o", str(tmp_path / "out"), "--json", "--no-measure"])
    assert found.exit_code == 0, found.output
    figures = json.loads(found.stdout)
    assert figures["arena"] > 0
    assert set(figures["files"]) == {str(p.relative_to(tmp_path / "out")) for p in files_in(tmp_path / "out")}
    shown = runner.invoke(cli, ["compile", str(file), "-o", str(tmp_path / "out"), "--target", "esp32"])
    assert "weights" in shown.stdout
    for arguments, said in (
        (["--custom", "Twice"], "--custom Twice: give the op's name"),
        (["--target", "z80"], "unknown target"),
    ):
        wrong = runner.invoke(cli, ["compile", str(file), "-o", str(tmp_path / "out"), *arguments])
        assert wrong.exit_code == 1
        assert said in wrong.stderr
        assert "Traceback" not in wrong.stderr


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]
