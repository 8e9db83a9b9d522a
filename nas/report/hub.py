"""A model as Hugging Face's mixin keeps it: a folder of config.json, model.safetensors and a card, README.md.

https://huggingface.co/docs/huggingface_hub/guides/integrations
"""

from collections.abc import Sequence
from importlib.util import find_spec
from json import JSONDecodeError
from typing import Any

from nas.errors import SettingError, in_one_line
from nas.files import Json
from nas.network.build import build
from nas.network.weight_files import read
from nas.network.weights import adapt
from nas.record.models import CONFIG, WEIGHTS
from nas.report.card import card_text
from nas.space.library import load_architecture
from nas.training.model import Model

CARD = "README.md"
try:
    from huggingface_hub import PyTorchModelHubMixin as Mixin
except ImportError:  # an extra

    class Mixin:  # type: ignore[no-redef]
        """Stands where the mixin would, so that folders can be read without it."""

        def __init_subclass__(cls, **_: object) -> None:
            super().__init_subclass__()

        @classmethod
        def from_pretrained(cls, *_: object, **__: object) -> Any:
            """Say what is missing."""
            raise SettingError(missing())

        def save_pretrained(self, *_: object, **__: object) -> Any:
            """Say what is missing."""
            raise SettingError(missing())

        push_to_hub = save_pretrained


def missing() -> str:
    """Say that huggingface_hub is not installed, or give an empty text."""
    return "" if find_spec("huggingface_hub") else (
        "huggingface_hub is not installed: pip install 'hybrid-nas[huggingface]'"
    )  # fmt: skip


class HubModel(Model, Mixin, library_name="hybrid-nas"):  # type: ignore[misc, call-arg, unused-ignore]
    """A model that Hugging Face's hub can keep.

        model = nas.HubModel.from_pretrained("signs")  # a folder, or OWNER/NAME on the hub
        model(model.preprocess("stop.png")).softmax(1)  # a probability for each of model.classes

    `architecture` is the plain data of an architecture file; the others are those of `Model`. `save_pretrained` and
    `push_to_hub` are the mixin's. Raises SettingError for a damaged file, and never runs code in it.
    """

    def __init__(
        self,
        architecture: Json,
        classes: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
        facts: Json | None = None,
    ) -> None:
        super().__init__(build(load_architecture(architecture)), classes, mean, std, facts)

    @classmethod
    def of(cls, model: Model) -> "HubModel":
        """Copy a model, in evaluation mode."""
        copied = cls(**model.to_dict())
        copied.network.load_state_dict(model.network.state_dict())
        copied.eval()
        return copied

    @classmethod
    def from_pretrained(cls, *given: Any, **named: Any) -> Any:
        """Load a model from a folder, or from the hub by OWNER/NAME. Raises SettingError for a damaged file."""
        try:
            return super().from_pretrained(*given, **named)
        except (TypeError, JSONDecodeError) as error:
            raise SettingError(f"{given[0] if given else named}: {CONFIG} is damaged ({in_one_line(error)})") from None

    @classmethod
    def _load_as_safetensor(cls, model: Any, model_file: str, map_location: str, strict: bool) -> Any:
        """Load weights, all of them: the mixin would leave those out that a file lacks."""
        state = read(model_file)
        try:
            model.load_state_dict(adapt(state, model))
        except SettingError as error:
            raise SettingError(f"{model_file}: {error}") from None
        model.to(map_location).eval()
        return model

    @classmethod
    def _load_as_pickle(cls, model: Any, model_file: str, map_location: str, strict: bool) -> Any:
        raise SettingError(f"{model_file}: weights are read from {WEIGHTS} alone; pickled ones are not")

    def generate_model_card(self, *_: object, **__: object) -> Any:
        """Write the card from what was measured."""
        from huggingface_hub import ModelCard  # an extra

        return ModelCard(card_text(self))
