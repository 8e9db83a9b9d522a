"""Explain the failed assertions of nas' suites."""

import pytest

pytest.register_assert_rewrite("nas.testing", "nas.network.testing")
