"""What Python users pass as settings is understood; wrong types are refused with the name of the setting."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
import torch
from run_fixtures import finished_run
from small_searches import SPACE
from small_trainings import network

import nas
from nas.config import make_config
from nas.errors import SettingError, UserError
from nas.record.trained import Trained
from nas.registry import SCORES
from nas.space.library import load_architecture, load_space
from nas.training.full.recipe import FullRecipe, load_recipe
from nas.training.full.settings import make_train_config

PLAIN = {
    "objectives": ("accuracy", "params"),
    "maximum": {"params": 5e6, "latency": 3.0},
    "prefilter": {"jacob_cov": 0.5},
    "seed": 3,
    "workers": 2,
    "trial_timeout": 60.0,
    "plugins": ("mine.py",),
    "seed_with": ("coatnet_0", "moat_0"),
    "device": "cpu",
    "dtype": "bfloat16",
    "resolution": 32,
    "recipe": {"epochs": 2, "learning_rate": 0.001, "subset": 64},
}
TYPED = {
    "objectives": "accuracy, params",
    "maximum": ["params=5e6", "latency=3"],
    "prefilter": "jacob_cov=0.5",
    "seed": "3",
    "workers": "2",
    "trial_timeout": "60",
    "plugins": "mine.py",
    "seed_with": "coatnet_0,moat_0",
    "device": "cpu",
    "dtype": "bfloat16",
    "resolution": "32",
    "recipe": {"epochs": "2", "learning_rate": "1e-3", "subset": "64"},
}
PASSED = {
    "objectives": np.array(["accuracy", "params"]),
    "maximum": {"params": np.int64(5_000_000), np.str_("latency"): torch.tensor(3.0)},
    "prefilter": {"jacob_cov": np.float32(0.5)},
    "seed": np.int64(3),
    "workers": np.uint8(2),
    "trial_timeout": np.float64(60),
    "plugins": [Path("mine.py")],
    "seed_with": ["coatnet_0", Path("moat_0")],
    "device": torch.device("cpu"),
    "dtype": torch.bfloat16,
    "resolution": torch.tensor(32),
    "recipe": {"epochs": np.int32(2), "learning_rate": np.float64(0.001), "subset": np.array(64)},
}


@pytest.mark.parametrize("settings", [TYPED, PASSED], ids=["typed", "passed"])
def test_settings_mean_the_same_in_any_form(settings: dict[str, Any]) -> None:
    assert make_config(settings) == make_config(PLAIN)


def test_settings_of_a_training_mean_the_same_in_any_form() -> None:
    plain = {"time": 1800.0, "patience": 3, "seed": 4, "data": "image_folder:photos", "log": ("mlflow",)}
    typed = {"time": "30m", "patience": "3", "seed": "4", "data": "image_folder:photos", "log": "mlflow"}
    passed = {"time": np.int64(1800), "patience": np.int8(3), "seed": torch.tensor(4), "log": ["mlflow", "mlflow"]}
    passed["data"] = Path("image_folder:photos")
    assert make_train_config(typed) == make_train_config(passed) == make_train_config(plain)
    recipe = load_recipe({"epochs": np.int64(3)}, {"batch_size": "16"})
    assert recipe == load_recipe(FullRecipe(epochs=3, batch_size=16))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"objectives": 5}, "objectives: found 5"),
        ({"objectives": ["accuracy", 5]}, r"objectives\.1: found 5"),
        ({"seed": "three"}, "seed: found 'three'"),
        ({"seed": np.float64(3.5)}, "seed: found 3.5"),
        ({"seed": True}, "seed: found True"),
        ({"seed": np.array([1, 2])}, r"seed: found \(1, 2\)"),
        ({"workers": "many"}, "workers many: write a number or auto"),
        ({"maximum": "latency"}, "maximum latency: write"),
        ({"maximum": "latency<=5"}, "maximum latency<=5: write OBJECTIVE=NUMBER"),
        ({"maximum": [3.0]}, "maximum: found"),
        ({"device": torch.device("meta")}, "device: found 'meta'"),
        ({"recipe": {"epochs": [1]}}, "epochs: found"),
        ({"plugins": print}, "plugins: found"),
        ({"plugins": [print]}, r"plugins.0: found"),
    ],
)
def test_a_wrong_type_is_refused_by_name(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        make_config(settings)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"space": 5}, "space: found 5"),
        ({"space": None}, "space: found None"),
        ({"data": 5}, "data: found 5"),
        ({"budget": None}, "budget: found 'None'"),
        ({"budget": 2.5}, "budget: found '2.5'"),
        ({"task": {"a": 1}}, "task: found {'a': 1}; write a name"),
        ({"space": pd.DataFrame({"a": [1, 2]})}, "space: found"),
        ({"objectives": pd.Series([1, 2])}, "objectives: found"),
        ({"sampler": ["tpe"]}, "sampler: found"),
        ({"name": 5}, "name: found 5"),
        ({"runs": None}, "runs: found None"),
        ({"plugins": 5}, "plugins: found 5"),
        ({"seeed": 5}, "unknown setting 'seeed'. Did you mean 'seed'"),
    ],
)
def test_an_argument_of_a_wrong_type_is_refused_by_name(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        nas.search(**({"space": "cvt_family", "data": "digits"} | arguments))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"networks": "few"}, "networks: found 'few'; a calibration takes a whole number of them, from 8"),
        ({"networks": "7"}, "networks: found '7'; a calibration takes"),
        ({"networks": "1h"}, "networks: found '1h'; a calibration takes"),
        ({"networks": 8.5}, "networks: found 8.5; a calibration takes"),
        ({"networks": "9" * 5000}, "networks: found '9+"),
        ({"rungs": "3"}, "rungs: found '3'; a calibration takes two or more"),
        ({"name": None}, "name: found None"),
        ({"runs": None}, "runs: found None"),
        ({"task": ["classification"]}, "task: found"),
    ],
)
def test_an_argument_of_a_calibration_of_a_wrong_type_is_refused_by_name(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        nas.calibrate("cvt_family", **({"data": "digits"} | arguments))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"changes": "epochs=3"}, "changes: found 'epochs=3'; write settings by their names"),
        ({"time": ["1h"]}, r"time \('1h',\): write a time"),
        ({"resolution": "32px"}, "resolution: found '32px'"),
        ({"monitor": {"a": 1}}, "monitor: found {'a': 1}; write a text"),
        ({"task": {"a": 1}}, "task: found {'a': 1}; write a text"),
    ],
)
def test_an_argument_of_a_training_of_a_wrong_type_is_refused_by_name(
    arguments: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=says):
        nas.train(network(), runs=tmp_path, **({"data": "digits"} | arguments))


def test_a_run_by_a_name_that_is_no_file_s_is_refused() -> None:
    with pytest.raises(SettingError, match="no run 'x'"):
        nas.resume("x", runs="x" * 5000)


def test_plug_ins_are_named_one_by_one_or_as_a_list(tmp_path: Path) -> None:
    (tmp_path / "listed_score.py").write_text("def listed_score(network, sample) -> float: return 1.0\n")
    (loaded,) = nas.load_plugins([tmp_path / "listed_score.py"])
    assert nas.load_plugins(str(tmp_path / "listed_score.py")) == (loaded,)
    SCORES.remove("listed_score")
    del sys.modules[loaded.module]


@pytest.mark.parametrize("kind", ["arrays", "one array", "tensors", "a torch data set", "a data frame", "one's own"])
def test_images_in_place_of_the_name_of_data_are_refused_in_a_line(kind: str) -> None:
    x, y = np.zeros((64, 3, 32, 32), np.float32), np.zeros(64, np.int64)
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    own = type("Photos", (torch.utils.data.Dataset,), {"__repr__": lambda self: "x" * 10_000})()
    data = {
        "arrays": (x, y),
        "one array": x,
        "tensors": tensors,
        "a torch data set": torch.utils.data.TensorDataset(*tensors),
        "a data frame": pd.DataFrame({"a": [1, 2]}),
    }
    for call in (nas.search, nas.train):
        first = "cvt_family" if call is nas.search else network()
        with pytest.raises(
            SettingError, match=r"^data: found .*; write NAME\[:PATH\]; .* npz:FILE, .*docs/plugins\.md"
        ) as said:
            call(first, data=data.get(kind, own))
        assert len(str(said.value)) < 300
        assert "\n" not in str(said.value)


@pytest.mark.parametrize("call", [nas.build, load_architecture, nas.train])
def test_a_space_in_place_of_a_network_is_counted_and_the_way_to_one_told(call: Any) -> None:
    space = load_space("cvt_family")
    with pytest.raises(UserError, match=r"^architecture: found SearchSpace\(cvt_family: [\d,]+ networks\); .*sample\("):
        call(space)


@pytest.mark.parametrize("passed", [{"judged": print}, 3, np.zeros((4, 4))], ids=["mapping", "number", "array"])
def test_what_is_no_attendant_is_refused(passed: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^attendant: found .*; write a nas\.Attendant of the functions to call"):
        nas.train(network(), attendant=passed, runs=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("call", [load_space, load_architecture, nas.search, nas.build])
@pytest.mark.parametrize("passed", [np.zeros((64, 64, 3)), list(range(10_000))], ids=["array", "list"])
def test_arrays_in_place_of_a_space_or_a_network_are_refused_in_a_line(call: Any, passed: Any) -> None:
    with pytest.raises(UserError, match=r"^(space|architecture): found .*; write ") as said:
        call(passed)
    assert len(str(said.value)) < 400
    assert "\n" not in str(said.value)


def test_images_as_a_value_of_a_space_are_refused_by_its_key() -> None:
    for images in (np.zeros((64, 64)), torch.zeros(64, 64)):
        with pytest.raises(UserError, match=r"^space: stem\.width.*: found ") as said:
            load_space(SPACE | {"stem": SPACE["stem"] | {"width": images}})
        assert len(str(said.value)) < 600


def test_a_training_and_a_resume_refuse_wrong_types_by_name() -> None:
    for arguments, says in (
        ({"architecture": 5}, "architecture: found 5"),
        ({"recipe": 5}, "recipe: found 5"),
        ({"runs": 5}, "runs: found 5"),
        ({"seed": [1]}, "seed: found"),
    ):
        with pytest.raises(UserError, match=says):
            nas.train(**({"architecture": network()} | arguments))
    with pytest.raises(UserError, match="run: found 5"):
        nas.resume(5)  # type: ignore[arg-type]


def test_what_is_no_path_is_refused_by_name() -> None:
    for opened in (nas.Run, Trained):
        with pytest.raises(SettingError, match="folder: found None; write a text or a path"):
            opened(None)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="path: found None; write a text or a path"):
        nas.export("coatnet_0", "yaml", None)  # type: ignore[arg-type]


def test_what_is_no_watcher_and_what_is_no_model_are_refused(tmp_path: Path) -> None:
    for call in (nas.search, nas.resume):
        with pytest.raises(SettingError, match=r"^watcher: found \{'ended': .*; write a nas\.Watcher"):
            call("cvt_family", watcher={"ended": print})  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=r"^source: found nas\.network\.build\.Network; give a model as nas\.load"):
        nas.export(nas.build(network()), "onnx", tmp_path / "a.onnx")  # type: ignore[arg-type]


def test_what_was_not_found_by_the_function_before_is_refused_with_its_name(tmp_path: Path) -> None:
    page: Any = tmp_path / "page.html"
    run = finished_run(tmp_path / "run")
    for call, says in (
        (lambda found: nas.write_comparison(found, page), "write what nas.compare returns"),
        (lambda found: nas.write_evaluation(found, page), "write what nas.evaluate returns"),
        (lambda found: nas.write_calibration(run, found), "write what nas.reliability returns"),
    ):
        with pytest.raises(SettingError, match=f"^found: found 'run'; {says}"):
            call("run")
    assert not page.exists()
    pairs: list[tuple[Any, Any]] = [("network", (3, "w.safetensors")), ("path", (torch.nn.Identity(), 3))]
    for name, given in pairs:
        with pytest.raises(SettingError, match=f"^{name}: found 3; write a"):
            nas.load_weights(*given)


def test_what_python_writes_with_its_address_is_named_by_its_type() -> None:
    found = r"^sampler: found optuna\.samplers\.\S*TPESampler; samplers go by name, such as tpe, .*plug-in"
    with pytest.raises(SettingError, match=found):
        nas.search("cvt_family", sampler=optuna.samplers.TPESampler())
    for passed in (optuna.samplers.TPESampler, 5):
        with pytest.raises(SettingError, match=r"^sampler: found .*; samplers go by name, such as tpe, .*plug-in"):
            nas.search("cvt_family", sampler=passed)
    with pytest.raises(SettingError, match=r"^watcher: found nas\.\S*\.Attendant; write a nas\.Watcher"):
        nas.search("cvt_family", watcher=nas.Attendant())  # type: ignore[arg-type]


def test_what_cannot_be_called_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^watcher: found ended='x'; write a function to call: nas\.Watcher\("):
        nas.search("cvt_family", watcher=nas.Watcher(ended="x"), runs=tmp_path)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=r"^attendant: found stop=None; write a function to call: nas\.Attendant\("):
        nas.train(network(), attendant=nas.Attendant(stop=None), runs=tmp_path)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_spaces_and_architectures_may_be_objects_or_plain_data(tmp_path: Path) -> None:
    stages = tuple(stage | {"width": np.array(stage["width"]), "depth": (1, 2)} for stage in SPACE["stages"])
    data = SPACE | {"resolution": np.int64(8), "stages": stages}
    space = load_space(data)
    assert space.size() == load_space(SPACE).size()
    assert load_space(space) is space
    architecture = network()
    assert load_architecture(architecture) is architecture
    assert load_architecture(architecture.to_dict()) == architecture
    found = [
        nas.search(given, data="digits", objectives=["accuracy", "params"], budget=np.int64(2), name=name, confirm=0,
                   runs=str(tmp_path), sampler="random", recipe={"epochs": 1, "subset": np.int64(64)})
        for name, given in (("object", space), ("data", data))
    ]  # fmt: skip
    assert [t.key for t in found[0].trials] == [t.key for t in found[1].trials]
    assert nas.resume(str(tmp_path / "object"), budget=np.int64(3)).config.budget.trials == 3
