"""8-bit weights in the int8_tensorwise layout with convrot, by the layout's own definition and with PyTorch alone.

    python int8_layout.py golden OUT.safetensors       a tiny file with layers, inputs and the outputs they must give
    python int8_layout.py check ORIGINAL QUANTISED     that a folder written by `danqing model quantize` says what it should

`check` restores every quantised layer of QUANTISED's transformer from its three tensors and compares it with ORIGINAL's."""
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def rotation(group: int) -> torch.Tensor:
    four = torch.tensor([[1, 1, 1, -1], [1, 1, -1, 1], [1, -1, 1, 1], [-1, 1, 1, 1]], dtype=torch.float64) / 2
    matrix = torch.ones(1, 1, dtype=torch.float64)
    while matrix.shape[0] < group:
        matrix = torch.kron(matrix, four)
    assert matrix.shape[0] == group, f"{group} is not a power of four"
    return matrix


def rotate(x: torch.Tensor, group: int) -> torch.Tensor:
    return (x.double().reshape(*x.shape[:-1], -1, group) @ rotation(group)).reshape(x.shape)


def rounded(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    scale = x.abs().amax(dim=-1, keepdim=True) / 127
    return (x / scale).round().clamp(-127, 127), scale


def mark(group: int | None) -> torch.Tensor:
    text = {"format": "int8_tensorwise"} | ({"convrot": True, "convrot_groupsize": group} if group else {})
    return torch.tensor(list(json.dumps(text).encode()), dtype=torch.uint8)


def golden(out: str) -> None:
    generator = torch.Generator().manual_seed(11)
    tensors = {}
    for name, outputs, inputs, group in [("plain", 70, 48, None), ("by_16", 5, 48, 16), ("by_64", 24, 128, 64), ("by_256", 16, 256, 256)]:
        weight = torch.randn(outputs, inputs, generator=generator)
        x = torch.randn(9, inputs, generator=generator)
        x[:, 3] *= 40
        turned = rotate(weight, group) if group else weight.double()
        integers, scales = rounded(turned)
        rows, row_scales = rounded(rotate(x, group) if group else x.double())
        tensors |= {
            f"{name}.weight": integers.to(torch.int8),
            f"{name}.weight_scale": scales.float(),
            f"{name}.comfy_quant": mark(group),
            f"{name}.input": x,
            f"{name}.output": ((rows @ integers.T) * row_scales * scales.T).float(),
            f"{name}.original": weight,
        }
    save_file(tensors, out)


def check(original: str, quantised: str) -> None:
    def tensors(folder: str) -> dict[str, torch.Tensor]:
        return {name: tensor for file in sorted(Path(folder, "transformer").glob("*.safetensors")) for name, tensor in load_file(file).items()}

    before, after = tensors(original), tensors(quantised)
    layers = [name.removesuffix(".comfy_quant") for name in after if name.endswith(".comfy_quant")]
    worst = 0.0
    for layer in layers:
        text = json.loads(bytes(after.pop(f"{layer}.comfy_quant").tolist()))
        assert text["format"] == "int8_tensorwise", text
        weight, scale = after.pop(f"{layer}.weight"), after.pop(f"{layer}.weight_scale")
        assert weight.dtype == torch.int8 and scale.shape == (weight.shape[0], 1), layer
        restored = weight.double() * scale.double()
        if text.get("convrot"):
            restored = rotate(restored, text["convrot_groupsize"])
        wanted = before.pop(f"{layer}.weight").double()
        worst = max(worst, ((restored - wanted).norm() / wanted.norm()).item())
    for name, tensor in before.items():
        assert torch.equal(tensor, after.pop(name)), name
    assert not after, sorted(after)
    print(f"{len(layers)} layers in 8 bits, largest relative error of a restored weight {worst:.5f}; all else is equal")


if __name__ == "__main__":
    {"golden": golden, "check": check}[sys.argv[1]](*sys.argv[2:])
