"""Memory of trials, in a process of its own."""

import platform
import subprocess
import sys

import pytest

TRIALS = """
import resource
from nas.engine.attempt import attempt
from nas.evaluation.job import Job, Outcome
from nas.space.library import load_architecture

kept = []

def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

def evaluate(job):
    arrays = [bytearray([1]) * 2**16 for _ in range(1600)]
    kept.append(arrays[-1])  # behind them all
    return Outcome("complete")

job = Job(0, load_architecture("coatnet_0"), 0)
before = held()
evaluate(job)
print(held() - before)
attempt(evaluate, job, None)
print(held() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_a_trial_leaves_no_memory_behind() -> None:
    done = subprocess.run([sys.executable, "-c", TRIALS], capture_output=True, text=True, check=True)
    without, after = map(int, done.stdout.split())
    assert without > 50 * 2**20, "glibc keeps it otherwise"
    assert after < 10 * 2**20
