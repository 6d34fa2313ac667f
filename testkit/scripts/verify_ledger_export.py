#!/usr/bin/env python3
"""Checks a Danqing ledger export, or single proofs, without Danqing: Python's standard library only.

    verify_ledger_export.py EXPORT_FOLDER [--vkey KEY|FILE] [--since OLD_CHECKPOINT] [--proof PROOF.json ...]
    verify_ledger_export.py --vkey KEY|FILE --proof PROOF.json

Recomputes the Merkle root (RFC 6962) over entries.jsonl, checks the checkpoint's signature (C2SP signed-note, Ed25519 of
RFC 8032), that an earlier checkpoint is a beginning of this ledger, and inclusion proofs (RFC 9162 section 2.1.3.2).
Exit code 0 only if everything holds. 核验丹青账本导出；全部成立时退出码为 0。
"""
import argparse
import base64
import hashlib
import json
import pathlib
import sys

ORIGIN = "danqing.ledger.v1"
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


class Fault(Exception):
    """Something does not hold."""

def require(condition, text):
    if not condition:
        raise Fault(text)


# Ed25519, RFC 8032 section 5.1: points are (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z.
def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)

def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result

def same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0

def decode_point(data):
    y, sign = int.from_bytes(data, "little") & (2**255 - 1), data[31] >> 7
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))

def ed25519_verifies(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    key, commitment, scalar = decode_point(public), decode_point(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= L or same(multiply(8, key), (0, 1, 1, 0)):
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return same(multiply(scalar, BASE), add(commitment, multiply(challenge, key)))


# Signed notes and keys.
def read(path):
    return pathlib.Path(path).read_bytes().decode()

def exact_base64(text):
    data = base64.b64decode(text, validate=True)
    require(base64.b64encode(data).decode() == text, "base64 is not canonical")
    return data

def read_vkey(text):
    parts = (read(text).strip() if pathlib.Path(text).is_file() else text).split("+", 2)
    require(len(parts) == 3, "not a verifier key")
    name, key_id, encoded = parts
    data = exact_base64(encoded)
    require(len(data) == 33 and data[0] == 1, "not an Ed25519 verifier key")
    require(hashlib.sha256(name.encode() + b"\n" + data).digest()[:4].hex() == key_id, "the verifier key's id is not its own")
    return name, bytes.fromhex(key_id), data[1:]

def open_checkpoint(text, vkey):
    """Size and root of a checkpoint that the key signed."""
    name, key_id, public = vkey
    body, separator, signatures = text.rpartition("\n\n")
    body += "\n"
    require(separator and signatures.endswith("\n"), "not a signed note")
    signed = False
    for line in signatures[:-1].split("\n"):
        parts = line.split(" ")
        require(len(parts) == 3 and parts[0] == "\u2014", "a signature line is malformed")
        data = exact_base64(parts[2])
        if parts[1] == name and data[:4] == key_id:
            require(ed25519_verifies(public, body.encode(), data[4:]), "the checkpoint's signature does not hold")
            signed = True
    require(signed, "the checkpoint is not signed by this key")
    lines = body.split("\n")
    require(len(lines) == 4 and lines[0] == ORIGIN and lines[1].isascii() and lines[1].isdigit(), "not a checkpoint of this format")
    require(lines[1] == str(int(lines[1])), "not a checkpoint of this format")
    return int(lines[1]), exact_base64(lines[2])


# The Merkle tree.
def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()

def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()

def root_of(hashes):
    """One peak for each 1 bit of the number of leaves, then folded from the right."""
    peaks = []
    for count, value in enumerate(hashes):
        while count & 1:
            value, count = node_hash(peaks.pop(), value), count >> 1
        peaks.append(value)
    root = peaks.pop() if peaks else hashlib.sha256(b"").digest()
    while peaks:
        root = node_hash(peaks.pop(), root)
    return root

def included(value, index, size, path, root):
    if index >= size:
        return False
    node, last = index, size - 1
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            value = node_hash(sibling, value)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and value == root

def check_proof(path, vkey, leaves):
    proof = json.loads(read(path))
    require(proof["format"] == "danqing.ledger.proof.v1", "not a proof of this format")
    size, root = open_checkpoint(proof["checkpoint"], vkey)
    leaf, index, siblings = proof["leaf"].encode(), proof["index"], [bytes.fromhex(text) for text in proof["audit_path"]]
    require(included(leaf_hash(leaf), index, size, siblings, root), "the entry is not under the signed root")
    entry = json.loads(leaf)
    require(entry["index"] == index, "the entry belongs elsewhere")
    require(leaves is None or index >= len(leaves) or leaves[index] == leaf, "the export has another entry at this place")
    record = entry["record"]
    return f"entry {index} of {size}: {record['kind']} {record.get('produce_id', '')} {record.get('content_sha256', '')}"

def check_export(folder, vkey):
    size, root = open_checkpoint(read(folder / "checkpoint.txt"), vkey)
    data = (folder / "entries.jsonl").read_bytes()
    require(not data or data.endswith(b"\n"), "entries.jsonl is cut off")
    leaves = data.split(b"\n")[:-1]
    require(len(leaves) == size, f"entries.jsonl has {len(leaves)} entries, the signed checkpoint {size}")
    require(root_of(map(leaf_hash, leaves)) == root, "the entries do not have the signed root")
    for index, leaf in enumerate(leaves):
        require(json.loads(leaf)["index"] == index, f"entry {index} belongs elsewhere")
    return leaves
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path)
    parser.add_argument("--vkey", help="your own copy of the verifier key, or its text")
    parser.add_argument("--since", help="an earlier signed checkpoint")
    parser.add_argument("--proof", nargs="+", default=[], help="inclusion proofs")
    options = parser.parse_args()
    if not options.folder and (options.since or not options.proof or not options.vkey):
        parser.error("give an export folder, or --vkey and --proof")
    try:
        vkey = read_vkey(options.vkey or str(options.folder / "danqing-ledger.vkey"))
        if not options.vkey:
            print("WARNING: the key is the one in the export itself; compare it with your own copy / 警告：使用导出内自带的公钥")
        leaves = check_export(options.folder, vkey) if options.folder else None
        if options.folder:
            print(f"OK export: {len(leaves)} entries, root and signature hold / 导出成立")
        if options.since:
            size, root = open_checkpoint(read(options.since), vkey)
            require(size <= len(leaves), f"the earlier checkpoint covers {size} entries, the export has {len(leaves)}")
            require(root_of(map(leaf_hash, leaves[:size])) == root, f"the first {size} entries are not those of the earlier checkpoint")
            print(f"OK since: continues the checkpoint of {size} entries / 延续此前的检查点")
        for path in options.proof:
            print(f"OK proof: {check_proof(path, vkey, leaves)}")
    except (Fault, OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"FAILED / 不成立: {error if isinstance(error, Fault) else repr(error)}")

if __name__ == "__main__":
    main()
