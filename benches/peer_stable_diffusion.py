"""stable-diffusion.cpp as a peer of `cargo xtask bench`, through its Python package built from source for this processor."""

import os

from protocol import WARMING, prompt_of, serve

import stable_diffusion_cpp
from stable_diffusion_cpp import StableDiffusion


def picture(order):
    folder = f"{order['folder']}/stable-diffusion"
    model = StableDiffusion(
        diffusion_model_path=f"{folder}/transformer.safetensors",
        llm_path=f"{folder}/text_encoder.safetensors",
        vae_path=f"{folder}/vae.safetensors",
        wtype=order["wtype"],
        vae_decode_only=True,
        diffusion_flash_attn=True,
        n_threads=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        verbose=False,
    )

    def run(index):
        for seed in range(order["count"]):
            model.generate_image(
                prompt=prompt_of(order, index), width=order["width"], height=order["height"],
                sample_steps=1 if index == WARMING else order["steps"], cfg_scale=order["guidance_scale"], sample_method="euler", seed=seed,
            )

    return run


serve(lambda: {"versions": f"stable-diffusion.cpp ({stable_diffusion_cpp.__version__} of its Python package)"}, {"picture": picture})
