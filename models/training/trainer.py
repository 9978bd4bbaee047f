"""The training loop: one iteration after another, each a function of the state and of its number."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from oscc.base.errors import OsccError
from oscc.base.findings import FindingsError
from oscc.compiler.compile import check_model
from oscc.core.spec import CoreSpec
from oscc.models.data.datasets import ImageData, check_labels, draw_points
from oscc.models.training.critic import Critic
from oscc.models.training.divergence import DivergedError, descend, not_finite
from oscc.models.training.divergence_advice import divergence_advice
from oscc.models.training.encoder import CLASSES
from oscc.models.training.feature_matching import FeatureMatching
from oscc.models.training.first_parameters import first_parameters
from oscc.models.training.flow_matching import flow_matching_loss
from oscc.models.training.generator import Delivery, Generator, Imperfections, Solver, random_stream
from oscc.models.training.losses import gradient_penalty, random_directions, sliced_wasserstein
from oscc.models.training.schedule_change import schedule_remark
from oscc.models.training.training_config import TrainingConfig
from oscc.models.training.training_state import Progress, load_state, save_state

KEEP_EVERY = 20
"""Iterations between losses that are kept for the receipt."""

TWIN_DISTANCE = 1e-2
"""Perturbation of the initial state whose growth the sensitivity penalty measures [rad]."""

FIT_STREAM = 2**32
"""Number of the random stream that data are fitted with before the first iteration; 0 is that of first parameters."""


@dataclass(frozen=True)
class Report:
    """An iteration that is done.

    Parameters
    ----------
    iteration : int
        Its number, from 1.
    losses : dict of str to float
        By name, such as ``distance`` or ``loss``.
    saved : bool
        Whether the state has just been written.
    """

    iteration: int
    losses: dict[str, float]
    saved: bool


class Trainer:
    """A training run.

    Everything random in an iteration follows from the seed and its number, so that a run that was killed and goes on
    ends with the same numbers, bit for bit, as one that was not (on the same machine, with as many threads).

    Parameters
    ----------
    config : TrainingConfig
    data : ImageData or None
        None for points.
    threads : int
        For the kernels and for PyTorch.
    device : str
        As `Generator` takes it.

    Raises
    ------
    OsccError
        ``training.image`` when the images are not of the size that the model shows; ``data.labels`` when features are
        to be matched and labels are not 0 to 9; what the configuration's `dac_grid` and `graph` raise.
    FindingsError
        When the model would not fit the core that it is to be trained for: better known before than after.

    Attributes
    ----------
    config, data, threads, device
        As given.
    progress : Progress
    generator, average : Generator
        As trained, and the moving average that becomes the checkpoint.
    """

    def __init__(self, config: TrainingConfig, data: ImageData | None, threads: int = 1, device: str = "cpu") -> None:
        self.config, self.data, self.threads, self.device = config, data, threads, _device(device)
        torch.set_num_threads(threads)
        graph = config.graph()
        shown = (1, 2) if data is None else data.train.shape[1:]
        if graph.image_shape != shown:
            raise OsccError(
                "training.image",
                f"data '{config.data.name}' has {shown[0]} x {shown[1]} pixels, the model shows "
                f"{graph.image_shape[0]} x {graph.image_shape[1]}",
                where="model",
                hint="choose grid, origin and step (or the core) so that there are as many visible nodes",
            )
        if config.loss.features and data is not None:
            check_labels(data, CLASSES, "loss.features")
        random = random_stream(config.seed, 0)
        self.generator = Generator(
            first_parameters(graph, config, random),
            _delivery(config),
            Solver(config.solver.integrator, config.solver.step),
            threads=threads,
            device=self.device,
        )
        self.generator.clip(config.hardware.clip_start)
        if config.core is not None:
            _check_fits(self.generator, config.core)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        schedule, loss = config.schedule, config.loss
        trained = [parameter for parameter in self.generator.parameters() if parameter.requires_grad]
        self._modules: dict[str, torch.nn.Module] = {"generator": self.generator, "average": self.average}
        self._optimizers: dict[str, torch.optim.Optimizer] = {
            "generator-optimizer": torch.optim.Adam(trained, schedule.rate, betas=(0.0, 0.9))
        }
        self._critic: Critic | None = None
        if loss.kind == "wgan-gp":
            self._critic = Critic(graph.image_shape, loss.critic_channels, random, loss.critic_pack).to(self.device)
            self._modules["critic"] = self._critic
            self._optimizers["critic-optimizer"] = torch.optim.Adam(
                self._critic.parameters(), loss.critic_rate, betas=(0.0, 0.9)
            )
        self._features: FeatureMatching | None = None
        if loss.features:
            self._features = FeatureMatching(graph.image_shape, random).to(self.device)
            self._modules["features"] = self._features
        hardware = config.hardware
        self.imperfections = Imperfections(hardware.weight_noise, hardware.mismatch, hardware.transient_noise)
        self._phase_steps = config.core.readout.phase_steps if config.core and hardware.readout else None
        self.progress = Progress()
        self._has_state = False

    @property
    def fits_features(self) -> bool:
        """Return whether `run` trains an encoder first, which takes about a minute."""
        return self._features is not None and self.progress.iteration == 0

    @property
    def _data_hash(self) -> str | None:
        return None if self.data is None else self.data.sha256

    def save(self, path: Path) -> None:
        """Write the state.

        Parameters
        ----------
        path : Path

        Raises
        ------
        OsccError
            As `save_state` does.
        """
        save_state(path, self.config, self.progress, self._modules, self._optimizers, data=self._data_hash)
        self._has_state = True

    def resume(self, path: Path) -> tuple[str, ...]:
        """Go on from a saved state.

        Parameters
        ----------
        path : Path

        Returns
        -------
        tuple of str
            What the user should know: what an earlier version did not save, and how rates and limits jump where the
            number of iterations is another one than planned before.

        Raises
        ------
        OsccError
            As `load_state` does.
        """
        found = load_state(path, self.config, self._modules, self._optimizers, data=self._data_hash)
        self.progress, self._has_state = found.progress, True
        remarks = (found.remark, schedule_remark(self.config, self.progress.iteration, found.planned))
        return tuple(remark for remark in remarks if remark)

    def run(self, state: Path | None = None) -> Iterator[Report]:
        """Yield the iterations that are left, one after another; the state is saved now and then, and at the end.

        Parameters
        ----------
        state : Path or None
            File of the state; without one nothing is saved.

        Raises
        ------
        OsccError
            ``training.diverged`` when a loss, a gradient, a parameter or a moment is not finite any more: such a step
            does not count and is not saved. What `save` raises.
        """
        schedule = self.config.schedule
        if self.fits_features:
            self._fit_features()
        while self.progress.iteration < schedule.iterations:
            started = time.perf_counter()
            number = self.progress.iteration + 1
            try:
                losses = self._iterate(number)
            except DivergedError as found:
                hint = divergence_advice(self.config, number, found)
                hint += f"; {state} holds the last good state" if self._has_state else ""
                raise OsccError("training.diverged", f"iteration {number}: {found}", hint=hint) from None
            self.progress.iteration = number
            self.progress.seconds += time.perf_counter() - started
            if number % KEEP_EVERY == 0 or number == schedule.iterations:
                self.progress.history.append({"iteration": number, **losses})
            due = number % schedule.save_every == 0 or number == schedule.iterations
            if due and state is not None:
                self.save(state)
            yield Report(number, losses, saved=due and state is not None)

    @torch.no_grad()
    def samples(self, count: int, seed: int = 0) -> Tensor:
        """Draw images of the averaged model, ideal but for rounding, Tensor[count, rows, columns] within -1 and 1.

        Parameters
        ----------
        count : int
        seed : int
            Of the initial noise.
        """
        random = torch.Generator(self.device).manual_seed(seed)
        state = self.average(self.average.noise(count, random), self.average.delivered())
        return self.average.pixels(state).cpu()

    def _fit_features(self) -> None:
        assert self._features is not None
        assert self.data is not None
        started = time.perf_counter()
        random = random_stream(self.config.seed, FIT_STREAM, self.device)
        self._features.fit(self.data.train, self.data.train_labels, random)
        self.progress.seconds += time.perf_counter() - started

    def _iterate(self, number: int) -> dict[str, float]:
        random = random_stream(self.config.seed, number, self.device)
        self._set_rates(number)
        loss = self.config.loss.kind
        losses = self._adversarial(random) if loss == "wgan-gp" else self._points(random)
        self.generator.clip(self.config.hardware.clip_part(number / self.config.schedule.iterations))
        self._move_average(number)
        return losses

    def _adversarial(self, random: torch.Generator) -> dict[str, float]:
        assert self._critic is not None
        config = self.config.loss
        fake, sensitivity = self._fake(random)
        for step in range(config.critic_steps):
            if step:
                with torch.no_grad():
                    given = self._fake(random)[0]
            else:
                given = fake.detach()
            real, given = self._packs(self._real(len(given), random)), self._packs(given)
            mixture = torch.rand(len(real), generator=random, device=self.device)
            penalty = gradient_penalty(self._critic, real, given, mixture)
            distance = self._critic(real).mean() - self._critic(given).mean()
            critic_loss = config.gradient_penalty * penalty - distance
            told = {"distance": distance, "penalty": penalty}
            descend(self._critic, self._optimizers["critic-optimizer"], critic_loss, told, "critic.")
        loss = -self._critic(self._packs(fake)).mean()
        found = {"distance": distance, "penalty": penalty, "loss": loss}
        found |= {"sensitivity": sensitivity} if config.sensitivity else {}
        loss = loss + config.sensitivity * sensitivity
        if self._features is not None:
            mismatch, found["features"] = self._features(fake, random)
            loss = loss + config.features * mismatch
        descend(self.generator, self._optimizers["generator-optimizer"], loss, found)
        return {name: value.item() for name, value in found.items()}

    def _packs(self, images: Tensor) -> Tensor:
        """Put images side by side as the critic judges them, Tensor[P, pack, rows, columns]."""
        return images.reshape(-1, self.config.loss.critic_pack, *images.shape[1:])

    def _points(self, random: torch.Generator) -> dict[str, float]:
        config, count = self.config, self.config.schedule.batch
        seed = torch.randint(2**62, (1,), generator=random, device=self.device)
        points = draw_points(config.data.name, np.random.default_rng(int(seed)), count)
        real = torch.from_numpy(points).to(self.device)
        if config.loss.kind == "flow-matching":
            values = self.generator.delivered(self.imperfections, random)
            loss = flow_matching_loss(self.generator, values, real, config.solver.step, random)
        else:
            fake, sensitivity = self._fake(random)
            directions = random_directions(2, config.loss.projections, random)
            loss = sliced_wasserstein(fake.reshape(count, 2), real, directions)
            loss = loss + config.loss.sensitivity * sensitivity
        descend(self.generator, self._optimizers["generator-optimizer"], loss, {"loss": loss})
        return {"loss": loss.item()}

    def _fake(self, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw images of the model in its hardware, Tensor[B, rows, columns]; measure how small perturbations grow."""
        generator, batch = self.generator, self.config.schedule.batch
        values = generator.delivered(self.imperfections, random)
        start = generator.noise(batch, random)
        growth = torch.zeros((), device=self.device)
        if self.config.loss.sensitivity and torch.is_grad_enabled():
            # Some of the samples have a twin that starts close by; both see the same weights, and no transient noise.
            few = start[:, : max(1, batch // 8)]
            near = few + TWIN_DISTANCE * torch.randn(few.shape, generator=random, device=self.device)
            ends = generator(torch.cat([few, near], dim=1), values)
            first, second = ends.chunk(2, dim=1)
            growth = (2 - 2 * torch.cos(first - second)).mean() / TWIN_DISTANCE**2
        state = generator(start, values, self.imperfections, random)
        pixels = generator.pixels(state, self._phase_steps)
        if not_finite(pixels):
            wrong = int((~torch.isfinite(pixels)).flatten(1).any(dim=1).sum())
            raise DivergedError(f"{wrong} of {batch} runs end in pixels that are not numbers", "run")
        return pixels, growth

    def _real(self, count: int, random: torch.Generator) -> Tensor:
        assert self.data is not None
        chosen = torch.randint(len(self.data.train), (count,), generator=random, device=self.device)
        return torch.from_numpy(self.data.train[chosen.cpu().numpy()]).to(self.device)

    def _set_rates(self, number: int) -> None:
        """Set the learning rates: constant in the first half, then down along a cosine."""
        config = self.config
        part = config.schedule.rate_part(number / config.schedule.iterations)
        rates = {"generator-optimizer": config.schedule.rate, "critic-optimizer": config.loss.critic_rate}
        for name, optimizer in self._optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = rates[name] * part

    @torch.no_grad()
    def _move_average(self, number: int) -> None:
        # In the beginning the average forgets faster, or it would be that of the random start.
        keep = min(self.config.schedule.average, (1 + number) / (10 + number))
        for average, parameter in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            average.lerp_(parameter, 1 - keep)


def _delivery(config: TrainingConfig) -> Delivery:
    return Delivery(
        grid=config.dac_grid(),
        bound=config.hardware.bound,
        quantize=config.quantizes,
        reciprocal=config.model.couplings == "reciprocal",
        shared_units=config.shared_units,
    )


def _check_fits(generator: Generator, core: CoreSpec) -> None:
    findings = check_model(generator.to_graph({}), core).causes
    if findings:
        raise FindingsError(findings)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError):
        raise OsccError(
            "training.device", f"'{name}' is no device that this PyTorch can use", where="--device"
        ) from None
    return device
