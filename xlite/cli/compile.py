"""``xlite compile``: a model in, a folder of C out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

import click

from xlite.cli import files, ui
from xlite.schema.errors import Error, FileError

if TYPE_CHECKING:
    from xlite.converter.codegen import Generated

EXAMPLES = """\b
Examples:
  xlite compile model.xlite -o out/
  xlite compile model.h5 -o out/ --target cortex-m4 --prefix faces
  xlite compile model.xlite -o out/ --scores logits --arena caller
  xlite compile model.xlite -o out/ --section .flash2 --json | jq .arena
"""


@click.command(epilog=EXAMPLES, short_help="Write a model as C for microcontrollers.")
@click.argument("model")
@click.option("-o", "--out", metavar="FOLDER", required=True, help="Where to write; made where it is not there.")
@click.option(
    "--target",
    metavar="NAME",
    default="generic",
    help="cortex-m0plus, cortex-m4, cortex-m7, esp32, rv32 or generic (default).",
)
@click.option("--prefix", metavar="NAME", default="model", help="Every name in the header begins with it.")
@click.option("--section", metavar="NAME", help="The linker's section for the weights, as .flash2.")
@click.option(
    "--arena", metavar="WHERE", default="static", help="static: memory in the C file; caller: given to each call."
)
@click.option("--row-bands/--no-row-bands", default=True, help="Run layers by bands of rows where that saves RAM.")
@click.option(
    "--scores",
    metavar="WHAT",
    default="model",
    help="model: as it is; logits: without a last softmax; int32: also without scale and bias of the last layer.",
)
@click.option("--custom", metavar="OP=FUNCTION", multiple=True, help="The C function of yours for a custom op.")
@click.option("--kernels/--no-kernels", default=True, help="Put the kernels beside, or use xlite's package.")
@click.option("--measure/--no-measure", default=True, help="Build it with the target's toolchain, if it is here.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing unless something is wrong.")
def command(
    model: str,
    out: str,
    target: str,
    prefix: str,
    section: Optional[str],
    arena: str,
    row_bands: bool,
    scores: str,
    custom: tuple[str, ...],
    kernels: bool,
    measure: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Writes MODEL (a .xlite file, or a Keras .h5 or .keras file, which is converted first) as C99 into a folder
    that compiles by itself: model.c, model.h, the kernels that it uses, an example and a CMakeLists.txt.

    The C allocates nothing, and its memory is the arena whose size stands in the header.
    """
    from xlite.converter.codegen import Options, generate

    files.kind_of(model)  # no such file: said before any work is done
    if out in ("", "-"):
        raise FileError(f"-o {out or 'is empty'}: give the name of a folder to write into, or . for this one")
    if section == "":
        raise Error("--section is empty; give the name of a section, as .flash2, or leave the option out")
    options = Options(prefix, target, section or "", arena, row_bands, scores, _functions(custom), kernels)
    made = generate(model, out, options=options, measured=measure)
    if as_json:
        ui.print_json(made.report.to_dict())
    elif not quiet:
        _print(made, out)


def _functions(custom: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for given in custom:
        op, equals, function = given.rpartition("=")
        if not equals or not op:
            raise Error(f"--custom {given}: give the op's name and the function's, as in --custom MyOp=my_op")
        found[op] = function
    return found


def _print(made: Generated, out: str) -> None:
    ui.show([ui.figures(made.report.rows())])
    header: Optional[str] = next((name for name in made.files if name.endswith(".h")), None)
    ui.show([f"\nwritten: {out} ({len(made.files)} files; include {header})"])
