from __future__ import annotations

import errno
import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from oscc.base.errors import OsccError
from oscc.base.tensor_file import pack_tensors, read_tensors
from oscc.models.training.training_state import Progress, load_state, save_state

WHOLE = {"iteration": 1, "seconds": 1, "history": []}
HISTORY = [{"iteration": 20.0, "loss": 0.5}, {"iteration": 40.0, "loss": 0.25}]


def parts(seed=0, steps=2):
    """A module, part of which is frozen, and its optimizer after some steps."""
    random = torch.Generator().manual_seed(seed)
    module, frozen = torch.nn.Linear(3, 2), torch.nn.Linear(2, 1).requires_grad_(False)
    with torch.no_grad():
        for parameter in (*module.parameters(), *frozen.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=random))
    optimizer = torch.optim.Adam(module.parameters(), 0.1, betas=(0.0, 0.9))
    for _ in range(steps):
        optimizer.zero_grad()
        module(torch.randn(4, 3, generator=random)).square().sum().backward()
        optimizer.step()
    return {"first": module, "second": frozen}, {"adam": optimizer}


def contents(modules, optimizers):
    """Every number of modules and optimizers."""
    found = [parameter.detach().clone() for module in modules.values() for parameter in module.parameters()]
    for optimizer in optimizers.values():
        for parameter in optimizer.param_groups[0]["params"]:
            found += [optimizer.state[parameter][name].clone() for name in ("step", "exp_avg", "exp_avg_sq")]
    return found


def equal(one, other):
    return len(one) == len(other) and all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture
def config(points_config):
    return points_config()


@pytest.fixture
def saved(config, tmp_path):
    """The path of a saved state and everything in it."""
    before = parts(0)
    save_state(tmp_path / "state", config, Progress(40, 12.5, HISTORY), *before)
    return tmp_path / "state", contents(*before)


@pytest.mark.parametrize("steps", [0, 3])
def test_what_is_saved_comes_back(saved, config, steps):
    path, before = saved
    other = parts(1, steps)
    assert not equal(contents(*parts(1)), before)
    found = load_state(path, config, *other)
    assert equal(contents(*other), before)
    assert (found.progress, found.planned, found.remark) == (Progress(40, 12.5, HISTORY), 6, "")


def test_an_optimizer_goes_on_where_it_was(saved, config):
    path, _ = saved
    ends: list[list[torch.Tensor]] = []
    for modules, optimizers in (parts(0), parts(1, 0)):
        if ends:
            load_state(path, config, modules, optimizers)
        (optimizer,) = optimizers.values()
        optimizer.zero_grad()
        modules["first"](torch.ones(1, 3)).sum().backward()
        optimizer.step()
        ends.append(contents(modules, optimizers))
    assert equal(*ends)


def test_saving_again_replaces_the_state_and_leaves_nothing_else(saved, config):
    path, before = saved
    after = parts(5)
    save_state(path, config, Progress(60, 20.0, []), *after)
    found = parts(1)
    assert load_state(path, config, *found).progress.iteration == 60
    assert equal(contents(*found), contents(*after))
    assert not equal(contents(*found), before)
    assert [file.name for file in path.parent.iterdir()] == ["state"]


def half_written(self, data):
    with self.open("wb") as file:
        file.write(data[: len(data) // 2])
    raise OSError(errno.ENOSPC, "No space left on device")


def not_moved(self, target):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_state_is_written_through_a_link_and_keeps_its_mode(saved, config):
    path, _ = saved
    elsewhere = path.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    elsewhere.chmod(0o600)
    save_state(path, config, Progress(60, 20.0, []), *parts(5))
    assert path.readlink() == elsewhere
    assert elsewhere.stat().st_mode & 0o777 == 0o600
    assert load_state(path, config, *parts(1)).progress.iteration == 60


@pytest.mark.parametrize(("method", "failing"), [("write_bytes", half_written), ("replace", not_moved)])
def test_a_full_disk_leaves_the_state_before(saved, config, monkeypatch, method, failing):
    path, before = saved
    content = path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(Path, method, failing)
        with pytest.raises(OsccError) as caught:
            save_state(path, config, Progress(60, 20.0, []), *parts(5))
    assert (caught.value.code, str(caught.value)) == (
        "file.write",
        f"{path}: cannot be written: No space left on device",
    )
    assert path.read_bytes() == content
    assert [file.name for file in path.parent.iterdir()] == ["state"]
    found = parts(1)
    load_state(path, config, *found)
    assert equal(contents(*found), before)


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        ({"seed": 4}, "seed is 4, was 3"),
        ({"name": "other"}, "name is other, was points"),
        ({"data": {"name": "spiral"}}, "data.name is spiral, was two-moons"),
        ({"model": {"duration": [0.5, 0.9]}}, "model.duration is [0.5, 0.9], was [0.5, 0.8]"),
        ({"model": {"init": {"std": 0.5}}}, "model.init.std is 0.5, was 1.0"),
        ({"solver": {"step": 0.2}}, "solver.step is 0.2, was 0.25"),
        ({"loss": {"projections": 9}}, "loss.projections is 9, was 8"),
        ({"loss": {"sensitivity": 0.1}}, "loss.sensitivity is 0.1, was 0.0"),
        ({"schedule": {"rate": 0.1, "batch": 9}}, "schedule.batch is 9, was 8, schedule.rate is 0.1, was 0.005"),
        ({"hardware": {"mismatch": 0.1}}, "hardware.mismatch is 0.1, was 0.0"),
        (
            {"seed": 4, "name": "a", "schedule": {"batch": 9, "rate": 0.1, "average": 0.5}},
            "name is a, was points, schedule.average is 0.5, was 0.998, schedule.batch is 9, was 8, and 2 more",
        ),
    ],
)
def test_a_state_of_another_configuration_is_refused(saved, points_config, changes, differences):
    path, _ = saved
    other = parts(1)
    before = contents(*other)
    with pytest.raises(OsccError) as caught:
        load_state(path, points_config(**changes), *other)
    assert (caught.value.code, caught.value.where) == ("training.other", str(path))
    assert caught.value.message == f"the state of a training with another configuration: {differences}"
    assert caught.value.hint == "use another output folder, or --fresh to begin anew"
    assert equal(contents(*other), before), "nothing was touched"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"schedule": {"iterations": 600, "save_every": 7, "sheet_every": 9}},
        {"solver": {"integrator": "rk4"}},
    ],
)
def test_what_may_differ(saved, points_config, changes):
    path, before = saved
    found = parts(1)
    load_state(path, points_config(**changes), *found)
    assert equal(contents(*found), before)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"oscc.training": "{"},
        {"oscc.training": "[1]"},
        {"oscc.training": "{}"},
        {"oscc.training": json.dumps({"schema": "oscc.training-state/3"})},
        {"oscc.training": json.dumps({"schema": "oscc.training-state/1", "config": "a", "seconds": 1, "history": []})},
        {"oscc.training": json.dumps({**WHOLE, "schema": "oscc.training-state/1"})},
        {"oscc.training": json.dumps({**WHOLE, "schema": "oscc.training-state/2", "planned": 6})},
        {"oscc.training": json.dumps({**WHOLE, "schema": "oscc.training-state/2", "planned": 6, "keys": [1]})},
    ],
)
def test_another_file_is_no_state(saved, config, metadata):
    path, _ = saved
    path.write_bytes(pack_tensors(read_tensors(path).tensors, metadata))
    with pytest.raises(OsccError) as caught:
        load_state(path, config, *parts(1))
    assert (caught.value.code, str(caught.value)) == ("training.state", f"{path}: not the state of a training")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("first.weight", lambda array: None),
        ("first.bias", lambda array: array[:1]),
        ("second.weight", lambda array: array.T),
        ("adam.1.exp_avg", lambda array: None),
        ("adam.0.step", lambda array: array[None]),
    ],
)
def test_tensors_must_be_those_of_the_model(saved, config, name, change):
    path, _ = saved
    file = read_tensors(path)
    tensors = {**file.tensors, name: change(file.tensors[name])}
    kept = {key: array for key, array in tensors.items() if array is not None}
    path.write_bytes(pack_tensors(kept, file.metadata))
    with pytest.raises(OsccError) as caught:
        load_state(path, config, *parts(1))
    assert (caught.value.code, str(caught.value)) == (
        "training.state",
        f"{path}: tensor '{name}' is missing or of another shape",
    )


def test_a_file_cut_short_is_refused(saved, config):
    path, _ = saved
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(OsccError, match="cut short: header and tensors need"):
        load_state(path, config, *parts(1))


def test_a_loss_that_is_no_number_is_not_saved(saved, config):
    path, before = saved
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        save_state(path, config, Progress(60, 1.0, [{"loss": float("nan")}]), *parts(5))
    found = parts(1)
    load_state(path, config, *found)
    assert equal(contents(*found), before)


def test_other_images_under_the_same_name_are_refused(config, tmp_path: Path) -> None:
    path = tmp_path / "state"
    save_state(path, config, Progress(40, 12.5, []), *parts(1), data="aa")
    assert load_state(path, config, *parts(2), data="aa").progress.iteration == 40
    for other in ("bb", None):
        with pytest.raises(OsccError, match=r"data\.images: other images under the same name") as caught:
            load_state(path, config, *parts(2), data=other)
        assert caught.value.code == "training.other"


# What is not finite


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["second.bias", "adam.1.exp_avg_sq"])
def test_what_is_not_finite_is_neither_saved_nor_gone_on_from(saved, config, name, value):
    path, before = saved
    modules, optimizers = parts(5)
    (adam,) = optimizers.values()
    bias = modules["first"].bias
    where = modules["second"].bias.data if name == "second.bias" else adam.state[bias]["exp_avg_sq"]
    where[0] = value
    with pytest.raises(OsccError) as caught:
        save_state(path, config, Progress(60, 1.0, []), modules, optimizers)
    message = f"tensor '{name}' has 1 values that are NaN or infinite"
    assert (caught.value.code, caught.value.message) == ("training.diverged", f"{message}; it is not saved")
    found = parts(1)
    load_state(path, config, *found)
    assert equal(contents(*found), before)
    # As the first release saved it.
    file = read_tensors(path)
    tensors = dict(file.tensors)
    tensors[name] = np.full_like(tensors[name], 1.0)
    tensors[name][0] = value
    path.write_bytes(pack_tensors(tensors, file.metadata))
    untouched = contents(*found)
    with pytest.raises(OsccError) as caught:
        load_state(path, config, *found)
    assert (caught.value.code, caught.value.message) == ("training.state", message)
    assert equal(contents(*found), untouched)


# States of the first release


def first_release(path, config):
    """Rewrite a state as the first release wrote it: a hash of the configuration, with the name of a core."""
    file = read_tensors(path)
    described = json.loads(file.metadata["oscc.training"])
    dumped = config.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for key in ("iterations", "save_every", "sheet_every"):
        dumped["schedule"].pop(key, None)
    key = hashlib.sha256(json.dumps(dumped, sort_keys=True).encode()).hexdigest()
    kept = {name: described[name] for name in ("iteration", "seconds", "history")}
    metadata = {"oscc.training": json.dumps({**kept, "schema": "oscc.training-state/1", "config": key})}
    path.write_bytes(pack_tensors(file.tensors, metadata))


def test_a_state_of_the_first_release_goes_on(saved, config, points_config):
    path, before = saved
    first_release(path, config)
    found = parts(1)
    state = load_state(path, config, *found)
    assert equal(contents(*found), before)
    assert (state.progress, state.planned, state.remark) == (Progress(40, 12.5, HISTORY), None, "")
    with pytest.raises(OsccError) as caught:
        load_state(path, points_config(seed=4), *found)
    assert caught.value.message == (
        "the state of a training with another configuration (a state of an earlier version, which does not say by "
        "which key)"
    )


def test_a_state_of_the_first_release_does_not_tell_its_core(images_config, tmp_path):
    path = tmp_path / "state"
    config = images_config(model={"grid": None, "stencil": None, "step": None}, hardware={"core": "tiny-8x8"})
    save_state(path, config, Progress(40, 12.5, []), *parts(0), data="aa")
    assert load_state(path, config, *parts(1), data="aa").remark == ""
    first_release(path, config)
    expected = f"{path} is of an earlier version: whether core and start have changed is unknown"
    assert load_state(path, config, *parts(1), data="aa").remark == expected
