"""What the verbs that work on an output folder share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oscc.cli.common import seed_option

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="Output folder of oscc compile.", show_default=False)
]
SeedOption = Annotated[int, seed_option("the initial noise")]
FirstOption = Annotated[int, typer.Option("--first", min=0, max=2**31, help="Number of the first sample.")]
