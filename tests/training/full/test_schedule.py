"""The learning rate, and where a training stands, by steps and by seconds."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.training.full.schedule import Course, Schedule


def rates(schedule: Schedule, epochs: int, steps: int) -> list[float]:
    """The learning rate of every step of a training."""
    course, found = Course(epochs, steps), []
    while not course.over:
        found.append(schedule.rate(course.share, course.one))
        course.step += 1
        if course.step == steps:
            course.epoch, course.step = course.epoch + 1, 0
    return found


def test_the_rate_rises_straight_and_falls_as_half_a_cosine() -> None:
    found = rates(Schedule(0.4, 0.1, 0.2), epochs=10, steps=10)
    slow = [0.4 * (i + 1) / 20 for i in range(20)]
    slow += [0.1 + 0.3 * 0.5 * (1 + math.cos(math.pi * i / 80)) for i in range(80)]
    assert found == pytest.approx(slow)
    assert max(found) == found[19] == found[20] == pytest.approx(0.4)


def test_without_a_warm_up_the_first_step_has_the_peak_and_with_nothing_else_the_last() -> None:
    assert rates(Schedule(0.4, 0.0, 0.0), 1, 4)[0] == 0.4
    assert rates(Schedule(0.4, 0.0, 1.0), 1, 4) == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert rates(Schedule(0.4, 0.0, 0.0), 1, 1) == [0.4]


@given(
    st.floats(1e-6, 10),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_every_rate_lies_between_nothing_and_the_peak(
    peak: float, end: float, warmup: float, epochs: int, steps: int
) -> None:
    schedule = Schedule(peak, end * peak, warmup)
    found = rates(schedule, epochs, steps)
    assert len(found) == epochs * steps
    assert all(0 < rate <= peak * (1 + 1e-9) for rate in found)
    top = found.index(max(found))
    assert all(a <= b + 1e-12 for a, b in pairwise(found[: top + 1]))
    assert all(a >= b - 1e-12 for a, b in pairwise(found[top:]))


def test_the_rate_ends_where_it_should() -> None:
    schedule = Schedule(1.0, 0.01, 0.1)
    assert schedule.rate(1.0) == pytest.approx(0.01)
    assert schedule.rate(1.5) == pytest.approx(0.01), "seconds may be over"


def test_a_course_by_steps_ends_with_the_last_one() -> None:
    course = Course(epochs=3, steps=4)
    assert (course.share, course.one, course.over) == (0, 1 / 12, False)
    course.epoch, course.step, course.elapsed = 2, 3, 1e9
    assert course.share == 11 / 12
    assert not course.over
    course.step = 4
    assert course.over


def test_a_course_by_seconds_ends_with_the_last_one_whatever_the_step() -> None:
    course = Course(epochs=3, steps=4, limit=10.0, epoch=70, step=2, elapsed=2.5)
    assert course.share == 0.25
    assert not course.over
    course.elapsed = 11.0
    assert course.share == 1
    assert course.over
