"""Checks a proof of `commlog prove` (docs/proofs.md): python3 check_proof.py ROOT < proof.json

ROOT is the root in the checkpoint that you trust, in hex. Needs nothing but Python 3.
"""
import hashlib
import json
import sys


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(proof):
    at, last = proof["index"], proof["events"] - 1
    root = sha256(b"\0", bytes.fromhex(proof["hash"]))
    for beside in map(bytes.fromhex, proof["path"]):
        if at % 2 == 1 or at == last:
            root = sha256(b"\1", beside, root)
            while at % 2 == 0 and at != 0:
                at, last = at // 2, last // 2
        else:
            root = sha256(b"\1", root, beside)
        at, last = at // 2, last // 2
    return root if last == 0 else None


proof = json.load(sys.stdin)
if root_of(proof) != bytes.fromhex(sys.argv[1]):
    sys.exit("NOT PROVED: the path does not lead from the event to the root")
print(f"event {proof['event_id']} is number {proof['index'] + 1} of the {proof['events']} events under this root")
