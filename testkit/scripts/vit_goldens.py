"""Writes goldens/classifiers/vit/: a tiny seeded-random ViTForImageClassification, and what transformers says of the pictures of
goldens/classifiers/open-nsfw/, for engine/tests/classifiers.rs.

usage: python testkit/scripts/vit_goldens.py   (needs numpy, pillow, torch and transformers; run open_nsfw_goldens.py first)
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import ViTConfig, ViTForImageClassification

torch.manual_seed(0)
torch.set_grad_enabled(False)
goldens = Path(__file__).parents[1] / "goldens" / "classifiers"
folder = goldens / "vit"
config = ViTConfig(
    hidden_size=24,
    num_hidden_layers=2,
    num_attention_heads=3,
    intermediate_size=40,
    image_size=32,
    patch_size=8,
    id2label={0: "normal", 1: "nsfw", 2: "violence"},
)
model = ViTForImageClassification(config).eval()
for parameter in model.parameters():
    # Larger than a fresh model's, so that the answer depends on the picture.
    parameter.copy_(torch.randn_like(parameter) * 0.6)
model.save_pretrained(folder)
reading = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "resample": 3,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
}
(folder / "preprocessor_config.json").write_text(json.dumps(reading, indent=2) + "\n")
scores = {}
for path in sorted((goldens / "open-nsfw").glob("*.png")):
    picture = Image.open(path).convert("RGB")
    # Rows first, then columns: the order of Pillow for most of its life; Pillow 13 chooses it by the sizes.
    picture = picture.resize((32, picture.height), Image.Resampling.BICUBIC).resize((32, 32), Image.Resampling.BICUBIC)
    values = (np.asarray(picture, dtype=np.float64) / 255 - reading["image_mean"]) / reading["image_std"]
    pixels = torch.tensor(values, dtype=torch.float32).permute(2, 0, 1)[None]
    scores[path.stem] = model(pixel_values=pixels).logits.softmax(-1)[0].tolist()
    print(path.stem, scores[path.stem])
(folder / "scores.json").write_text(json.dumps(scores, indent=2) + "\n")
