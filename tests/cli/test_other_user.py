"""The command as a user with no home folder, who may write neither the package nor any cache of the machine's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core

NOBODY = 65534

SCRIPT = """
import json, os, sys
from oscc.cli.main import main
commands = json.loads(sys.argv[1])
print(json.dumps({"user": os.getuid(), "status": [main(command) for command in commands]}), file=sys.stderr)
"""


def as_nobody(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a user who may read everything, and write nothing but one folder and the temporary one."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv: Debian package util-linux")
    # The interpreter itself may lie in a folder of root's.
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    become += ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    try:
        subprocess.run([*become, sys.executable, "-c", ""], check=True, capture_output=True, timeout=60)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"cannot become another user here: {error.stderr.decode().strip()}")
    folder.chmod(0o777)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
    environment = {**kept, "HOME": "/nowhere", "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [*become, *command], env=environment, cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.fixture
def work() -> Iterator[Path]:
    """A folder that another user reaches; those above the test's own are closed to them."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_user_without_a_home_runs_every_verb(make_core: Callable[..., CoreSpec], work: Path) -> None:
    core = make_core(
        name="small",
        grid=[3, 3],
        stencil="king",
        chunks=1,
        readout={"origin": [0, 0], "step": [1, 1]},
        cycles_per_sample=4000,
        protection="none",
    )
    (work / "core.yaml").write_text(dump_core(core))
    (work / "square.gset").write_text("4 4\n1 2 1\n2 3 1\n3 4 1\n4 1 1\n")
    commands = [
        ["check", "square.gset", "--core", "core.yaml"],
        ["compile", "square.gset", "--core", "core.yaml", "-o", "out"],
        ["sample", "out", "-n", "2"],
        ["solve", "out", "-n", "2", "-o", "spins.txt"],
        ["report", "out"],
        ["emit", "--core", "core.yaml", "-o", "rtl"],
    ]
    done = as_nobody([sys.executable, "-c", SCRIPT, json.dumps(commands)], work)
    # Not a word but of progress: no warning of matplotlib's, numba's or Yosys'.
    told = [line for line in done.stderr.splitlines() if not re.fullmatch(r"oscc: .*, \d+ s", line)]
    assert [json.loads(line) for line in told] == [{"user": NOBODY, "status": [0] * len(commands)}]
    assert done.returncode == 0
    assert (work / "rtl" / "rtl" / "src" / "small_core.v").stat().st_uid == NOBODY
    assert len((work / "spins.txt").read_text().splitlines()) == 4
    assert not (work / "~").exists()
    # Temporary files are gone; a library may leave a cache that it made there.
    assert not list(work.glob("oscc-*"))
