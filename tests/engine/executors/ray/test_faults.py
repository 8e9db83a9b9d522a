"""What is said of a worker that was lost."""

from nas.engine.executors.ray_tune import quiet_ray


def test_a_worker_that_cannot_begin_says_why() -> None:
    lines = ["The actor died because of an error raised in its creation task, ray::Worker.__init__() (pid=1)",
             '  File "a.py", line 3, in f', "nas.errors.SettingError: mine.py:3: cannot be run"]  # fmt: skip
    with quiet_ray():
        from nas.engine.executors._ray.faults import _first_words

        said = _first_words(RuntimeError("\n".join(lines)))
        assert _first_words(None) == "no reason is known"
    assert said == "a worker could not begin: nas.errors.SettingError: mine.py:3: cannot be run"
