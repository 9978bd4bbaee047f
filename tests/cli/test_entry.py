from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

EARLY = """
import signal, sys

class Stop:
    def find_spec(self, name, *_):
        # While a library is imported that makes another error of it.
        if name == "typer":
            try:
                signal.raise_signal(signal.SIGINT)
            except BaseException:
                raise ImportError(name)

sys.meta_path.insert(0, Stop())
from oscc.cli.entry import run
run()
"""


def test_an_interrupt_while_python_imports_is_one_line() -> None:
    done = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "oscc: interrupted\n")


def test_the_entry_point_runs_the_command() -> None:
    code = "from oscc.cli.entry import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--version"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"oscc {version('oscc')}\n")
