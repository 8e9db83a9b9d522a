"""Counts that outlive their process."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import astuple, fields
from pathlib import Path

import pytest

from nas.costs import counts, kept_counts
from nas.costs.counts import Count, count, counted
from nas.costs.deployment import Deployment
from nas.costs.kept_counts import Ledger, lasting, ledger
from nas.network.pieces import Piece, pieces
from nas.space.library import load_architecture

COUNT = """
import nas
from nas.costs import counts
ran, run = [], counts.counted
counts.counted = lambda piece: ran.append(piece) or run(piece)
cost = counts.cost(nas.load_architecture("tiny_moat_0"))
print(len(ran), cost.params, cost.macs)
"""


@pytest.mark.long
def test_another_process_runs_no_piece_again(tmp_path: Path) -> None:
    environment = os.environ | {"NAS_CACHE": str(tmp_path)}
    said = [
        subprocess.run(
            [sys.executable, "-c", COUNT], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    ran, *known = said[0].split()
    assert int(ran) > 5
    assert said[1].split() == ["0", *known]


def test_what_is_kept_is_what_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    count.cache_clear()
    network = list(pieces(load_architecture("coatnet_0")))
    first = [count(piece) for piece in network]
    count.cache_clear()
    kept_counts._opened.cache_clear()
    assert [count(piece) for piece in network] == first == [counted(piece) for piece in network]


def test_torn_and_foreign_lines_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    file = ledger().file
    file.parent.mkdir(parents=True)
    file.write_bytes(b'["whole", 1, 2, 3, 4]\n7\n["half", 1\n\xff\xfe\n["words", "many"]\n["torn", 1, 2')
    kept_counts._opened.cache_clear()
    assert ledger().known == {"whole": (1, 2, 3, 4)}


@pytest.mark.parametrize(
    "numbers",
    ["1, 2, 3", "1, 2, 3, 4, 5", "-1, 2, 3, 4", "1e999, 2, 3, 4", "1.5, 2, 3, 4", "true, 2, 3, 4", "null, 2, 3, 4",
     '"1", 2, 3, 4', pytest.param(f"1{'0' * 400}, 2, 3, 4", id="long"), pytest.param("[" * 100_000, id="deep")],
)  # fmt: skip
def test_numbers_that_count_nothing_are_counted_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, numbers: str
) -> None:
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    assert len(fields(Count)) == kept_counts.NUMBERS
    piece = Piece("stem", "conv", (3, 32, 32), 16)
    file = ledger().file
    file.parent.mkdir(parents=True)
    file.write_text(f"[{json.dumps(repr(piece))}, {numbers}]\n")
    kept_counts._opened.cache_clear()
    count.cache_clear()
    assert count(piece) == counted(piece)
    assert Ledger(file, dict(kept_counts._read(file))).find(piece) == astuple(counted(piece))


def test_a_folder_that_cannot_be_written_only_forgets(tmp_path: Path) -> None:
    (tmp_path / "counts").write_text("in the way")
    piece = Piece("stem", "conv", (3, 32, 32), 16)
    kept = Ledger(tmp_path / "counts" / "file.jsonl")
    kept.keep(piece, (1, 2, 3, 4))
    assert kept.find(piece) == (1, 2, 3, 4)


def test_kinds_from_outside_are_counted_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAS_CACHE", str(tmp_path))
    piece = Piece("block", "conv", (16, 8, 8), 16, (("kernel_size", 3),))
    assert lasting(piece)
    monkeypatch.setattr(counts, "lasting", lambda _: False)
    count.cache_clear()
    assert isinstance(count(piece), Count)
    assert not list(tmp_path.rglob("*.jsonl"))


def test_counts_hold_until_what_is_counted_changes_and_times_until_how_it_is_timed_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = Path(kept_counts.__file__).parents[1]
    for part in ("network", "costs"):
        shutil.copytree(package / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(kept_counts, "__file__", str(tmp_path / "costs" / "kept_counts.py"))

    def keys(changed: str = "") -> tuple[str, str]:
        if changed:
            with (tmp_path / changed).open("a") as file:
                file.write("# another version\n")
        for kept in (kept_counts.source_digest, kept_counts._opened):
            kept.cache_clear()
        return ledger().file.name, Deployment().key()["source"]

    try:
        counts, times = keys()
        for timing in ("costs/targets/pytorch.py", "costs/latency/rounds.py"):
            before = times
            same, times = keys(timing)
            assert (same, times != before) == (counts, True)
        others = keys("network/blocks/moat.py")
        assert others[0] != counts
        assert others[1] != times
    finally:
        kept_counts.source_digest.cache_clear()
        kept_counts._opened.cache_clear()
