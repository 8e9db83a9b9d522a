"""Folders for Hugging Face's hub: read offline by its mixin and without it, with an honest card."""

import json
import shutil
import subprocess
import sys

import detections
import huggingface_hub
import pytest
import torch
import yaml
from PIL import Image
from small_models import model_of
from trained_fixtures import ended

import nas
from nas.costs.counts import cost
from nas.errors import SettingError
from nas.network.lowering import queries_of, size_text
from nas.record.networks import find_network
from nas.report.card import card_text
from nas.report.export import export
from nas.report.exported import open_exported
from nas.training.model import Model


@pytest.fixture
def folder(shipped, tmp_path):
    """A copy that may be changed."""
    return shutil.copytree(shipped("hub"), tmp_path / "copy")


def test_from_pretrained_works_offline(learnt, shipped, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    found = nas.HubModel.from_pretrained(str(shipped("hub")))
    assert isinstance(found, Model)
    assert not found.training
    assert found.to_dict() == learnt.model.to_dict()
    images = learnt.validation.images[:5]
    with torch.no_grad():
        assert torch.equal(found(images), learnt.model(images))
    assert found.preprocess(Image.new("L", (20, 30))).shape == (1, 1, 8, 8)


def test_the_folder_is_the_mixins(shipped):
    assert {path.name for path in shipped("hub").iterdir()} == {"config.json", "model.safetensors", "README.md"}
    assert len({path.stat().st_mode for path in shipped("hub").iterdir()}) == 1, "the weights are the owner's alone"
    assert json.loads((shipped("hub") / "config.json").read_text())["classes"] == list("0123456789")


def test_it_is_read_without_the_mixin_too(learnt, shipped):
    images = learnt.validation.images[:5]
    with torch.no_grad():
        assert torch.equal(open_exported(shipped("hub")).run(images), learnt.model(images))


def test_load_opens_it_as_a_training(learnt, shipped):
    found = nas.load(shipped("hub"))
    assert not found.training
    assert found.to_dict() == learnt.model.to_dict()
    images = learnt.validation.images[:5]
    with torch.no_grad():
        assert torch.equal(found(images), learnt.model(images))


def test_a_training_comes_before_a_hub_folder_of_its_name(learnt, tmp_path, monkeypatch):
    """As for every command: the folder may be of an earlier training."""
    training = ended(tmp_path / "runs" / "mine")
    export(learnt.model, "hub", tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    assert nas.load("mine").classes == training.model().classes != learnt.model.classes
    assert nas.load("mine", runs="elsewhere").classes == learnt.model.classes


def test_it_is_a_network_by_its_path(learnt, shipped):
    found = find_network(shipped("hub"))
    assert found.architecture == learnt.model.architecture
    assert found.model.to_dict() == learnt.model.to_dict()


def test_the_card_says_what_was_measured(tmp_path):
    facts = {
        "data": "image_folder:/home/someone/signs", "licence": "cc-by-4.0", "command": "nas train front:accuracy `x`",
        "test": {"accuracy": {"value": 0.913, "low": 0.9, "high": 0.926}, "macro_f1": {"value": 0.8},
                 "map50": {"value": 0.7}, "my_share": {"value": 0.5}, "images": 360},
        "params": 12345, "seed": 3, "versions": {"torch": "2.13"},
        "recipe": "small", "changed": {"batch_size": 16, "mixup": 0.2},
    }  # fmt: skip
    path = export(model_of(["conv"], **facts), "hub", tmp_path / "card").path
    card = huggingface_hub.ModelCard.load(path / "README.md")
    results = {result.metric_type: result for result in card.data.eval_results}
    assert results["accuracy"].metric_value == 0.913
    assert (results["accuracy"].dataset_type, results["accuracy"].dataset_name) == ("image_folder", "signs")
    assert card.data.license == "cc-by-4.0"
    assert "| Accuracy | 0.9130 | 0.9000 to 0.9260 |" in card.text
    assert "| Macro F1 | 0.8000 |  |" in card.text
    assert "| mAP@50 | 0.7000 |  |" in card.text
    assert "| My share | 0.5000 |  |" in card.text, "of a task that only its author has"
    assert "nas train front:accuracy" in card.text
    assert "360 images" in card.text
    assert "- Changed in it: batch\\_size 16, mixup 0.2\n" in card.text
    assert "nas.HubModel.from_pretrained" in card.text


def test_a_detectors_card_says_from_which_score_on_boxes_are_taken(tmp_path):
    model = detections.model()
    model.facts = {"threshold": 0.37}
    text = (export(model, "hub", tmp_path / "card").path / "README.md").read_text()
    assert "object-detection" in text
    assert "with a score of 0.37 or more, in the image's own pixels" in text


def test_a_lowered_networks_card_has_its_own_counts_and_says_of_what_it_is(tmp_path):
    model = detections.model()
    path = export(model, "hub", tmp_path / "card", queries=2, resolution=16).path
    text, small = (path / "README.md").read_text(), cost(model.lowered(2, 16).architecture)
    whole = size_text(queries_of(model.architecture), model.architecture.resolution)
    assert f"| Lowered after training | from {whole} |" in text
    assert f"| Parameters | {small.params} |\n| Multiply-adds | {small.macs} |" in text
    assert "Not measured since the network was lowered." in text


def test_a_network_of_another_task_is_no_classifier(monkeypatch):
    model = model_of(["conv"])
    monkeypatch.setattr(type(model.network.head), "outputs", "direction")
    text = card_text(model)
    assert "A network that gives direction, found and trained" in text
    assert "image-classification" not in text
    assert "softmax" not in text


def test_a_card_without_facts_claims_nothing(tmp_path):
    path = export(model_of(["conv"]), "hub", tmp_path / "card").path
    card = huggingface_hub.ModelCard.load(path / "README.md")
    assert "Not measured." in card.text
    assert card.data.license is None
    assert card.data.eval_results is None
    for word in ("None", "%", "Command", "Licence"):
        assert word not in card.text


def test_names_are_no_markup(tmp_path):
    model = model_of(["conv"])
    names = ["<script>alert(1)</script>", "[x](javascript:y)", "# one\n---\nlicense: mit", "a|b*c`d"]
    path = export(
        Model(model.network, names, [0.5] * 3, [0.2] * 3, {"data": "x\n---\n"}), "hub", tmp_path / "card"
    ).path
    text = (path / "README.md").read_text()
    _, head, body = text.split("---\n", 2)
    assert "license" not in yaml.safe_load(head)
    assert "<script" not in body
    assert "](javascript" not in body
    assert "\n# one" not in body
    assert nas.HubModel.from_pretrained(str(path)).classes == tuple(names)


def test_missing_weights_are_refused_by_the_mixin_too(folder):
    from safetensors.torch import load_file, save_file

    state = load_file(folder / "model.safetensors")
    state.pop(next(iter(state)))
    save_file(state, folder / "model.safetensors")
    for opened in (open_exported, nas.load, nas.HubModel.from_pretrained):
        with pytest.raises(SettingError, match="is missing; these are the weights of another network"):
            opened(str(folder))


def test_a_damaged_configuration(folder):
    config = folder / "config.json"
    good = json.loads(config.read_text())
    for text, message in (
        ("", "cannot be read"),
        ("[1]", "holds no settings"),
        (json.dumps(good | {"classes": ["a"]}), "names 1 classes for a head of 10"),
        (json.dumps({k: v for k, v in good.items() if k != "mean"}), "holds no mean"),
        (json.dumps(good | {"architecture": {"stem": 1}}), "architecture is damaged"),
        (json.dumps(good | {"mean": "x"}), "damaged"),
    ):
        config.write_text(text)
        with pytest.raises(SettingError, match=message):
            open_exported(folder)


@pytest.mark.parametrize("text", ["{}", "[1,2"])
def test_a_damaged_configuration_is_told_by_the_mixin_too(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(SettingError, match=r"config\.json is damaged"):
        nas.HubModel.from_pretrained(str(folder))


def test_damaged_weights_are_told_once(folder):
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(SettingError) as told:
        nas.HubModel.from_pretrained(str(folder))
    assert str(told.value).count("model.safetensors") == 1


def test_pickled_weights_are_not_read(folder, tmp_path):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(SettingError):
        open_exported(folder)
    with pytest.raises(SettingError):
        nas.HubModel.from_pretrained(str(folder))


def test_the_card_of_a_detector(tmp_path):
    model = detections.model()
    model.facts = {"data": "voc:animals", "test": {"map": {"value": 0.5, "low": 0.4, "high": 0.6}, "images": 9}}
    text = (export(model, "hub", tmp_path / "m").path / "README.md").read_text()
    head = yaml.safe_load(text.split("---")[1])
    assert head["pipeline_tag"] == "object-detection"
    assert head["model-index"][0]["results"][0]["task"]["type"] == "object-detection"
    assert "An object detector of 3 classes" in text
    assert "| mAP | 0.5000 | 0.4000 to 0.6000 |" in text
    assert 'model.detect("image.png")' in text


def test_without_the_extra_the_way_in_says_what_to_install(tmp_path):
    code = """
import sys
sys.modules["huggingface_hub"] = None
import nas
from nas.errors import SettingError
for way in (nas.HubModel.from_pretrained, nas.HubModel.save_pretrained):
    try:
        way("folder")
    except SettingError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["huggingface_hub is not installed: pip install 'hybrid-nas[huggingface]'"] * 2
