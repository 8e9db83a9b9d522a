"""Names -> plug-ins, in any folder, without importing what is not asked for."""

import pytest

from nas import registry
from nas.errors import SettingError, SpaceError
from nas.registry import BLOCKS, OBJECTIVES, Registry, suggest
from nas.training.catalogue import check_objective

ALL = [value for value in vars(registry).values() if isinstance(value, Registry)]


@pytest.mark.parametrize("kinds", ALL, ids=lambda kinds: kinds.folder)
def test_every_kind_has_an_object_of_its_name_with_a_docstring(kinds):
    assert kinds.names() == sorted(kinds.names())
    assert len(kinds.names()) >= 1
    for name in kinds.names():
        found = kinds.get(name)
        assert found is kinds.get(name)
        plain = getattr(found, "__name__", name).replace("_", "").lower()
        assert plain == name.replace("_", "")


def test_a_file_holds_the_kinds_that_it_names_or_one_of_its_own_name(tmp_path):
    (tmp_path / "plain.py").write_text("raise SystemExit('imported')\n")
    (tmp_path / "several.py").write_text('"""Two."""\n\n__all__ = ["second", "first"]\nraise SystemExit\n')
    (tmp_path / "_private.py").write_text("")
    (tmp_path / "__init__.py").write_text('__all__ = ["contract"]\n')
    assert Registry(str(tmp_path), "thing").names() == ["first", "plain", "second"]


def test_an_unknown_name_gets_the_nearest_and_all():
    with pytest.raises(SettingError, match=r"unknown objective 'latncy'. Did you mean 'latency'\? Allowed: energy, "):
        OBJECTIVES.get("latncy")
    with pytest.raises(SettingError, match=r"unknown objective 'latncy'. Did you mean 'latency'\? Allowed: accuracy, "):
        check_objective("latncy")
    with pytest.raises(SpaceError, match=r"unknown block 'q'\. Allowed: "):
        BLOCKS.check("q", SpaceError)


@pytest.mark.parametrize("name", ["_base", "__init__", "", ".", "../heads/pool", "Conv"])
def test_what_is_no_kind_is_no_kind(name):
    with pytest.raises(SettingError, match="unknown block"):
        BLOCKS.get(name)


def test_suggest_says_when_nothing_is_allowed():
    assert suggest("x", []) == "Allowed: (none)."


def test_of_very_many_names_the_nearest_is_shown() -> None:
    names = [f"network_{i}" for i in range(50)]
    assert suggest("netwrk_7", names) == "Did you mean 'network_7'?"
    assert "network_49" in suggest("q", names)
