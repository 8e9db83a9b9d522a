"""A small study for samplers: six decisions of three values, two objectives, one of them known beforehand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import optuna

UP_DOWN = ("maximize", "minimize")


def walk(choose: Callable[[str, Any], Any]) -> None:
    for i in range(6):
        choose(f"x{i}", (0, 1, 2))


def total(decisions: Any) -> dict[str, float]:
    return {"size": float(sum(decisions.values()))}


def rugged(trial: optuna.Trial) -> tuple[float, float]:
    x = np.array([trial.suggest_categorical(f"x{i}", (0, 1, 2)) for i in range(6)])
    return float(np.sqrt(x.sum()) + 0.3 * (x[0] == 1) * (x[3] == 2)), float(x.sum())


def ask(study: optuna.Study) -> optuna.Trial:
    trial = study.ask()
    walk(trial.suggest_categorical)
    return trial
