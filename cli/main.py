"""The `oscc` command: its verbs, and what becomes of errors."""

from __future__ import annotations

import ast
import inspect
import logging
import shlex
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from oscc.base.errors import OsccError, did_you_mean
from oscc.cli import (
    bench,
    check,
    choices,
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
from oscc.cli.arguments import refused_argument
from oscc.cli.common import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_NO, EXIT_USAGE, print_findings, print_json
from oscc.cli.logging_options import Log, LogFileOption, QuietOption, VerboseOption, global_options_after, open_log
from oscc.cli.signals import TerminatedError, handle_signals, termination_behind
from oscc.cli.streams import (
    StandardOutputError,
    checked_streams,
    discard_output,
    open_standard_descriptors,
    quiet_streams,
)

_LOG = logging.getLogger(__name__)

_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
"""click's UsageError: old releases of typer take it from click, new ones carry it inside and export only its heirs."""

VERBS = (
    check,
    compile,
    emit,
    bench,
    synth,
    sample,
    solve,
    cosim,
    verify,
    report,
    diff,
    yield_dies,
    train,
    evaluate,
    data,
    choices,
)
"""A module for each verb, in the order of the help; `register` of each adds it."""

INSTALLING = {"--install-completion"}
"""Options with which typer writes into the home folder of the user."""

BY_HAND = "print the script with --show-completion, and put it where your shell reads it"


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"oscc {version('oscc')}\n")
        raise typer.Exit


def _root(
    context: typer.Context,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
    log_file: LogFileOption = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Compile trained oscillator models for analog oscillator cores, and verify what comes out."""
    if quiet and verbose:
        raise typer.BadParameter("contradicts -q", param_hint="-v")
    if not isinstance(context.obj, _Given):
        return
    context.obj.log.begin(verbose, log_file)
    words = context.obj.words
    if _LOG.isEnabledFor(logging.INFO):
        from importlib.metadata import version
        from platform import platform, python_version

        _LOG.info("oscc %s: %s", version("oscc"), shlex.join(words))
        _LOG.debug("Python %s, numpy %s, on %s", python_version(), version("numpy"), platform())
    # The text of --help is what was asked for.
    if quiet and not {"-h", "--help"} & set(words):
        context.with_resource(quiet_streams(keep_output="--json" in words))


@dataclass(frozen=True)
class _Given:
    """What the command was called with, and where it logs.

    Parameters
    ----------
    words : tuple of str
        Its arguments.
    log : Log
    """

    words: tuple[str, ...]
    log: Log


def make_app() -> typer.Typer:
    """Return the command with all its verbs."""
    app = typer.Typer(
        name="oscc",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help=_help_of(_root))(_root)
    for verb in VERBS:
        verb.register(app)
    _describe(app)
    return app


def _describe(app: typer.Typer) -> None:
    """Give every verb its help, also where the interpreter has taken the docstrings away, as ``python -OO`` does.

    Its paragraphs are one line each, so that they are wrapped where the terminal ends instead of where the source's
    lines do.
    """
    for command in app.registered_commands:
        if command.help is None and command.callback is not None and (text := _help_of(command.callback)):
            command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _describe(group.typer_instance)


def _help_of(verb: Callable[..., Any]) -> str | None:
    """Return the docstring of a function, from its source where it has none; None where there is no source either."""
    if (text := inspect.getdoc(verb)) is not None:
        return text
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(verb))).body
    except (OSError, TypeError, ValueError, SyntaxError):
        return None
    return ast.get_docstring(definition) if isinstance(definition, ast.FunctionDef) else None


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str
        Without the name of the command.

    Returns
    -------
    int
        Exit status: 0 done and good, 1 an error, 2 a wrong usage, 3 the answer is no, 130 interrupted, 128 and the
        number of the signal when ended by one.
    """
    with checked_streams():
        try:
            status = _main(arguments)
            sys.stdout.flush()
        except StandardOutputError as error:
            discard_output()
            sys.stderr.write(f"oscc: {error}\n")
            return EXIT_ERROR
        except BrokenPipeError:
            # Whoever read the output went away, as `head` does, and wants to hear nothing more.
            discard_output()
            return EXIT_ERROR
        except TerminatedError as error:
            # Whoever asked may have taken the terminal away.
            discard_output()
            sys.stderr.write(f"oscc: {error}\n")
            sys.stderr.flush()
            return error.status
        except KeyboardInterrupt:
            sys.stderr.write("oscc: interrupted\n")
            return EXIT_INTERRUPTED
    return status


def _main(arguments: Sequence[str]) -> int:
    """Run the command with its log; only failures of standard output, and faults of the program, are raised."""
    as_json = "--json" in arguments
    if (refused := refused_argument(arguments)) is not None:
        return _report(refused, as_json, EXIT_USAGE)
    begun = time.monotonic()
    with open_log() as log:
        try:
            status = _run_verb(arguments, log, as_json)
        except (StandardOutputError, BrokenPipeError, TerminatedError) as error:
            _LOG.error("%s", error, extra={"printed": True})
            raise
        except Exception:
            _LOG.critical("ended by a fault of the program", exc_info=True, extra={"printed": True})
            raise
        _LOG.info("exit status %d after %.1f s", status, time.monotonic() - begun)
        failure = log.end()
    if failure is not None:
        # With --json standard output has its one object already.
        return _report(failure, False, status or EXIT_ERROR)
    return status


def _run_verb(arguments: Sequence[str], log: Log, as_json: bool) -> int:
    """Run the command, and say of an error what it is."""
    from oscc.base.findings import FindingsError
    from oscc.base.kernels import is_interrupt

    try:
        # Outside standalone mode typer returns the status and lets errors through, which are then put into one line.
        status = make_app()(
            args=list(arguments) or ["--help"],
            prog_name="oscc",
            standalone_mode=False,
            obj=_Given(tuple(arguments), log),
        )
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
    except OSError as error:
        if not INSTALLING & set(arguments):
            raise
        path = "" if error.filename is None else str(error.filename)
        refused = OsccError("completion.install", f"cannot be written: {error.strerror}", where=path, hint=BY_HAND)
        return _report(refused, as_json, EXIT_ERROR)
    except (typer.Abort, KeyboardInterrupt):
        status = EXIT_INTERRUPTED
    except SystemError as error:
        if (ended := termination_behind(error)) is not None:
            raise ended from None
        if not is_interrupt(error):
            raise
        status = EXIT_INTERRUPTED
    if status == EXIT_INTERRUPTED:
        sys.stderr.write("oscc: interrupted\n")
    return status if isinstance(status, int) else 0


def _phrase_usage(error: Any) -> OsccError:
    """Return a wrong usage as one line of message and one of advice."""
    command = error.ctx.command_path if error.ctx is not None else "oscc"
    message = " ".join(error.format_message().split())
    wrong = getattr(error, "option_name", None)
    if wrong and hasattr(error, "possibilities") and error.ctx is not None:
        known = sorted({name for each in error.ctx.command.params for name in each.opts if name.startswith("--")})
        longer = [name for name in known if name.startswith(wrong)]
        meant = f"; did you mean {' or '.join(map(repr, longer))}?" if longer else did_you_mean(wrong, known)
        message = f"No such option: {wrong}{meant}"
    before = global_options_after(command.split(), wrong or "")
    return OsccError("usage", message, where=command, hint=before or f"try: {command} --help")


def run() -> None:
    """Run the command as a process, with all of its arguments; `oscc.cli.entry` calls it."""
    open_standard_descriptors()
    handle_signals()
    sys.exit(main(sys.argv[1:]))


def _report(error: OsccError, as_json: bool, status: int) -> int:
    """Print an error, and return the exit status."""
    _LOG.error("%s: %s", error.code, error, extra={"printed": True})
    if as_json:
        print_json({"error": error.as_dict()})
    else:
        # A wrong usage names the command itself as its place.
        sys.stderr.write(f"{error}\n" if error.where.startswith("oscc") else f"oscc: {error}\n")
    return status
