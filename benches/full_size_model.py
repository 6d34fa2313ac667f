"""Writes a model with ERNIE-Image's published configuration (8 billion parameters, text encoder Ministral 3 3B, FLUX.2 autoencoder) in
random bf16 weights, in diffusers layout: 23 GB, one shard of which is in memory at a time. Fewer layers make it smaller.

usage: python benches/full_size_model.py FOLDER TOKENIZER_FOLDER [--layers 36] [--text-layers 26]
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKLFlux2, ErnieImageTransformer2DModel, FlowMatchEulerDiscreteScheduler
from safetensors.torch import save_file
from transformers import Mistral3Config, Mistral3Model

torch.set_grad_enabled(False)
SHARD_BYTES = 1 << 30


def random_tensor(name, shape, generator):
    """Weights that keep variance, norms and variances near one, small biases."""
    if len(shape) == 0:
        return torch.zeros((), dtype=torch.int64)
    is_bias = name.endswith(("bias", "running_mean"))
    spread = 0.02 if len(shape) == 1 else torch.Size(shape[1:]).numel() ** -0.5
    tensor = torch.empty(shape, dtype=torch.bfloat16).normal_(0, spread, generator=generator)
    return tensor if len(shape) > 1 or is_bias else tensor.add_(1)


def write_weights(module, folder, stem):
    """The weights that a module on the meta device would have, in shards."""
    folder.mkdir(parents=True)
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    shards, room = [[]], SHARD_BYTES
    for name, shape in shapes.items():
        size = 2 * torch.Size(shape).numel()
        if size > room and shards[-1]:
            shards.append([])
            room = SHARD_BYTES
        shards[-1].append(name)
        room -= size
    generator = torch.Generator().manual_seed(0)
    weight_map = {}
    for number, names in enumerate(shards, 1):
        file = f"{stem}-{number:05}-of-{len(shards):05}.safetensors"
        save_file({name: random_tensor(name, shapes[name], generator) for name in names}, folder / file, {"format": "pt"})
        weight_map.update(dict.fromkeys(names, file))
    total = sum(2 * torch.Size(shape).numel() for shape in shapes.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / f"{stem}.safetensors.index.json").write_text(json.dumps(index))
    print(folder.name, f"{total / 2e6:.0f} million parameters, {total / 1e9:.2f} GB", flush=True)


def text_config(layers):
    rope = {
        "rope_type": "yarn", "rope_theta": 1e6, "factor": 16.0, "original_max_position_embeddings": 16384, "beta_fast": 32.0,
        "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1,
    }
    return Mistral3Config(
        text_config={
            "model_type": "ministral3", "vocab_size": 131072, "hidden_size": 3072, "intermediate_size": 9216, "num_hidden_layers": layers,
            "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "max_position_embeddings": 262144,
            "rope_parameters": rope,
        },
        # Prompts never reach it.
        vision_config={
            "model_type": "pixtral", "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "head_dim": 8, "image_size": 32, "patch_size": 16,
        },
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("--layers", type=int, default=36)
    parser.add_argument("--text-layers", type=int, default=26)
    options = parser.parse_args()
    root = options.folder
    root.mkdir(parents=True)
    with torch.device("meta"):
        denoiser = ErnieImageTransformer2DModel(
            hidden_size=4096, num_attention_heads=32, num_layers=options.layers, ffn_hidden_size=12288, text_in_dim=3072
        )
        text = Mistral3Model(text_config(options.text_layers))
        vae = AutoencoderKLFlux2()
    write_weights(denoiser, root / "transformer", "diffusion_pytorch_model")
    denoiser.save_config(root / "transformer")
    write_weights(text, root / "text_encoder", "model")
    text.config.save_pretrained(root / "text_encoder")
    write_weights(vae, root / "vae", "diffusion_pytorch_model")
    vae.save_config(root / "vae")
    FlowMatchEulerDiscreteScheduler(shift=4.0).save_pretrained(root / "scheduler")
    shutil.copytree(options.tokenizer, root / "tokenizer")
    classes = {
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"], "text_encoder": ["transformers", "Mistral3Model"],
        "tokenizer": ["transformers", "TokenizersBackend"], "transformer": ["diffusers", "ErnieImageTransformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLFlux2"],
    }
    index = {"_class_name": "ErnieImagePipeline", "_diffusers_version": "0.42.1", **classes}
    (root / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")


main()
