from __future__ import annotations

import subprocess
import sys

import pytest

from oscc.compiler.kernels import is_interrupt, run_kernel


def test_the_result_is_given_back() -> None:
    assert run_kernel(divmod, 7, 2) == (3, 1)
    with pytest.raises(SystemError, match="own"):
        run_kernel(raising, SystemError("own"))
    assert not is_interrupt(SystemError("own"))


def raising(error: Exception) -> None:
    raise error


SCRIPT = """
import signal, threading, time
import numpy as np
from numba import njit
from oscc.compiler.kernels import run_kernel

@njit
def long(count, seed):
    total = 0.0
    for place in range(count):
        total += np.sin(place + seed)
    return total, seed

run_kernel(long, 10, 0.0)
threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
try:
    for seed in range(100):
        run_kernel(long, 20_000_000, float(seed))
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_while_a_kernel_runs_is_one() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.returncode) == ("interrupted\n", 0), done.stderr
