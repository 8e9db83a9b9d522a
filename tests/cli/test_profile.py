"""A network is measured where its search counts latency, unless the command says otherwise."""

import json

import pytest
from run_fixtures import finished_run


def profiled(nas, *words):
    found = nas("profile", *words, "--json", "--seconds", 0.1)
    assert found.status == 0, found.err
    return json.loads(found.out)["latency_ms"], found.err


@pytest.fixture
def home(tmp_path, monkeypatch, short_clocks):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_as_in_its_search_but_for_what_is_typed(nas, home):
    pytest.importorskip("onnxruntime")
    finished_run(home / "runs" / "first", complete=2, target="onnxruntime", latency_batch=3, threads=2)
    latency, said = profiled(nas, "first")
    assert (latency["target"], latency["batch"], latency["threads"], said) == ("onnxruntime", 3, 2, "")
    latency, _ = profiled(nas, "first", "--target", "cpu", "--batch", 1)
    assert (latency["target"], latency["batch"], latency["threads"]) == ("cpu", 1, 2)


def test_here_and_with_a_word_where_the_search_was_for_a_device_elsewhere(nas, home):
    finished_run(home / "runs" / "first", complete=2, target="file:mydevice.yaml", threads=2)
    latency, said = profiled(nas, "first")
    assert (latency["target"], latency["threads"]) == ("cpu", 1)
    assert "Its search counts latency on file:mydevice.yaml, which is not here: it is measured on this machine." in said
