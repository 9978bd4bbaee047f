"""The options that `oscc check` and `oscc compile` share, as one record."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, get_type_hints

from oscc.cli.code_lines import StrictOption
from oscc.cli.common import CoreOption, JsonOption, ModelArgument
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
    from oscc.compiler.feasibility.changes import ChangeOptions
    from oscc.compiler.frontends.front_end import Source
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

    def changes(self, placing: PlaceOptions) -> ChangeOptions:
        """Return which changes of the model are allowed.

        Parameters
        ----------
        placing : PlaceOptions

        Raises
        ------
        OsccError
            As `parse_change_options` raises it.
        """
        changes = parse_change_options(self.prune, self.copies, self.strength, placing)
        return replace(changes, of_die=self.die is not None)


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


def with_model_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Return a verb that typer calls with each field of `ModelOptions` as an option of its own.

    Parameters
    ----------
    verb : callable
        Its first parameter is a `ModelOptions`; the others are options as typer knows them.
    """
    own = [*inspect.signature(verb, eval_str=True).parameters.values()][1:]
    hints = get_type_hints(ModelOptions, include_extras=True)
    names = [each.name for each in fields(ModelOptions)]
    shared = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if each.default is MISSING else each.default,
            annotation=hints[each.name],
        )
        for each in fields(ModelOptions)
    ]
    # What must be given comes first in the help.
    needed = [each for each in shared if each.default is inspect.Parameter.empty]
    spelt = [
        *needed,
        *(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own),
        *(each for each in shared if each not in needed),
    ]

    @functools.wraps(verb)
    def called(**given: Any) -> None:
        verb(ModelOptions(**{name: given.pop(name) for name in names}), **given)

    signature = inspect.Signature(spelt)
    called.__signature__ = signature  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in spelt}
    return called
