"""Layers planned together: fused sums, tensors that stay with us, and what MNN still gets to see."""

from __future__ import annotations

import mnn_runs
import numpy as np
import pytest
from mnn_planned_networks import PLANNED
from mnn_runs import error


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", PLANNED)
def test_all_outputs(name, threads, models, process):
    model = models(name)
    (first, again), stats = process.call(mnn_runs.planned, model.path, threads, model.x, model.x)
    assert first
    assert first.keys() <= model.all_expected.keys()  # MNN's converter drops one of two that are equal
    for output in first:
        assert error(first[output], model.all_expected[output]) < 1e-5, output
        np.testing.assert_array_equal(first[output], again[output])
    assert stats.layers
    assert all(layer["kernel"] != "stock" for layer in stats.layers)


@pytest.mark.parametrize("name", PLANNED)
def test_all_outputs_where_only_what_pays_runs_here(name, models, process):
    model = models(name)
    (outputs,), _ = process.call(mnn_runs.planned, model.path, 1, model.x, force=False)
    assert outputs
    for output in outputs:
        assert error(outputs[output], model.all_expected[output]) < 1e-3, output  # MNN's Winograd rounds


def test_a_run_of_layers_that_pays_together(models, process):
    model = models("inverted-residuals")
    stats = process.call(mnn_runs.session_stats, model.path, model.x, force=False)
    assert [layer["kernel"] != "stock" for layer in stats.layers] == [True] * 14
    assert (stats.conversions, stats.fused_additions) == (2, 3)


def test_layers_that_do_not_pay_alone(models, process):
    model = models("no-run")
    stats = process.call(mnn_runs.session_stats, model.path, model.x, force=False)
    assert [layer["kernel"] != "stock" for layer in stats.layers] == [True, False, True]


@pytest.mark.parametrize("name", ["resnet", "vgg", "padded", "read-by-both"])
def test_each_isa(name, models, process):
    model = models(name)
    runs = process.call(mnn_runs.on_each_isa, model.path, model.x)
    assert "generic" in runs
    for isa, (outputs, stats) in runs.items():
        assert stats.isa == isa
        assert outputs
        for output, actual in outputs.items():
            assert error(actual, model.all_expected[output]) < 1e-5, (isa, output)


@pytest.mark.parametrize("name", ["resnet", "vgg", "large-maps", "padded", "read-by-both"])
def test_threads_do_not_change_a_bit(name, models, process):
    model = models(name)
    one, two = (process.call(mnn_runs.planned, model.path, n, model.x)[0][0] for n in (1, 2))
    assert one
    assert one.keys() == two.keys()
    for output in one:
        np.testing.assert_array_equal(one[output], two[output])


@pytest.mark.parametrize("kind", ["Session", "Module"])
def test_residual_network(kind, models, process):
    """Entered once and left once: pooling and both sums run between our layers."""
    model = models("resnet")
    stats = process.call(mnn_runs.session_stats, model.path, model.x, kind)
    assert stats.fused_additions == 2
    assert stats.conversions == 2
    assert stats.private_tensors == 8  # 6 convolutions' outputs (sums among them) and 2 pools'
    assert stats.activation_bytes > 0
    assert stats.weight_bytes > 0


def test_pools_between_convolutions(models, process):
    stats = process.call(mnn_runs.session_stats, models("vgg").path, models("vgg").x)
    assert (stats.fused_additions, stats.conversions, stats.private_tensors) == (0, 2, 5)


def test_pools_within_convolutions(models, process):
    """A map that the user asks for by name is pooled apart."""
    model = models("large-maps")
    stats = process.call(mnn_runs.session_stats, model.path, model.x)
    assert [layer["kernel"].endswith("+pool") for layer in stats.layers] == [True, True, False]
    assert (stats.conversions, stats.private_tensors) == (2, 2)
    outputs, stats = process.call(mnn_runs.saved_tensors, model.path, model.x, ("relu1",))
    assert [layer["kernel"].endswith("+pool") for layer in stats.layers] == [False, True, False]
    stock = process.call(mnn_runs.stock_saved_tensors, model.path, model.x, ("relu1",))
    assert "relu1" in stock
    for name, expected in stock.items():
        assert error(outputs[name], expected) < 1e-4


def test_gates_between_convolutions(models, process):
    """Entered once and left once, though one product is with a map of one channel."""
    stats = process.call(mnn_runs.session_stats, models("gates").path, models("gates").x)
    assert (stats.conversions, stats.private_tensors) == (2, 15)


def test_concatenations_between_convolutions(models, process):
    """One part is MNN's; rows are put one after the other by MNN."""
    stats = process.call(mnn_runs.session_stats, models("concatenations").path, models("concatenations").x)
    assert stats.conversions == 6


def test_zeros_around_the_image(models, process):
    """One becomes the convolution's padding, one stays before the pool; the other two are MNN's."""
    stats = process.call(mnn_runs.session_stats, models("padded").path, models("padded").x)
    assert (stats.private_tensors, stats.conversions) == (3, 6)


def test_sum_with_what_mnn_computes_later(models, process):
    """The sum is ours, but cannot be part of the convolution before it."""
    model = models("late-operand")
    _, names = process.call(mnn_runs.watched, model.path, model.x)
    assert names.index("conv0") < names.index("maxpool1")
    stats = process.call(mnn_runs.session_stats, model.path, model.x)
    assert (stats.fused_additions, stats.private_tensors, stats.conversions) == (0, 2, 3)


def test_tensors_with_other_readers(models, process):
    stats = process.call(mnn_runs.session_stats, models("read-by-both").path, models("read-by-both").x)
    assert stats.fused_additions == 1
    assert stats.private_tensors == 0


def test_saved_tensors(models, process):
    """A private tensor becomes an output when the user asks for it by name."""
    model = models("vgg")
    hidden = ("relu3", "maxpool4")
    outputs, stats = process.call(mnn_runs.saved_tensors, model.path, model.x, hidden)
    (unsaved,), _ = process.call(mnn_runs.planned, model.path, 1, model.x)
    assert unsaved
    for name, expected in unsaved.items():
        np.testing.assert_array_equal(outputs[name], expected)
    assert stats.private_tensors < 5
    expected = process.call(mnn_runs.stock_saved_tensors, model.path, model.x, hidden)
    assert expected.keys() == outputs.keys() >= {*hidden}
    for name in expected:
        assert error(outputs[name], expected[name]) < 1e-4


def test_callbacks(models, process):
    model = models("resnet")
    actual, names = process.call(mnn_runs.watched, model.path, model.x)
    assert error(actual, model.expected) < 1e-5
    assert len(names) > 8


def growing(model):
    """Inputs of four sizes."""
    _, channels, height, width = model.x.shape
    rng = np.random.default_rng(2)
    shapes = [(1, channels, height + 2 * i, width + i) for i in range(4)]
    return [rng.standard_normal(shape, np.float32) for shape in shapes]


@pytest.mark.parametrize("name", ["resnet", "residual", "read-by-both"])
def test_fixed_resizes(name, models, process):
    model = models(name)
    inputs = growing(model)
    actual, _ = process.call(mnn_runs.fixed_resizes, model.path, False, *inputs)
    stock, _ = process.call(mnn_runs.fixed_resizes, model.path, True, *inputs)
    for got, expected in zip(actual, stock, strict=True):
        assert error(got, expected) < 1e-4


def test_what_is_not_resized_again_is_told(models, process):
    """The last layer, of one position at any size."""
    model = models("resnet")
    _, stats = process.call(mnn_runs.fixed_resizes, model.path, False, *growing(model))
    assert (stats.conversions, stats.private_tensors) == (4, 7)


def test_a_large_batch_of_mnns_takes_no_memory_here(models, process):
    model = models("large-batch")
    stats = process.call(mnn_runs.session_stats, model.path, model.x)
    assert len(stats.layers) == 2
    assert stats.activation_bytes < 5 * model.x.nbytes


@pytest.mark.parametrize("name", ["one-of-a-batch", "batch-after-one"])
def test_memory_is_enough_for_the_largest_batch(name, models, process):
    """What is held of four images at a time, though the last or first layers that lie there are of one."""
    model = models(name)
    stats = process.call(mnn_runs.session_stats, model.path, model.x)
    assert len(stats.layers) == 4
    assert stats.activation_bytes > 2 * model.x.nbytes


def test_memory(models, process):
    """Pruned weights take less than a third of what MNN makes of dense ones."""
    model = models("wide")
    ours, _ = process.call(mnn_runs.memory_and_stats, model.path, model.x)
    assert 0 < ours < process.call(mnn_runs.stock_memory, model.path, model.x) / 3


def test_memory_is_reported_to_mnn(models, process):
    """What a session holds here counts in MNN's own sum."""
    megabytes, stats = process.call(mnn_runs.memory_and_stats, models("resnet").path, models("resnet").x)
    assert megabytes > (stats.activation_bytes + stats.weight_bytes) / 2**20 > 0
