"""Layers run on MNN's threads: as many as the session asked for."""

from __future__ import annotations

import platform

import mnn_threads
import pytest

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="sets x86's rounding mode")


def test_as_many_as_asked_for(models, fresh_process):
    model = models("wide")
    shows, of_one, of_two = fresh_process.call(mnn_threads.who_computes, model.path, model.x)
    assert (shows, of_one, of_two) == (True, False, True)


def test_managers_made_later_change_nothing(models, fresh_process):
    model = models("wide")
    of_two, of_one = fresh_process.call(mnn_threads.beside_other_managers, model.path, model.x)
    assert (of_two, of_one) == (True, False)
