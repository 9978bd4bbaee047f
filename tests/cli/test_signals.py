from __future__ import annotations

import subprocess
import sys


def test_a_signal_that_is_ignored_stays_so_and_others_raise() -> None:
    code = (
        "import signal; from oscc.cli.signals import TerminatedError, handle_signals\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); handle_signals(); signal.raise_signal(signal.SIGHUP)\n"
        "try: signal.raise_signal(signal.SIGTERM)\n"
        "except TerminatedError as error: print(error, error.status)\n"
        # While files are removed, the same request again.
        "signal.raise_signal(signal.SIGTERM)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "ended by signal 15 (Terminated) 143\n")
