"""The end of a detector's training: what it found, on images, and what fewer queries and smaller images cost."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from detections import answers
from outside import forget
from small_detection import HEAD, NET, home

import nas
from nas.costs.counts import cost
from nas.engine import ending, lowering
from nas.engine.lowering import Scaled, by_use, some
from nas.evaluation import units
from nas.network.lowering import lowered
from nas.record.ending import Ending, Lowered
from nas.record.trained import Trained
from nas.report.exported import open_exported
from nas.training.boxes.judging import best_threshold
from nas.training.boxes.precision import mean_precision
from nas.training.full.verdict import Verdict
from nas.training.model import ORDER
from nas.training.tasks import Predictions

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What a quick training of a detector takes."""
    given = home(tmp_path_factory.mktemp("lowering"))
    yield {"data": given["data"], "plugins": given["plugins"], "runs": given["runs"], "device": "cpu",
           "changes": {"epochs": 1, "batch_size": 16}}  # fmt: skip
    forget()


@pytest.fixture(scope="module")
def trained(settings: dict[str, Any]) -> Trained:
    """A detector whose queries have weights of their own."""
    return nas.train(NET, name="finder", **settings)


def test_the_network_is_measured_as_it_is_and_with_less_of_either(trained: Trained) -> None:
    rows = trained.ending.lowered
    assert [(row.queries, row.resolution) for row in rows] == [(6, 16), (4, 16), (3, 16), (2, 16), (6, 12), (6, 8)]
    for row in rows:
        assert row.macs == cost(lowered(trained.architecture, row.queries, row.resolution)).macs
        assert row.metrics.keys() == {"map", "map50"}
        assert 0 < row.low <= row.latency <= row.high
        assert row.images == 16
    assert [row.macs for row in rows[:4]] == sorted((row.macs for row in rows[:4]), reverse=True)


def test_a_detector_of_few_pixels_is_measured_with_no_fewer_than_a_network_may_have(settings: dict[str, Any]) -> None:
    done = nas.train(NET | {"resolution": 6}, name="small", **settings)
    assert [(row.queries, row.resolution) for row in done.ending.lowered] == [(6, 6), (4, 6), (3, 6), (2, 6), (6, 4)]


def test_it_is_measured_where_it_will_run(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the latency of the verdict another would look like a gain or a loss."""
    measured = []
    monkeypatch.setattr(lowering, "measure", lambda *a, **more: measured.append(a[1]) or ending.measure(*a, **more))
    small = NET | {"head": HEAD | {"queries": 2, "decoder": 1}}
    shipped = nas.train(small, name="shipped", target="onnxruntime", **settings)
    assert shipped.ending.costs["latency"]["target"] == "onnxruntime"
    assert {deployment.target for deployment in measured} == {"onnxruntime"}


def test_a_lowered_model_does_what_was_measured(trained: Trained, settings: dict[str, Any]) -> None:
    data = nas.engine.train.find_data(trained.config, trained.architecture, nas.engine.train.Alone())[0]
    x = torch.from_numpy(data.images[data.validation]).float() / 255
    targets = torch.from_numpy(data.labels[data.validation])
    model = nas.load(trained.folder)
    assert sorted(model.facts[ORDER]) == list(range(6))
    assert model.threshold == model.facts["threshold"] == trained.ending.boxes.threshold
    for row in trained.ending.lowered:
        small = model.lowered(row.queries, row.resolution)
        with torch.inference_mode():
            outputs = Scaled(small)(x)
        assert mean_precision(Predictions(outputs, targets)) == pytest.approx(row.metrics["map"], abs=1e-3)


def test_an_export_says_what_is_lost_and_takes_boxes_from_the_score_that_was_measured(
    trained: Trained, tmp_path: Path
) -> None:
    whole, measured = trained.ending.lowered[0], trained.ending.lowered[2]
    done = nas.export(trained.folder, "safetensors", tmp_path / "few.safetensors", queries=3)
    values = " in place of ".join(units.show("map", one.metrics["map"]) for one in (measured, whole))
    assert done.checks[0] == f"3 queries at 16 pixels: mAP {values}, on 16 validation images"
    assert open_exported(done.path).threshold == measured.threshold
    other = nas.export(trained.folder, "safetensors", tmp_path / "other.safetensors", queries=5)
    assert other.checks[0] == "what 5 queries at 16 pixels cost was not measured; the training's page has what was"
    same = nas.export(trained.folder, "safetensors", tmp_path / "same.safetensors", queries=6, resolution=16)
    assert "queries" not in same.checks[0]
    assert nas.load(same.path).facts == trained.model().facts
    assert trained.model().lowered(6, 16).facts == trained.model().facts
    assert trained.ending.as_lowered(6, 16) == whole


def test_a_loss_is_told_in_the_metric_by_which_the_training_went(settings: dict[str, Any], tmp_path: Path) -> None:
    done = nas.train(NET, name="by_map50", monitor="map50", **settings)
    less = nas.export(done.folder, "safetensors", tmp_path / "less.safetensors", queries=3)
    assert less.checks[0].startswith("3 queries at 16 pixels: mAP@50 ")


def test_a_head_without_queries_is_known_by_its_side() -> None:
    few = Lowered(0, 12, {"map": 0.5}, 1, 1.0, 1)
    ending = Ending(Verdict(1, {}, [], None, [], []), 1, lowered=(replace(few, resolution=16), few))
    assert ending.as_lowered(None, 12) == few


def test_the_verdict_counts_and_shows_the_test_part(trained: Trained) -> None:
    boxes = trained.ending.boxes
    assert boxes.count("objects") == boxes.count("found") + boxes.count("missed") > 0
    assert len(trained.ending.pictures) == len(boxes.shown) > 0
    again = Trained(trained.folder)
    assert again.ending == trained.ending
    assert "What it found" in (trained.folder / "report.html").read_text()


def test_queries_that_are_the_likeliest_places_have_no_order(settings: dict[str, Any]) -> None:
    network = NET | {"head": HEAD | {"anchors": False, "selected": True}}
    done = nas.train(network, name="selected", **settings)
    assert ORDER not in done.model().facts
    assert len(done.ending.lowered) == 6
    assert "those that seem likeliest" in " ".join((done.folder / "report.html").read_text().split())


@pytest.mark.parametrize(("images", "side", "taken"), [(1000, 224, 500), (1000, 640, 81), (30, 640, 30), (1, 16, 1)])
def test_images_of_all_of_the_validation_part_are_looked_at(images: int, side: int, taken: int) -> None:
    """They lie in the order of their names: those of one camera, which show nothing, before those of another."""
    outputs, targets = torch.zeros(images, 2, 5), torch.zeros(images, 1, 6)
    outputs[:, 0], outputs[6 * images // 10 :, 0, 4] = torch.tensor([0.5, 0.5, 0.2, 0.2, 0.05]), 0.3
    targets[:, 0], targets[: 6 * images // 10, 0, 0] = torch.tensor([0, 0.5, 0.5, 0.2, 0.2, 0]), -1
    rows = some(np.arange(images), side)
    assert len(set(rows.tolist())) == taken
    assert best_threshold(Predictions(outputs[rows], targets[rows])) == 0.3


def test_queries_come_in_the_order_of_what_they_find() -> None:
    outputs, targets = answers(30)
    order = by_use(Predictions(outputs, targets))
    assert sorted(order) == list(range(10))
    assert order[0] == 0, "the first query answers in every scene that has an object"
    turned = [*reversed(range(10))]
    assert by_use(Predictions(outputs[:, turned], targets))[:2] == [turned.index(query) for query in order[:2]]
    nothing = np.zeros((2, 3, 7), np.float32)
    assert by_use(Predictions(torch.from_numpy(nothing), targets[:2])) == [0, 1, 2]


def test_a_lowered_network_is_trained_further(trained: Trained, settings: dict[str, Any], tmp_path: Path) -> None:
    place = nas.export(trained.folder, "safetensors", tmp_path / "few.safetensors", queries=3).path
    done = nas.train(place, name="further", **settings)
    assert done.architecture.head.options["queries"] == 3
