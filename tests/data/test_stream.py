"""Batches in a given order, by threads and by processes: the same ones, whatever is damaged, and an end in words."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from multiprocessing.connection import arbitrary_address

import numpy as np
import pytest
import torch
from picture_folders import damage, write

from nas.data import load
from nas.data.stream import _settle_sockets, stream
from nas.errors import RunError

SCRIPT = """
import multiprocessing
import re
import signal
from pathlib import Path
import numpy as np
from nas.data import load
from nas.data.stream import stream

if __name__ == "__main__":
    lazy = load("image_folder:{folder}", resolution=24, in_memory=False)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of 16 pictures, two of which are cut short."""
    folder = write(tmp_path_factory.mktemp("folder"), count=16, side=40)
    damage(folder / "cat" / "3.jpg")
    damage(folder / "dog" / "7.jpg")
    return folder


@pytest.fixture(scope="module")
def lazy(folder):
    return load(f"image_folder:{folder}", resolution=24, in_memory=False)


def groups(size: int = 5):
    order = np.random.default_rng(0).permutation(32)
    return [order[i : i + size] for i in range(0, 32, size)]


def expected(dataset, rows):
    readings = [dataset.images.read(int(row)) for row in rows]
    pixels = [reading.pixels for reading in readings if reading.pixels is not None]
    kept = [row for row, reading in zip(rows, readings, strict=True) if not reading.wrong]
    return np.array(pixels), dataset.labels[kept], [reading.wrong for reading in readings if reading.wrong]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_come_in_order_less_what_cannot_be_read(lazy, workers):
    found = list(stream(lazy, groups(), workers))
    assert len(found) == 7
    for rows, (x, y, unreadable) in zip(groups(), found, strict=True):
        pixels, labels, wrong = expected(lazy, rows)
        assert x.dtype == torch.uint8
        assert y.dtype == torch.int64
        assert np.array_equal(x.numpy(), pixels)
        assert np.array_equal(y.numpy(), labels)
        assert unreadable == wrong
    names = {text.split()[0] for _, _, unreadable in found for text in unreadable}
    assert names == {"cat/3.jpg", "dog/7.jpg"}


@pytest.mark.parametrize("workers", [0, 2])
def test_what_is_left_of_an_order_is_the_same_as_its_end(lazy, workers):
    whole, rest = list(stream(lazy, groups(), workers)), list(stream(lazy, groups()[4:], workers))
    for (x, y, _), (again, labels, _) in zip(whole[4:], rest, strict=True):
        assert torch.equal(x, again)
        assert torch.equal(y, labels)


@pytest.mark.parametrize("workers", [0, 2])
def test_nothing_is_drawn_from_torch_s_generator(lazy, workers):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    list(stream(lazy, groups(), workers))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_of_nothing_readable_and_no_batch_at_all(lazy, workers):
    (row,) = (row for row in range(32) if lazy.images.name(row) == "cat/3.jpg")
    ((x, y, unreadable),) = stream(lazy, [np.array([row])], workers)
    assert x.shape == (0, 3, 24, 24)
    assert len(y) == 0
    assert len(unreadable) == 1
    assert list(stream(lazy, [], workers)) == []


def test_images_in_memory_need_no_processes(folder):
    held = load(f"image_folder:{folder}", resolution=24, in_memory=True)
    rows = [np.array([4, 2]), np.array([9])]
    for (x, y, unreadable), chosen in zip(stream(held, rows, workers=2), rows, strict=True):
        assert np.array_equal(x.numpy(), held.images[chosen])
        assert np.array_equal(y.numpy(), held.labels[chosen])
        assert unreadable == []


def test_a_stream_may_be_left_early(lazy):
    for workers in (0, 2):
        found = stream(lazy, groups(2), workers)
        next(found)
        found.close()


def test_arrays_take_the_pipe_where_little_memory_is_shared(lazy, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    for rows, (x, _, _) in zip(groups(), stream(lazy, groups(), 1), strict=True):
        assert np.array_equal(x.numpy(), expected(lazy, rows)[0])


def test_a_process_that_dies_ends_the_stream_in_words(lazy):
    before = set(multiprocessing.active_children())
    found = stream(lazy, [np.arange(8)] * 200, 1)
    next(found)
    (victim,) = set(multiprocessing.active_children()) - before
    os.kill(victim.pid, signal.SIGKILL)
    with pytest.raises(RunError, match="a process that decodes images died"):
        list(found)


def written(home, folder, body):
    """Write a script that does something with the pictures of a folder, which processes of its own decode."""
    script = home / "script.py"
    script.write_text(SCRIPT.format(folder=folder) + textwrap.indent(textwrap.dedent(body), "    "))
    return script


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interrupt_leaves_no_processes_and_one_traceback(folder, tmp_path, workers):
    """Processes hold interrupts back from their first moment."""
    body = f"""
    def held_back():
        processes = multiprocessing.active_children()
        assert len(processes) == {workers}
        for process in processes:
            status = Path("/proc", str(process.pid), "status")
            if status.exists():  # where the system tells
                assert int(re.search(r"SigBlk:\\s*(\\w+)", status.read_text())[1], 16) >> signal.SIGINT - 1 & 1

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        for number, _ in enumerate(stream(lazy, [np.arange(32)] * 100_000, {workers})):
            if not number:
                held_back()
                print("going", flush=True)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    """
    script = written(tmp_path, folder, body)
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "going\n"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to every process of the command
        out, err = process.communicate(timeout=60)
        assert (out, err) == ("interrupted\n", "")
        for _ in range(100):
            if not alive(process.pid):
                break
            time.sleep(0.1)
        assert not alive(process.pid)
    finally:
        if alive(process.pid):
            os.killpg(process.pid, signal.SIGKILL)


def test_a_script_ends_that_leaves_a_stream_open(folder, tmp_path):
    body = """
    going = stream(lazy, [np.arange(32)] * 100, 2)
    print(len(next(going)[0]))
    """
    script = written(tmp_path, folder, body)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr, done.returncode) == ("30\n", "", 0)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_sockets_lie_where_their_paths_fit(tmp_path, monkeypatch):
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setitem(multiprocessing.current_process()._config, "tempdir", None)  # what it keeps
    _settle_sockets()
    address = arbitrary_address("AF_UNIX")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
    assert tempfile.gettempdir() == str(long)
