"""Run trials through Ray Tune, by many workers on this machine or on a cluster."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

from nas.engine.executors import Answer, Ask, Placement, Tell
from nas.engine.executors._ray.ground import ray_folder
from nas.evaluation.job import Prepare
from nas.files import home

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # a snapshot of Tune's would never be read
}


class RayTune:
    """Hands trials to Ray Tune's workers."""

    def execute(self, ask: Ask, tell: Tell, prepare: Prepare, placement: Placement) -> None:
        """Keep every worker busy until there is nothing more to ask.

        Raises SettingError when no cluster answers, or has no GPU where one is asked for.
        """
        with quiet_ray() as tuner:
            tuner.run(ask, tell, prepare, placement)

    def there(self, look: Callable[[], Answer], placement: Placement) -> Answer:
        """Call the function on a node of the cluster, or here without one. Raises as `execute` does.

        Raises SettingError too where Ray could not start here.
        """
        if placement.ray is None:
            ray_folder()
            return look()
        with quiet_ray() as tuner:
            answer: Answer = tuner.call(look, placement)
            return answer


@contextmanager
def quiet_ray() -> Iterator[ModuleType]:
    """Load the module that calls Ray, under settings that keep Ray quiet within the block.

    Ray reads some of them from the environment when imported, others when it runs. The environment is restored.
    """
    before = dict(os.environ)
    os.environ.update({"HOME": str(home())} | QUIET | before)  # Ray looks for a home when it is imported
    try:
        from nas.engine.executors._ray import tuner

        yield tuner
    finally:
        os.environ.clear()
        os.environ.update(before)


ray_tune = RayTune()
