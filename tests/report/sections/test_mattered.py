"""What mattered: the words, the bars and the table."""

import pytest
from run_fixtures import finished_run

from nas.record.analysis.importance import Importance, Importances
from nas.report.page import render
from nas.report.sections.mattered import context, importance_figure, ordered
from nas.report.view import View


def importance(decision, share, beyond=False):
    return Importance(decision, share, 0.01, beyond, 1, 3, 10)


def test_what_stands_out_comes_first():
    found = [
        Importances("accuracy", 50, 5, 9, (importance("stem.kind", 0.5), importance("stages.0.block", 0.2, True))),
        Importances("latency", 50, 5, 9, (importance("stem.kind", 0.1), importance("stages.0.block", 0.7))),
    ]
    assert ordered(found) == ["stages.0.block", "stem.kind"]
    bars = importance_figure(found, ordered(found)).data
    assert [bar.name.strip("\u2068\u2069") for bar in bars] == ["Accuracy", "Latency"]
    assert list(bars[1].x) == [70, 10]
    assert bars[0].marker.opacity[0] == 1 > bars[0].marker.opacity[1]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    run = finished_run(
        tmp_path_factory.mktemp("runs") / "run", complete=80, objectives=("accuracy", "latency", "params")
    )
    return context(View(run))


def test_each_objective_is_told_of_in_a_sentence(shown):
    assert [one.objective for one in shown["found"]] == ["accuracy", "latency", "params"]
    for sentence, start in zip(shown["sentences"], ("For accuracy", "For latency", "For parameters"), strict=True):
        assert sentence.startswith(start)
        assert "decisions" in sentence
    assert "beyond chance: " in shown["sentences"][2]  # parameters are known exactly
    assert "of the best" in shown["sentences"][2]


def test_the_table_has_every_bar(shown):
    for row in shown["rows"]:
        assert len(row["cells"]) == 3
    total = sum(row["cells"][2]["share"] for row in shown["rows"])
    assert 0.6 < total <= 1.0001


@pytest.mark.parametrize(
    ("complete", "said"),
    [(4, "is told from 10 trained networks on; there are 4"), (12, "12 networks are few: take it as a hint")],
)
def test_few_trials_are_said_to_be_few(tmp_path, complete, said):
    page = render(finished_run(tmp_path / "run", complete=complete))
    assert said in " ".join(page.split())
    assert ("chart-importance" in page) == (complete >= 10)
