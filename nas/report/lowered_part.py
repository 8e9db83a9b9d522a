"""The part of a training's page that is about the detector lowered: with fewer queries, or for smaller images."""

from collections.abc import Sequence

from nas.evaluation.catalogue import objective
from nas.files import Json
from nas.network.architecture import Architecture
from nas.network.lowering import trains_queries
from nas.record.ending import Lowered

LOST, SHARE = 0.01, 0.05  # a lowered network is proposed that loses no more, and no more of what the metric is


def lowered_part(network: Architecture, rows: Sequence[Lowered], first: str) -> Json:
    """Make what the template needs of lowered networks; `first` is the metric that the page is headed by."""
    proposed = _proposed(rows, first)
    return {
        "lowered": _lowered(rows, first),
        "proposed": proposed,
        "proposed_flags": _flags(proposed, rows[0]) if proposed else "",
        "little": bool(rows) and _little(rows[0].metrics[first], first),
        "ranked": trains_queries(network),
    }


def _lowered(rows: Sequence[Lowered], first: str) -> list[Json]:
    """Put the change and the saving of lowered networks beside the network as it is, which is the first."""
    return [
        vars(row)
        | {
            "change": row.metrics[first] - rows[0].metrics[first],
            "saved": 1 - row.macs / rows[0].macs,
        }
        for row in rows
    ]


def _proposed(rows: Sequence[Lowered], first: str) -> Lowered | None:
    """Return the lowered network of the fewest multiply-adds that loses little of the metric, and little beside it."""
    if not rows or not rows[0].metrics[first]:
        return None
    whole, sign = rows[0].metrics[first], objective(first).sign
    most = SHARE * whole if _little(whole, first) else LOST
    fitting = [row for row in rows[1:] if sign * (whole - row.metrics[first]) <= most]
    return min(fitting, key=lambda row: row.macs, default=None)


def _little(whole: float, first: str) -> bool:
    """Tell whether a share of the metric bounds what may be lost: of a small share of one, and of any other value."""
    return not objective(first).share or SHARE * whole < LOST


def _flags(row: Lowered, whole: Lowered) -> str:
    """Say a lowered network as options of `nas export`."""
    pairs = (("queries", row.queries, whole.queries), ("resolution", row.resolution, whole.resolution))
    return " ".join(f"--{name} {value}" for name, value, own in pairs if value != own)
