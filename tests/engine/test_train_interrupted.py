"""Trainings that are interrupted, in this process and by real signals and full disks, go on exactly."""

import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from command import Command
from forks import Forked
from small_trainings import archive, network

from nas.engine.attendant import Attendant
from nas.engine.train import go_on, train
from nas.errors import DataError, RunError, SettingError
from nas.record import trained as kept
from nas.record.models import BEST
from nas.record.trained import Trained
from nas.training.full import loop
from nas.training.full.loop import StoppedError

CHANGES = {
    "epochs": 4, "batch_size": 16, "warmup": 1, "learning_rate": 5e-3, "accumulate": 2, "mixup": 0.4, "cutmix": 1,
    "erasing": 0.3, "operations": 1, "crop": 0.7, "mirror": "always", "ema": 0.9, "drop_path": 0.1, "plain": 1,
}  # fmt: skip
STEPS = 4 * 12
pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and a network."""
    folder = tmp_path_factory.mktemp("home")
    archive(folder / "four.npz", count=330)
    network(classes=4).save(folder / "tiny.yaml")
    return folder


def begin(home: Path, name: str, **more: Any) -> Trained:
    settings = {"data": f"npz:{home / 'four.npz'}", "seed": 2, "threads": 1, "device": "cpu"} | more
    return train(home / "tiny.yaml", name=name, runs=home / "runs", changes=CHANGES, **settings)


@pytest.fixture(scope="module")
def whole(home: Path) -> Trained:
    """A training that nothing interrupted."""
    return begin(home, "whole")


def flat(value: Any) -> Iterator[Any]:
    """The tensors and plain values of a state, in their order."""
    if isinstance(value, dict):
        for key in value:
            yield key
            yield from flat(value[key])
    elif isinstance(value, list | tuple):
        for one in value:
            yield from flat(one)
    else:
        yield value


def assert_same(found: Trained, whole: Trained) -> None:
    """Both trainings are equal bit for bit, but for what they took in time."""
    assert [replace(epoch, seconds=0) for epoch in found.history] == [replace(e, seconds=0) for e in whole.history]
    assert found.ending is not None
    assert whole.ending is not None
    assert found.ending.verdict == whole.ending.verdict
    assert found.ending.epoch == whole.ending.epoch
    ours, theirs = found.model().state_dict(), whole.model().state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    states = [found.state(), whole.state()]
    for state in states:
        assert state is not None
        state["course"]["elapsed"] = 0
        for epoch in state["history"]:
            epoch["seconds"] = 0
    for one, other in zip(flat(states[0]), flat(states[1]), strict=True):
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


# ---- in this process


def stopping(after: int) -> Attendant:
    """An attendant who asks to stop when so many steps are taken."""
    taken = [0]

    def stepped(progress: Any, loss: float | None) -> None:
        taken[0] += 1

    return Attendant(stepped=stepped, stop=lambda: taken[0] >= after)


def test_a_training_that_is_asked_to_stop_says_how_to_go_on_and_goes_on_exactly(home: Path, whole: Trained) -> None:
    with pytest.raises(StoppedError, match=r"stopped in epoch 1; go on with: nas train \S+stopped --resume"):
        begin(home, "stopped", attendant=stopping(5))
    folder = home / "runs" / "stopped"
    assert not (folder / "verdict.json").exists()
    assert (folder / "report.html").exists()
    taken = 5
    while taken < STEPS:
        pause = random.randint(1, 24)
        try:
            go_on("stopped", runs=home / "runs", attendant=stopping(pause))
        except StoppedError:
            taken += pause
        else:
            break
    assert_same(go_on(folder), whole)


def test_a_training_goes_on_by_settings_that_may_change(home: Path, whole: Trained, nas: Command) -> None:
    shutil.copy(home / "four.npz", home / "before.npz")
    with pytest.raises(StoppedError):
        begin(home, "elsewhere", attendant=stopping(5), data=f"npz:{home / 'before.npz'}")
    (home / "before.npz").rename(home / "after.npz")
    folder = home / "runs" / "elsewhere"
    with pytest.raises(
        DataError, match=r"before\.npz.* name their new place: nas train \S+elsewhere --resume --data npz:PATH$"
    ):
        go_on(folder)
    with pytest.raises(SettingError, match=r"^seed: must stay what it is; these may change between two starts: data, "):
        go_on(folder, seed=3)
    with pytest.raises(SettingError, match=r"^patience: found 0; write a whole number from 1"):
        go_on(folder, patience=0)
    refused = nas("train", folder, "--resume", "--epochs", 3, "--patience", 9, "--seed", 0)
    assert (refused.status, refused.err.split("; ")[1]) == (2, "leave out --epochs, --seed\n")
    assert Trained(folder).config.data == f"npz:{home / 'before.npz'}"
    with pytest.raises(StoppedError):
        go_on(folder, data=f"npz:{home / 'after.npz'}", patience=9, attendant=stopping(1))
    assert Trained(folder).config.patience == 9
    answer = nas("train", folder, "--resume", "--patience", "none")
    assert answer.status == 0, answer.err
    found = Trained(folder)
    assert (found.config.data, found.config.patience) == (f"npz:{home / 'after.npz'}", None)
    assert [replace(epoch, seconds=0) for epoch in found.history] == [replace(e, seconds=0) for e in whole.history]


class KilledError(BaseException):
    """Ends a process as a signal would that cannot be caught."""


def test_a_kill_between_the_files_of_an_epoch_leaves_the_weights_of_the_epoch_that_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the epoch, repeated, comes out otherwise, as on a GPU, and is no longer the best."""
    best: dict[int, list[torch.Tensor]] = {}
    keep_epoch, write_model, keep_state = Trained.keep_epoch, kept.write_model, Trained.keep_state
    written: list[str] = []

    def watched(self: Trained, state: Any, history: Any, model: Any) -> None:
        written[:] = ["nothing"] if model is not None and len(history) > 1 else []
        if model is not None:
            best[len(history)] = [value.clone() for value in model.network.state_dict().values()]
        keep_epoch(self, state, history, model)

    def killed(write: Callable[..., None]) -> Callable[..., None]:
        def second(*given: Any) -> None:
            if written and written[-1] != "nothing":
                raise KilledError
            write(*given)
            written.extend(["one"] if written else [])

        return second

    with monkeypatch.context() as patch:
        patch.setattr(Trained, "keep_epoch", watched)
        patch.setattr(kept, "write_model", killed(write_model))
        patch.setattr(Trained, "keep_state", killed(keep_state))
        with pytest.raises(KilledError):
            begin(home, "between")
    state = Trained(home / "runs" / "between").state()
    assert state is not None
    monkeypatch.setattr(loop, "best_epoch", lambda *_: state["best"])
    trained = go_on("between", runs=home / "runs")
    assert trained.ending is not None
    kept_weights = trained.model().network.state_dict().values()
    assert all(torch.equal(*pair) for pair in zip(kept_weights, best[trained.ending.epoch], strict=True))


def test_a_training_that_is_stopped_at_its_last_step_is_judged(home: Path, whole: Trained) -> None:
    with pytest.raises(StoppedError):
        begin(home, "last", attendant=stopping(STEPS))
    assert len(Trained(home / "runs" / "last").history) == 3
    assert_same(go_on(home / "runs" / "last"), whole)


def test_one_that_is_asked_to_stop_after_its_last_epoch_leaves_the_verdict_for_later(
    home: Path, whole: Trained
) -> None:
    ended: list[bool] = []
    attendant = Attendant(judged=lambda epoch, progress: ended.append(epoch.number == 4), stop=lambda: any(ended))
    with pytest.raises(StoppedError, match=r"stopped before the verdict; go on with: nas train \S+unjudged --resume"):
        begin(home, "unjudged", attendant=attendant)
    assert len(Trained(home / "runs" / "unjudged").history) == 4
    assert_same(go_on(home / "runs" / "unjudged"), whole)


def test_a_training_before_its_first_epoch_begins_again(home: Path, whole: Trained) -> None:
    with pytest.raises(StoppedError):
        begin(home, "early", attendant=stopping(1))
    folder = home / "runs" / "early"
    (folder / "last.pt").rename(folder / ".last.pt.0123abcd")  # as if it had been killed while it wrote
    (folder / ".report.html.0123abcd").write_text("half a page")
    assert_same(go_on(folder), whole)
    assert not list(folder.glob(".*.0123abcd"))


def test_weights_to_begin_with_are_needed_only_before_there_is_a_state(home: Path, whole: Trained) -> None:
    """What a training began with may be moved away when it is under way."""
    begin_with = home / "begin.safetensors"
    begin_with.write_bytes((whole.folder / BEST).read_bytes())
    settings = {"data": f"npz:{home / 'four.npz'}", "changes": CHANGES | {"epochs": 1}, "runs": home / "runs"}

    def killed(progress: Any, loss: float | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(StoppedError):
        train(begin_with, name="tuned_too", attendant=stopping(3), **settings)
    (home / "runs" / "tuned_too" / "last.pt").unlink()
    one = go_on(home / "runs" / "tuned_too")
    with pytest.raises(KeyboardInterrupt):
        train(begin_with, name="tuned", attendant=Attendant(stepped=killed), **settings)
    begin_with.unlink()
    other = go_on(home / "runs" / "tuned")
    assert [start["device"] for start in other.environment["starts"]] == [other.environment["device"]]
    assert_same(other, one)


def test_a_training_that_another_process_is_at_is_left_alone(home: Path) -> None:
    refused: list[str] = []

    def judged(epoch: Any, progress: Any) -> None:
        with pytest.raises(RunError, match="another process is training there") as error:
            go_on(home / "runs" / "busy")
        refused.append(str(error.value))

    begin(home, "busy", attendant=Attendant(judged=judged))
    assert len(refused) == 4


# ---- a disk that fills

FULL = """
import resource, signal, sys
from nas.engine.attendant import Attendant
from nas.engine.train import train
from nas.errors import DataError, RunError, SettingError
home = HOME
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

def fill(progress, loss):
    if len(progress.history) == 2 and progress.course.step == 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))  # no longer file can be written

try:
    train(home + "/tiny.yaml", name="full", runs=home + "/runs", data=f"npz:{home}/four.npz", seed=2, threads=1,
          device="cpu", changes=CHANGES, attendant=Attendant(stepped=fill))
except RunError as error:
    print(error)
    sys.exit(1)
"""


def test_a_disk_that_fills_leaves_the_last_good_state_and_says_how_to_go_on(home: Path, whole: Trained) -> None:
    script = FULL.replace("CHANGES", repr(CHANGES)).replace("HOME", repr(str(home)))
    process = Forked([script], home, "forks:script")
    out, err = process.communicate()
    assert process.returncode == 1, out + err
    folder = home / "runs" / "full"
    assert out.strip() == (
        f"{folder}: cannot be written (File too large); the last good state is kept. "
        f"Make room and go on with: nas train {folder} --resume"
    )
    assert "Traceback" not in err
    trained = Trained(folder)
    state = trained.state()
    assert state is not None
    assert state["course"]["epoch"] == 2
    assert trained.model().classes
    assert not [path.name for path in folder.iterdir() if path.name.startswith((".last", ".best", ".summary"))]
    assert_same(go_on(folder), whole)


# ---- real signals

FLAGS = [word for name, value in CHANGES.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def wait_for(process: Forked, line: str, seconds: float = 120) -> None:
    """Wait until a process has printed a text."""
    end = time.monotonic() + seconds
    while line not in process.out.read_text():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, process.out.read_text()
        time.sleep(0.01)


def end(process: Forked, number: int) -> int:
    """Send a signal and return the exit status."""
    process.send_signal(number)
    return process.wait(60)


def started(home: Path, name: str) -> Forked:
    return Forked(["train", "tiny.yaml", "--data", "npz:four.npz", "--seed", "2", "--threads", "1", "--device", "cpu",
                   "--name", name, *FLAGS, "--runs", "runs"], home)  # fmt: skip


def course(folder: Path) -> tuple[int, int]:
    state = Trained(folder).state()
    assert state is not None
    return state["course"]["epoch"], state["course"]["step"]


def finished(home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Go on to the end, where the process would."""
    monkeypatch.chdir(home)
    return go_on(name)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.faults)])
def test_a_signal_leaves_the_state_between_two_steps(
    home: Path, whole: Trained, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"signal_{int(number)}"
    process = started(home, name)
    wait_for(process, "epoch   1")
    assert end(process, number) == 130
    log = process.out.read_text()
    assert f"go on with: nas train runs/{name} --resume" in log
    assert "Traceback" not in log + process.err.read_text()
    folder = home / "runs" / name
    assert (folder / "report.html").exists()
    if (folder / "verdict.json").exists():
        pytest.skip("it had come to its end before the signal came")
    epoch, step = course(folder)
    assert epoch >= 1
    assert step > 0
    assert_same(finished(home, name, monkeypatch), whole)


def test_a_signal_ends_a_verdict_at_once(home: Path, whole: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    process = started(home, "judged")
    wait_for(process, "the best epoch is judged on the test part")
    assert end(process, signal.SIGINT) == 130
    assert "Stopped what is done is kept: nas train runs/judged --resume" in process.out.read_text()
    folder = home / "runs" / "judged"
    assert (folder / "report.html").exists()
    assert not (folder / "verdict.json").exists()
    assert_same(finished(home, "judged", monkeypatch), whole)


def test_a_killed_training_goes_on_from_its_last_epoch(
    home: Path, whole: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = started(home, "killed")
    wait_for(process, "epoch   2")
    assert end(process, signal.SIGKILL) == -signal.SIGKILL
    epoch, step = course(home / "runs" / "killed")
    assert epoch >= 2
    assert step == 0
    assert_same(finished(home, "killed", monkeypatch), whole)


@pytest.mark.faults
def test_five_random_kills_change_nothing(home: Path, whole: Trained) -> None:
    """Kills and terms at any moment: while it starts, trains, writes or judges."""
    rng = random.Random()
    process = started(home, "often")
    wait_for(process, "tiny")
    for _ in range(5):
        time.sleep(rng.uniform(0, 3))
        end(process, rng.choice([signal.SIGKILL, signal.SIGTERM]))
        process = Forked(["train", "often", "--resume", "--runs", "runs"], home)
        if rng.random() < 0.5 and not (home / "runs" / "often" / "verdict.json").exists():
            wait_for(process, "tiny")
    assert process.wait(300) == 0, process.communicate()
    assert_same(Trained(home / "runs" / "often"), whole)


@pytest.mark.faults
@pytest.mark.parametrize("moment", range(12))
def test_a_kill_while_files_are_written_leaves_whole_files(
    home: Path, whole: Trained, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed within some milliseconds of the end of an epoch, when the files are being written."""
    name = f"writing_{moment}"
    process = started(home, name)
    folder = home / "runs" / name
    while not any(folder.glob(".last.pt.*")) and process.poll() is None:
        time.sleep(0.0005)
    time.sleep(moment / 2000)
    end(process, signal.SIGKILL)
    trained = Trained(folder)
    trained.state()
    _ = trained.history
    assert_same(finished(home, name, monkeypatch), whole)
    assert not list(folder.glob(".last.pt.*"))
