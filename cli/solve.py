"""`oscc solve`: the solutions of a compiled problem."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oscc.cli.code_lines import recorded_warnings, warning_words
from oscc.cli.common import JsonOption, counted, print_json, print_table, samples_option
from oscc.cli.output import FirstOption, FolderArgument, SeedOption
from oscc.cli.progress import progress_bar

REPORT = "solve.json"


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("solve")(solve_verb)


def solve_verb(
    folder: FolderArgument,
    samples: Annotated[int, samples_option("How many runs.", most=100_000)] = 100,
    seed: SeedOption = 0,
    first: FirstOption = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Text file for the best spins: lines 'LABEL SPIN', the label as JSON.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a compiled problem on the behavioural array, and print the best solution and the distribution of all.

    Spins come from the read-out codes, and what they are worth from the original file, which is in DIR.
    """
    from oscc.base.errors import OsccError
    from oscc.base.file_output import check_file_target, write_text
    from oscc.base.node_labels import label_json
    from oscc.base.number_words import short
    from oscc.base.output_folder import check_file_beside, read_output_folder, write_json
    from oscc.compiler.copies.copied_graph import copy_map_of
    from oscc.compiler.frontends.checkpoint import read_checkpoint
    from oscc.compiler.frontends.front_end import kept_problem_reader, read_kept_problem
    from oscc.core.program_folder import read_program_of
    from oscc.sim.engines.job import Draws
    from oscc.sim.solve import SolveRun, solve

    core, program = read_program_of(folder)
    manifest = read_output_folder(folder)
    if kept_problem_reader(manifest) is None:
        raise OsccError(
            "solve.no-problem",
            "holds no Ising problem",
            where=str(folder),
            hint="compile one: oscc compile PROBLEM.gset --core SPEC -o DIR",
        )
    report = folder / "reports" / REPORT
    check_file_target(report)
    if output is not None:
        check_file_beside(output)
    problem = read_kept_problem(manifest)
    # Through copies, where nodes were split.
    owner = copy_map_of(read_checkpoint(manifest.model))
    with progress_bar("running the array") as progress:
        found = solve(problem, core, program, Draws(samples, seed, first), owner=owner, progress=progress)
    file = manifest.manifest["inputs"]["problem"]["file"]
    result = SolveRun(problem, file, found, seed, first).to_dict()
    if output is not None:
        best = result["best_spins"]
        lines = [f"{label_json(label)} {spin}" for label, spin in zip(problem.labels, best, strict=True)]
        write_text(output, "\n".join(lines) + "\n")
    write_json(report, result)
    if as_json:
        print_json(result)
        return
    values = result["values"]
    noun = "variables" if problem.kind == "qubo" else "spins"
    warned = warning_words(recorded_warnings(manifest.manifest))
    print_table(
        f"{file} on {core.name}",
        [
            (noun, f"{problem.spins}, {counted(problem.first.size, 'pair')}"),
            ("samples", f"{samples}, seed {seed}, from sample {first}"),
            (f"best {result['quantity']}", f"{values['best']:.12g}, sample {result['best_sample']}"),
            ("mean", f"{values['mean']:g} +- {short(values['spread'])}"),
            ("quartiles", ", ".join(f"{value:.12g}" for value in values["quartiles"])),
            ("reached best", f"{values['times_best']} of {samples}"),
            *([("warned of", f"{warned}, when it was compiled")] if warned else []),
            (f"{noun} of the best", _spins_text(result["best_spins"], problem.kind)),
        ],
    )


def _spins_text(spins: list[int], kind: str) -> str:
    """Return spins as + and -, variables of a QUBO as 1 and 0, the middle left out where they are many."""
    plus, minus = ("1", "0") if kind == "qubo" else ("+", "-")
    text = "".join(plus if spin > 0 else minus for spin in spins)
    return text if len(text) <= 64 else f"{text[:30]}...{text[-30:]}"
