"""The rules of AXI4-Stream that the sender of a stream has to keep, watched clock edge by clock edge."""

from __future__ import annotations


class StreamWatch:
    """Watches a stream: what is offered stays, unchanged, until it is taken.

    Parameters
    ----------
    prefix : str
        With which the names of its signals begin: ``m_axis_t``.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._waiting: tuple[int, ...] | None = None

    def see(self, valid: bool, ready: bool, beat: tuple[int, ...]) -> str:
        """Take what the signals are on a rising edge of the clock, and return which rule is broken; else nothing.

        Parameters
        ----------
        valid, ready : bool
        beat : tuple of int
            Data, and what comes with them; looked at while ``valid`` is high.
        """
        prefix, before = self._prefix, self._waiting
        self._waiting = beat if valid and not ready else None
        if before is None:
            return ""
        if not valid:
            return f"{prefix}valid fell before {prefix}ready was high"
        if beat != before:
            return f"{prefix}data, {prefix}last or {prefix}user changed before {prefix}ready was high"
        return ""


def at(message: str, signal: str, cycle: int) -> str:
    """Return a message with the signal at which something went wrong, and the clock cycle.

    Parameters
    ----------
    message : str
    signal : str
        Name of a port of the core.
    cycle : int
        Number of the rising edge of the clock, from 0.
    """
    return f"{message}; {signal}, cycle {cycle:,}"
