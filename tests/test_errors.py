"""What the messages of errors keep of what they quote."""

import pickle

import pytest

from nas.errors import NasError, RunError, SettingError, SpaceError
from nas.registry import SAMPLERS


@pytest.mark.parametrize("kind", [NasError, RunError, SettingError, SpaceError])
def test_an_endless_word_is_cut_in_any_message(kind):
    error = kind(f"unknown block '{'q' * 5000}'. Allowed: conv")
    assert str(error) == f"unknown block '{'q' * 100}...'. Allowed: conv"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_paths_and_lists_are_kept_whole():
    said = f"{'a' * 255}/{'b' * 255}/net.yaml: {','.join(['objective'] * 100)}"
    assert str(SettingError(said)) == said


def test_an_unknown_name_of_any_length_is_told_shortly():
    with pytest.raises(SettingError) as error:
        SAMPLERS.get("x" * 5000)
    assert len(str(error.value)) < 300
