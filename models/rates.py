"""How fast weights move along a training, and over how many steps they are averaged."""

from __future__ import annotations

import math


class Rates:
    """For settings that have `steps`, `learning_rate`, `warmup` and `ema`: what they mean at each step."""

    steps: int
    learning_rate: float
    warmup: float
    ema: float

    def rate(self, step: int) -> float:
        """Learning rate: a linear rise, then a cosine to zero at the last step."""
        done = step / self.steps
        if done < self.warmup:
            return self.learning_rate * done / self.warmup
        fall = (done - self.warmup) / (1 - self.warmup) if self.warmup < 1 else 0.0
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * fall))

    def averaging(self, step: int) -> float:
        """Weight of the newest in the moving average, which is never longer than a tenth of the past."""
        return 1.0 / max(1.0, min(self.ema * self.steps, 0.1 * step))
