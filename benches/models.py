"""Writes the checkpoints of `cargo xtask bench`, with random weights, in diffusers layout: FOLDER/block, a transformer of three layers of
ERNIE-Image's size, FOLDER/pipeline, its architecture at middle scale, and FOLDER/wide, four layers of its published width, also as
stable-diffusion.cpp wants them. `--tiny`: the same in small, to try the benchmark out.

usage: python benches/models.py FOLDER TOKENIZER [--tiny]
"""

import shutil
import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKLFlux2, ErnieImagePipeline, ErnieImageTransformer2DModel, FlowMatchEulerDiscreteScheduler
from safetensors.torch import save_file
from transformers import AutoTokenizer, Mistral3Config, Mistral3Model

torch.set_grad_enabled(False)
arguments = [argument for argument in sys.argv[1:] if argument != "--tiny"]
root, tokenizer, tiny = Path(arguments[0]), arguments[1], "--tiny" in sys.argv
HEAD = 128  # with it, the rotary axes are those of the published checkpoint


def random(build):
    """A module in bf16 whose weights keep variance and whose norms are near one."""
    with torch.device("meta"):
        module = build()
    module = module.to(torch.bfloat16).to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(0)
    for name, parameter in module.named_parameters():
        spread = 0.02 if parameter.ndim == 1 else parameter[0].numel() ** -0.5
        parameter.normal_(0, spread, generator=generator)
        if parameter.ndim == 1 and name.endswith("weight"):
            parameter.add_(1)
    return module


def transformer(hidden, layers, feed_forward, text):
    return random(lambda: ErnieImageTransformer2DModel(
        hidden_size=hidden, num_attention_heads=hidden // HEAD, num_layers=layers, ffn_hidden_size=feed_forward, text_in_dim=text
    ))


def text_encoder(hidden, layers, feed_forward):
    # Heads, vocabulary and norms of Ministral 3 3B: stable-diffusion.cpp takes them for granted.
    rope = {
        "rope_type": "yarn", "rope_theta": 1e6, "factor": 16.0, "original_max_position_embeddings": 16384, "beta_fast": 32.0,
        "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1,
    }
    config = Mistral3Config(
        text_config={
            "model_type": "ministral3", "vocab_size": 131072, "hidden_size": hidden, "intermediate_size": feed_forward,
            "num_hidden_layers": layers, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
            "max_position_embeddings": 262144, "rope_parameters": rope,
        },
        vision_config={
            "model_type": "pixtral", "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "head_dim": 8, "image_size": 32, "patch_size": 16,
        },
    )
    # Buffers, such as rotary frequencies, are computed while it is built: not on "meta".
    return Mistral3Model(config).to(torch.bfloat16).eval()


def write_for_stable_diffusion(pipe, folder):
    folder.mkdir()
    save_file(pipe.transformer.state_dict(), folder / "transformer.safetensors")
    text = {f"model.{name}": tensor for name, tensor in pipe.text_encoder.language_model.state_dict().items()}
    save_file(text, folder / "text_encoder.safetensors")
    save_file({name: tensor.contiguous() for name, tensor in pipe.vae.state_dict().items()}, folder / "vae.safetensors")


def write_pipeline(folder, denoiser, text, vae):
    pipe = ErnieImagePipeline(
        transformer=denoiser, text_encoder=text, vae=vae.to(torch.bfloat16).eval(), tokenizer=AutoTokenizer.from_pretrained(tokenizer),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=4.0), pe=None, pe_tokenizer=None,
    )
    pipe.save_pretrained(folder)
    for part in ("transformer", "text_encoder", "vae"):
        print(folder.name, part, sum(each.numel() for each in getattr(pipe, part).parameters()) / 1e6, "million parameters")
    return pipe


def main():
    for place in ("block", "pipeline", "wide"):
        shutil.rmtree(root / place, ignore_errors=True)
    block = transformer(256, 3, 512, 256) if tiny else transformer(3072, 3, 8192, 3072)
    block.save_pretrained(root / "block" / "transformer")
    # What makes a folder a model folder.
    (root / "block" / "model_index.json").write_text('{"_class_name": "ErnieImagePipeline"}\n')
    del block
    denoiser = transformer(256, 2, 512, 128) if tiny else transformer(1536, 24, 4096, 1024)
    vae = AutoencoderKLFlux2(block_out_channels=(32, 32, 64, 64), layers_per_block=1) if tiny else AutoencoderKLFlux2()
    write_pipeline(root / "pipeline", denoiser, text_encoder(128, 2, 256) if tiny else text_encoder(1024, 12, 3072), vae)
    del denoiser, vae
    # stable-diffusion.cpp reads most sizes off the tensors, but counts heads as if the width were the published 4096.
    denoiser = transformer(4096, 1, 512, 128) if tiny else transformer(4096, 4, 12288, 1024)
    text = text_encoder(128, 2, 256) if tiny else text_encoder(1024, 12, 3072)
    write_for_stable_diffusion(write_pipeline(root / "wide", denoiser, text, AutoencoderKLFlux2()), root / "wide" / "stable-diffusion")


main()
