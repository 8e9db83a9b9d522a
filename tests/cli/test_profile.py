"""A network is measured where its search counts latency, unless the command says otherwise."""

import json

import pytest
import torch
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


def test_on_the_device_of_its_search_where_no_target_was_named(nas, home):
    finished_run(home / "runs" / "here", complete=2, device="cpu")
    assert profiled(nas, "here")[0]["target"] == "cpu"
    finished_run(home / "runs" / "there", complete=2, device="cuda")
    latency, said = profiled(nas, "there")
    elsewhere = "Its search counts latency on cuda, which is not here" in said
    assert (latency["target"], elsewhere) == (("cuda", False) if torch.cuda.is_available() else ("cpu", True))
    latency, said = profiled(nas, "there", "--target", "cpu")
    assert (latency["target"], said) == ("cpu", "")


def test_here_and_with_a_word_where_the_search_was_for_a_device_elsewhere(nas, home):
    finished_run(home / "runs" / "first", complete=2, target="file:mydevice.yaml", threads=2)
    latency, said = profiled(nas, "first")
    assert (latency["target"], latency["threads"]) == ("cpu", 1)
    assert "Its search counts latency on file:mydevice.yaml, which is not here: it is measured on this machine." in said
