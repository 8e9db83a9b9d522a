"""Decisions in people's words."""

import pytest
from run_fixtures import ENVIRONMENT, trial

from nas.config import make_config
from nas.record.chosen import decided
from nas.record.run import Run
from nas.report.choices import choice_label, choice_words, value_words
from nas.space.library import load_space


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resolution", "resolution"),
        ("stem.kind", "stem kind"),
        ("stem.patchify.patch_size", "stem patch size (patchify)"),
        ("stages.2.block", "block of stage 2"),
        ("stages.0.width", "width of stage 0"),
        ("stages.2.moat.expansion", "moat expansion in stage 2"),
        ("stages.2.moat.head_dim", "moat head dim in stage 2"),
        ("head.kind", "head kind"),
    ],
)
def test_names(name, words):
    assert choice_words(name) == words


def test_every_value_that_a_shipped_space_decides_has_its_own_words(tmp_path):
    space = load_space("hybrid_zoo")
    run = Run.create(tmp_path / "run", make_config({"space": "hybrid_zoo"}), space, ENVIRONMENT)
    names = decided(trial(run, number) for number in range(200))
    assert len({choice_words(name) for name in names}) == len(names)


def test_labels_break_and_are_text():
    assert choice_label("stages.2.moat.expansion").replace("\u2068", "").replace("\u2069", "") == (
        "moat expansion<br>in stage 2"
    )
    assert "<b>" not in choice_label("stages.2.<b>x.width")


def test_values():
    assert [value_words(value) for value in (True, False, 0.25, 16, "avg", None)] == [
        "yes", "no", "0.25", "16", "avg", "–"
    ]  # fmt: skip
