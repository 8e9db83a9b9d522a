"""Turns: who works stands still while someone measures, whatever becomes of the others."""

import multiprocessing
import os
import signal
import time
from multiprocessing.synchronize import Event

from nas.costs.turns import Turns


def work(place: str, steps: "multiprocessing.Array[int]", ready: Event) -> None:  # type: ignore[valid-type]
    turns = Turns(place)
    with turns.working():
        ready.set()
        while True:
            steps[0] += 1  # type: ignore[index]
            time.sleep(1e-3)
            turns.give_way()


def start(place: str) -> tuple[multiprocessing.Process, "multiprocessing.Array[int]"]:  # type: ignore[valid-type]
    context = multiprocessing.get_context("spawn")
    steps, ready = context.Array("q", 1, lock=False), context.Event()
    process = context.Process(target=work, args=(place, steps, ready), daemon=True)  # type: ignore[attr-defined]
    process.start()
    assert ready.wait(60)
    return process, steps


def test_a_neighbour_stands_still_while_one_measures_and_goes_on_after() -> None:
    place = f"test-{os.getpid()}-still"
    process, steps = start(place)
    turns = Turns(place)
    with turns.working():
        with turns.measuring() as slot:
            assert slot == "exclusive"
            before = steps[0]
            time.sleep(0.3)
            assert steps[0] == before
        end = time.monotonic() + 10
        while steps[0] == before:
            assert time.monotonic() < end, "the neighbour never went on"
            time.sleep(0.01)
    process.kill()


def test_a_neighbour_that_does_not_give_way_is_told() -> None:
    place = f"test-{os.getpid()}-hang"
    process, _ = start(place)
    os.kill(process.pid or 0, signal.SIGSTOP)
    turns = Turns(place, patience=0.2)
    with turns.working(), turns.measuring() as slot:
        assert slot in ("shared", "exclusive")
        told = slot
    process.kill()
    assert told == "shared"


def test_a_dead_neighbour_holds_nothing() -> None:
    place = f"test-{os.getpid()}-dead"
    process, _ = start(place)
    process.kill()
    process.join()
    turns = Turns(place)
    with turns.working(), turns.measuring() as slot:
        assert slot == "exclusive"


def test_one_worker_is_alone() -> None:
    turns = Turns()
    with turns.working():
        turns.give_way()
        with turns.measuring() as slot:
            assert slot == "alone"
