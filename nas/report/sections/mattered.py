"""What mattered: the importance of each decision."""

from nas.files import Json
from nas.report.view import View


def context(view: View) -> Json | None:
    """Return the importances of the decisions."""
    return None
