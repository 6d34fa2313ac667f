"""PyTorch and diffusers as a peer of `cargo xtask bench`, at the settings that are best for them on a CPU: gradients off, denormals
flushed, one thread a core, and for torch.compile static shapes and frozen weights (inductor's own advice for inference); the
autoencoder in channels_last."""

from protocol import WARMING, prompt_of, serve

import diffusers
import torch
import torch._inductor.config
from diffusers import ErnieImagePipeline, ErnieImageTransformer2DModel

torch.set_grad_enabled(False)
torch.set_flush_denormal(True)
torch._inductor.config.freezing = True
# Each model is compiled anew; none may be turned down because many were before.
torch._dynamo.config.cache_size_limit = 64
TYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def values(*shape, dtype):
    return torch.rand(shape).mul_(2).sub_(1).to(dtype)


def gemm(order):
    dtype = TYPES[order["dtype"]]
    x, weight = values(order["m"], order["k"], dtype=dtype), values(order["n"], order["k"], dtype=dtype)
    return lambda index: torch.nn.functional.linear(x, weight)


def conv(order):
    dtype, side, channels = TYPES[order["dtype"]], order["side"], order["channels"]
    x = values(1, channels, side, side, dtype=dtype).to(memory_format=torch.channels_last)
    weight = values(channels, channels, 3, 3, dtype=dtype).to(memory_format=torch.channels_last)
    return lambda index: torch.nn.functional.conv2d(x, weight, padding=1)


def attention(order):
    # Heads beside tokens in memory, as projections leave them.
    x = values(1, order["tokens"], order["heads"], order["width"], dtype=TYPES[order["dtype"]]).transpose(1, 2)
    return lambda index: torch.nn.functional.scaled_dot_product_attention(x, x, x)


def silu(order):
    x = values(order["bytes"] // 4, dtype=torch.float32)
    return lambda index: torch.nn.functional.silu(x)


def block(order):
    dtype = TYPES[order["dtype"]]
    model = ErnieImageTransformer2DModel.from_pretrained(f"{order['folder']}/transformer", torch_dtype=dtype).eval()
    model.layers = model.layers[: order["layers"]]
    if order["mode"] == "compile":
        model.compile(dynamic=False)
    latents = values(1, model.config.in_channels, order["side"], order["side"], dtype=dtype)
    text = values(1, order["text"], model.config.text_in_dim, dtype=dtype)
    timestep, lengths = torch.tensor([500.0], dtype=dtype), torch.tensor([order["text"]])
    return lambda index: model(latents, timestep, text, lengths, return_dict=False)


def picture(order):
    pipe = ErnieImagePipeline.from_pretrained(order["folder"], torch_dtype=TYPES[order["dtype"]])
    pipe.set_progress_bar_config(disable=True)
    pipe.vae.to(memory_format=torch.channels_last)
    compiled = order["mode"] == "compile"
    if compiled:
        pipe.transformer.compile(dynamic=False)
        pipe.vae.decode = torch.compile(pipe.vae.decode, dynamic=False)

    def run(index):
        steps = 1 if index == WARMING else order["steps"]
        # One call a picture: the loop that users write.
        for seed in range(order["count"] if index != WARMING else 1):
            pipe(
                prompt_of(order, index), height=order["height"], width=order["width"], num_inference_steps=steps,
                guidance_scale=order["guidance_scale"], generator=torch.Generator("cpu").manual_seed(seed), use_pe=False,
            )

    return run


def about():
    return {
        "versions": f"PyTorch {torch.__version__}, diffusers {diffusers.__version__}",
        "threads": torch.get_num_threads(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
    }


kinds = {kind.__name__: kind for kind in (gemm, conv, attention, silu, block, picture)}
serve(about, kinds, torch.set_num_threads, torch.compiler.reset)
