"""The order of the steps of data-free pruning."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from . import checks, codesign, effort, fidelity
from .advice import warnings_for
from .batch_sizes import image_count, refine_batch, train_batch, unseen_count, walk_batch
from .budget import Choice
from .config import PruneConfig
from .distill import Distillation, distill
from .fidelity import Fidelity
from .layers import ROWS, Task, prune_layer, study
from .masks import Masks
from .model.copying import copied
from .model.norm_statistics import bn_gap
from .model.outputs import trial
from .model.precision import Form, exact, laid_out
from .model.state import all_tensors_in, device_of, frozen_in, tensors_in
from .model.walk import Visit, require_own_maps, walk
from .normalisation import Normalisation
from .reach import times_within_reach
from .report import LayerReport, PruneReport
from .sensitivity import Curve
from .sources import draw
from .sources.refinement import refine
from .statistics import Sample
from .structures import DENSE
from .support.checkpoint import Checkpoint, Record
from .support.distributed import Group
from .support.fingerprint import fingerprint
from .support.progress import Progress, Schedule
from .support.seeds import generator, seeded

_WORSE = 2.0  # a gap so many times as large, on images that distillation has not seen, is no accident


@dataclass(frozen=True)
class PruneResult:
    """model: the pruned copy, in eval mode.  masks: its zeros.  report: what was done (print it)."""

    model: nn.Module
    masks: Masks
    report: PruneReport


def prune(
    model: nn.Module,
    input_shape: tuple[int, int, int],
    config: PruneConfig,
    progress: Progress | None = None,
    checkpoint: Path | str | None = None,
) -> PruneResult:
    """Prunes a trained model's convolutions, without any data.

    model: float32, on the CPU or a CUDA device; it is copied, not changed.
    input_shape: (channels, height, width).
    progress: called with a description of the current work and the fraction of the run that is done, 0..1.
    checkpoint: a folder for finished work, layer by layer. A run that was killed resumes from it, with the
        same result to the bit on the CPU. The folder is kept, so delete it once the result is safe; but it is
        removed when a layer or the distillation diverges, or the budgets cannot be met, since other options
        must be given then.

    If torch.distributed is initialised, its processes share the images, and all return the same masks.
    The first convolution, convolutions of kinds that the config does not name, and those used more than once
    stay dense.
    Raises ValueError when the model cannot be copied, cannot run on that shape, changes its input in place,
    keeps maps between calls, holds NaN or has nothing to prune, when the budgets cannot be met, and when a
    layer or the distillation diverges; RuntimeError when the processes disagree.
    """
    shape = checks.image_shape(input_shape)
    checks.check_inputs(model, shape, config)
    # Moments need full precision, whatever autocast the caller is in. The cache is off because steps that use
    # half precision are nested in this context: only its end would empty the cache, of weights long changed.
    plain = partial(torch.autocast, enabled=False, cache_enabled=False)
    # Our random numbers are drawn on the CPU, whatever torch.set_default_device says. The model's device is
    # entered around its calls, for tensors that it makes without naming one.
    with plain("cpu"), plain("cuda"), exact(), seeded(config.seed, device_of(model)), _default_is_cpu():
        return _Run(model, shape, config, progress, checkpoint).result()


def _default_is_cpu() -> AbstractContextManager[object]:
    """A context that costs nothing where it is so already: torch.device makes each call of torch slower."""
    cpu = torch.device("cpu")
    return nullcontext() if torch.get_default_device() == cpu else cpu


@dataclass(frozen=True)
class _AsPruned:
    """The pruned model before distillation, to return to if distillation does harm.

    kept: its fidelity.  learnt: whether it could be distilled.
    """

    weights: dict[str, Tensor]
    kept: Fidelity
    learnt: bool


class _Run:
    """The steps, and what they share."""

    def __init__(
        self,
        model: nn.Module,
        input_shape: tuple[int, int, int],
        config: PruneConfig,
        progress: Progress | None,
        checkpoint: Path | str | None,
    ) -> None:
        self.config, self.shape, self.group = config, input_shape, Group.current()
        self.dense, self.pruned = copied(model), copied(model)
        self.dense.requires_grad_(False)
        self.teacher, self.student = (
            checks.traced(m, input_shape, config) for m in (self.dense, self.pruned)
        )
        self.normalise = Normalisation(config.mean, config.std)
        self.device = device_of(self.dense)
        some = self.draw(6, "try").to(self.device)
        require_own_maps(self.dense, self.teacher.sites, list(some.split(4)))  # even: models may take pairs
        identity = fingerprint(all_tensors_in(model), input_shape, config, frozen_in(model))
        self.group.require_same(identity, "the model or the options")
        self.store = Checkpoint(checkpoint, identity, self.group)
        with self.device:
            answers = trial(self.dense, input_shape)
        self.store.require_same_answers(answers)
        weights = [site.conv.weight for site in self.teacher.sites]
        self.libraries = codesign.libraries_of(config, weights)
        self.count = image_count(config, self.teacher)
        self.batch = train_batch(input_shape, self.teacher)
        self.schedule = Schedule(
            progress if self.group.first else None,
            effort.costs(config, self.teacher, self.count, input_shape),
        )

    def result(self) -> PruneResult:
        times = times_within_reach(
            self.config, self.teacher, self.libraries, self.group, self.store, self.schedule
        )
        made = self.store.step("images", self.make_images)
        images = made.tensors["images"].to(self.device)
        batches = list(images.split(walk_batch(len(images), self.batch)))
        first, own = self.group.share(batches)
        checks.check_shares(len(batches), len(images), self.batch, self.group)
        sample = Sample(self.config.seed, ROWS, len(images), first)

        with self.schedule.stage("measure"):
            gap = bn_gap(self.dense, self.teacher.norms, own, self.group) if self.teacher.norms else None
            trusted = gap is None or gap.fits_least_squares
            method = self.config.admm if trusted or self.config.admm == "gradient" else "none"
            task = Task(
                {size: library.to(self.device) for size, library in self.libraries.items()},
                codesign.structures_of(self.config), sample, self.group, method, trusted,
            )  # fmt: skip
            if self.config.allocation == "adaptive":
                curves = self.measure_curves(own, task)
            else:
                curves = codesign.lossless(self.config, self.teacher, self.libraries)
        try:
            choices = codesign.choose(self.config, self.teacher, self.libraries, curves, times)
        except ValueError:  # the budgets cannot be met together; with others, the checkpoint is of no use
            self.store.discard()
            raise
        layers, masks = self.prune_layers(own, task, choices)
        unseen = self.draw(unseen_count(self.shape), "compare").to(self.device)
        as_pruned = self.distil(masks, images, unseen) if self.config.distill_steps and trusted else None
        with self.schedule.stage("compare"):
            kept = self.measure_fidelity(unseen)
        undone = as_pruned is not None and self.group.from_first(not kept.gap <= _WORSE * as_pruned.kept.gap)
        if as_pruned is not None and undone:
            self.pruned.load_state_dict(as_pruned.weights, strict=False)
            kept = as_pruned.kept
        self.schedule.finish()
        masks.verify(self.pruned)
        self.group.require_same(fingerprint(tensors_in(self.pruned)), "the pruned weights")
        size = sum(p.numel() for p in self.pruned.parameters())
        report = PruneReport(
            layers, self.student.dense, size, gap, kept, seconds=self.schedule.seconds,
            times=codesign.times_of(self.config, self.teacher, choices, times),
            processes=self.group.size, threads=torch.get_num_threads(),
        )  # fmt: skip
        unlearnt = bool(made.values.get("unrefined")) or (as_pruned is not None and not as_pruned.learnt)
        report.warnings.extend(warnings_for(report, self.config, trusted, undone, unlearnt))
        return PruneResult(self.pruned, masks, report)

    def distil(self, masks: Masks, images: Tensor, unseen: Tensor) -> _AsPruned:
        """Distils the pruned model in place. Returns what it was before, with its fidelity on `unseen`."""
        with self.schedule.stage("distill"):
            weights = {name: tensor.clone() for name, tensor in tensors_in(self.pruned).items()}
            kept = self.measure_fidelity(unseen)
            run = Distillation(
                self.config.distill_steps, self.batch, self.config.seed,
                self.group, self.store, self.schedule.advance,
            )  # fmt: skip
            layers = [site.name for site in self.student.sites]
            learnt = distill(self.pruned, self.dense, layers, masks, images, run)
        return _AsPruned(weights, kept, learnt)

    def measure_fidelity(self, unseen: Tensor) -> Fidelity:
        with self.device:
            return fidelity.measure(self.dense, self.pruned, unseen, self.batch)

    def draw(self, count: int, purpose: str) -> Tensor:
        """Images (count, C, H, W), normalised, different for each purpose."""
        return self.normalise(draw(self.config.source, count, self.shape, self.config.seed, purpose))

    def make_images(self) -> Record:
        """The same images on every process, normalised."""
        with self.schedule.stage("draw"):
            images = self.draw(self.count, "prune")
        if not (self.config.refine_steps and self.teacher.norms):
            return Record({"images": images})
        with self.schedule.stage("refine"), laid_out(self.shape, self.dense) as form:
            refined = self.refine(list(images.split(refine_batch(self.shape, self.teacher))), form)
        unrefined = torch.equal(refined, images)  # the model gives no gradients
        return Record({"images": refined}, {"unrefined": unrefined})

    def refine(self, batches: list[Tensor], form: Form) -> Tensor:
        """Refines all batches, one per process at a time, and keeps each: nothing else takes as long."""
        records = {number: self.store.load(f"refined-{number}") for number in range(len(batches))}
        images = {number: record.tensors["images"] for number, record in records.items() if record}
        missing = [number for number in records if number not in images]
        for turn in (missing[i : i + self.group.size] for i in range(0, len(missing), self.group.size)):
            own = [batches[0][:0].to(self.device)]
            for number in turn[self.group.rank :][:1]:

                def advance(fraction: float, turn: list[int] = turn) -> None:
                    self.schedule.advance((len(images) + fraction * len(turn)) / len(batches))

                random = generator(self.config.seed, "refine", number)
                own.append(
                    refine(
                        self.dense, self.teacher.norms, batches[number].to(self.device), self.normalise,
                        self.config.refine_steps, form, random, advance,
                    )
                )  # fmt: skip
            refined = self.group.joined(torch.cat(own)).cpu()
            sizes = [len(batches[number]) for number in turn]
            for number, batch in zip(turn, refined.split(sizes), strict=True):
                images[number] = batch
                self.store.save(f"refined-{number}", Record({"images": batch}))
        return torch.cat([images[number] for number in range(len(batches))])

    def measure_curves(self, batches: list[Tensor], task: Task) -> dict[str, dict[str, Curve]]:
        """Layer -> structure -> its error at each rate."""
        curves = {}
        with closing(walk(self.dense, self.teacher.sites, batches)) as visits:
            for visit in visits:
                name = visit.site.name
                self.schedule.reach(name)

                def make(visit: Visit = visit) -> Record:
                    found = study(visit, task).items()
                    return Record(values={key: [c.rates.tolist(), c.errors.tolist()] for key, c in found})

                with checks.blaming(name, self.store):
                    record = self.store.step(f"curve-{name}", make)
                curves[name] = {
                    key: Curve(*(torch.tensor(values, dtype=torch.float64) for values in pair))
                    for key, pair in record.values.items()
                }
        return curves

    def prune_layers(
        self, batches: list[Tensor], task: Task, choices: dict[str, Choice]
    ) -> tuple[list[LayerReport], Masks]:
        """Prunes layer by layer. The dense model runs in step, so that only one layer's targets are held."""
        layers, masks = [], {}
        with (
            self.schedule.stage("prune"),
            closing(walk(self.dense, self.teacher.sites, batches)) as before,
            closing(walk(self.pruned, self.student.sites, batches)) as now,
        ):
            for dense, visit in zip(before, now, strict=True):
                name = visit.site.name
                self.schedule.reach(name)

                def make(dense: Visit = dense, visit: Visit = visit) -> Record:
                    mask, report = prune_layer(dense, visit, choices[visit.site.name], task)
                    return Record({"mask": mask, **visit.site.state()}, asdict(report))

                with checks.blaming(name, self.store):
                    record = self.store.step(f"layer-{name}", make)
                visit.site.restore(record.tensors)
                if choices[name].structure is not DENSE:
                    masks[name] = record.tensors["mask"]
                layers.append(LayerReport.from_dict(record.values))
                self.group.require_same(fingerprint(record.tensors), f"the masks or weights of {name}")
        return layers, Masks(masks)
