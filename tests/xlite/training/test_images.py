"""Images from files and folders, and batches that can be repeated."""

from __future__ import annotations

import io

import numpy as np
import pytest

from tests.xlite.training.small import SIZE, arrays, write_npz
from xlite.schema.errors import FileError
from xlite.training.images import Images, fashion_mnist, make_images, read_images


def same(found: Images, wanted: dict) -> None:
    for name, array in wanted.items():
        np.testing.assert_array_equal(getattr(found, name), array)


@pytest.mark.parametrize(
    "spelling",
    [lambda key: key, lambda key: key.replace("x_", "X_").replace("y_", "Y_"), {
        "x_train": "train_images", "y_train": "train_labels", "x_test": "test_images", "y_test": "test_labels",
    }.get],
)  # fmt: skip
def test_npz_by_any_usual_spelling(tmp_path, spelling):
    np.savez(tmp_path / "a.npz", **{spelling(key): value for key, value in arrays().items()})
    found = read_images(tmp_path / "a.npz")
    same(found, arrays())
    assert found.shape == (SIZE, SIZE, 3)
    assert found.classes == ("0", "1", "2")
    assert found.y_train.dtype == np.int32


def test_grey_images_and_columns_of_labels_are_brought_into_form(tmp_path):
    raw = arrays()
    grey = {key: value[..., 0] if value.ndim == 4 else value[:, None] for key, value in raw.items()}
    np.savez(tmp_path / "a.npz", **grey, class_names=["x", "y", "z"])
    found = read_images(tmp_path / "a.npz")
    assert found.x_train.shape == (96, SIZE, SIZE, 1)
    np.testing.assert_array_equal(found.y_test, raw["y_test"])
    assert found.classes == ("x", "y", "z")


def encoded(image, kind="PNG"):
    from PIL import Image

    data = io.BytesIO()
    Image.fromarray(image).save(data, kind)
    return data.getvalue()


def test_encoded_pictures_one_behind_the_other(tmp_path):
    pytest.importorskip("PIL")
    raw, stored = arrays(), {}
    for part in ("train", "test"):
        pictures = [encoded(image) for image in raw[f"x_{part}"]]
        stored[f"{part}_jpeg"] = np.frombuffer(b"".join(pictures), np.uint8)
        stored[f"{part}_offsets"] = np.cumsum([0, *map(len, pictures)])
        stored[f"{part}_labels"] = raw[f"y_{part}"]
    np.savez(tmp_path / "a.npz", **stored)
    same(read_images(tmp_path / "a.npz"), raw)


def test_folders_of_pictures(tmp_path):
    pytest.importorskip("PIL")
    raw = arrays(count=12)
    for part in ("train", "test"):
        for i, (image, label) in enumerate(zip(raw[f"x_{part}"], raw[f"y_{part}"])):
            folder = tmp_path / "set" / part / f"class{label}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{i:03d}.png").write_bytes(encoded(image))
            (folder / "notes.txt").write_text("no picture")
    found = read_images(tmp_path / "set")
    assert found.classes == ("class0", "class1", "class2")
    order = np.argsort(raw["y_train"], kind="stable")
    np.testing.assert_array_equal(found.x_train, raw["x_train"][order])
    np.testing.assert_array_equal(found.y_train, raw["y_train"][order])


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(FileError, match=r"nothing.npz"):
        read_images(tmp_path / "nothing.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(FileError, match=r"text.npz: is no .npz file"):
        read_images(tmp_path / "text.npz")
    whole = write_npz(tmp_path).read_bytes()
    for data in (whole[: len(whole) // 2], whole[:400] + bytes(4000) + whole[4400:]):
        (tmp_path / "torn.npz").write_bytes(data)
        with pytest.raises(FileError, match=r"torn.npz: is no .npz file"):
            read_images(tmp_path / "torn.npz")
    np.save(tmp_path / "one.npy", arrays()["x_train"])
    with pytest.raises(FileError, match=r"one.npy: has no array 'x_train'"):
        read_images(tmp_path / "one.npy")
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    with pytest.raises(FileError, match=r"one.npz: is a .npy file"):
        read_images(tmp_path / "one.npz")
    short = arrays()
    short.pop("y_test")
    np.savez(tmp_path / "short.npz", **short)
    with pytest.raises(FileError, match=r"no array 'y_test'"):
        read_images(tmp_path / "short.npz")
    for changes, message in (
        ({"x_train": arrays()["x_train"].astype(np.float32)}, "uint8"),
        ({"y_train": np.zeros(3, int)}, "96 images and 3 labels"),
        ({"x_test": np.zeros((48, 4, 4, 3), np.uint8)}, "test images"),
        ({"x_test": np.zeros((0, SIZE, SIZE, 3), np.uint8), "y_test": np.zeros(0, int)}, "96 training and 0 test"),
        ({"y_train": np.full(96, "shoe")}, r"whole numbers, not <U4; .* class_names"),
        ({"class_names": ["x", "y"]}, "labels have to be 0 to 1"),
    ):
        with pytest.raises(FileError, match=message):
            read_images(write_npz(tmp_path, **changes))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match=r"train/ and test/"):
        read_images(tmp_path / "empty")


LABELS = arrays()["y_train"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS + 0.5, r"have to be whole numbers, and one is \d\.5$"),
        (np.where(np.arange(96) == 7, np.nan, LABELS), r"have to be whole numbers, and one is nan$"),
        (LABELS.astype(np.int64) + 2**32, r"below 1,000,000, and one is 4294967298; number the classes from 0$"),
        (np.where(np.arange(96) == 7, 2**64 - 1, LABELS.astype(np.uint64)), "one is 18446744073709551615"),
        (np.where(np.arange(96) == 7, np.inf, LABELS), "below 1,000,000, and one is inf"),
        (LABELS - 2, r"have to be 0 or above, and one is -2$"),
        (np.eye(3)[LABELS], r"labels are \(96, 3\), .* one-hot, store their numbers, labels.argmax\(axis=1\)$"),
    ],
    ids=["halves", "nan", "wraps", "uint64", "infinite", "negative", "one-hot"],
)
def test_labels_that_are_no_whole_numbers_of_classes_are_refused(labels, message):
    with pytest.raises(FileError, match=message):
        make_images(**{**arrays(), "y_train": labels}, source="x")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint64, np.int8, np.float16, np.float64, object])
def test_labels_of_every_kind_of_number_are_the_same(dtype):
    given = {key: array.astype(dtype) if key[0] == "y" else array for key, array in arrays().items()}
    found = make_images(**given, source="x")
    same(found, arrays())
    assert found.y_train.dtype == np.int32


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_that_come_first_are_named(channels):
    given = arrays()
    for key in ("x_train", "x_test"):
        given[key] = np.moveaxis(given[key][..., :channels], -1, 1)
    with pytest.raises(FileError, match=rf"\(96, {channels}, 8, 8\), .* images.transpose\(0, 2, 3, 1\)"):
        make_images(**given, source="x")


def test_classes_that_no_training_image_shows_are_known():
    given = arrays()
    assert make_images(**given, source="x").untrained == []
    shifted = {**given, "y_train": 1 + given["y_train"], "y_test": 1 + given["y_test"]}
    assert make_images(**shifted, source="x").untrained == ["0"]
    assert make_images(**given, source="x", classes="abcd").untrained == ["d"]


def test_a_recipe_without_images_of_its_own_needs_data():
    with pytest.raises(FileError, match=r"give it a \.npz file or a folder with --data PATH"):
        read_images(None)


def test_what_is_no_picture_is_named(tmp_path):
    pytest.importorskip("PIL")
    for part in ("train", "test"):
        (tmp_path / part / "a").mkdir(parents=True)
        (tmp_path / part / "a" / "0.png").write_text("no picture")
    with pytest.raises(FileError, match=r"0.png: holds what is no picture \(cannot identify image file\)$"):
        read_images(tmp_path)


def test_pictures_of_sixteen_bits_in_a_folder_keep_their_upper_eight(tmp_path):
    image = pytest.importorskip("PIL.Image")
    ramp = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1028
    for part in ("train", "test"):
        (tmp_path / part / "a").mkdir(parents=True)
        image.fromarray(ramp).save(tmp_path / part / "a" / "0.png")
    found = read_images(tmp_path)
    np.testing.assert_array_equal(found.x_train[0, ..., 0], ramp >> 8)
    assert found.shape == (8, 8, 1)
    image.fromarray(ramp.astype(np.float32)).save(tmp_path / "test" / "a" / "0.png", "TIFF")
    with pytest.raises(FileError, match=r"0\.png: its pixels are 32-bit floats.*8 bits"):
        read_images(tmp_path)


GREY, COLOUR, WIDE = (np.zeros(shape, np.uint8) for shape in ((8, 8), (8, 8, 3), (8, 9, 3)))


def in_a_folder(folder, train, test):
    for part, pictures in (("train", train), ("test", test)):
        (folder / part / "a").mkdir(parents=True)
        for number, picture in enumerate(pictures):
            (folder / part / "a" / f"{number}.png").write_bytes(encoded(picture))
    return folder


def in_a_file(folder, train, test):
    stored = {}
    for part, pictures in (("train", train), ("test", test)):
        pieces = [encoded(picture) for picture in pictures]
        stored[f"{part}_jpeg"] = np.frombuffer(b"".join(pieces), np.uint8)
        stored[f"{part}_offsets"] = np.cumsum([0, *map(len, pieces)])
        stored[f"{part}_labels"] = np.zeros(len(pieces), int)
    np.savez(folder / "a.npz", **stored)
    return folder / "a.npz"


@pytest.mark.parametrize("store", [in_a_folder, in_a_file])
@pytest.mark.parametrize(
    ("train", "test", "told"),
    [
        ([COLOUR, GREY, COLOUR], [COLOUR], ["{train}1 is grey and 3 pictures ({train}0 for one) are in colour;"]),
        ([GREY, GREY], [COLOUR, GREY], ["3 pictures ({train}0 for one) are grey and {test}0 is in colour;"]),
        (
            [GREY],
            [COLOUR],
            ["{train}0 is grey and {test}0 is in colour; save all", "convert('L')", "convert('RGB')"],
        ),
        (
            [COLOUR, WIDE],
            [GREY],
            ["different sizes (height x width), {train}0 8 x 8, {train}1 8 x 9; make them all"],
        ),
        ([GREY], [WIDE], ["different sizes (height x width), {train}0 8 x 8, {test}0 8 x 9;"]),
    ],
)
def test_pictures_that_are_not_alike_are_named(tmp_path, store, train, test, told):
    pytest.importorskip("PIL")
    with pytest.raises(FileError) as caught:
        read_images(store(tmp_path, train, test))
    message = str(caught.value).replace(".png", "")
    names = {"train": "train/a/", "test": "test/a/"}
    if store is in_a_file:
        names = {part: f"{part} picture " for part in names}
    for part in told:
        assert part.format(**names) in message


def test_a_class_that_is_only_tested_is_named(tmp_path):
    pytest.importorskip("PIL")
    for folder in ("train/a", "test/a", "test/b"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "0.png").write_bytes(encoded(arrays()["x_train"][0]))
    with pytest.raises(FileError, match="test/ has a class 'b'"):
        read_images(tmp_path)


@pytest.mark.keras
@pytest.mark.parametrize("name", ["cifar10", "fashion_mnist"])
def test_without_a_net_one_sentence_says_how_to_give_the_images(name, monkeypatch, tmp_path):
    keras = pytest.importorskip("keras")
    from xlite.training import images
    from xlite.zoo import datasets

    def fail():
        raise Exception("URL fetch failure on https://somewhere")

    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", fail)
    monkeypatch.setattr(datasets, "DEBIAN_FOLDER", tmp_path / "nothing")
    with pytest.raises(FileError, match=r"cannot be downloaded \(URL fetch failure.*--data PATH\)$"):
        getattr(images, name)()


def test_fashion_mnist_is_found_by_itself_or_read_from_anything(tmp_path):
    from xlite.zoo.datasets import DEBIAN_FOLDER

    same(fashion_mnist(str(write_npz(tmp_path))), arrays())
    if not DEBIAN_FOLDER.is_dir():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    found = fashion_mnist()
    assert found.x_train.shape == (60000, 28, 28, 1)
    assert found.classes[-1] == "Ankle boot"


@pytest.mark.keras
def test_batches_depend_on_seed_and_epoch_alone():
    pytest.importorskip("keras")
    from xlite.training.batches import Batches, scaled, shifted_and_flipped

    raw = arrays()

    def epoch(seed, number, augment=None):
        batches = Batches(raw["x_train"], raw["y_train"], 20, seed, augment)
        batches.epoch = number
        assert len(batches) == 4
        return [batches[i] for i in reversed(range(4))][::-1]

    for one, two in zip(epoch(1, 2, shifted_and_flipped(2)), epoch(1, 2, shifted_and_flipped(2))):
        np.testing.assert_array_equal(one[0], two[0])
    assert any(np.any(a[1] != b[1]) for a, b in zip(epoch(1, 2), epoch(1, 3)))
    assert any(np.any(a[1] != b[1]) for a, b in zip(epoch(1, 2), epoch(2, 2)))
    plain = np.concatenate([images for images, _ in epoch(1, 0)])
    known = {image.tobytes() for image in scaled(raw["x_train"])}
    assert len({image.tobytes() for image in plain} & known) == 80


@pytest.mark.keras
def test_augmented_images_are_shifted_and_mirrored_ones():
    pytest.importorskip("keras")
    from xlite.training.batches import shifted_and_flipped

    image = np.arange(1, 13, dtype=np.float32).reshape(1, 3, 4, 1)
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)))
    allowed = {
        padded[:, i : i + 3, j : j + 4][:, :, ::step].tobytes()
        for i in range(3)
        for j in range(3)
        for step in (1, -1)
    }
    found = shifted_and_flipped(1)(np.random.default_rng(0), np.repeat(image, 400, axis=0))
    assert {one[None].tobytes() for one in found} == allowed
