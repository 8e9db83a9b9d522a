"""Test our own kinds by the suites of `nas.testing`."""

from collections.abc import Iterable
from typing import Any

from nas.registry import Registry


def suites(
    suite: type, registry: Registry, names: Iterable[str] | None = None, **attributes: dict[str, Any]
) -> dict[str, type]:
    """Make a test class for each kind, or each of `names`, with attributes of its own: `tpe={"rebuilt_after": ...}`."""
    return {
        f"Test_{name}": type(f"Test_{name}", (suite,), {"kind": registry.get(name)} | attributes.get(name, {}))
        for name in (registry.names() if names is None else names)
    }
