"""What a pruning run is asked to do."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

LEAST_RATE = 9 / 4  # every kept kernel holds 4 of its 9 weights
MOST_RATE = 45.0  # beyond this a layer is left with next to nothing


class PruneConfig(BaseModel):
    """Budgets, the model's input normalisation, and the effort to spend. Unknown keys are errors.

    rate: the weights of the pruned 3x3 convolutions shrink by at least this factor.
    macs: their multiply-accumulates shrink by at least this factor. Give either, or both: then both hold.
        Budgets are met to 1 % where the layers are large enough; 2.25 (4 of 9) is the least a run can prune.
    mean, std: per channel, for pixels in 0..1, as torchvision's Normalize.
    dense: names of convolutions to leave alone, besides those that are never pruned.
    patterns: size of the pattern library, 1 to 56.
    source: "mix" draws dead leaves and pink noise; "uniform" draws the i.i.d. noise of arXiv:2003.06513.
    images: how many synthetic images; None chooses by the input's size.
    refine_steps: steps that pull the images towards the statistics kept in the BatchNorms; 0 for none.
    distill_steps: steps of whole-model distillation after pruning, masks fixed; 0 for none.
    seed: the same seed gives the same result on the same machine and thread count.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: float | None = Field(None, ge=1.0, le=MOST_RATE)
    macs: float | None = Field(None, ge=1.0, le=MOST_RATE)
    mean: tuple[float, ...]
    std: tuple[float, ...]
    dense: tuple[str, ...] = ()
    patterns: int = Field(8, ge=1, le=56)
    source: Literal["mix", "uniform"] = "mix"
    images: int | None = Field(None, ge=16, le=65536)
    refine_steps: int = Field(12, ge=0, le=10000)
    distill_steps: int = Field(30, ge=0, le=100000)
    seed: int = Field(0, ge=0, lt=2**31)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, values: Any) -> Any:
        if isinstance(values, dict) and (unknown := sorted(set(values) - set(cls.model_fields))):
            raise ValueError(f"unknown option {', '.join(unknown)}; known: {', '.join(cls.model_fields)}")
        return values

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if max(self.rate or 1.0, self.macs or 1.0) <= 1.0:
            raise ValueError("nothing to do: set rate or macs (or both) above 1, for example rate=4.0")
        if len(self.mean) != len(self.std) or not self.mean:
            raise ValueError(f"mean has {len(self.mean)} channels and std {len(self.std)}: give one of each per channel")
        if min(self.std) <= 0:
            raise ValueError(f"std must be positive, not {self.std}")
        return self
