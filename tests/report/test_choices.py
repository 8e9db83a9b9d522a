"""Decisions in people's words."""

import numpy as np
import pytest

from nas.report.choices import choice_label, choice_words, value_words
from nas.space.library import load_space


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resolution", "resolution"),
        ("stem.kind", "stem kind"),
        ("stem.patchify.patch_size", "stem patch size (patchify)"),
        ("stages.2.block", "block of stage 2"),
        ("stages.0.moat.width", "moat width in stage 0"),
        ("stages.2.moat.expansion", "moat expansion in stage 2"),
        ("stages.2.moat.24.head_dim", "moat head dim at width 24 in stage 2"),
        ("head.swin.kind", "head kind (swin)"),
    ],
)
def test_names(name, words):
    assert choice_words(name) == words


def test_every_decision_of_the_shipped_spaces_has_its_own_words():
    rng = np.random.default_rng(0)
    names = {name for _ in range(200) for name in load_space("hybrid_zoo").sample(rng)[0]}
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
