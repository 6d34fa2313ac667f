"""Writes goldens/tokenizer/: a tiny byte-level BPE tokenizer and what transformers makes of texts, for engine/tests/tokenizer.rs.

usage: python testkit/scripts/tokenizer_goldens.py   (needs tokenizers and transformers)
"""

import json
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

folder = Path(__file__).parent.parent / "goldens" / "tokenizer"
folder.mkdir(parents=True, exist_ok=True)

tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=320, special_tokens=["<unk>", "<s>", "</s>", "<pad>"], initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())
)
tokenizer.train_from_iterator(["a red shoe on a white background", "白色背景上的红色高跟鞋，3D 风格", "两只小狗，蓝色背景"], trainer)
tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
fast = PreTrainedTokenizerFast(
    tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>", model_max_length=24
)
fast.save_pretrained(folder)

texts = ["", "a red shoe", "白色背景上的红色高跟鞋，3D 风格", "🐶🐱 two dogs\n\ttabs", " </s> inside <s>", "long " * 40, "é e\u0301"]
cases = []
for text in texts:
    ids = fast(text, add_special_tokens=True, truncation=True, padding=False)["input_ids"]
    cases.append({"text": text, "ids": ids, "decoded": fast.decode(ids, skip_special_tokens=True)})
(folder / "cases.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n")
