"""Processes that train one network together do what one does alone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import torch
from outside import forget
from picture_folders import damage, write
from small_detection import NET
from small_detection import home as detection
from small_trainings import PLAIN_STAGES, archive, network

from nas.engine.beginning import find_data
from nas.engine.train import train
from nas.errors import SettingError
from nas.record.trained import Trained
from nas.space.library import load_architecture
from nas.training.full.group import Alone, find_group
from nas.training.full.settings import make_train_config

CHANGES = {
    "epochs": 3, "batch_size": 32, "accumulate": 2, "warmup": 0, "learning_rate": 5e-3, "label_smoothing": 0.0,
    "crop": 1.0, "operations": 0, "mirror": "never", "ema": 0.9, "clip": 1.0, "precision": "float32",
}  # fmt: skip


def test_a_process_by_itself_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    group = find_group("cpu")
    assert type(group) is Alone
    assert (group.leads, group.count, group.first("a"), group.agree(True), group.agree(False)) == (
        True, 1, "a", True, False,
    )  # fmt: skip
    assert group.gather((torch.ones(2),))[0][0].tolist() == [1, 1]
    assert group.latest(1.5) == 1.5
    group.alike(torch.nn.BatchNorm2d(1))
    group.wait()


def test_more_processes_than_images_of_a_part_are_refused(tmp_path: Path) -> None:
    class Four(Alone):
        count = 4

    def settled(**recipe: int) -> None:
        config = make_train_config({"data": archive(tmp_path / "d.npz"), "recipe": recipe})
        find_data(config, network(classes=4), Four())

    settled(batch_size=16, accumulate=4)
    with pytest.raises(SettingError, match="--batch-size 16: 4 processes need an image each, in each of the 8 parts"):
        settled(batch_size=16, accumulate=8)
    Four.count = 40
    with pytest.raises(SettingError, match="40 processes need a validation image each, and there are 32"):
        settled(batch_size=64)


TRAIN = ("-m", "nas.cli", "train", "--runs", "runs")


def _launch(home: Path, *words: str) -> subprocess.Popen[str]:
    command = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone"]
    return subprocess.Popen(
        [sys.executable, *command, *words],
        cwd=home, env=os.environ | {"OMP_NUM_THREADS": "1", "ACCELERATE_MIXED_PRECISION": "bf16",
                                  "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "4"},
        start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@contextmanager
def launched(home: Path, *words: str, program: Sequence[str] = TRAIN) -> Iterator[subprocess.Popen[str]]:
    """Two processes that train, whatever Accelerate is set to, and what is left of them killed at the end."""
    process = _launch(home, *program, *words)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    pytest.importorskip("accelerate")
    archive(tmp_path / "four.npz", count=400)
    stem = {"kind": "patchify", "width": 8}  # without BatchNorm, whose statistics are each process's own
    network(classes=4, stages=PLAIN_STAGES, stem=stem).save(tmp_path / "plain.yaml")
    return tmp_path


FLAGS = [word for name, value in CHANGES.items() for word in (f"--{name.replace('_', '-')}", str(value))]


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one(home: Path) -> None:
    with launched(home, "plain.yaml", "--data", "npz:four.npz", "--device", "cpu", *FLAGS) as process:
        out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    assert out.count("epoch   1") == 1, "one of them speaks"
    (folder,) = (home / "runs").iterdir()
    two = Trained(folder)
    one = train(home / "plain.yaml", name="one", runs=home / "runs", changes=CHANGES, device="cpu",
                data=f"npz:{home / 'four.npz'}")  # fmt: skip
    assert two.environment["processes"] == 2
    assert [e.loss for e in two.history] == pytest.approx([e.loss for e in one.history], abs=1e-4)
    assert [e.metrics for e in two.history] == [pytest.approx(e.metrics, abs=0.03) for e in one.history]
    for name, value in one.model().network.named_parameters():
        assert torch.allclose(two.model().network.get_parameter(name), value, atol=5e-3)
    assert two.ending is not None
    assert two.ending.verdict.images == one.ending.verdict.images  # type: ignore[union-attr]


SLOWER = """
import json
import sys
import time

sys.path.insert(0, sys.argv[1])

from small_trainings import PLAIN_STAGES, drawn_images, network, trainer

from nas.training.full.group import find_group
from nas.training.full.recipe import load_recipe

group, clock, steps = find_group("cpu"), time.perf_counter, []
if group.index:
    time.perf_counter = lambda: 0.7 * clock()
recipe = load_recipe("small", {"epochs": 9, "batch_size": 8, "operations": 0, "crop": 1.0})
net = network(classes=4, stages=PLAIN_STAGES, stem={"kind": "patchify", "width": 8})
found = trainer(drawn_images([10] * 4), recipe, net, group=group, limit=2.0)
rates = found.optimizer.param_groups
epochs = list(found.epochs(lambda progress, loss: steps.append([rates[0]["lr"], progress.course.over])))
weights = [parameter.flatten().tolist() for parameter in found.model.parameters()]
with open(f"process-{group.index}.json", "w") as file:
    json.dump({"epochs": len(epochs), "steps": steps, "weights": weights}, file)
"""


@pytest.mark.long
def test_processes_whose_clocks_differ_end_at_the_same_step_with_equal_weights(home: Path) -> None:
    (home / "slower.py").write_text(SLOWER)
    with launched(home, str(Path(__file__).parents[2]), program=["slower.py"]) as process:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    one, other = (json.loads((home / f"process-{index}.json").read_text()) for index in range(2))
    assert one["steps"] == other["steps"], "rates, and whether it is over"
    assert one["epochs"] == other["epochs"]
    assert one["weights"] == other["weights"]


EACH = """
import json
import sys

sys.path.insert(0, sys.argv[1])

import torch
from small_trainings import PLAIN_STAGES, drawn_images, network, trainer

from nas.training.full.group import Alone, find_group
from nas.training.full.loop import StoppedError
from nas.training.full.recipe import load_recipe

group = find_group("cpu")
same = {"operations": 0, "crop": 1.0, "mirror": "never"}
recipe = load_recipe("small", {"epochs": 2, "batch_size": 8, "ema": float(sys.argv[2])} | same)
data = drawn_images([20] * 4)

def stop(progress, loss):
    if progress.course.step == 2:
        raise StoppedError

def norm(parameters, most):
    norms.append(float(torch.stack([p.grad.norm() for p in parameters if p.grad is not None]).norm()))

one = trainer(data, recipe, network(classes=4), group=Alone())
try:
    list(one.epochs(stop))
except StoppedError:
    pass
several = trainer(data, recipe, network(classes=4), group=group)
several.restore(one.state())
drawn = []
list(several.epochs(lambda progress, loss: drawn.append(float(torch.rand(1)))))
plain, firsts = network(classes=4, stages=PLAIN_STAGES, stem={"kind": "patchify", "width": 8}), []
for each in (Alone(), group):
    norms, each.clip = [], norm
    list(trainer(data, recipe, plain, group=each).epochs())
    firsts.append(norms[0])
found = {name: buffer.flatten().tolist() for name, buffer in several.judged.network.named_buffers()}
with open(f"process-{group.index}.json", "w") as file:
    json.dump({"norms": firsts, "drawn": drawn[0], "statistics": found}, file)
"""


@pytest.mark.slow
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_processes_draw_each_their_own_and_are_judged_alike_with_gradients_as_large(home: Path, ema: float) -> None:
    (home / "each.py").write_text(EACH)
    with launched(home, str(Path(__file__).parents[2]), str(ema), program=["each.py"]) as process:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    one, other = (json.loads((home / f"process-{index}.json").read_text()) for index in range(2))
    assert one["drawn"] != other["drawn"], "after one process stopped in mid-epoch"
    assert any("running_mean" in name for name in one["statistics"])
    assert one["statistics"] == other["statistics"]
    assert one["norms"][0] == pytest.approx(one["norms"][1], rel=1e-3), "whatever Accelerate's settings"


UNDECODED = """
from pathlib import Path

from nas.data.sets import Dataset
from nas.data.sets.image_folder import image_folder

__all__ = ["undecoded"]


def undecoded(path: Path, *, seed: int, resolution: int | None = None) -> Dataset:
    return image_folder(path, seed=seed, resolution=resolution, in_memory=False)
"""


@pytest.mark.slow
def test_two_processes_train_on_where_one_can_read_none_of_its_images(home: Path) -> None:
    pictures = write(home / "pictures", count=16)
    for number in range(0, 16, 4):
        damage(pictures / "cat" / f"{number}.jpg")
    (home / "undecoded.py").write_text(UNDECODED)
    told = ["--data", "undecoded:pictures", "--plugins", "undecoded.py", "--device", "cpu", "--name", "two"]
    with launched(home, "plain.yaml", *told, "--epochs", "2", "--batch-size", "2", "--loaders", "1") as process:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    assert Trained(home / "runs" / "two").ending is not None


@pytest.mark.slow
def test_two_processes_train_a_detector(home: Path) -> None:
    settings = detection(home)
    load_architecture(NET).save(home / "detector.yaml")
    told = ["--data", "few_scenes", "--plugins", settings["plugins"][0], "--device", "cpu", "--name", "two"]
    with launched(home, "detector.yaml", *told, "--epochs", "2", "--batch-size", "16") as process:
        out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    two = Trained(home / "runs" / "two")
    assert two.history[1].loss < two.history[0].loss
    assert two.ending is not None
    assert two.ending.verdict.images == 16
    forget()


@pytest.mark.slow
def test_two_processes_that_are_asked_to_stop_do_so_together_and_go_on(home: Path) -> None:
    settings = ["plain.yaml", "--data", "npz:four.npz", "--device", "cpu", *FLAGS, "--epochs", "2000", "--name", "two"]
    folder, past = home / "runs" / "two", 0
    for words in (settings, ["two", "--resume"]):
        with launched(home, *words) as process:
            end = time.monotonic() + 120
            while not (folder / "last.pt").exists() or len(Trained(folder).history) < past + 2:
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < end
                time.sleep(0.05)
            start = time.monotonic()
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=60)
        assert time.monotonic() - start < 25, "the launcher kills after half a minute"
        assert "go on with: nas train" in out
        past = len(Trained(folder).history)
        state = Trained(folder).state()
        assert state is not None
        assert state["course"]["step"] == 0, "several go on from the last epoch"
