"""The file that describes a training run: what is trained, on what, for which hardware, and how."""

from __future__ import annotations

from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from oscc.base.config import Integer, Section
from oscc.base.errors import OsccError
from oscc.base.path_kind import refuse_wrong_kind
from oscc.base.strict_yaml import read_yaml
from oscc.base.text_file import read_text_file
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.families import Family, family_named
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.core.stencil import listed_stencil, named_stencil
from oscc.models.training.dac_grid import DacGrid
from oscc.models.training.ignored_keys import FIRST_RELEASE_SPREADS, first_ignored
from oscc.models.training.topology import GridLayout, grid_graph
from oscc.models.training.training_sections import (
    DataSection,
    HardwareSection,
    LossSection,
    ModelSection,
    ScheduleSection,
    SolverSection,
)

SCHEMA = "oscc.train/1"


class TrainingConfig(Section):
    """A training run.

    Attributes
    ----------
    schema_ : str
        ``oscc.train/1``; the key is ``schema``.
    name : str
        Of the model.
    seed : int
        Everything random follows from it and the number of the iteration.
    data, model, hardware, solver, loss, schedule
        The sections.
    """

    schema_: Literal["oscc.train/1"] = Field(alias="schema")
    name: str = Field(min_length=1)
    seed: Integer = Field(default=0, ge=0, lt=2**32)
    data: DataSection
    model: ModelSection = ModelSection()
    hardware: HardwareSection = HardwareSection()
    solver: SolverSection = SolverSection()
    loss: LossSection = LossSection()
    schedule: ScheduleSection = ScheduleSection()

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        # What a checkpoint would refuse, but only after the training.
        if not value.strip() or not value.isprintable():
            raise ValueError(f"{value!r}, expected a line of text")
        return value

    @model_validator(mode="after")
    def _check(self) -> TrainingConfig:
        if self.data.has_points == (self.loss.kind == "wgan-gp"):
            kinds = "sliced-wasserstein or flow-matching" if self.data.has_points else "wgan-gp"
            raise ValueError(f"loss.kind: '{self.loss.kind}' does not go with data '{self.data.name}'; use {kinds}")
        if self.loss.kind == "wgan-gp" and self.schedule.batch % self.loss.critic_pack:
            pack = self.loss.critic_pack
            raise ValueError(f"loss.critic_pack: {pack} images do not divide schedule.batch, {self.schedule.batch}")
        if self.loss.features and self.data.has_points:
            raise ValueError(f"loss.features: goes with images, '{self.data.name}' are points")
        if self.data.has_points and self.data.pool != 1:
            raise ValueError(f"data.pool: {self.data.pool} goes with images, '{self.data.name}' are points")
        if self.hardware.core is None:
            if self.model.grid is None or self.model.stencil is None:
                raise ValueError("model: grid and stencil are needed where hardware.core does not give them")
            if self.hardware.bits is not None or self.hardware.readout or self.hardware.cycles is not None:
                raise ValueError("hardware: bits, cycles and readout need a core")
        elif self.model.grid is not None or self.model.stencil is not None:
            raise ValueError("model: grid and stencil are those of hardware.core; leave them out")
        return self

    @model_validator(mode="after")
    def _check_ignored(self) -> TrainingConfig:
        """Refuse keys that were given though nothing would come of them."""
        if ignored := first_ignored(self):
            raise ValueError(ignored)
        return self

    @property
    def family(self) -> Family:
        """Return the family of the model."""
        return family_named(self.model.family)

    @cached_property
    def core(self) -> CoreSpec | None:
        """Return the core that is trained for, with the width that ``hardware.bits`` asks for; None without one.

        Raises
        ------
        OsccError
            As `load_core` does.
        """
        if self.hardware.core is None:
            return None
        core = load_core(self.hardware.core)
        return core.with_coupling_bits(self.hardware.bits) if self.hardware.bits else core

    @property
    def shared_units(self) -> bool:
        """Return whether one coupling unit makes both directions of a pair, so that its error is one.

        A core says so; without one, units are as the couplings of the model are.
        """
        couplings = self.model.couplings if self.core is None else self.core.couplings
        return couplings == "reciprocal"

    @property
    def quantizes(self) -> bool:
        """Return whether parameters are rounded to codes."""
        return self.hardware.core is not None and self.hardware.bits != 0

    def dac_grid(self) -> DacGrid | None:
        """Return the DACs of the core at the model's time scale; None without a core.

        Raises
        ------
        OsccError
            As `DacGrid.of` does.
        """
        core = self.core
        return None if core is None else DacGrid.of(core, self.model.chunk_duration, self.hardware.cycles)

    def first_spread(self, group: Literal["coupling", "field"]) -> NDArray[np.float64]:
        """Return the standard deviation of a group before training, float64[C, 1] [rad per unit of model time].

        Parameters
        ----------
        group : {"coupling", "field"}

        Raises
        ------
        OsccError
            As `dac_grid` does.
        """
        key = "weight_std" if group == "coupling" else "field_std"
        given: float | None = getattr(self.model, key)
        least = np.full((self.model.chunks, 1), FIRST_RELEASE_SPREADS[key] if given is None else given)
        grid = self.dac_grid() if given is None and self.quantizes else None
        # A normal distribution as wide as a step has 62 % of its values beyond half a step, where codes begin.
        return least if grid is None else np.maximum(least, grid.step(group))

    def graph(self) -> CouplingGraph:
        """Return the model before training, without its parameters.

        Raises
        ------
        OsccError
            ``training.model`` when grid, stencil and read-out do not go together.
        """
        core = self.core
        layout = self._own_layout() if core is None else _layout_of(core)
        if self.model.couplings == "reciprocal" and not layout.stencil.is_symmetric:
            raise OsccError(
                "training.model",
                "reciprocal couplings need a symmetric stencil (every offset with its opposite)",
                where="model.couplings",
            )
        if core is not None and core.couplings == "reciprocal" and self.model.couplings == "directed":
            raise OsccError(
                "training.model",
                f"one unit of core {core.name} makes both directions of a coupling, which training must keep equal",
                where="model.couplings",
                hint="couplings: reciprocal",
            )
        init = self.model.init
        return grid_graph(
            self.name,
            self.family,
            layout,
            chunk_duration=self.model.chunk_duration,
            init=InitialPhases(init.kind, init.mean, init.std),
        )

    def _own_layout(self) -> GridLayout:
        assert self.model.grid is not None
        assert self.model.stencil is not None
        given = self.model.stencil
        try:
            stencil = named_stencil(given) if isinstance(given, str) else listed_stencil(given)
        except ValueError as error:
            raise OsccError("training.model", str(error), where="model.stencil") from None
        return GridLayout(self.model.grid, stencil, self.model.origin, self.model.step)


def _layout_of(core: CoreSpec) -> GridLayout:
    return GridLayout(core.grid, core.model_stencil, core.readout.origin, core.readout.step)


def load_training(path: Path) -> TrainingConfig:
    """Read the training run that a YAML file describes.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OsccError
        ``training.read``, ``path.kind`` for a file or folder of another kind, or ``training.yaml``,
        ``training.unknown-key`` and ``training.invalid`` as `oscc.base.strict_yaml.read_yaml` raises them.
    """
    refuse_wrong_kind(path, "train")
    content = read_text_file(path, "training.read")
    return parse_training(content, where=str(path))


def parse_training(content: str, *, where: str) -> TrainingConfig:
    """Read the training run that a YAML text describes.

    Parameters
    ----------
    content : str
    where : str
        What messages call the text.

    Raises
    ------
    OsccError
        ``training.yaml``, ``training.unknown-key`` or ``training.invalid``, as `load_training` raises them.
    """
    return read_yaml(content, TrainingConfig, where=where, what="a training", code="training")


def quick_training() -> TrainingConfig:
    """Return the training run that comes with the package: small digits, in about half a minute."""
    text = (resources.files("oscc.models.training") / "configs" / "quick.yaml").read_text(encoding="utf-8")
    return parse_training(text, where="--quick")
