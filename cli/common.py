"""What the verbs share: their common options, and how they print."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oscc.base.errors import one_line
from oscc.cli.choice_names import completing

if TYPE_CHECKING:
    from oscc.base.findings import Finding

EXIT_ERROR = 1
"""Exit status of an error in what was given, or in the environment."""

EXIT_USAGE = 2
"""Exit status of a wrong usage of the command."""

EXIT_NO = 3
"""Exit status when the answer is no: the model does not fit, or a check failed."""

EXIT_INTERRUPTED = 130
"""Exit status after an interrupt from the keyboard, as shells report it."""

FEW = 4
"""Names up to which a line lists all."""


ModelArgument = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="Checkpoint (.safetensors); check, compile and yield take graphs and problems, too.",
        show_default=False,
    ),
]
CoreOption = Annotated[
    str,
    typer.Option(
        "--core",
        metavar="SPEC",
        help="Preset name or YAML file of the core.",
        show_default=False,
        autocompletion=completing("cores"),
    ),
]
SEEDS = 2**32
"""Seeds are 0 to one less, in every verb; the tools that `oscc synth` calls take fewer."""


def seed_option(what: str, *, least: int = 0, most: int = SEEDS - 1) -> Any:
    """Return option ``--seed``, which in every verb is the seed of all that is random there.

    Parameters
    ----------
    what : str
        What is random in the verb.
    least, most : int
    """
    return typer.Option("--seed", min=least, max=most, help=f"Seed of all that is random: {what}.")


def samples_option(help_text: str, *, most: int, least: int = 1) -> Any:
    """Return option ``-n``, which in every verb is a number of samples: runs of the array, each of noise of its own.

    Parameters
    ----------
    help_text : str
        What the samples are for.
    most, least : int
    """
    return typer.Option("-n", "--samples", min=least, max=most, help=help_text)


JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def print_json(content: Any) -> None:
    """Print one JSON object on standard output.

    Parameters
    ----------
    content
        JSON; NaN and infinity are refused.
    """
    sys.stdout.write(json.dumps(content, indent=2, allow_nan=False) + "\n")


def print_table(title: str, rows: Iterable[Sequence[str]]) -> None:
    """Print a table of two columns on standard output: with lines and colour on a terminal, plain elsewhere.

    Parameters
    ----------
    title : str
    rows : iterable of (name, value)
    """
    if not sys.stdout.isatty():
        listed = [tuple(map(one_line, row)) for row in rows]
        width = max((len(name) for name, _ in listed), default=0)
        sys.stdout.write(
            "".join(f"{line}\n" for line in [one_line(title), *(f"  {n:<{width}}  {v}" for n, v in listed)])
        )
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=one_line(title), title_justify="left", show_header=False, box=box.ROUNDED)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column()
    for name, value in rows:
        table.add_row(Text(one_line(name)), Text(one_line(value)))
    Console().print(table)


def print_findings(findings: Sequence[Finding]) -> None:
    """Print findings on standard output: what does not fit, what would make it fit, and what follows from it.

    Parameters
    ----------
    findings : sequence of Finding
        Causes among them are printed with their consequences and the first examples.
    """
    from oscc.compiler.diagnosis.finding_text import finding_lines

    sys.stdout.write("".join(f"{line}\n" for line in finding_lines(findings)))


def refuse_ignored(context: typer.Context, options: Mapping[str, str], reason: str) -> None:
    """Refuse options that were given though nothing would come of them.

    Parameters
    ----------
    context : Context
        Of the verb.
    options : mapping
        From the name of a parameter to how the option is written.
    reason : str
        Why nothing would come of them.

    Raises
    ------
    BadParameter
        For the first that was given on the command line, also where its value is the default.
    """
    for name, option in options.items():
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"would be ignored: {reason}", param_hint=option)


def folded(names: Sequence[str]) -> str:
    """Return names in a line: all of a few, else how many and the first `FEW`.

    Parameters
    ----------
    names : sequence of str
        JSON has all of them.
    """
    if len(names) <= FEW:
        return ", ".join(names) or "none"
    return f"{len(names)}: {', '.join(names[:FEW])}, ... (all with --json)"


def counted(count: int, what: str) -> str:
    """Return a number with its noun, such as ``1 node`` or ``2 nodes``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
