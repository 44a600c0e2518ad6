"""The example: the demo network, compiled to C, that says what it sees on one picture and blinks the answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from xlite.converter import convert
from xlite.converter.codegen import generate
from xlite.converter.codegen.literals import array
from xlite.schema.types import DType

FOLDER = "examples/demo"
_DEMO = Path(__file__).resolve().parents[2] / "examples" / "fashion"

_SKETCH = """// A binarized network on a microcontroller: it looks at one picture of Fashion-MNIST, prints what it
// sees and blinks the number of the class. fashion.c and fashion.h were made by
//
//     xlite compile model.h5 -o out/ --prefix fashion --no-kernels --scores logits
//
// The picture is the first of the test set (MIT licence, Zalando SE); its class is %(label)d, "%(name)s".
#include "fashion.h"

static const uint8_t picture[FASHION_INPUT_SIZE] = {
%(pixels)s
};

static int best_class() {
  float *x = fashion_input();
  for (int i = 0; i < FASHION_INPUT_SIZE; ++i) x[i] = picture[i] / 255.0f;
  fashion_run();
  const float *score = fashion_output();
  int best = 0;
  for (int i = 1; i < FASHION_OUTPUT_SIZE; ++i) {
    if (score[i] > score[best]) best = i;
  }
  return best;
}

void setup() {
  Serial.begin(115200);
  pinMode(LED_BUILTIN, OUTPUT);
}

void loop() {
  const unsigned long start = millis();
  const int best = best_class();
  Serial.print(fashion_labels[best]);
  Serial.print(", in ms: ");
  Serial.println(millis() - start);
  for (int i = 0; i < best; ++i) {
    digitalWrite(LED_BUILTIN, HIGH);
    delay(150);
    digitalWrite(LED_BUILTIN, LOW);
    delay(150);
  }
  delay(2000);
}
"""


def demo_files() -> dict[str, str]:
    """The sketch, and the network beside it."""
    with np.load(_DEMO / "images.npz") as stored:
        image, label = stored["images"][0], int(stored["labels"][0])
        names = [str(name) for name in stored["class_names"]]
    model = convert(_DEMO / "model.h5", labels=names).model
    made = generate(model, prefix="fashion", target="generic", kernels=False, scores="logits")
    sketch = _SKETCH % {"label": label, "name": names[label], "pixels": array(image, DType.UINT8)}
    return {
        f"{FOLDER}/demo.ino": sketch,
        f"{FOLDER}/fashion.c": made.files["fashion.c"],
        f"{FOLDER}/fashion.h": made.files["fashion.h"],
    }
