"""Predicting milliseconds."""

from dataclasses import dataclass

from nas.architecture import Architecture


@dataclass(frozen=True)
class Predictor:
    """To come."""

    def predict(self, architecture: Architecture) -> float:
        raise NotImplementedError
