"""The model card of Hugging Face's hub, filled with what was measured, https://huggingface.co/docs/hub/model-cards."""

import html
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import jinja2

from nas.costs.counts import cost
from nas.errors import SettingError
from nas.evaluation import units
from nas.network.heads import Head
from nas.network.lowering import size_text
from nas.report.metadata import laid
from nas.training.model import BOXES, Model

SHOWN = 100  # class names
KINDS = {Head.outputs: "image-classification", BOXES: "object-detection"}
"""The hub's names of tasks, by what networks give."""
MARKS = re.compile(r"([\\`*_{}\[\]()#+\-!|~$])")
ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("nas.report"), trim_blocks=True, lstrip_blocks=True, autoescape=False
)


def plain(text: object, longest: int = 200) -> str:
    """Write any text as one line of Markdown that shows it as it is, with no markup of HTML or Markdown."""
    line = " ".join(str(text).split())[:longest]
    return MARKS.sub(r"\\\1", html.escape(line, quote=False))


def code(text: object) -> str:
    """Write any text as one line of code in Markdown."""
    line = " ".join(str(text).split()).replace("`", "'")
    return f"`{line}`" if line else ""


ENVIRONMENT.filters["plain"] = plain


def card_text(model: Model) -> str:
    """Write a model's card: the hub's metadata, then Markdown. Needs huggingface_hub."""
    facts, architecture = model.facts, model.architecture
    counted, before = cost(architecture), _of(facts, "lowered_from")
    return str(_metadata(model)) + "\n" + ENVIRONMENT.get_template("card.md").render(
        name=architecture.name,
        kind=KINDS.get(model.gives),
        outputs=model.gives,
        threshold=model.threshold,
        architecture=architecture,
        laid=laid(model),
        params=counted.params,
        macs=counted.macs,
        lowered=size_text(before.get("queries"), before["resolution"]) if before.get("resolution") else "",
        layout=architecture.layout(),
        classes=model.classes[:SHOWN],
        more=len(model.classes) - SHOWN,
        rows=list(measured(facts)),
        images=_of(facts, "test").get("images"),
        facts=facts,
        made=[(title, _told(facts[key])) for key, title in _MADE.items() if facts.get(key) not in (None, "", {})],
        versions=", ".join(f"{name} {version}" for name, version in _of(facts, "versions").items()),
        plain=plain,
        code=code,
    )  # fmt: skip


_MADE = {"data": "Data", "recipe": "Recipe", "changed": "Changed in it", "epochs": "Epochs", "seed": "Seed",
         "split_seed": "Seed of the parts", "teacher": "Teacher", "device": "Device"}  # fmt: skip


def measured(facts: Mapping[str, Any]) -> Iterator[tuple[str, str, float, str]]:
    """Yield name, title, value and interval of each metric that was measured on the test part."""
    for name, entry in _of(facts, "test").items():
        values = entry if isinstance(entry, Mapping) else {}
        if isinstance(value := values.get("value"), int | float):
            low, high = values.get("low"), values.get("high")
            interval = f"{low:.4f} to {high:.4f}" if isinstance(low, float) and isinstance(high, float) else ""
            yield name, _title(name), float(value), interval


def _title(name: str) -> str:
    """A metric's title, or its name as a heading where no task here has it: a model may come from elsewhere."""
    try:
        return units.title(name)
    except SettingError:
        return name.replace("_", " ").capitalize()


def _told(value: object) -> object:
    """Write settings as a list of names and values, and anything else as it is."""
    return ", ".join(f"{name} {one}" for name, one in value.items()) if isinstance(value, Mapping) else value


def _of(facts: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = facts.get(key)
    return found if isinstance(found, Mapping) else {}


def _metadata(model: Model) -> str:
    """The block of YAML at the top of a card, which the hub searches and draws."""
    from huggingface_hub import EvalResult, ModelCardData  # an extra

    facts, task = model.facts, KINDS.get(model.gives)
    kind, _, place = " ".join(str(facts.get("data") or "unknown").split()).partition(":")
    results = [
        EvalResult(
            task_type=task or model.gives,
            dataset_type=kind,
            dataset_name=PurePath(place).name or kind,
            dataset_split="test",
            metric_type=name,
            metric_name=title,
            metric_value=value,
        )
        for name, title, value, _ in measured(facts)
    ]
    card = ModelCardData(
        license=str(facts["licence"]) if facts.get("licence") else None,
        library_name="hybrid-nas",
        pipeline_tag=task,
        tags=[*([task] if task else []), "neural-architecture-search", "pytorch_model_hub_mixin", "model_hub_mixin"],
        model_name=model.architecture.name,
        eval_results=results or None,
    )
    return f"---\n{card.to_yaml()}\n---\n"
