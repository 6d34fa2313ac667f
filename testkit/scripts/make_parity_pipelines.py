"""Writes goldens/pipelines/ernie-image/: a tiny seeded-random ErnieImagePipeline with a prompt enhancer, in the diffusers layout;
and goldens/pipelines/ernie-image-goldens/: what diffusers and transformers make with it, for engine/tests/{components,parity,
prompt_enhancer}.rs.

usage: python testkit/scripts/make_parity_pipelines.py   (needs diffusers, torch, transformers, tokenizers and safetensors)
"""

import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKLFlux2, ErnieImagePipeline, ErnieImageTransformer2DModel, FlowMatchEulerDiscreteScheduler
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import Ministral3Config, Ministral3ForCausalLM, Mistral3Config, Mistral3Model, PreTrainedTokenizerFast

torch.set_num_threads(1)
torch.set_grad_enabled(False)
root = Path(__file__).parent.parent / "goldens" / "pipelines"
folder, goldens = root / "ernie-image", root / "ernie-image-goldens"
VOCABULARY = 300

# Long enough that positions pass original_max_position_embeddings (64), so that queries grow.
LONG_PROMPT = "一双红色高跟鞋，白色背景，正面特写，柔和的灯光，高清产品照片；画面干净，没有文字，没有水印。"
CHAT_TEMPLATE = """{%- if messages[0]['role'] == 'system' -%}
    {{- '<sys>' + messages[0]['content'] + '</sys>' -}}
    {%- set rest = messages[1:] -%}
{%- else -%}
    {%- set rest = messages -%}
{%- endif -%}
{%- for message in rest -%}
    {%- if message.role == 'user' -%}
        {{- '改写 Input: ' + message['content'].strip() + '\\nOutput:' -}}
    {%- elif message.role == 'assistant' -%}
        {{- ' ' + message.content | trim + eos_token -}}
    {%- else -%}
        {{- raise_exception('unknown role ' + message.role) -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- ' ' -}}{%- endif -%}
"""


def make_tokenizer(limit):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<unk>", "<s>", "</s>", "<pad>"], initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())
    )
    tokenizer.train_from_iterator(["a red shoe on a white background", "白色背景上的红色高跟鞋", '{"prompt": "width": "height":'], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>", model_max_length=limit
    )


def text_config(**changes):
    return {
        "model_type": "ministral3",
        "vocab_size": VOCABULARY,
        "hidden_size": 48,
        "intermediate_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 256,
        "pad_token_id": 3,
        "rope_parameters": {
            "rope_type": "yarn",
            "rope_theta": 10000.0,
            "factor": 4.0,
            "original_max_position_embeddings": 64,
            "beta_fast": 32.0,
            "beta_slow": 1.0,
            "mscale": 1.0,
            "mscale_all_dim": 1.0,
            "llama_4_scaling_beta": 0.1,
        },
        **changes,
    }


def randomise(module, seed, gain=1.0):
    """Weights that keep variance, norms near one, biases that are not zero: every term of a layer shows in the goldens."""
    generator = torch.Generator().manual_seed(seed)
    for _, parameter in sorted(module.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 1:
            parameter.copy_(0.1 * noise + (1.0 if parameter.mean() > 0.5 else 0.0))
        else:
            parameter.copy_(noise * gain / parameter[0].numel() ** 0.5)


def make_pipeline():
    torch.manual_seed(0)
    transformer = ErnieImageTransformer2DModel(
        hidden_size=64, num_attention_heads=2, num_layers=2, ffn_hidden_size=96, in_channels=32, out_channels=32, text_in_dim=48,
        rope_axes_dim=(8, 12, 12),
    )
    randomise(transformer, 1, gain=0.8)
    text_encoder = Mistral3Model(Mistral3Config(
        text_config=text_config(),
        vision_config={
            "model_type": "pixtral", "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "head_dim": 8, "image_size": 32, "patch_size": 16,
        },
    ))
    randomise(text_encoder, 2)
    text_encoder.language_model.embed_tokens.weight.mul_(8.0)
    vae = AutoencoderKLFlux2(
        block_out_channels=(8, 8, 16, 16), layers_per_block=1, latent_channels=8, norm_num_groups=4, sample_size=64, batch_norm_eps=1e-4
    )
    randomise(vae, 3)
    vae.decoder.conv_out.weight.mul_(1.2)
    generator = torch.Generator().manual_seed(4)
    vae.bn.running_mean.copy_(0.3 * torch.randn(32, generator=generator))
    vae.bn.running_var.copy_(0.3 + 1.5 * torch.rand(32, generator=generator))
    pe_tokenizer = make_tokenizer(160)
    pe_tokenizer.chat_template = CHAT_TEMPLATE
    pe = Ministral3ForCausalLM(Ministral3Config(**text_config(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, head_dim=8, bos_token_id=1, eos_token_id=2, max_position_embeddings=256
    )))
    return ErnieImagePipeline(
        transformer=transformer.eval(), vae=vae.eval(), text_encoder=text_encoder.eval(), tokenizer=make_tokenizer(128),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=4.0), pe=pe.eval(), pe_tokenizer=pe_tokenizer,
    )


def run(pipe, prompts, seeds, **options):
    options = {"height": 32, "width": 48, "num_inference_steps": 4, "guidance_scale": 4.0, "negative_prompt": "", **options}
    generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
    # output_type "pt" is the float picture before it becomes bytes.
    images = pipe(prompt=prompts, generator=generators, use_pe=False, output_type="pt", **options).images
    return images.float().permute(0, 2, 3, 1).contiguous(), options


def write_pictures(pipe, names, prompts, seeds, **options):
    images, options = run(pipe, prompts, seeds, **options)
    for name, prompt, seed, image in zip(names, prompts, seeds, images):
        metadata = {key: str(value) for key, value in {"prompt": prompt, "seed": seed, **options}.items()}
        save_file({"image": image.clone()}, goldens / f"{name}.safetensors", metadata=metadata)
    return images


def assert_pictures_depend_on_the_request(pipe):
    base, _ = run(pipe, ["a red shoe"], [1])
    others = {
        "prompt": run(pipe, ["白色的猫"], [1]),
        "negative prompt": run(pipe, ["a red shoe"], [1], negative_prompt="blurry, 模糊"),
        "guidance": run(pipe, ["a red shoe"], [1], guidance_scale=1.0),
        "seed": run(pipe, ["a red shoe"], [2]),
        "steps": run(pipe, ["a red shoe"], [1], num_inference_steps=5),
    }
    assert base.std() > 0.1, base.std()
    saturated = ((base == 0) | (base == 1)).float().mean()
    assert saturated < 0.2, saturated
    for name, (image, _) in others.items():
        difference = (image - base).abs().max()
        print(f"{name}: pictures differ by up to {difference:.3f}")
        assert difference > 0.05, name


def component_goldens(pipe):
    generator = torch.Generator().manual_seed(11)
    random = lambda *shape: torch.randn(shape, generator=generator)
    tensors, metadata = {}, {}
    for name, prompt in {"long": LONG_PROMPT, "short": "a red shoe"}.items():
        ids = pipe.tokenizer(prompt, add_special_tokens=True, truncation=True)["input_ids"]
        tensors[f"text/{name}"] = pipe.encode_prompt([prompt], "cpu")[0]
        tensors[f"text/{name}/ids"] = torch.tensor(ids, dtype=torch.int32)
        metadata[f"text/{name}"] = prompt
    assert len(tensors["text/long/ids"]) > 64
    latents, timesteps, lengths = random(2, 32, 3, 4), torch.tensor([937.5, 120.25]), torch.tensor([5, 9])
    text = random(2, 9, 48)
    text[0, 5:] = 0
    tensors |= {"denoiser/latents": latents, "denoiser/timesteps": timesteps, "denoiser/text": text, "denoiser/lengths": lengths.int()}
    tensors["denoiser/output"] = pipe.transformer(latents, timesteps, text, lengths, return_dict=False)[0]
    picture = random(1, 3, 32, 48).clamp(-1, 1)
    posterior = pipe.vae.encode(picture).latent_dist
    vae_latents = random(1, 8, 4, 6)
    tensors |= {"vae/picture": picture, "vae/mean": posterior.mean, "vae/logvar": posterior.logvar, "vae/latents": vae_latents}
    tensors["vae/decoded"] = pipe.vae.decode(vae_latents).sample
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, goldens / "components.safetensors", metadata=metadata)


def enhance(pipe, prompt, width, height, new_tokens):
    content = json.dumps({"prompt": prompt, "width": width, "height": height}, ensure_ascii=False)
    text = pipe.pe_tokenizer.apply_chat_template([{"role": "user", "content": content}], tokenize=False, add_generation_prompt=False)
    inputs = pipe.pe_tokenizer(text, return_tensors="pt")
    output = pipe.pe.generate(
        input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], max_new_tokens=new_tokens, do_sample=False,
        pad_token_id=3, eos_token_id=2, output_scores=True, return_dict_in_generate=True,
    )
    ids = output.sequences[0, inputs["input_ids"].shape[1]:].tolist()
    margins = [(lambda top: (top[0] - top[1]).item())(scores[0].topk(2).values) for scores in output.scores]
    return {
        "prompt": prompt, "width": width, "height": height, "input_text": text, "input_ids": inputs["input_ids"][0].tolist(), "ids": ids,
        "text": pipe.pe_tokenizer.decode(ids, skip_special_tokens=True).strip(),
    }, min(margins)


def enhancer_goldens(pipe):
    """Takes the first seed whose greedy texts vary, whose choices are clear, and of which one ends with an end-of-sequence token."""
    prompts = [("a red shoe", 64, 48), ("一双\"红色\"鞋\n\\ 🐶", 1024, 768), ("猫", 16, 16), ("blue \u2028 \x01 box", 512, 512)]
    for seed in range(20, 2000):
        randomise(pipe.pe, seed, gain=2.0)
        cases = [enhance(pipe, *prompt, 24) for prompt in prompts]
        ended = [2 in case["ids"] for case, _ in cases]
        varied = all(len(set(case["ids"])) > 12 for (case, _), end in zip(cases, ended) if not end)
        if any(ended) and not all(ended) and varied and min(margin for _, margin in cases) > 0.01:
            break
    else:
        raise AssertionError("no seed makes a telling enhancer")
    full = [enhance(pipe, *prompt, pipe.pe_tokenizer.model_max_length) for prompt in prompts]
    print("enhancer seed", seed, "tokens", [len(case["ids"]) for case, _ in full], "smallest margin", min(margin for _, margin in full))
    cases = [{**case, "full_text": whole["text"], "full_ids": whole["ids"]} for (case, _), (whole, _) in zip(cases, full)]
    assert max(len(case["input_ids"]) for case in cases) > 64
    (goldens / "prompt_enhancer.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n")


def main():
    for place in (folder, goldens):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    pipe = make_pipeline()
    pipe.set_progress_bar_config(disable=True)
    assert_pictures_depend_on_the_request(pipe)
    enhancer_goldens(pipe)
    component_goldens(pipe)
    write_pictures(pipe, ["guided"], ["a red shoe on a white background"], [42])
    write_pictures(pipe, ["unguided"], [LONG_PROMPT], [7], guidance_scale=1.0, height=64, width=32)
    write_pictures(pipe, ["negative"], ["两只小狗，蓝色背景"], [1234567], negative_prompt="模糊, low quality", num_inference_steps=6)
    write_pictures(pipe, ["empty"], [""], [0], height=48, width=48)
    batch = write_pictures(pipe, ["batch-0", "batch-1"], ["猫", LONG_PROMPT], [3, 2**32 + 5], num_inference_steps=3)
    pipe.save_pretrained(folder)
    pipe.to(torch.bfloat16)
    bf16 = write_pictures(pipe, ["bf16-0", "bf16-1"], ["猫", LONG_PROMPT], [3, 2**32 + 5], num_inference_steps=3)
    print(f"bf16 differs from f32 by up to {(bf16 - batch).abs().max():.4f}, {(bf16 - batch).abs().mean():.5f} on average")
    for config in folder.rglob("config.json"):
        # The reference's cache paths and the like are no part of a model.
        assert "/" not in json.loads(config.read_text()).get("_name_or_path", ""), config
    print("bytes", sum(path.stat().st_size for place in (folder, goldens) for path in place.rglob("*") if path.is_file()))


main()
