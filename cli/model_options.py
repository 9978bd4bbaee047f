"""The options that `oscc check` and `oscc compile` share, as one record."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from oscc.cli.code_lines import StrictOption
from oscc.cli.common import CoreOption, JsonOption, ModelArgument
from oscc.cli.option_record import with_options
from oscc.cli.place_options import (
    CopiesOption,
    DieOption,
    FrontEndOption,
    PlacerOption,
    PruneOption,
    SeedOption,
    StrengthOption,
    TimeoutOption,
    parse_change_options,
    parse_place_options,
)
from oscc.cli.scale_options import ClipOption, TauOption, TauSecondsOption, parse_scale_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from oscc.compiler.frontends.front_end import Source
    from oscc.compiler.output.compilation import CompileOptions
    from oscc.compiler.pass_manager import PassRecord
    from oscc.compiler.passes.place import PlaceOptions
    from oscc.compiler.passes.time_scale import ScaleOptions
    from oscc.core.spec import CoreSpec


@dataclass(frozen=True)
class ModelOptions:
    """A model, a core, and how the one is to be brought onto the other."""

    model: ModelArgument
    core: CoreOption
    tau: TauOption = "common"
    tau_s: TauSecondsOption = None
    clip: ClipOption = None
    placer: PlacerOption = "auto"
    seed: SeedOption = 0
    timeout: TimeoutOption = None
    frontend: FrontEndOption = None
    prune: PruneOption = None
    copies: CopiesOption = False
    die: DieOption = None
    strength: StrengthOption = None
    strict: StrictOption = False
    as_json: JsonOption = False

    def scaling(self) -> ScaleOptions:
        """Return the options of the time scale.

        Raises
        ------
        OsccError
            As `parse_scale_options` raises it.
        """
        return parse_scale_options(self.tau, self.tau_s, self.clip)

    def placing(self, report: Callable[[str, float], None] | None) -> PlaceOptions:
        """Return how the model is placed.

        Parameters
        ----------
        report : callable or None
            As `oscc.cli.progress.progress_bar` gives it.

        Raises
        ------
        OsccError
            As `parse_place_options` raises it.
        """
        return parse_place_options(self.placer, self.seed, self.timeout, report)

    def compiling(self, report: Callable[[str, float], None] | None) -> CompileOptions:
        """Return how the model is brought onto the core.

        Parameters
        ----------
        report : callable or None
            As `oscc.cli.progress.progress_bar` gives it.

        Raises
        ------
        OsccError
            As the parts raise it.
        """
        from oscc.compiler.output.compilation import CompileOptions

        placing = self.placing(report)
        changes = parse_change_options(self.prune, self.copies, self.strength)
        return CompileOptions(self.scaling(), placing, replace(changes, of_die=self.die is not None))


def timed_source(given: ModelOptions, core: CoreSpec) -> tuple[Source, PassRecord]:
    """Return the model that was given, and how long it took to read it.

    Parameters
    ----------
    given : ModelOptions
    core : CoreSpec
        That a problem is lowered for.

    Raises
    ------
    OsccError
        As `oscc.compiler.frontends.front_end.read_source` raises it.
    """
    from oscc.compiler.compile import LOADED
    from oscc.compiler.frontends.front_end import read_source
    from oscc.compiler.pass_manager import PassRecord

    begun = time.perf_counter()
    source = read_source(given.model, given.frontend, core)
    return source, PassRecord(LOADED, time.perf_counter() - begun)


with_model_options = with_options(ModelOptions)
"""Decorator of verbs that take `ModelOptions`; see `with_options`."""
