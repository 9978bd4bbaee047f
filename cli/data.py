"""`oscc data`: data sets for training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oscc.cli.common import JsonOption, print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the verb, with its own verbs, to the command."""
    group = typer.Typer(help="Data sets for training.", context_settings={"help_option_names": ["-h", "--help"]})
    group.callback()(lambda: None)
    group.command("fetch")(fetch_verb)
    app.add_typer(group, name="data")


def fetch_verb(
    name: Annotated[str, typer.Argument(metavar="NAME", help="mnist or fashion-mnist.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the file.")] = Path("data"),
    as_json: JsonOption = False,
) -> None:
    """Fetch a data set from where its authors publish it, check it, and pack it into one file."""
    from oscc.models.data_fetch import fetch
    from oscc.models.datasets import read_images

    path = fetch(name, output)
    data = read_images(name, path)
    result = {"file": str(path), "train": len(data.train), "test": len(data.test), "train_sha256": data.sha256}
    if as_json:
        print_json(result)
    else:
        print_table(name, [("file", str(path)), ("images", f"{len(data.train)} to train, {len(data.test)} to test")])
