"""What every search is told: its seed, when it ends, and whom it tells how far it is."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Search:
    """The effort of a search.

    Parameters
    ----------
    seed : int
        The same seed gives the same answer, unless time or an interrupt ends the search.
    deadline : float or None
        Of `time.monotonic` [s], after which nothing more is begun. One for all searches of a command, so that what one
        of them leaves is the next one's.
    progress : callable or None
        Called with what is being done, with the best so far, and how far it is, 0 to 1.
    """

    seed: int = 0
    deadline: float | None = None
    progress: Callable[[str, float], None] | None = field(default=None, compare=False)

    @classmethod
    def within(
        cls, timeout_s: float | None, seed: int = 0, progress: Callable[[str, float], None] | None = None
    ) -> Search:
        """Return a search that ends so many seconds from now.

        Parameters
        ----------
        timeout_s : float or None
            None for no limit.
        seed : int
        progress : callable, optional
        """
        return cls(seed, None if timeout_s is None else time.monotonic() + timeout_s, progress)

    def silent(self) -> Search:
        """Return the same search, of which nobody is told."""
        return replace(self, progress=None)

    def is_over(self) -> bool:
        """Return whether its time is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def seconds_left(self) -> float | None:
        """Return the seconds until it is over; None without a limit."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def tell(self, what: str, done: float) -> None:
        """Say what is being done, and how far it is.

        Parameters
        ----------
        what : str
        done : float
            0 to 1.
        """
        _LOG.debug("seed %d, %.0f %%: %s", self.seed, 100 * done, what)
        if self.progress is not None:
            self.progress(what, done)


UNLIMITED = Search()
"""A search without a deadline, of which nobody is told."""
