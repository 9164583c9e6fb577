"""Checks a proof of `commlog prove` (docs/proofs.md): python3 check_proof.py ROOT < proof.json

ROOT is the root in the checkpoint that you trust, in hex. Needs nothing but Python 3.
Exits with 0 if the event is proved, with 1 if it is not, with 2 if ROOT or the proof cannot be read.
"""
import hashlib
import json
import sys


def fail(code, message):
    print(message, file=sys.stderr)
    sys.exit(code)


def hash_of(text, name):
    try:
        value = bytes.fromhex(text)
    except (TypeError, ValueError):
        value = b""
    return value if len(value) == 32 else fail(2, f"CANNOT CHECK: {name} is not a hash of 64 hex digits")


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(proof):
    at, last = proof["index"], proof["events"] - 1
    root = sha256(b"\0", hash_of(proof["hash"], "hash"))
    for beside in proof["path"]:
        beside = hash_of(beside, "path")
        if at % 2 == 1 or at == last:
            root = sha256(b"\1", beside, root)
            while at % 2 == 0 and at != 0:
                at, last = at // 2, last // 2
        else:
            root = sha256(b"\1", root, beside)
        at, last = at // 2, last // 2
    return root if last == 0 else None


FIELDS = {"event_id": str, "hash": str, "index": int, "events": int, "path": list}

if len(sys.argv) != 2:
    fail(2, "usage: python3 check_proof.py ROOT < proof.json")
trusted = hash_of(sys.argv[1], "ROOT")
try:
    proof = json.loads(sys.stdin.buffer.read())
except (ValueError, RecursionError) as error:
    fail(2, f"CANNOT CHECK: the input is not JSON ({error})")
for name, kind in FIELDS.items():
    if not isinstance(proof, dict) or type(proof.get(name)) is not kind:
        fail(2, f"CANNOT CHECK: the input is not a proof: {name} is missing or not of the type {kind.__name__}")
if not 0 <= proof["index"] < proof["events"] < 2**63:
    fail(2, "CANNOT CHECK: the input is not a proof: index is not within events")
if root_of(proof) != trusted:
    fail(1, "NOT PROVED: the path does not lead from the event to the root")
print(f"event {proof['event_id']} is number {proof['index'] + 1} of the {proof['events']} events under this root")
