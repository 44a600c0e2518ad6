"""Scripts that run on the emulated computers."""

# Runs a network on recorded inputs, on each backend that is named. Prints JSON.
PARITY = """
import json, sys
import numpy as np
import xlite
from xlite.interpreter.kernels.c import library
from device import mark

path, samples, *backends = sys.argv[1:]
with np.load(samples) as found:
    x, y = found["x"], found["y"]
result = {"library": library.own_library().name, "isa": library.isa()[0], "backends": {}}
for number, backend in enumerate(backends):
    interpreter = xlite.Interpreter(path, backend=backend)
    mark(2 * number)
    outputs = np.concatenate([np.array(interpreter(image[np.newaxis])) for image in x])
    mark(2 * number + 1)
    normal = y > 1e-30
    error = np.abs(outputs.astype(float) - y)
    result["backends"][backend] = {
        "difference": float(error.max()),
        "relative": float((error[normal] / y[normal]).max()),
        "same_argmax": bool((outputs.argmax(axis=-1) == y.argmax(axis=-1)).all()),
        "compared": int(normal.sum()),
    }
print(json.dumps(result))
"""

# What it takes to run a model: every module that is loaded, and every event of Python's audit that is about
# processes or the network. Prints JSON.
IMPORTS = """
import json, sys
events = []
sys.addaudithook(lambda name, arguments: events.append(name))
import numpy
before = set(sys.modules)
events.clear()
import xlite
interpreter = xlite.Interpreter(sys.argv[1], backend=sys.argv[2])
interpreter.invoke()
modules = sorted(set(sys.modules) - before)
print(json.dumps({"modules": modules, "of_numpy": sorted(before), "events": sorted(set(events))}))
"""
