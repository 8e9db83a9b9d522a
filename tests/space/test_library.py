"""Spaces and architectures by name or path, and what a wrong one is answered."""

import pytest

from nas.errors import SpaceError
from nas.space.library import load_architecture, load_space

NETWORK = """\
name: tiny
stem: {kind: conv, width: [8, 16]}
stages:
  - {block: moat, depth: 1, width: 24, stride: 2, head_dim: 8}
"""


def test_the_first_list_in_an_architecture_is_found_on_its_line(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(NETWORK)
    with pytest.raises(
        SpaceError, match=r"tiny\.yaml:2: stem\.width: an architecture has one value here, found the ch"
    ):
        load_architecture(path)


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(SpaceError, match=r"Did you mean 'cvt_family'\? nas spaces lists those that ship\.$"):
        load_space("cvt_famly")
    with pytest.raises(SpaceError, match=r"nor a file of that name\. nas spaces lists those that ship\.$"):
        load_space("nosuch")
    with pytest.raises(SpaceError, match="is a folder"):
        load_space(tmp_path)
    with pytest.raises(SpaceError, match="no search space"):
        load_space("x" * 5000)
    with pytest.raises(SpaceError, match="no search space"):
        load_space("a\0b")
