"""Files written safely."""

from typing import Any

Json = dict[str, Any]
"""An object of JSON: plain data at the edge of the package."""

from nas.document import write  # noqa: E402, F401
