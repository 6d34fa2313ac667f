"""Writes goldens/training/: a tiny seeded-random checkpoint in model/, saved by diffusers and transformers at the sizes of
parity.recipe.toml, and a training batch for each half of it with PyTorch's loss and PyTorch's gradient of every parameter, for
trainer/tests/pytorch_parity.rs.

usage: python testkit/scripts/training_goldens.py   (needs diffusers, torch, transformers, tokenizers and safetensors)

autoencoder.safetensors: `pictures`, `noise`, `loss/PART`, `gradient/COMPONENT/PARAMETER`. denoiser.safetensors: `noised`,
`velocity`, `sigmas`, and the same; `prompts` and `tokens` in the metadata. Pictures and latents are channels-last, as the
trainer takes them; gradients are shaped as the checkpoint. Everything is f32, without autocast.
"""

import copy
import json
import re
import shutil
import tomllib
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKLFlux2, ErnieImageTransformer2DModel
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import Mistral3Config, Mistral3Model, PreTrainedTokenizerFast

torch.set_num_threads(1)
folder = Path(__file__).parent.parent / "goldens" / "training"
recipe = tomllib.loads((folder / "parity.recipe.toml").read_text())
PROMPTS = ["红色的苹果", "", "a blue car on white", "两只小狗，蓝色背景"]
SIGMAS = [0.9, 0.5, 0.7, 0.3]


def make_tokenizer():
    pieces = re.findall("[a-z0-9]+|[^a-z0-9 ]", " ".join(PROMPTS).replace("，", ","))
    words = ["<unk>", "<s>", "</s>", *dict.fromkeys(pieces)]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("[a-z0-9]+|[^a-z0-9]"), "isolated")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>", unk_token="<unk>",
        model_max_length=recipe["text_encoder"]["max_position_embeddings"],
    )


@torch.no_grad()
def randomise(module, seed):
    """Weights that keep variance, norms near one, biases and adaptive layers that are not zero: every gradient is alive."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(module.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 1:
            parameter.copy_(0.1 * noise + (1.0 if parameter.mean() > 0.5 else 0.0))
        else:
            parameter.copy_(noise / (1.0 if "embed_tokens" in name else parameter[0].numel() ** 0.5))


def make_autoencoder():
    sizes = recipe["autoencoder"]
    autoencoder = AutoencoderKLFlux2(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=sizes["block_out_channels"], decoder_block_out_channels=sizes["decoder_block_out_channels"],
        layers_per_block=sizes["layers_per_block"], latent_channels=sizes["latent_channels"],
        norm_num_groups=sizes["norm_num_groups"], mid_block_add_attention=False,
    )
    randomise(autoencoder, 1)
    return autoencoder


def make_denoiser():
    sizes, channels = recipe["denoiser"], 4 * recipe["autoencoder"]["latent_channels"]
    denoiser = ErnieImageTransformer2DModel(
        hidden_size=sizes["hidden_size"], num_attention_heads=sizes["num_attention_heads"], num_layers=sizes["num_layers"],
        ffn_hidden_size=sizes["ffn_hidden_size"], in_channels=channels, out_channels=channels,
        text_in_dim=recipe["text_encoder"]["hidden_size"], rope_axes_dim=sizes["rope_axes_dim"],
    )
    randomise(denoiser, 2)
    return denoiser


def make_text_encoder(vocabulary_size):
    sizes = {name: value for name, value in recipe["text_encoder"].items() if name != "minimum_count"}
    encoder = Mistral3Model(Mistral3Config(
        text_config={
            "model_type": "ministral3", "vocab_size": vocabulary_size, "bos_token_id": 1, "eos_token_id": 2,
            # PyTorch gives the row of this token no gradient; no prompt holds it.
            "pad_token_id": 2, **sizes,
            "rope_parameters": {
                "rope_type": "yarn", "rope_theta": 10000.0, "factor": 1.0, "beta_fast": 32.0, "beta_slow": 1.0, "mscale": 1.0,
                "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1,
                "original_max_position_embeddings": sizes["max_position_embeddings"],
            },
        },
        vision_config={
            "model_type": "pixtral", "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1,
            "head_dim": 8, "image_size": 28, "patch_size": 14,
        },
    ))
    randomise(encoder, 3)
    return encoder


def autoencoder_losses(autoencoder, pictures, noise):
    """The loss of recipes/pytorch/train_autoencoder.py, in f32, with the noise given."""
    posterior = autoencoder.encode(pictures).latent_dist
    restored = autoencoder.decode(posterior.mean + torch.exp(0.5 * posterior.logvar) * noise).sample
    error = restored - pictures
    parts = {
        "absolute": error.abs().mean(),
        "squared": error.square().mean(),
        "edge": sum(error.diff(dim=axis).abs().mean() for axis in (2, 3)),
        "divergence": 0.5 * (posterior.mean**2 + posterior.logvar.exp() - 1 - posterior.logvar).mean(),
    }
    return {"total": sum(recipe["autoencoder"][f"{name}_weight"] * part for name, part in parts.items()), **parts}


def denoiser_losses(denoiser, text_encoder, tokens, noised, sigmas, velocity):
    """Conditioning and timesteps as ErnieImagePipeline makes them, and the mean squared error of the velocity."""
    hidden = [text_encoder(input_ids=ids[None], output_hidden_states=True).hidden_states[-2][0] for ids in tokens]
    lengths = torch.tensor([len(ids) for ids in tokens])
    predicted = denoiser(noised, 1000 * sigmas, torch.nn.utils.rnn.pad_sequence(hidden, batch_first=True), lengths).sample
    return {"total": (predicted - velocity).square().mean()}


def run(losses_of, components, inputs):
    """Losses, and gradients by full name, of what the loss depends on."""
    for module in components.values():
        module.zero_grad(set_to_none=True)
    losses = losses_of(*components.values(), *inputs)
    losses["total"].backward()
    gradients = {
        f"{component}/{name}": parameter.grad.clone()
        for component, module in components.items() for name, parameter in saved_parameters(component, module) if parameter.grad is not None
    }
    return {name: loss.detach() for name, loss in losses.items()}, gradients


def saved_parameters(component, module):
    """Parameters under the names that save_pretrained gives them."""
    for name, parameter in module.named_parameters():
        if component == "text_encoder":
            name = name.replace("language_model.", "language_model.model.", 1)
        yield name, parameter


def double(value):
    if isinstance(value, list):
        return value
    return copy.deepcopy(value).double()


def golden(name, losses_of, components, inputs, tensors, metadata):
    losses, gradients = run(losses_of, components, inputs)
    wide_losses, wide = run(losses_of, {key: double(module) for key, module in components.items()}, [double(value) for value in inputs])
    worst = max((((gradient - wide[key]).abs().max() / wide[key].abs().max()).item(), key) for key, gradient in gradients.items())
    print(f"{name}: loss {losses['total']:.6f}, f64 {wide_losses['total']:.6f}")
    print(f"{name}: gradients of {len(gradients)} parameters, the farthest from f64 by {worst}")
    for key, gradient in gradients.items():
        assert gradient.abs().max() > 0, key
        # A gradient that is nothing but rounding would compare nothing.
        assert wide[key].abs().max() > 1e-6, key
    tensors = {**tensors, **{f"loss/{key}": value for key, value in losses.items()}}
    tensors |= {f"gradient/{key}": value for key, value in gradients.items()}
    metadata = {**metadata, "torch": torch.__version__.split("+")[0], "diffusers": diffusers.__version__}
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, folder / f"{name}.safetensors", metadata=metadata)


def main():
    model = folder / "model"
    shutil.rmtree(model, ignore_errors=True)
    generator = torch.Generator().manual_seed(4)
    random = lambda *shape: torch.randn(shape, generator=generator)
    last = lambda tensor: tensor.permute(0, 2, 3, 1)
    tokenizer = make_tokenizer()
    autoencoder, denoiser, text_encoder = make_autoencoder(), make_denoiser(), make_text_encoder(len(tokenizer))
    for component, module in {"vae": autoencoder, "transformer": denoiser, "text_encoder": text_encoder, "tokenizer": tokenizer}.items():
        module.save_pretrained(model / component)

    pictures, noise = (0.5 * random(2, 3, 32, 32)).clamp(-1, 1), random(2, recipe["autoencoder"]["latent_channels"], 4, 4)
    tensors = {"pictures": last(pictures), "noise": last(noise)}
    golden("autoencoder", autoencoder_losses, {"vae": autoencoder}, [pictures, noise], tensors, {})

    tokens = [torch.tensor(tokenizer(prompt)["input_ids"]) for prompt in PROMPTS]
    channels, side = denoiser.config.in_channels, recipe["data"]["image_size"] // 16
    latents, noise, sigmas = random(4, channels, side, side), random(4, channels, side, side), torch.tensor(SIGMAS)
    level = sigmas.view(-1, 1, 1, 1)
    noised, velocity = (1 - level) * latents + level * noise, noise - latents
    tensors = {"noised": last(noised), "velocity": last(velocity), "sigmas": sigmas}
    golden(
        "denoiser", denoiser_losses, {"transformer": denoiser, "text_encoder": text_encoder}, [tokens, noised, sigmas, velocity], tensors,
        {"prompts": json.dumps(PROMPTS, ensure_ascii=False), "tokens": json.dumps([ids.tolist() for ids in tokens])},
    )
    print("bytes", sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))


main()
