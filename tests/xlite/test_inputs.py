"""Pictures and arrays from files, as ``xlite run`` and ``xlite train`` read them."""

from __future__ import annotations

import numpy as np
import pytest

from xlite.inputs import load_npz, read_batch, read_image, upright_of_eight_bits
from xlite.schema.errors import FileError
from xlite.schema.types import DType, TensorType

GREY, COLOUR = (TensorType((1, 16, 16, channels), DType.FLOAT32) for channels in (1, 3))
RAMP = (np.arange(256, dtype=np.uint16).reshape(16, 16) * 257)[::-1]  # all of 8 bits, in 16


@pytest.mark.parametrize(
    ("name", "mode", "order"),
    [("x.png", "I;16", "<u2"), ("x.tif", "I;16", "<u2"), ("x.tif", "I;16B", ">u2"), ("x.pgm", "", ">u2")],
)
def test_pictures_of_sixteen_bits_keep_their_upper_eight(tmp_path, name, mode, order):
    image = pytest.importorskip("PIL.Image")
    path, raw = tmp_path / name, RAMP.astype(order).tobytes()
    if mode:
        image.frombytes(mode, (16, 16), raw).save(path)
    else:
        path.write_bytes(b"P5\n16 16\n65535\n" + raw)
    found = read_image(str(path), GREY)
    np.testing.assert_array_equal(found[..., 0], RAMP >> 8)
    np.testing.assert_array_equal(read_image(str(path), COLOUR), np.repeat(found, 3, axis=-1))


def test_a_png_that_an_older_pillow_reads_as_32_bits_has_16():
    image = pytest.importorskip("PIL.Image")
    picture = image.fromarray(RAMP.astype(np.int32))
    picture.format = "PNG"
    np.testing.assert_array_equal(np.asarray(upright_of_eight_bits(picture, "x.png")), RAMP >> 8)


@pytest.mark.parametrize(("dtype", "kind"), [(np.int32, "integers"), (np.float32, "floats")])
def test_pictures_of_32_bits_are_refused(tmp_path, dtype, kind):
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / "x.tif"
    image.fromarray(RAMP.astype(dtype)).save(path)
    with pytest.raises(FileError, match=rf"x\.tif: its pixels are 32-bit {kind}.*save it with 8 bits$"):
        read_image(str(path), GREY)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK"])
def test_pictures_of_eight_bits_or_fewer_stay_as_they_are(mode):
    image = pytest.importorskip("PIL.Image")
    picture = image.new(mode, (3, 2))
    found = upright_of_eight_bits(picture, "x")
    assert (found.mode, found.tobytes()) == (picture.mode, picture.tobytes())


def test_pictures_of_a_camera_that_was_held_otherwise_are_upright(tmp_path):
    image = pytest.importorskip("PIL.Image")
    exif = image.Exif()
    exif[0x0112] = 6  # the top of what was seen is at the right
    path, seen = tmp_path / "x.png", (RAMP >> 8).astype(np.uint8)
    image.fromarray(np.rot90(seen)).save(path, exif=exif)
    np.testing.assert_array_equal(read_image(str(path), GREY)[..., 0], seen)


def test_what_is_no_array_is_told_without_advice_to_unpickle_it(tmp_path):
    objects = np.array([{}, None], dtype=object)
    np.savez(tmp_path / "objects.npz", x=objects)
    np.save(tmp_path / "objects.npy", objects)
    for name, data in (("junk", b"x,y\n1,2\n"), ("empty", b"")):
        for kind in ("npz", "npy"):
            (tmp_path / f"{name}.{kind}").write_bytes(data)
    for name, reason in (
        ("junk", "it does not begin as one"),
        ("empty", "it is empty"),
        ("objects", "it holds Python objects"),
    ):
        with pytest.raises(FileError, match=rf"{name}\.npz: is no \.npz file of plain arrays \({reason}\)$"):
            load_npz(str(tmp_path / f"{name}.npz"))
        with pytest.raises(FileError, match=rf"{name}\.npy: is no \.npy file of plain numbers \({reason}\)$"):
            read_batch(str(tmp_path / f"{name}.npy"), GREY, "x")
    np.savez(tmp_path / "none.npz")
    assert load_npz(str(tmp_path / "none.npz")) == {}
