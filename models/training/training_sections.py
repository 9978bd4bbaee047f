"""The sections of the file that describes a training run."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, field_validator, model_validator

from oscc.base.config import Finite, Fraction, Integer, NotNegative, Positive, Section
from oscc.core.families import family_named
from oscc.models.data.datasets import IMAGE_FILES, POINT_SETS
from oscc.models.dynamics.integrators import INTEGRATORS

MAX_CHUNKS = 8


class DataSection(Section):
    """The data that are trained on.

    Attributes
    ----------
    name : str
        ``digits``, ``mnist``, ``fashion-mnist``, or a set of points.
    folder : str or None
        Where the file of an image data set is; ``--data`` comes before it.
    pool : int
        Images are made smaller so many times in both directions, by the mean.
    """

    name: str
    folder: str | None = None
    pool: Integer = Field(default=1, ge=1)

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        known = ("digits", *IMAGE_FILES, *POINT_SETS)
        if value not in known:
            raise ValueError(f"'{value}' is no data set; accepted: {', '.join(known)}")
        return value

    @property
    def has_points(self) -> bool:
        """Return whether these are points in the plane, not images."""
        return self.name in POINT_SETS


class InitialSection(Section):
    """The state before the first chunk; as in checkpoints.

    Attributes
    ----------
    kind : {"normal", "uniform"}
    mean, std : float
        [rad], or in units of the state.
    """

    kind: Literal["normal", "uniform"] = "normal"
    mean: Finite = 0.0
    std: Positive = 1.0


class ModelSection(Section):
    """The model.

    Attributes
    ----------
    family : str
    chunks : int
        1 to 8.
    duration : float or list of float
        Of every chunk, or of each [model time].
    couplings : {"directed", "reciprocal"}
        ``reciprocal`` couplings are equal in both directions.
    grid, stencil, origin, step
        As in a core; they are the core's when ``hardware.core`` is given.
    init : InitialSection
    weight_mean : float or list of float
        Mean of the couplings before training, in every chunk or in each [rad per unit of model time]. Where it is
        positive, nodes draw towards their neighbours, so that what one does is felt far away from the beginning.
    weight_std, field_std : float or None
        Standard deviation of couplings and fields before training [rad per unit of model time]. By default 0.2 and 0.1,
        and with codes at least a code step of the chunk: of smaller ones most would be 0, and stay so.
    shil : float
        S of every node before training, or the gain of ``poly_ising``.
    start : str or None
        A checkpoint to go on from, instead of random numbers.
    """

    family: str = "kurashil"
    chunks: Integer = Field(default=4, ge=1, le=MAX_CHUNKS)
    duration: Positive | tuple[Positive, ...] = 2.0
    couplings: Literal["directed", "reciprocal"] = "directed"
    grid: tuple[Integer, Integer] | None = None
    stencil: str | tuple[tuple[Integer, Integer], ...] | None = None
    origin: tuple[Integer, Integer] = (0, 0)
    step: tuple[Integer, Integer] = (1, 1)
    init: InitialSection = InitialSection()
    weight_mean: Finite | tuple[Finite, ...] = 0.0
    weight_std: NotNegative | None = None
    field_std: NotNegative | None = None
    shil: NotNegative = 0.1
    start: str | None = None

    @field_validator("family")
    @classmethod
    def _check_family(cls, value: str) -> str:
        family_named(value)
        return value

    @property
    def chunk_duration(self) -> tuple[float, ...]:
        """Return the duration of each chunk [model time]."""
        return self.duration if isinstance(self.duration, tuple) else (self.duration,) * self.chunks

    @property
    def weight_means(self) -> tuple[float, ...]:
        """Return the mean of the couplings of each chunk before training [rad per unit of model time]."""
        return self.weight_mean if isinstance(self.weight_mean, tuple) else (self.weight_mean,) * self.chunks

    @model_validator(mode="after")
    def _check(self) -> ModelSection:
        for key, numbers in (("duration", self.chunk_duration), ("weight_mean", self.weight_means)):
            if len(numbers) != self.chunks:
                raise ValueError(f"{key}: {len(numbers)} numbers for {self.chunks} chunks")
        if min(self.origin) < 0 or min(self.step) < 1:
            raise ValueError(f"origin {list(self.origin)} and step {list(self.step)}: at least 0 and 1")
        if self.grid is not None and min(self.grid) < 1:
            raise ValueError(f"grid {list(self.grid)} has no cells")
        return self


class HardwareSection(Section):
    """The hardware in the loop of training; noise is drawn anew in every step.

    Attributes
    ----------
    core : str or None
        Preset or file of a core: topology, limits and steps of the DACs. Without one, parameters are not quantized, and
        bounded by ``bound``.
    bits : int or None
        Width of the coupling DACs in place of the core's; 0 for no quantization of any group.
    bound : float
        Largest coupling, field, SHIL and detuning without a core [rad per unit of model time].
    cycles : int or None
        Clock cycles of a sample, at most the core's ``cycles_per_sample``, which it is by default. With fewer of them
        full scale is worth less model time, so that small parameters have finer codes.
    clip : float
        Fraction of the full scale that parameters may take at the end of training.
    clip_start : float
        The same in the beginning; in between it changes linearly.
    weight_noise : float
        Standard deviation of an error of every parameter, as a fraction of full scale: what a DAC adds.
    mismatch : float
        Standard deviation of the relative error of every parameter: what differs from die to die.
    transient_noise : float
        Phase noise [rad], standard deviation of what a free oscillator gathers in a whole run.
    readout : bool
        Whether the end phases are rounded to the steps of the core's read-out.
    """

    core: str | None = None
    bits: Integer | None = Field(default=None, ge=0, le=8)
    bound: Positive = 2.0
    cycles: Integer | None = Field(default=None, ge=1)
    clip: Fraction = 1.0
    clip_start: Fraction = 1.0
    weight_noise: NotNegative = 0.0
    mismatch: NotNegative = 0.0
    transient_noise: NotNegative = 0.0
    readout: bool = False

    def clip_part(self, done: float) -> float:
        """Return the fraction of full scale that may be used when a fraction of the iterations is ``done``, 0 to 1."""
        return self.clip_start + (self.clip - self.clip_start) * done

    @field_validator("bits")
    @classmethod
    def _check_bits(cls, value: int | None) -> int | None:
        if value == 1:
            raise ValueError("a code has 2 to 8 bits, and 0 stands for no quantization")
        return value


class SolverSection(Section):
    """The integration of the equation.

    Attributes
    ----------
    integrator : str
    step : float
        Longest step [model time].
    """

    integrator: str = "rk4"
    step: Positive = 0.1

    @field_validator("integrator")
    @classmethod
    def _check_integrator(cls, value: str) -> str:
        if value not in INTEGRATORS:
            raise ValueError(f"'{value}' is not an integrator; accepted: {', '.join(INTEGRATORS)}")
        return value


class LossSection(Section):
    """The loss that is minimised.

    Attributes
    ----------
    kind : {"wgan-gp", "sliced-wasserstein", "flow-matching"}
        The first for images, the others for points.
    critic_channels, critic_pack, critic_steps, gradient_penalty, critic_rate
        Of the critic: channels of its first layer, images that it judges together, its steps per step of the model,
        weight of the penalty, and its learning rate.
    features : float
        Weight of feature matching beside the critic: the distance between Gaussians fitted to features of the model's
        images and of data, by an encoder that is trained on the data's classes first. 0 for none.
    projections : int
        Directions of the sliced Wasserstein distance.
    sensitivity : float
        Weight of a penalty on the growth of small perturbations: the mean squared difference of end states, over the
        squared perturbation, of twins that start 1e-2 apart.
    """

    kind: Literal["wgan-gp", "sliced-wasserstein", "flow-matching"] = "wgan-gp"
    critic_channels: Integer = Field(default=64, ge=1)
    critic_pack: Integer = Field(default=1, ge=1)
    critic_steps: Integer = Field(default=1, ge=1)
    gradient_penalty: NotNegative = 10.0
    critic_rate: Positive = 4e-4
    features: NotNegative = 0.0
    projections: Integer = Field(default=256, ge=1)
    sensitivity: NotNegative = 0.0


class ScheduleSection(Section):
    """The length of a training, and its rates.

    Attributes
    ----------
    iterations : int
    batch : int
    rate : float
        Learning rate of the model (Adam, betas 0 and 0.9).
    final_rate : float
        Fraction of both learning rates that is left at the end; they fall along a cosine over the last half.
    average : float
        Of the exponential moving average of the parameters that becomes the checkpoint.
    save_every, sheet_every : int
        Iterations between saved states, and between sheets of samples.
    """

    iterations: Integer = Field(default=1000, ge=1)
    batch: Integer = Field(default=48, ge=1)
    rate: Positive = 5e-3
    final_rate: Fraction = 1.0
    average: Fraction = 0.998
    save_every: Integer = Field(default=100, ge=1)
    sheet_every: Integer = Field(default=500, ge=1)

    def rate_part(self, done: float) -> float:
        """Return the fraction of both learning rates that holds when this much of the training is ``done``, 0 to 1."""
        late = max(0.0, 2 * done - 1)
        return self.final_rate + (1 - self.final_rate) * 0.5 * (1 + math.cos(math.pi * late))
