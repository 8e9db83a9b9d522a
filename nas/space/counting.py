"""Count the different sequences of stages in a space.

Where two stages or more may be left out, different decisions may give one network: of two that are alike, either may be
the one that is there. So sequences are followed one stage at a time, all ways to decide the same one together.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from nas.network.options import Scalar, options_of
from nas.space.slot import Slot, misfit

Numbers = frozenset[int]
"""Of a space's stages, from 0."""


def sequences(slots: Sequence[Slot]) -> Counter[str]:
    """Count the different sequences of decided stages, by the kind of the last one's block."""
    takers = {kind: _takers(slots, kind) for kind in dict.fromkeys(kind for slot in slots for kind in slot.kinds)}
    ends: Counter[str] = Counter()
    begun = {frozenset([0]): Counter({"": 1})}  # by the stages that may come next, and the last one's kind
    while begun:
        longer: dict[Numbers, Counter[str]] = {}
        for places, counts in begun.items():
            successors = _successors(slots, places)
            for kind in takers:
                for able, count in takers[kind].items():
                    if taken := able & successors:
                        after = longer.setdefault(frozenset(i + 1 for i in taken), Counter())
                        after[kind] += count * counts.total()
            if len(slots) in successors:
                ends += counts
        begun = longer
    return ends


def _successors(slots: Sequence[Slot], places: Numbers) -> Numbers:
    """Return the stages that may be the next one there, or the number after the last where none need be."""
    found = set(places)
    for i, slot in enumerate(slots):
        if i in found and slot.optional:
            found.add(i + 1)
    return frozenset(found)


def _takers(slots: Sequence[Slot], kind: str) -> Counter[Numbers]:
    """Count the decided stages of a kind by which of the space's stages can be decided so."""
    offering = {i: slot for i, slot in enumerate(slots) if kind in slot.kinds}
    found: Counter[Numbers] = Counter()
    for width in {width for slot in offering.values() for width in slot.widths}:
        able = Counter({frozenset(i for i, slot in offering.items() if width in slot.widths): 1})
        able = _both(able, {i: [depth for depth in slot.depths if depth] for i, slot in offering.items()})
        able = _both(able, {i: slot.strides for i, slot in offering.items()})
        for option, known in options_of(next(iter(offering.values())).registry, kind).items():
            values = {i: slot.options[kind].get(option, (known.default,)) for i, slot in offering.items()}
            able = _both(able, {i: _fitting(slots[i], kind, option, values[i], width) for i in values})
        found += able
    return found


def _fitting(slot: Slot, kind: str, option: str, values: Iterable[Scalar], width: int) -> list[Scalar]:
    return [value for value in values if misfit(slot.registry, kind, option, value, width) is None]


def _both(able: Counter[Numbers], offered: Mapping[int, Iterable[Scalar]]) -> Counter[Numbers]:
    """Decide one thing more, whose values the stages offer by their numbers."""
    by_value: dict[Scalar, set[int]] = {}
    for i, values in offered.items():
        for value in values:
            by_value.setdefault(value, set()).add(i)
    both: Counter[Numbers] = Counter()
    for (before, count), now in product(able.items(), by_value.values()):
        if left := before & now:
            both[left] += count
    return both
