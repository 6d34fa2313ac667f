"""Have the official C2PA library read files that Danqing signed, and copies of them with one byte changed.

    pip install c2pa-python==0.38.1
    python testkit/scripts/validate_c2pa.py CERTIFICATE.pem FILE...

CERTIFICATE.pem holds the certificates of the signer's chain, the anchor last (for tests, `danqing-c2pa-test.pem` beside the pictures). A FILE
with FILE.c2pa beside it is read with that sidecar. Exits with 1 unless every file is Valid without an anchor, with no failure but
signingCredential.untrusted, Trusted with the anchor, and no longer Valid with a byte changed.
"""

import io
import json
import sys
from pathlib import Path

import c2pa

TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
END = "-----END CERTIFICATE-----\n"


def read(path, data, store, anchor):
    settings = {"verify": {"verify_trust": True}}
    if anchor:
        settings["trust"] = {"trust_anchors": anchor}
    with c2pa.Context.from_dict(settings) as context:
        if store is None:
            return c2pa.Reader(TYPES[path.suffix], io.BytesIO(data), context=context)
        return c2pa.Reader("application/octet-stream", io.BytesIO(data), store, context=context)


def judge(path, data, store, anchor):
    """State and the codes of all failures, ingredients' included."""
    try:
        with read(path, data, store, anchor) as reader:
            results = reader.get_validation_results() or {}
            groups = [results.get("activeManifest", {})]
            groups += [delta["validationDeltas"] for delta in results.get("ingredientDeltas", [])]
            codes = sorted({entry["code"] for group in groups for entry in group.get("failure", [])})
            return reader.get_validation_state(), codes, json.loads(reader.json())
    except c2pa.C2paError as error:
        return "Unreadable", [str(error).split(":")[0]], None


def pixels(data):
    """A byte of the picture's own data, however small it is beside its manifests; of other files, their middle."""
    for sign, start, offset in [(b"\x89PNG", b"IDAT", 6), (b"RIFF", b"VP8L", 12), (b"\xff\xd8", b"\xff\xda", 15)]:
        if data.startswith(sign):
            return data.rindex(start) + offset
    return len(data) // 2


def places(data, store):
    """Bytes to change: of the file's own data, and of each part of the manifest."""
    found = {"pixels": (data, pixels(data))}
    for name, word in [("XMP", b"ProduceID")]:
        if word in data:
            found[name] = (data, data.index(word) + 20)
    holder = data if store is None else store
    for name, word in [("action", b"trainedAlgorithmicMedia"), ("claim", b"xmp:iid:"), ("certificate", b"Danqing test signer"), ("training", b"notAllowed")]:
        if word in holder:
            found[name] = (holder, holder.rindex(word) + 8)
    return found


def flip(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def main():
    anchor = Path(sys.argv[1]).read_text().split(END)
    anchor = [block[block.index("-----BEGIN CERT") :] + END for block in anchor if "-----BEGIN CERT" in block][-1]
    good = True
    print("c2pa-python", c2pa.__version__, "c2pa", c2pa.sdk_version())
    for path in map(Path, sys.argv[2:]):
        data = path.read_bytes()
        beside = Path(f"{path}.c2pa")
        store = beside.read_bytes() if beside.exists() else None
        state, codes, report = judge(path, data, store, None)
        trusted, trusted_codes, _ = judge(path, data, store, anchor)
        good &= state == "Valid" and codes == ["signingCredential.untrusted"] and trusted == "Trusted" and not trusted_codes
        print(f"{path.name}: {state} {codes}; with the anchor: {trusted} {trusted_codes}")
        if report:
            manifest = report["manifests"][report["active_manifest"]]
            actions = [a for entry in manifest["assertions"] if entry["label"].startswith("c2pa.actions") for a in entry["data"]["actions"]]
            print("   ", [(a["action"], a.get("digitalSourceType", "").rsplit("/")[-1]) for a in actions], manifest["claim_generator_info"][0]["name"])
        for name, (holder, place) in places(data, store).items():
            changed = flip(holder, place)
            state, codes, _ = judge(path, changed if holder is data else data, store if holder is data or store is None else changed, None)
            good &= state != "Valid"
            print(f"    one byte of {name} changed: {state} {codes}")
    sys.exit(0 if good else 1)


main()
