"""Which data sets there are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from oscc.models.data.data_fetch import SOURCES
from oscc.models.data.datasets import IMAGE_SETS, POINT_SETS


@dataclass(frozen=True)
class DataSet:
    """A data set that models are trained on.

    Parameters
    ----------
    name : str
    kind : {"images", "points"}
    fetched : bool
        Whether its file is fetched; the others come with scikit-learn, or are computed.
    """

    name: str
    kind: Literal["images", "points"]
    fetched: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the data set as JSON."""
        return asdict(self)


DATA_SETS: tuple[DataSet, ...] = (
    *(DataSet(name, "images", name in SOURCES) for name in IMAGE_SETS),
    *(DataSet(name, "points", fetched=False) for name in POINT_SETS),
)
"""Every data set, images first."""
