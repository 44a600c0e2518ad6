"""What a frontend read in another way than it was saved reaches the report and the screen."""

from __future__ import annotations

from pathlib import Path

import xlite
from xlite.cli.report import renderables
from xlite.converter import conversion

DEMO = Path(__file__).parents[2] / "examples" / "fashion" / "model.h5"


def test_notes_of_the_frontend_are_printed(monkeypatch):
    read = conversion.read

    def noting(source):
        model = read(source)
        model.notes.append("layer 'conv1' was saved in half precision")
        return model

    monkeypatch.setattr(conversion, "read", noting)
    report = xlite.convert(DEMO).report
    assert report.notes == ["layer 'conv1' was saved in half precision"]
    assert "note: layer 'conv1' was saved in half precision" in [str(part) for part in renderables(report, None)]


def test_the_lowering_decorator_and_its_companions_are_reached_from_the_package():
    assert callable(xlite.converter.lowering)
    assert callable(xlite.converter.lowering.kernel_quantizer)
    assert callable(xlite.converter.lowering.input_quantizer)
