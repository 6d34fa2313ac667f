"""Writes goldens/random.safetensors: what torch.Generator("cpu") yields, for engine/tests/random.rs.

usage: python testkit/scripts/random_goldens.py   (needs torch and safetensors)

Names are `SEED/INDEX/KIND/SIZE`: the calls of one seed in order, on one generator.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

SIZES = [1, 2, 5, 15, 16, 17, 31, 32, 100, 4096]
SEEDS = [0, 1, 42, 1234567, 2**32 + 5]

tensors = {}
for seed in SEEDS:
    generator = torch.Generator("cpu").manual_seed(seed)
    calls = [("u32", 700 if seed == 42 else 3)]
    calls += [("f32", size) for size in SIZES]
    calls += [("bf16", size) for size in SIZES if size <= 100]
    calls += [("f32", 3), ("uniform", 9), ("f32", 20), ("f32", 2), ("bf16", 3), ("f32", 4)]
    for index, (kind, size) in enumerate(calls):
        if kind == "u32":
            # random_() on int32 takes the low 31 bits of one draw of the engine.
            value = torch.empty(size, dtype=torch.int32).random_(generator=generator)
        elif kind == "uniform":
            value = torch.rand(size, generator=generator)
        else:
            value = torch.randn(size, generator=generator, dtype={"f32": torch.float32, "bf16": torch.bfloat16}[kind])
        tensors[f"{seed}/{index:02}/{kind}/{size}"] = value
save_file(tensors, Path(__file__).parent.parent / "goldens" / "random.safetensors", metadata={"torch": torch.__version__.split("+")[0]})
