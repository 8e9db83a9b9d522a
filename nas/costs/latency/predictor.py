"""Predicting milliseconds: what was measured of a space on a target, and the regression over it, as one value."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from nas.costs.latency.regression import Error, Regression, cross_validate
from nas.network.architecture import Architecture
from nas.network.pieces import Piece, pieces
from nas.space.library import load_architecture


@dataclass(frozen=True)
class Predictor:
    """Milliseconds of a space's networks on one target, thousands a second.

    `where` says what was measured: target, device, batch, threads, dtype. It is plain data, kept as JSON or YAML; the
    regression is fitted when it is first asked.
    """

    where: Mapping[str, Any]
    space: str
    networks: tuple[tuple[Architecture, float], ...]
    blocks: tuple[tuple[Piece, float], ...] = ()

    def predict(self, architecture: Architecture) -> float:
        """Milliseconds of one batch."""
        return self._regression.predict(pieces(architecture))

    @cached_property
    def error(self) -> Error:
        """Its own error, by cross-validation over the whole networks."""
        return cross_validate(self._regression)

    @cached_property
    def _regression(self) -> Regression:
        taken_apart = [tuple(pieces(architecture)) for architecture, _ in self.networks]
        return Regression(dict(self.blocks), taken_apart, [ms for _, ms in self.networks])

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a file."""
        return {
            "where": dict(self.where),
            "space": self.space,
            "networks": [{"ms": ms, "architecture": a.to_dict()} for a, ms in self.networks],
            "blocks": [{"ms": ms} | piece_to_dict(piece) for piece, ms in self.blocks],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Predictor":
        """What `to_dict` gave. Raises SpaceError, KeyError, TypeError or ValueError for other data."""
        networks = [(load_architecture(n["architecture"]), float(n["ms"])) for n in data["networks"]]
        blocks = [(piece_from_dict(b), float(b["ms"])) for b in data["blocks"]]
        return cls(dict(data["where"]), str(data["space"]), tuple(networks), tuple(blocks))

    def __getstate__(self) -> dict[str, Any]:
        """Without the regression, which another process fits anew."""
        return {name: self.__dict__[name] for name in ("where", "space", "networks", "blocks")}


def piece_to_dict(piece: Piece) -> dict[str, Any]:
    """A piece as plain data."""
    return asdict(piece) | {"shape": list(piece.shape), "options": dict(piece.options)}


def piece_from_dict(data: Mapping[str, Any]) -> Piece:
    """The piece that `piece_to_dict` wrote down."""
    names = ("part", "kind", "width", "stride", "index", "depth", "token")
    return Piece(**{n: data[n] for n in names}, shape=tuple(data["shape"]), options=tuple(data["options"].items()))
