"""nas compare: a table, a page, JSON, and refusals."""

import json
import os

from run_fixtures import finished_run


def test_a_table_and_a_page(nas, tmp_path):
    for name, settings in (
        ("a0", {}),
        ("a1", {"seed": 1}),
        ("b0", {"sampler": "tpe"}),
        ("b1", {"sampler": "tpe", "seed": 1}),
    ):
        finished_run(tmp_path / name, **settings)
    page = tmp_path / "page.html"
    answer = nas("compare", *(tmp_path / name for name in ("a0", "a1", "b0", "b1")), "-o", page)
    assert answer.status == 0
    spread = "mean ± standard deviation"
    for said in ("sampler=pareto", "sampler=tpe", spread, "Mann-Whitney", f"Next:  open {page} in a browser"):
        assert said in answer.out, said
    text = page.read_text()
    for said in ("<b>mean</b> ± standard deviation<", "chart-fronts", "chart-trainings", "chart-time", "Mann-Whitney"):
        assert said in text, said


def test_seeds_of_one_search_are_one_side_with_a_name(nas, tmp_path):
    for seed in range(3):
        finished_run(tmp_path / f"run-{seed}", seed=seed)
    page = tmp_path / "page.html"
    answer = nas("compare", *(tmp_path / f"run-{seed}" for seed in range(3)), "-o", page)
    assert answer.status == 0
    text = page.read_text()
    for said in ("space=small", "There is one side: the 3 runs"):
        assert said in answer.out, said
        assert said in text, said
    assert "<h1>space=small</h1>" in text
    assert "none from" not in answer.out + text.partition("</header>")[0]


def test_json(nas, tmp_path):
    for name, sampler in (("one", "pareto"), ("two", "random")):
        finished_run(tmp_path / name, sampler=sampler)
    answer = nas("compare", tmp_path / "one", tmp_path / "two", "--json", "-o", tmp_path / "page.html")
    found = json.loads(answer.out)
    assert [side["name"] for side in found["sides"]] == ["sampler=pareto", "sampler=random"]


def test_an_earlier_comparison_is_replaced_and_another_file_is_not(nas, tmp_path):
    finished_run(tmp_path / "one")
    finished_run(tmp_path / "two", sampler="random")
    page, other = tmp_path / "page.html", tmp_path / "mine.html"
    other.write_text(mine := "<title>Mine</title> Runs side by side")
    for note in (False, True):
        done = nas("compare", tmp_path / "one", tmp_path / "two", "-o", page)
        assert done.status == 0
        assert ("replaces an earlier comparison; --output" in " ".join(done.out.split())) == note
    refused = nas("compare", tmp_path / "one", tmp_path / "two", "-o", other)
    assert refused.status == 2
    assert f"{other} exists already and is no comparison of nas; name another file with --output" in refused.err
    assert "replaces an earlier" not in refused.out + refused.err
    assert other.read_text() == mine


def test_a_pipe_or_a_device_is_not_replaced_by_the_page(nas, tmp_path):
    finished_run(tmp_path / "one")
    finished_run(tmp_path / "two", sampler="random")
    os.mkfifo(tmp_path / "pipe")
    answer = nas("compare", tmp_path / "one", tmp_path / "two", "-o", tmp_path / "pipe")
    assert answer.status == 2
    assert "pipe: cannot be written (it is a pipe or a device); choose another place" in answer.err
    assert (tmp_path / "pipe").is_fifo()


def test_what_cannot_be_compared_ends_in_2_and_writes_nothing(nas, tmp_path):
    finished_run(tmp_path / "one")
    finished_run(tmp_path / "two", data="digits")
    answer = nas("compare", tmp_path / "one", tmp_path / "two", "-o", tmp_path / "page.html")
    assert answer.status == 2
    assert "cannot be compared" in answer.err
    assert not (tmp_path / "page.html").exists()


def test_names_are_text_on_the_page(nas, tmp_path):
    odd = tmp_path / "<b>x"
    finished_run(odd)
    finished_run(tmp_path / "two", sampler="random")
    nas("compare", odd, tmp_path / "two", "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "<td>&lt;b&gt;x</td>" in page
    assert "<td><b>x" not in page
