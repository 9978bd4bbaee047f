"""The `oscc` command: its verbs, and what becomes of errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from oscc.cli import (
    check,
    compile,
    cosim,
    data,
    diff,
    emit,
    evaluate,
    report,
    sample,
    solve,
    synth,
    train,
    verify,
    yield_dies,
)
from oscc.cli.common import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_NO, EXIT_USAGE, print_findings, print_json
from oscc.compiler.errors import OsccError

_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
"""click's UsageError: old releases of typer take it from click, new ones carry it inside and export only its heirs."""

VERBS = (check, compile, emit, synth, sample, solve, cosim, verify, report, diff, yield_dies, train, evaluate, data)
"""A module for each verb, in the order of the help; `register` of each adds it."""


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"oscc {version('oscc')}")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Compile trained oscillator models for analog oscillator cores, and verify what comes out."""


def make_app() -> typer.Typer:
    """The command with all its verbs."""
    app = typer.Typer(
        name="oscc",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for verb in VERBS:
        verb.register(app)
    return app


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str
        Without the name of the command.

    Returns
    -------
    int
        Exit status: 0 done and good, 1 an error, 2 a wrong usage, 3 the answer is no, 130 interrupted.
    """
    from oscc.compiler.findings import FindingsError
    from oscc.compiler.kernels import is_interrupt

    as_json = "--json" in arguments
    try:
        # Outside standalone mode typer returns the status and lets errors through, which are then put into one line.
        status = make_app()(args=list(arguments) or ["--help"], prog_name="oscc", standalone_mode=False)
        sys.stdout.flush()
    except OsccError as error:
        return _report(error, as_json, EXIT_ERROR)
    except FindingsError as error:
        if as_json:
            print_json({"feasible": False, "findings": [finding.as_dict() for finding in error.findings]})
        else:
            print_findings(error.findings)
        return EXIT_NO
    except _USAGE_ERROR as error:
        return _report(_phrase_usage(error), as_json, EXIT_USAGE)
    except (typer.Abort, KeyboardInterrupt):
        status = EXIT_INTERRUPTED
    except SystemError as error:
        if not is_interrupt(error):
            raise
        status = EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output went away, as `head` does; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    if status == EXIT_INTERRUPTED:
        sys.stderr.write("oscc: interrupted\n")
    return status if isinstance(status, int) else 0


def _phrase_usage(error: Any) -> OsccError:
    """A wrong usage as one line of message and one of advice."""
    command = error.ctx.command_path if error.ctx is not None else "oscc"
    message = " ".join(error.format_message().split())
    return OsccError("usage", message, where=command, hint=f"try: {command} --help")


def run() -> None:
    """Entry point of the command."""
    sys.exit(main(sys.argv[1:]))


def _report(error: OsccError, as_json: bool, status: int) -> int:
    if as_json:
        print_json({"error": error.as_dict()})
    else:
        # A wrong usage names the command itself as its place.
        sys.stderr.write(f"{error}\n" if error.where.startswith("oscc") else f"oscc: {error}\n")
    return status
