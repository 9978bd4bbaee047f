"""Where the process of the command begins: with next to nothing imported, so that an early interrupt is heard."""

from __future__ import annotations

import os
import signal
from types import FrameType


def run() -> None:
    """Run the command as a process: the entry point of the package."""
    mine = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if mine:
        signal.signal(signal.SIGINT, _leave)
    # Half a second, and libraries make other errors of an exception that comes while they are imported.
    from oscc.cli.main import run as run_command

    if mine:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run_command()


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End at once: nothing has been begun yet."""
    try:
        os.write(2, b"oscc: interrupted\n")
    finally:
        os._exit(130)
