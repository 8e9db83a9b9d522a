"""Whether runs can be compared: on the same objectives and data, with times that were measured alike."""

from collections.abc import Sequence

from nas.data import same
from nas.errors import SettingError
from nas.record.environment import timing
from nas.record.fingerprint import difference
from nas.record.opening import names_of
from nas.record.run import Run


def check_data(first: Run, run: Run) -> None:
    """Raise SettingError for runs with other objectives or on other data."""
    what = f"{first.folder} and {run.folder} cannot be compared"
    if first.config.objectives != run.config.objectives:
        names = (" and ".join(each.config.objectives) for each in (first, run))
        raise SettingError(f"{what}: one weighs {next(names)}, the other {next(names)}")
    data = [each.seal.get("data") for each in (first, run)]
    files = [known and known["files"] for known in data]
    elsewhere, one_seed = not same(first.config.data, run.config.data), first.config.split == run.config.split
    places = f"{what}: one is on {first.config.data}, the other on {run.config.data}"
    if elsewhere and not (all(data) and (one_seed or all(files))):
        raise SettingError(places)
    if data[0] and data[1] and (said := difference(data[0], data[1], one_seed=one_seed)):
        if elsewhere:
            raise SettingError(f"{places}, which holds other images")
        raise SettingError(f"{what}: the data of {run.folder} are not those of {first.folder}: {said}")


def check_times(first: Run, run: Run) -> None:
    """Raise SettingError for times that were measured in another way or elsewhere, as far as that is known."""
    devices = first.timed_on, run.timed_on
    ours, theirs = (
        timing(each.config, device if all(devices) else "", first.config.objectives)
        for each, device in zip((first, run), devices, strict=True)
    )
    for name, value in ours.items():
        if value != theirs[name]:
            raise SettingError(f"{first.folder} and {run.folder} cannot be compared: times of one were measured with "
                               f"{name} {value}, of the other with {name} {theirs[name]}")  # fmt: skip


def unknown_devices(runs: Sequence[Run]) -> list[str]:
    """Say whose times are of a device that an early record did not note, where those of others did."""
    lacking = [name for name, run in zip(names_of(runs), runs, strict=True) if not run.timed_on]
    if not timing(runs[0].config, "", runs[0].config.objectives) or len(lacking) in (0, len(runs)):
        return []
    known = next(device for run in runs if (device := run.timed_on))
    return [f"On which device times were measured is not noted of {' and '.join(lacking)}; they compare with the "
            f"others only if it was {known}, too."]  # fmt: skip
