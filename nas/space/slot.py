"""What may stand in one part of a network: its kinds, their options, and the sizes that suit them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod

from nas.errors import told_as
from nas.network.options import Scalar, options_of
from nas.registry import BLOCKS, HEADS, Registry

Domain = tuple[Scalar, ...]


@dataclass(frozen=True)
class Slot:
    """The choices in one part of a network: the stem, a stage or the head.

    A head has no `widths`, only a stage has `depths` and `strides`, and a depth of 0 leaves the stage out. `options`
    holds, for each kind, the options that the file names, in the order of the kind's constructor.
    """

    registry: Registry
    kinds: tuple[str, ...]
    options: Mapping[str, Mapping[str, Domain]]
    widths: tuple[int, ...] = ()
    depths: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()

    def fitting(self, kind: str, width: int) -> Mapping[str, Domain]:
        """Return the values of each option of a kind that suit `width`."""
        return self._fitting[kind, width]

    @cached_property
    def _fitting(self) -> dict[tuple[str, int], dict[str, Domain]]:
        return {
            (kind, width): {
                option: tuple(v for v in domain if misfit(self.registry, kind, option, v, width) is None)
                for option, domain in self.options[kind].items()
            }
            for kind in self.kinds
            for width in self.widths or (0,)
        }

    def widths_of(self, kind: str) -> tuple[int, ...]:
        """Return the widths that suit a value of every option of `kind`, and the defaults of the others."""
        return self._widths[kind]

    @cached_property
    def _widths(self) -> dict[str, tuple[int, ...]]:
        return {kind: tuple(width for width in self.widths if self._fits(kind, width)) for kind in self.kinds}

    def _fits(self, kind: str, width: int) -> bool:
        defaults = {n: o.default for n, o in options_of(self.registry, kind).items() if n not in self.options[kind]}
        return all(self.fitting(kind, width).values()) and not any(
            misfit(self.registry, kind, option, value, width) for option, value in defaults.items()
        )

    @property
    def optional(self) -> bool:
        """Whether the stage may be left out."""
        return 0 in self.depths

    def size(self, kind: str) -> int:
        """Count the different decisions about a stem or head of one kind."""
        widths = self.widths_of(kind) or (0,)
        return sum(prod(map(len, self.fitting(kind, width).values())) for width in widths)


def misfit(registry: Registry, kind: str, option: str, value: Scalar, width: int) -> str | None:
    """Say why an option's value does not suit a width, or return None."""
    law: Callable[[str, Scalar, int], str | None] | None = getattr(registry.get(kind), "misfit", None)
    if not (law and width):
        return None
    with told_as(f"misfit(option, value, width) of {registry.noun} '{kind}'"):
        return law(option, value, width)


@cache
def heads_after(block: str, heads: tuple[str, ...]) -> tuple[str, ...]:
    """Return the heads that may follow a last stage of a block, as a class token needs a block that carries it."""
    return tuple(h for h in heads if BLOCKS.get(block).carries_token or not HEADS.get(h).wants_token)
