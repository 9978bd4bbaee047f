"""`oscc data`: data sets for training, and the networks that measure how near a model comes to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oscc.cli.common import JsonOption, print_json, print_table, refuse_ignored, seed_option

if TYPE_CHECKING:
    from oscc.models.data.catalog import DataSet


def register(app: typer.Typer) -> None:
    """Add the verb, with its own verbs, to the command."""
    group = typer.Typer(
        help="Data sets, and what measures them.", context_settings={"help_option_names": ["-h", "--help"]}
    )
    group.callback(invoke_without_command=True)(list_verb)
    group.command("fetch")(fetch_verb)
    group.command("extractor")(extractor_verb)
    app.add_typer(group, name="data")


def list_verb(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the data sets where no verb is given."""
    if context.invoked_subcommand is not None:
        refuse_ignored(context, {"as_json": "--json"}, f"write it behind {context.invoked_subcommand}")
        return
    from oscc.models.data.catalog import DATA_SETS

    if as_json:
        print_json({"data_sets": [each.to_dict() for each in DATA_SETS]})
    else:
        print_table("data sets", [(each.name, _origin(each)) for each in DATA_SETS])


def _origin(data: DataSet) -> str:
    if data.kind == "points":
        return "points in the plane; computed"
    return f"images; oscc data fetch {data.name} -o DIR" if data.fetched else "images; comes with scikit-learn"


def fetch_verb(
    name: Annotated[str, typer.Argument(metavar="NAME", help="mnist or fashion-mnist.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the file.")] = Path("data"),
    as_json: JsonOption = False,
) -> None:
    """Fetch a data set from where its authors publish it, check it, and pack it into one file."""
    from oscc.models.data.data_fetch import fetch_images

    found = fetch_images(name, output)
    if as_json:
        print_json(found.to_dict())
    else:
        print_table(name, [("file", str(found.file)), ("images", f"{found.train} to train, {found.test} to test")])


def extractor_verb(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="digits, mnist or fashion-mnist.", show_default=False)],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Weights to write.", show_default=False)
    ],
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Folder with the data set's file.", show_default=False)
    ] = None,
    seed: Annotated[int, seed_option("first weights and order of the images")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Train an extractor of FD-LeNet on a data set, for oscc evaluate --extractor.

    Those of digits, mnist and fashion-mnist come with oscc: figures compare only where they are of the same one.
    """
    if name == "digits":
        refuse_ignored(context, {"data": "--data"}, "'digits' comes with scikit-learn")
    from oscc.models.quality.extractor_training import make_extractor

    made = make_extractor(name, output, data=data, seed=seed)
    if as_json:
        print_json(made.to_dict())
    else:
        rows = [("file", str(made.file)), ("classifies", f"{100 * made.accuracy:.1f} % of test images rightly")]
        print_table(f"extractor of {name}, seed {seed}", rows)
