"""Makes ledger/tests/golden/leaf-v2-sealed.json and sealed.txt from the drawing in ledger/src/lib.rs, with none of our code.

Usage, from the repository's root: python testkit/scripts/sealed_leaf.py          (needs: pip install pynacl)
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as encrypt

GOLDEN = Path("ledger/tests/golden")
MASTER, RECORD_KEY, RECORD_ID, CHECK = bytes(range(32)), bytes(range(100, 132)), bytes(range(1, 17)), bytes(16)


def seal(key: bytes, identity: bytes, plain: bytes, nonce: bytes) -> bytes:
    return nonce + encrypt(plain, identity, nonce, key)


leaf = json.loads((GOLDEN / "leaf-v1-refused.json").read_text())
leaf["version"] = "danqing.ledger.v2"
leaf["index"] = 0
request, reason = leaf["record"]["request"], leaf["record"]["verdict"]["reasons"][0]
texts = [request["prompt"], request["negative_prompt"], reason["quote"]]
request["prompt"] = reason["quote"] = ""
personal = json.dumps({"account": "甲", "texts": texts}, ensure_ascii=False, separators=(",", ":")).encode()
pseudonym = hmac.new(MASTER, b"danqing.account.v1\0" + "甲".encode(), hashlib.sha256).digest()[:16]
leaf["personal"] = {
    "account": pseudonym.hex(),
    "key": RECORD_ID.hex(),
    "sealed": base64.b64encode(seal(RECORD_KEY, RECORD_ID, personal, b"n" * 24)).decode(),
}
(GOLDEN / "leaf-v2-sealed.json").write_text(json.dumps(leaf, ensure_ascii=False, separators=(",", ":")))
lines = [
    MASTER,
    RECORD_ID,
    seal(MASTER, RECORD_ID, RECORD_KEY, b"w" * 24),
    seal(MASTER, CHECK, b"danqing.record-key.v1", b"c" * 24),
    hmac.new(RECORD_KEY, b"danqing.text.v1\0" + texts[0].encode(), hashlib.sha256).digest(),
]
(GOLDEN / "sealed.txt").write_text("".join(line.hex() + "\n" for line in lines))
