"""A cluster that runs already: code and data reach its workers; GPUs, of which Ray believes what it is told."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from forks import Forked

pytestmark = pytest.mark.long

PACKED = """
import json, os, sys, time
from pathlib import Path
import ray
from executor_searches import Search, preparing
from nas.engine.executors import Ask, Placement
from nas.engine.executors.ray_tune import ray_tune
from nas.evaluation.job import Outcome

def where(job):
    begin = time.time()
    (here / str(os.getpid())).touch()
    while len(list(here.iterdir())) < 4 and time.time() < begin + 120:  # until four run at once
        time.sleep(0.05)
    time.sleep(0.5)
    seen = {"gpu": os.environ.get("CUDA_VISIBLE_DEVICES"), "pid": os.getpid(), "begin": begin, "end": time.time()}
    return Outcome("complete", readings={"test": seen})

here = Path(sys.argv[1])
ray.init(address="local", num_cpus=8, num_gpus=2, include_dashboard=False, log_to_driver=False)
search = Search(12)
ray_tune.execute(Ask(search.ask), search.tell, preparing(where), Placement(None, gpus=1.0, gpu_share=lambda: 0.5))
print(json.dumps([outcome.readings["test"] for outcome in search.told.values()]))
"""

ROOMS = """
import json, os
import ray
from executor_searches import Search
from nas.engine.executors import Ask, Placement
from nas.engine.executors.ray_tune import ray_tune
from nas.evaluation.job import Outcome

def prepare(turns):
    def evaluate(job):
        time.sleep(0.5)
        return Outcome("complete", readings={"test": {"room": os.readlink(f"/proc/self/fd/{turns.files[1]}")}})
    import os, time
    return evaluate

ray.init(address="local", num_cpus=4, num_gpus=2, include_dashboard=False, log_to_driver=False)
for times_cpu in (False, True):
    search = Search(6)
    ray_tune.execute(Ask(search.ask), search.tell, prepare, Placement(2, gpus=1.0, times_cpu=times_cpu))
    print(json.dumps([outcome.readings["test"]["room"] for outcome in search.told.values()]))
"""

TRAVELS = """
import json, sys
import nas
from nas.engine.executors import Ask, Placement
from nas.engine.executors.ray_tune import ray_tune
from nas.evaluation.job import Job, Outcome
from nas.space.library import load_space

architecture = load_space("cvt_family").smallest()
jobs, codes = [Job(number, architecture, number) for number in range(3)], []

def prepare(turns):
    def evaluate(job):
        import nas
        return Outcome("complete", readings={"test": {"code": nas.__file__}})
    return evaluate

def tell(job, outcome):
    codes.append(outcome.readings["test"]["code"])

ray_tune.execute(Ask(lambda: jobs.pop() if jobs else None), tell, prepare, Placement(1, ray="auto"))
print(json.dumps(codes))

from nas.cli import main
for more in ("--name a", "--name b --device cuda"):
    sys.argv = ["nas", *(LINE + more).split()]
    try:
        main()
    except SystemExit as end:
        print("exit", end.code or 0, flush=True)
"""
LINE = "search --ray auto --data digits --subset 64 --objectives accuracy,macs --sampler random --budget 3 "


def environment(**more: str) -> dict[str, str]:
    more["RAY_worker_niceness"] = "0"  # on a busy machine the others would starve the workers
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)} | more


def python(arguments: list[str], folder: Path, **more: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=environment(**more), capture_output=True,
                          text=True, check=False, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_trials_share_gpus_as_measured(tmp_path: Path) -> None:
    """Half a GPU a trial: four at once, two on each of two GPUs."""
    (tmp_path / "workers").mkdir()
    told = json.loads(python(["-c", PACKED, str(tmp_path / "workers")], tmp_path).splitlines()[-1])
    assert set(Counter(trial["gpu"] for trial in told)) == {"0", "1"}
    at_once = [sum(o["begin"] <= t["begin"] < o["end"] for o in told) for t in told]
    assert max(at_once) == 4
    for gpu in "01":
        mine = [trial for trial in told if trial["gpu"] == gpu]
        assert max(sum(o["begin"] <= t["begin"] < o["end"] for o in mine) for t in mine) <= 2


@pytest.mark.slow
def test_trials_of_two_gpus_share_a_room_where_the_processor_is_timed(tmp_path: Path) -> None:
    rooms = [{Path(file).name.partition("-")[2].partition("-")[2] for file in json.loads(line)}
             for line in python(["-c", ROOMS], tmp_path).splitlines()[-2:]]  # fmt: skip
    assert rooms == [{"gpu-0.room", "gpu-1.room"}, {"cpu.room"}]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a cluster that asks for a token; its node was started in an empty folder, without our paths."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    node = tmp_path / "node"
    node.mkdir()
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("5" * 64)
    monkeypatch.setenv("HOME", str(tmp_path))
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    bare["RAY_worker_niceness"] = "0"
    command = ["start", "--head", "--block", f"--port={port}", "--node-ip-address=127.0.0.1", "--num-cpus=2",
               "--include-dashboard=false", "--disable-usage-stats"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", "from ray.scripts.scripts import main; main()", *command],
        cwd=node, env=bare, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if "--block" in line:  # its last words before it waits
            break
    yield f"127.0.0.1:{port}"
    os.killpg(process.pid, signal.SIGKILL)  # asked to end, it takes half a minute
    process.wait(60)


def test_code_and_data_travel_to_a_cluster_that_runs(cluster: str, tmp_path: Path) -> None:
    """In one process, that imports torch once: a call of the executor, a search, and one that is refused."""
    script = TRAVELS.replace("LINE", repr(LINE))
    process = Forked([script], tmp_path, "forks:script", environment(RAY_ADDRESS=cluster, COLUMNS="200"))
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    codes, *told = out.splitlines()
    assert all("py_modules" in code for code in json.loads(codes)), codes
    assert "as many workers as fit on the Ray cluster auto" in out
    record = (tmp_path / "runs" / "a" / "trials.jsonl").read_text().splitlines()
    assert [json.loads(trial)["outcome"]["state"] for trial in record] == ["complete"] * 3
    assert [line for line in told if line.startswith("exit")] == ["exit 0", "exit 2"]
    assert err == "error: device: found cuda, but the Ray cluster has no GPU; write cpu or auto\n"
