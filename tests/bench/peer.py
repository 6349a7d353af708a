"""One peer, trained on the 64 one-dot pictures of 8x8 until nine samples in ten are crisp and separated.

`learners.py` starts it in a process of its own, with the peers' packages on the path; it prints a line of
JSON per check. Sampling and checking are not on the clock.

    python tests/bench/peer.py smalldiffusion '{"ch": 32}' '{"learning_rate": 1e-3}' 300
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

import grammars
from grammars import Grid

SIDE, SAMPLES, ENOUGH = 8, 128, 0.9
FIRST, GROWTH = 20.0, 1.6  # CPU seconds until the first check, and from check to check
Sampler = Callable[[int], torch.Tensor]


class PassThrough:
    """In the place of `accelerate.Accelerator`: one device, one process, and nothing on the clock."""

    device = torch.device("cpu")

    def prepare(self, *things: Any) -> Any:
        return things if len(things) > 1 else things[0]

    def backward(self, loss: torch.Tensor) -> None:
        loss.backward()


class Anything(ModuleType):
    """A module that has whatever is imported from it: readers of picture files, of which there are none."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return PassThrough if name == "Accelerator" else lambda *_, **__: None


def without_torchvision() -> None:
    """The peers import torchvision and accelerate for what is not used here, and torchvision would replace
    torch."""
    for name in ("torchvision", "torchvision.transforms", "accelerate"):
        module = Anything(name)
        module.__spec__ = ModuleSpec(name, None)
        sys.modules[name] = module
    sys.modules["torchvision"].transforms = sys.modules["torchvision.transforms"]  # type: ignore[attr-defined]


def pictures() -> torch.Tensor:
    """float32[64, 1, 8, 8], black 0 and white 1."""
    return torch.eye(SIDE * SIDE).view(-1, 1, SIDE, SIDE)


def batches(size: int) -> Iterator[torch.Tensor]:
    """All pictures in a new order, over and over."""
    own = pictures()
    while True:
        order = torch.randperm(len(own))
        yield from (own[part] for part in order.split(size))


def denoising_diffusion_pytorch(
    network: dict[str, Any], training: dict[str, Any]
) -> tuple[Any, Any, Sampler]:
    """Model, one training step, sampler: its Trainer's loop (Adam, clipped gradients, EMA), DDIM."""
    from denoising_diffusion_pytorch import GaussianDiffusion, Unet
    from ema_pytorch import EMA

    model = Unet(channels=1, **network)
    diffusion = GaussianDiffusion(model, image_size=SIDE, sampling_timesteps=training.get("sampling", 50))
    optimiser = torch.optim.Adam(diffusion.parameters(), lr=training["learning_rate"], betas=(0.9, 0.99))
    average = EMA(diffusion, beta=0.995, update_every=10)
    stream = batches(training["batch"])

    def step() -> None:
        diffusion.train()
        diffusion(next(stream)).backward()
        torch.nn.utils.clip_grad_norm_(diffusion.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        average.update()

    def sample(n: int) -> torch.Tensor:
        average.ema_model.eval()
        return average.ema_model.sample(batch_size=n)

    return model, step, sample


def smalldiffusion(network: dict[str, Any], training: dict[str, Any]) -> tuple[Any, Any, Sampler]:
    """Model, one training step, sampler: its `training_loop` and `samples` as in its example of pictures."""
    from ema_pytorch import EMA
    from smalldiffusion import Scaled, ScheduleDDPM, ScheduleLogLinear, Unet, samples, training_loop

    shape = {key: tuple(value) if isinstance(value, list) else value for key, value in network.items()}
    kind = Scaled(Unet) if training.get("scaled", True) else Unet
    model = kind(SIDE, 1, 1, **shape)
    noise = {"ddpm": ScheduleDDPM, "loglinear": ScheduleLogLinear}[training.get("schedule", "ddpm")](1000)
    # One endless epoch; pixels are -1 and 1, as its own `img_train_transform` makes them.
    loader = (batch * 2 - 1 for batch in batches(training["batch"]))
    loop = training_loop(loader, model, noise, PassThrough(), 1, lr=training["learning_rate"])
    average = EMA(model, beta=0.99, update_every=1, update_after_step=0)
    next(loop)

    def step() -> None:
        next(loop)  # ends with the loss of the next batch at hand
        average.update()

    def sample(n: int) -> torch.Tensor:
        *_, last = samples(
            average.ema_model, noise.sample_sigmas(training.get("sampling", 20)), gam=1.6, batchsize=n,
            accelerator=PassThrough(),
        )  # fmt: skip
        return (last + 1) / 2

    return model, step, sample


PEERS = {"denoising-diffusion-pytorch": denoising_diffusion_pytorch, "smalldiffusion": smalldiffusion}


def judged(samples: torch.Tensor) -> dict[str, float]:
    """Shares of the samples that are crisp and separated, and among those of the ones with no dot."""
    values = samples.detach().float().numpy().reshape(-1, SIDE, SIDE)
    crisp = ((abs(values) <= 0.25) | (abs(values - 1) <= 0.25)).all(axis=(1, 2))
    dots = grammars.load("dots", space=Grid(SIDE, SIDE)).parse("dots(k=between(0, 64))", "Set").denote()
    valid = crisp & dots.contains(values > 0.5)
    black = valid & ~(values > 0.5).any(axis=(1, 2))
    return {"valid": float(valid.mean()), "black": float(black.mean())}


def enough(found: dict[str, float]) -> bool:
    """Nine in ten, and no answer of black to everything."""
    return found["valid"] >= ENOUGH and found["black"] <= 0.5


def main(name: str, network: dict[str, Any], training: dict[str, Any], cap: float) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(training.get("seed", 0))
    without_torchvision()
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):  # progress bars
        model, step, sample = PEERS[name](network, training)
        parameters = sum(weight.numel() for weight in model.parameters())
        clock, steps, check, found = 0.0, 0, FIRST, {"valid": 0.0, "black": 0.0}
        while clock < cap and not enough(found):
            began = time.process_time()
            while clock + time.process_time() - began < min(check, cap):
                step()
                steps += 1
            clock += time.process_time() - began
            check *= GROWTH
            with torch.no_grad():
                found = judged(sample(SAMPLES))
            line = {"seconds": clock, "steps": steps, "parameters": parameters, **found}
            print(json.dumps({key: round(value, 4) for key, value in line.items()}), flush=True)
    print(json.dumps({"reached": enough(found)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3]), float(sys.argv[4]))
