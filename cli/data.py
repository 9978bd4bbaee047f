"""`oscc data`: data sets for training, and the networks that measure how near a model comes to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oscc.cli.common import JsonOption, print_json, print_table, refuse_ignored


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
    """Data sets, and what measures them; without a verb, which there are."""
    if context.invoked_subcommand is not None:
        refuse_ignored(context, {"as_json": "--json"}, f"write it behind {context.invoked_subcommand}")
        return
    from oscc.models.data.data_fetch import SOURCES
    from oscc.models.data.datasets import IMAGE_SETS, POINT_SETS

    if as_json:
        sets = [{"name": name, "kind": "images", "fetched": name in SOURCES} for name in IMAGE_SETS]
        sets += [{"name": name, "kind": "points", "fetched": False} for name in POINT_SETS]
        print_json({"data_sets": sets})
        return
    rows = [
        (name, f"images; oscc data fetch {name} -o DIR" if name in SOURCES else "images; comes with scikit-learn")
        for name in IMAGE_SETS
    ]
    print_table("data sets", [*rows, *((name, "points in the plane; computed") for name in POINT_SETS)])


def fetch_verb(
    name: Annotated[str, typer.Argument(metavar="NAME", help="mnist or fashion-mnist.", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the file.")] = Path("data"),
    as_json: JsonOption = False,
) -> None:
    """Fetch a data set from where its authors publish it, check it, and pack it into one file."""
    from oscc.models.data.data_fetch import fetch
    from oscc.models.data.datasets import read_images

    path = fetch(name, output)
    data = read_images(name, path)
    result = {"file": str(path), "train": len(data.train), "test": len(data.test), "train_sha256": data.sha256}
    if as_json:
        print_json(result)
    else:
        print_table(name, [("file", str(path)), ("images", f"{len(data.train)} to train, {len(data.test)} to test")])


def extractor_verb(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="digits, mnist or fashion-mnist.", show_default=False)],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Weights to write.", show_default=False)
    ],
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Folder with the data set's file.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="Of all that is random.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Train an extractor of FD-LeNet on a data set, for oscc evaluate --extractor.

    Those of digits, mnist and fashion-mnist come with oscc: figures compare only where they are of the same one.
    """
    if name == "digits":
        refuse_ignored(context, {"data": "--data"}, "'digits' comes with scikit-learn")
    from oscc.base.file_output import write_bytes
    from oscc.base.output_folder import check_file_beside
    from oscc.models.data.datasets import load_images
    from oscc.models.quality.extractor_training import train_extractor
    from oscc.models.quality.features import check_extractor

    check_file_beside(output)
    images = load_images(name, data)
    net, content = train_extractor(images, seed)
    accuracy = check_extractor(net, images)
    write_bytes(output, content)
    if as_json:
        print_json({"file": str(output), "dataset": name, "seed": seed, "sha256": net.sha256, "accuracy": accuracy})
    else:
        rows = [("file", str(output)), ("classifies", f"{100 * accuracy:.1f} % of test images rightly")]
        print_table(f"extractor of {name}, seed {seed}", rows)
