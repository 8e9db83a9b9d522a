"""Turns: workers stand still while one measures, whatever becomes of the others."""

import multiprocessing
import os
import signal
import threading
import time
from contextlib import ExitStack
from multiprocessing.synchronize import Event

from nas.costs.turns import Turns


def work(resource: str, steps: "multiprocessing.Array[int]", ready: Event) -> None:  # type: ignore[valid-type]
    turns = Turns(resource)
    with turns.working():
        ready.set()
        while True:
            steps[0] += 1  # type: ignore[index]
            time.sleep(1e-3)
            turns.give_way()


def start(resource: str) -> tuple[multiprocessing.Process, "multiprocessing.Array[int]"]:  # type: ignore[valid-type]
    context = multiprocessing.get_context("spawn")
    steps, ready = context.Array("q", 1, lock=False), context.Event()
    process = context.Process(target=work, args=(resource, steps, ready), daemon=True)  # type: ignore[attr-defined]
    process.start()
    assert ready.wait(60)
    return process, steps


def test_a_neighbour_stands_still_while_one_measures_and_goes_on_after() -> None:
    resource = f"test-{os.getpid()}-still"
    process, steps = start(resource)
    turns = Turns(resource)
    with turns.working():
        with turns.measuring() as company:
            before = steps[0]
            time.sleep(0.3)
            assert steps[0] == before
            assert company() == "exclusive"
        end = time.monotonic() + 10
        while steps[0] == before:
            assert time.monotonic() < end, "the neighbour never went on"
            time.sleep(0.01)
    process.kill()


def test_a_neighbour_that_does_not_give_way_is_told() -> None:
    resource = f"test-{os.getpid()}-hang"
    process, _ = start(resource)
    os.kill(process.pid or 0, signal.SIGSTOP)
    turns = Turns(resource, patience=0.2)
    with turns.working(), turns.measuring() as company:
        told = company()
    process.kill()
    assert told == "shared"


def test_a_dead_neighbour_holds_nothing() -> None:
    resource = f"test-{os.getpid()}-dead"
    process, _ = start(resource)
    process.kill()
    process.join()
    turns = Turns(resource)
    with turns.working(), turns.measuring() as company:
        assert company() == "exclusive"


def test_a_neighbour_that_does_not_wait_for_the_end_is_told() -> None:
    """Each of them has files of its own, as workers of their own would."""
    resource = f"test-{os.getpid()}-late"
    turns, hasty = Turns(resource), Turns(resource, patience=0.05)
    with turns.working():
        with turns.measuring() as company:
            assert company() == "exclusive"
            with hasty.working():
                assert company() == "shared"
            assert company() == "shared", "it worked beside the measurement, though it has ended"
        with turns.measuring() as company:
            assert company() == "exclusive"


def test_one_that_went_on_is_told_until_it_gives_way() -> None:
    resource = f"test-{os.getpid()}-stays"
    turns, late = Turns(resource, patience=0.5), Turns(resource, patience=0.05)
    over = threading.Event()

    def steps() -> None:
        while not over.wait(1e-3):
            late.give_way()

    with ExitStack() as stack:
        with turns.working(), turns.measuring():
            stack.enter_context(late.working())
        with turns.working(), turns.measuring() as company:
            assert company() == "shared", "it has not given way since"
        late.patience = 20.0
        stack.callback(over.set)
        thread = threading.Thread(target=steps)
        thread.start()
        with turns.working(), turns.measuring() as company:
            assert company() == "exclusive"
        over.set()
        thread.join()


def test_two_that_measure_at_once_are_both_told() -> None:
    resource = f"test-{os.getpid()}-both"
    turns, hasty = Turns(resource), Turns(resource, patience=0.05)
    with turns.working(), turns.measuring() as company, hasty.measuring() as other:
        assert other() == company() == "shared"


def test_one_worker_is_alone() -> None:
    turns = Turns()
    with turns.working():
        turns.give_way()
        with turns.measuring() as company:
            assert company() == "alone"
