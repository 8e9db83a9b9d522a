"""Optuna's own conformance suite for samplers, over ours: it may serve any study of Optuna's."""

from collections.abc import Callable

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

import nas
from nas.engine.samplers import Problem
from nas.registry import SAMPLERS

optuna.logging.set_verbosity(optuna.logging.WARNING)


class TestPareto(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: nas.ParetoSampler(0)


class TestNsga2(BasicSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: SAMPLERS.get("nsga2")(0, Problem())
