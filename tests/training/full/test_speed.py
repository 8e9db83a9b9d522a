"""In which precision and how many threads a training runs."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import torch

from nas.network.architecture import Architecture
from nas.network.build import build
from nas.space.library import load_space
from nas.training.full import speed
from nas.training.full.recipe import FullRecipe
from nas.training.full.speed import autocast, fastest_threads
from nas.training.model import Model


@pytest.fixture
def eight() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(8)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def model() -> Model:
    network: Architecture = load_space("cvt_family").fit(resolution=16, channels=1, classes=3).smallest()
    return Model(build(network), ("a", "b", "c"), (0.5,), (0.2,))


@pytest.mark.parametrize(
    ("milliseconds", "best", "tried"),
    [
        ({1: 10, 2: 12}, 1, [1, 2]),
        ({1: 10, 2: 9.5}, 1, [1, 2]),
        ({1: 10, 2: 6, 4: 5.9}, 2, [1, 2, 4]),
        ({1: 10, 2: 6, 4: 4, 8: 3}, 8, [1, 2, 4, 8]),
    ],
)
def test_threads_are_doubled_while_that_helps(
    eight: None, model: Model, monkeypatch: pytest.MonkeyPatch, milliseconds: dict[int, float], best: int,
    tried: list[int],
) -> None:  # fmt: skip
    found: list[int] = []

    def seconds(*_: object) -> float:
        found.append(torch.get_num_threads())
        return milliseconds[found[-1]] / 1e3

    monkeypatch.setattr(speed, "_seconds", seconds)
    assert fastest_threads(model, torch.rand(2, 1, 16, 16), nullcontext()) == best
    assert found == tried
    assert torch.get_num_threads() == 8


def test_trying_leaves_the_model_and_the_random_numbers_as_they_were(eight: None, model: Model) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    images = torch.rand(2, 1, 16, 16, generator=torch.Generator())
    assert fastest_threads(model, images, torch.autocast("cpu", torch.bfloat16)) in (1, 2, 4, 8)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training


@pytest.mark.parametrize(
    ("precision", "amx", "found"),
    [("auto", True, torch.bfloat16), ("auto", False, torch.float32), ("float32", True, torch.float32),
     ("bfloat16", False, torch.bfloat16)],
)  # fmt: skip
def test_a_processor_computes_in_bfloat16_where_asked_to_or_made_for_it(
    monkeypatch: pytest.MonkeyPatch, precision: str, amx: bool, found: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": amx})
    recipe = FullRecipe().model_copy(update={"precision": precision})
    with autocast(recipe, torch.device("cpu")):
        assert torch.nn.Linear(4, 4)(torch.ones(1, 4)).dtype is found
