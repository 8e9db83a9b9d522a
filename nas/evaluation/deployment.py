"""Where a search's networks will run."""

from nas.config import SearchConfig
from nas.costs.deployment import Deployment, choose_deployment
from nas.registry import FILE_TARGET


def deployment_of(config: SearchConfig) -> Deployment | None:
    """Where a search's networks will run; None on a device that is elsewhere.

    Raises SettingError when the target is not on this machine.
    """
    if config.target.startswith(FILE_TARGET):
        return None
    return choose_deployment(
        config.target,
        device=config.device,
        batch=config.latency_batch,
        threads=config.threads,
        dtype=config.dtype,
    )
