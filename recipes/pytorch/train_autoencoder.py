"""Trains the autoencoder of models/xiaopin with PyTorch and diffusers, as an initialisation for `danqing train --initialise`.

    npm pack @lobehub/fluent-emoji-3d@1.1.0 && tar xzf lobehub-fluent-emoji-3d-1.1.0.tgz
    pip install torch diffusers pillow numpy
    python train_autoencoder.py --pictures package/assets --output init --minutes 30

Writes init/vae in diffusers layout. Architecture and loss are those of recipes/xiaopin.recipe.toml; the data are crops of pictures
on random backgrounds, without captions. All pictures of the package but skin-tone variants are used: the autoencoder has to
reproduce shapes, not to name them.
"""

import argparse
import glob
import math
import os
import random
import time

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLFlux2
from PIL import Image

SKIN_TONES = ("1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff")
PICTURE, SCENE, CROP, BATCH = 112, 128, 64, 24
PALETTE = torch.tensor(
    [[255, 255, 255], [225, 45, 45], [245, 140, 40], [250, 215, 50], [60, 170, 75], [60, 190, 200],
     [50, 105, 220], [140, 75, 190], [245, 160, 190], [140, 95, 60], [150, 150, 150], [25, 25, 28]]
) / 255.0


def load_pictures(folder):
    files = sorted(glob.glob(os.path.join(folder, "*.webp")))
    files = [f for f in files if not any(tone in os.path.basename(f) for tone in SKIN_TONES)]
    rows = [np.array(Image.open(f).convert("RGBA").resize((PICTURE, PICTURE), Image.LANCZOS)) for f in files]
    return torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2)


def scene_crop(pictures):
    picture = pictures[random.randrange(len(pictures))].float() / 255
    picture[:3] *= picture[3:]
    colour = PALETTE[random.randrange(len(PALETTE))] if random.random() < 0.7 else torch.rand(3)
    colour = (colour + 0.03 * torch.randn(3)).clamp(0, 1)
    scene = colour.view(3, 1, 1).expand(3, SCENE, SCENE).clone()
    if random.random() < 0.3:
        depth = torch.linspace(0, 1, SCENE).view(1, SCENE, 1)
        scene = scene * (1 - depth) + torch.rand(3).view(3, 1, 1) * depth
    side = random.choice([56, 72, 88, 96, 104, 112])
    if side != PICTURE:
        picture = F.interpolate(picture[None], size=(side, side), mode="bilinear", antialias=True)[0]
    if random.random() < 0.5:
        picture = picture.flip(-1)
    top, left = random.randint(0, SCENE - side), random.randint(0, SCENE - side)
    patch = scene[:, top:top + side, left:left + side]
    patch.mul_(1 - picture[3:]).add_(picture[:3])
    inside = [min(max(edge + random.randint(-CROP // 4, side - CROP // 2), 0), SCENE - CROP) for edge in (top, left)]
    return scene[:, inside[0]:inside[0] + CROP, inside[1]:inside[1] + CROP] * 2 - 1


def loss_of(autoencoder, pictures):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        posterior = autoencoder.encode(pictures).latent_dist
        deviation = torch.exp(0.5 * posterior.logvar.float())
        restored = autoencoder.decode(posterior.mean + deviation * torch.randn_like(deviation)).sample.float()
    divergence = 0.5 * (posterior.mean.float() ** 2 + posterior.logvar.float().exp() - 1 - posterior.logvar.float()).mean()
    error = restored - pictures
    edges = sum(error.diff(dim=axis).abs().mean() for axis in (2, 3))
    return error.abs().mean() + error.square().mean() + edges + 1e-3 * divergence, error.square().mean().item()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--minutes", type=float, default=30)
    options = parser.parse_args()
    torch.manual_seed(0)
    random.seed(0)
    pictures = load_pictures(options.pictures)
    autoencoder = AutoencoderKLFlux2(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, block_out_channels=(16, 32, 64, 64),
        decoder_block_out_channels=(24, 48, 96, 96), layers_per_block=1, latent_channels=16, norm_num_groups=8,
        mid_block_add_attention=False,
    ).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(autoencoder.parameters(), lr=2e-3, betas=(0.9, 0.95), weight_decay=0.0)
    start, step, limit = time.time(), 0, options.minutes * 60
    while (elapsed := time.time() - start) < limit:
        rate = 2e-3 * min(1, (step + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * elapsed / limit)) + 1e-5
        for group in optimiser.param_groups:
            group["lr"] = rate
        batch = torch.stack([scene_crop(pictures) for _ in range(BATCH)]).to(memory_format=torch.channels_last)
        loss, squared = loss_of(autoencoder, batch)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(autoencoder.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            print(f"{elapsed:.0f}s step {step} loss {loss.item():.4f} PSNR {10 * math.log10(4 / squared):.2f} dB {step * BATCH / elapsed:.1f} crops/s", flush=True)
    autoencoder.save_pretrained(os.path.join(options.output, "vae"))


if __name__ == "__main__":
    main()
