"""Predicting milliseconds from the measurements of a space on a target.

A predictor's YAML file describes a device elsewhere, `--target file:mydevice.yaml`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nas import document, files
from nas.costs.latency import read_time
from nas.costs.latency.regression import Error, Regression, Vector, check_number, cross_validate
from nas.errors import SettingError, SpaceError
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.pieces import Piece, pieces
from nas.space.library import load_architecture


@dataclass(frozen=True)
class Predictor:
    """Predicts milliseconds of a space's networks on one target, thousands a second.

    `where` holds the target, device, batch, threads and dtype of the measurements. The first prediction fits the
    regression.
    """

    where: Mapping[str, Any]
    space: str
    networks: tuple[tuple[Architecture, float], ...]
    blocks: tuple[tuple[Piece, float], ...] = ()

    def predict(self, architecture: Architecture) -> float:
        """Predict the milliseconds of one batch."""
        return self._regression.predict(list(pieces(architecture)))

    def shares(self, pieces: Sequence[Piece]) -> Vector:
        """Predict the milliseconds that each piece adds to a network, `(pieces,)`."""
        return self._regression.shares(pieces)

    def total(self, sums: Vector) -> Vector:
        """Predict the milliseconds of networks, given the sums over their pieces."""
        return self._regression.total(sums)

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """The kinds of the measured pieces, each with its part of a network."""
        return self._regression.kinds

    @cached_property
    def error(self) -> Error:
        """The predictor's error by cross-validation over whole networks."""
        return cross_validate(self._regression)

    @cached_property
    def _regression(self) -> Regression:
        taken_apart = [tuple(pieces(architecture)) for architecture, _ in self.networks]
        return Regression(dict(self.blocks), taken_apart, [ms for _, ms in self.networks])

    def to_dict(self) -> Json:
        """Return plain data for a file."""
        return {
            "where": dict(self.where),
            "space": self.space,
            "networks": [{"ms": ms, "architecture": a.to_dict()} for a, ms in self.networks],
            "blocks": [{"ms": ms} | piece_to_dict(piece) for piece, ms in self.blocks],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Predictor":
        """Read what `to_dict` wrote. Raises SpaceError, KeyError, TypeError or ValueError for other data."""
        networks = [(load_architecture(n["architecture"]), read_time(n["ms"])) for n in data["networks"]]
        blocks = [(piece_from_dict(b), read_time(b["ms"])) for b in data["blocks"]]
        return cls(dict(data["where"]), str(data["space"]), tuple(networks), tuple(blocks))

    def __getstate__(self) -> Json:
        """Leave out the regression, which another process fits again."""
        return {name: self.__dict__[name] for name in ("where", "space", "networks", "blocks")}


def read_device(path: Path) -> Predictor:
    """Read a device's file. Raises SettingError for a file that `nas latency fit` did not write, or of few networks."""
    try:
        predictor = Predictor.from_dict(document.read(path).value)
        check_number(len(predictor.networks))
        return predictor
    except (SpaceError, SettingError) as error:
        raise SettingError(f"target file:{path}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SettingError(f"target file:{path}: this is not a device's file; make one with nas latency fit") from None


def write_device(path: Path, predictor: Predictor) -> None:
    """Write a device's file. Raises SettingError when it cannot be written, and for more than could be read again."""
    text = document.dump(predictor.to_dict())
    if len(text) > document.MAX_BYTES:
        raise SettingError(f"{path}: would have {len(text):,} bytes of at most {document.MAX_BYTES:,}; collect fewer "
                           "networks (-n) or blocks (--blocks)")  # fmt: skip
    with files.writing(path, "choose another path"):
        files.write(path, text)


def piece_to_dict(piece: Piece) -> Json:
    """Return a piece as plain data."""
    maps = {"shape": list(piece.shape), "earlier": [list(shape) for shape in piece.earlier]}
    return asdict(piece) | maps | {"options": dict(piece.options)}


def piece_from_dict(data: Mapping[str, Any]) -> Piece:
    """Read the piece that `piece_to_dict` wrote, or an earlier version's, which knew one map alone."""
    names = ("part", "kind", "width", "stride", "index", "depth", "token")
    known = {name: data[name] for name in names} | {"earlier": tuple(map(tuple, data.get("earlier", ())))}
    return Piece(**known, shape=tuple(data["shape"]), options=tuple(data["options"].items()))
