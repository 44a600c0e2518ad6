"""A chain of ops by bands of rows, as a C function with a loop over the bands."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from xlite.converter.codegen import literals
from xlite.converter.codegen.bands import Bands, Part
from xlite.converter.codegen.calls import Call
from xlite.converter.codegen.names import comment
from xlite.schema.naming import op_name
from xlite.schema.types import Model

Address = Callable[[int], str]  # of a tensor, in C

TYPES = """/* One op in one band. rows: of its output, none where it waits. x_rows: of its input that are there.
 * pad: above them. at: rows that lie already where its output goes. drop, keep: of its input, afterwards. */
typedef struct part {
  uint16_t rows, x_rows, pad, at, drop, keep;
} part;
"""


def function_name(bands: Bands) -> str:
    return f"run_bands_{bands.calls[0].index}"


def band_function(
    model: Model, bands: Bands, scratch: int, parameter: str, address: Address, op_fields: Callable[..., str]
) -> str:
    """parameter: of the function. address: of a tensor. op_fields: the fields of an xl_op, for a call, its input,
    its output and its scratch."""
    kinds = list(dict.fromkeys(bands.parts))
    first, last = bands.calls[0].index, bands.calls[-1].index
    names = f"ops {first} to {last}, {bands.height} row{'s' if bands.height > 1 else ''} of the first at a time"
    lines = [
        f"/* {names}. Between them lie {_rows(bands)} rows. */",
        f"static void {function_name(bands)}({parameter}) {{",
        f"  static const part kinds[{len(kinds)}][{len(bands.calls)}] = {{",
        *(f"    {{{', '.join(_part(p) for p in kind)}}}," for kind in kinds),
        "  };",
        f"  static const {_index_type(len(kinds))} order[{len(bands.parts)}] = {{",
        *literals.lines([str(kinds.index(parts)) for parts in bands.parts]),
        "  };",
        f"  const unsigned char *x = {address(bands.calls[0].inputs[0])};",
        f"  unsigned char *y = {address(bands.calls[-1].output)};",
        f"  for (int32_t i = 0; i < {len(bands.parts)}; ++i) {{",
        "    const part *p = kinds[order[i]];",
    ]
    for stage in range(len(bands.calls)):
        waits = any(kind[stage].rows == 0 for kind in kinds)
        lines += _stage(model, bands, stage, scratch, waits, op_fields)
        if stage + 1 < len(bands.calls):
            lines.append("    ++p;")
    return "\n".join([*lines, f"    y += p->rows * {bands.rows[-1].y_bytes};", "  }", "}"]) + "\n"


def _rows(bands: Bands) -> str:
    return ", ".join(str(buffer.rows) for buffer in reversed(bands.buffers)) or "no"


def _index_type(kinds: int) -> str:
    return "uint8_t" if kinds <= 256 else "uint16_t"


def _part(part: Part) -> str:
    return "{" + f"{part.rows}, {part.x_rows}, {part.pad}, {part.at}, {part.drop}, {part.keep}" + "}"


def _stage(
    model: Model, bands: Bands, stage: int, scratch: int, waits: bool, op_fields: Callable[..., str]
) -> Iterator[str]:
    call, rows = bands.calls[stage], bands.rows[stage]
    shares = stage > 0 and bands.into[stage - 1] == bands.into[stage]
    source, target = _place(bands, stage - 1, scratch), _place(bands, stage, scratch)
    at = target if bands.into[stage] is None else f"{target} + p->at * {rows.y_bytes}"
    x = at if shares else source
    yield f"    {'if (p->rows > 0) ' if waits else ''}{{ /* {comment(op_name(model, call.index))} */"
    assert call.params is not None
    yield f"      {literals.STRUCT_NAMES[type(call.params)]} params = params_{call.index};"
    yield from (f"      params.{field} = {value};" for field, value in _fields(call, rows.counts))
    work = f"AT({scratch + bands.work})" if call.workspace else "NULL"
    yield f"      const xl_op op = {{{op_fields(call, '&params', x, at, work)}}};"
    yield f"      {call.function}(&op);"
    if stage == 0:
        yield f"      x += p->drop * {rows.x_bytes};"
    elif not shares and any(parts[stage].keep for parts in bands.parts):
        yield f"      memmove({source}, {source} + p->drop * {rows.x_bytes}, (size_t)p->keep * {rows.x_bytes});"
    yield "    }"


def _place(bands: Bands, stage: int, scratch: int) -> str:
    """Where the output of op ``stage`` of the chain begins, the chain's input for -1."""
    if stage < 0:
        return "x"
    into = bands.into[stage]
    return "y" if into is None else f"AT({scratch + bands.buffers[into].offset})"


def _fields(call: Call, counts: tuple[tuple[str, int], ...]) -> Iterator[tuple[str, str]]:
    """Parameters that differ from band to band."""
    for field, each in counts:
        yield field, f"p->rows * {each}" if each > 1 else "p->rows"
    if not counts:
        yield "window.in_h", "p->x_rows"
        yield "window.out_h", "p->rows"
        yield "window.pad_top", "p->pad"
