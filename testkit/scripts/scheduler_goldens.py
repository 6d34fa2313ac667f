"""Writes goldens/schedulers.json: sigmas, timesteps and steps of diffusers' FlowMatchEulerDiscreteScheduler, for
engine/tests/scheduler.rs.

usage: python testkit/scripts/scheduler_goldens.py   (needs diffusers, torch and scipy)
"""

import json
from pathlib import Path

import diffusers
import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

ERNIE_IMAGE = {"shift": 4.0}
Z_IMAGE = {"shift": 3.0}
Z_IMAGE_BASE = {"shift": 6.0}
QWEN_IMAGE = {
    "base_image_seq_len": 256,
    "base_shift": 0.5,
    "max_image_seq_len": 8192,
    "max_shift": 0.9,
    "shift": 1.0,
    "shift_terminal": 0.02,
    "time_shift_type": "exponential",
    "use_dynamic_shifting": True,
}
FLUX_2 = {"base_shift": 0.5, "max_shift": 1.15, "shift": 3.0, "use_dynamic_shifting": True, "time_shift_type": "exponential"}

CONFIGURATIONS = {
    "default": {},
    "ernie_image": ERNIE_IMAGE,
    "z_image": Z_IMAGE,
    "z_image_base": Z_IMAGE_BASE,
    "qwen_image": QWEN_IMAGE,
    "flux_2": FLUX_2,
    "linear_shift": {"use_dynamic_shifting": True, "time_shift_type": "linear"},
    "terminal_static": {"shift": 3.0, "shift_terminal": 0.1},
    "karras": {"shift": 3.0, "use_karras_sigmas": True},
    "exponential": {"shift": 4.0, "use_exponential_sigmas": True},
    "beta": {"shift": 4.0, "use_beta_sigmas": True},
    "beta_dynamic": {**QWEN_IMAGE, "use_beta_sigmas": True},
    "karras_terminal": {"shift": 2.0, "shift_terminal": 0.05, "use_karras_sigmas": True},
    "inverted": {"shift": 3.0, "invert_sigmas": True},
    "stochastic": {"shift": 4.0, "stochastic_sampling": True},
    "other_train_timesteps": {"num_train_timesteps": 500, "shift": 2.5},
}


def sigma_lists(count):
    return {
        "count": None,
        "to_zero": torch.linspace(1.0, 0.0, count + 1)[:-1].tolist(),
        "to_one_over_n": np.linspace(1.0, 1 / count, count).tolist(),
    }


cases = []
for name, configuration in CONFIGURATIONS.items():
    for count in (1, 2, 4, 9, 30):
        for sigmas_name, sigmas in sigma_lists(count).items():
            degenerate = count == 1 and configuration.get("shift_terminal")
            if degenerate:
                continue
            for mu in (0.6, 1.15, 2.3) if configuration.get("use_dynamic_shifting") else (None,):
                scheduler = FlowMatchEulerDiscreteScheduler(**configuration)
                scheduler.set_timesteps(num_inference_steps=count if sigmas is None else None, sigmas=sigmas, mu=mu)
                if not torch.isfinite(scheduler.sigmas).all():
                    continue
                case = {
                    "name": f"{name}/{sigmas_name}/{count}/{mu}",
                    "configuration": configuration,
                    "count": count,
                    "input_sigmas": sigmas,
                    "mu": mu,
                    "sigmas": scheduler.sigmas.tolist(),
                    "timesteps": scheduler.timesteps.tolist(),
                }
                if count == 4 and mu in (None, 1.15):
                    generator = torch.Generator("cpu").manual_seed(7)
                    sample = torch.randn(6, generator=generator)
                    case["sample"], case["model_outputs"], case["noises"], case["samples"] = sample.tolist(), [], [], []
                    for timestep in scheduler.timesteps:
                        output = torch.randn(6, generator=generator)
                        replay = torch.Generator("cpu")
                        replay.set_state(generator.get_state())
                        sample = scheduler.step(output, timestep, sample, generator=generator).prev_sample
                        case["model_outputs"].append(output.tolist())
                        case["noises"].append(torch.randn(6, generator=replay).tolist())
                        case["samples"].append(sample.tolist())
                cases.append(case)

document = {"diffusers": diffusers.__version__, "cases": cases}
path = Path(__file__).parent.parent / "goldens" / "schedulers.json"
path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
print(f"{len(cases)} cases, {path.stat().st_size} bytes")
