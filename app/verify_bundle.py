"""Checks a bundle of evidence, with nothing but Python 3.9 or newer: whoever receives one can run this, without us.

    python verify.py                      in the unpacked folder
    python verify.py FOLDER --key KEY     also the issuer's signature (needs `pip install cryptography`); take KEY from
                                          the issuer's /evidence-key, and not from the bundle

It computes every hash of the chain again, compares every photo and every track with what the chain says of them, and
ends with 0 only if all of it is as it was written down.
"""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def canonical(value: dict[str, Any]) -> bytes:
    """JSON in exactly one form, as the hashes are made over it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def problems_of(folder: Path, key: str | None = None) -> Iterator[str]:
    """Everything that is not as it was written down, in sentences."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    yield from chain_problems(manifest)
    yield from file_problems(folder, manifest)
    if key is not None:
        yield from signature_problems(manifest, key)


def chain_problems(manifest: dict[str, Any]) -> Iterator[str]:
    """Whether each entry is the one that its hash was made over, and the last one is the head."""
    genesis = "|".join((manifest["format"], manifest["tenant"], manifest["job"]))
    link, expected = hashlib.sha256(genesis.encode()).digest(), 1
    for sealed in manifest["entries"]:
        entry = {name: value for name, value in sealed.items() if name != "hash"}
        link = hashlib.sha256(link + canonical(entry)).digest()
        if entry["seq"] != expected:
            yield f"entry {expected} is missing"
        elif link.hex() != sealed["hash"]:
            yield f"entry {expected} has been changed"
        link, expected = bytes.fromhex(sealed["hash"]), entry["seq"] + 1
    if expected - 1 != manifest["count"]:
        yield f"the chain had {manifest['count']} entries and ends at {expected - 1}"
    elif link.hex() != manifest["head"]:
        yield "the head is not the last entry's hash"


def file_problems(folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """Whether the files are those that the chain names."""
    for entry in manifest["entries"]:
        payload = entry["payload"]
        if entry["kind"] == "PHOTO_STORED":
            yield from file_problem(folder / "photos" / payload["photoId"], payload["sha256"])
        elif entry["kind"] == "TRACK_RECEIVED":
            yield from file_problem(folder / "tracks" / (payload["batchId"] + ".json"), payload["digest"])


def file_problem(path: Path, digest: str) -> Iterator[str]:
    """Whether a file's sha256 is the one that was written down."""
    if not path.is_file():
        yield f"{path.parent.name}/{path.name} is missing"
    elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        yield f"{path.parent.name}/{path.name} has been changed"


def signature_problems(manifest: dict[str, Any], key: str) -> Iterator[str]:
    """Whether the issuer's key has signed this head."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    said = {name: manifest[name] for name in ("format", "tenant", "job", "count", "head")}
    public = Ed25519PublicKey.from_public_bytes(unpadded(key))
    try:
        public.verify(unpadded(manifest["signature"]), canonical(said))
    except InvalidSignature:
        yield "the signature is not this issuer's"


def unpadded(text: str) -> bytes:
    """Bytes from base64url without its padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def main() -> int:
    """Print what was found; the exit code is 1 if that was anything."""
    arguments = argparse.ArgumentParser(description="Checks an unpacked bundle of evidence.")
    arguments.add_argument("folder", nargs="?", default=Path(__file__).parent, type=Path)
    arguments.add_argument("--key", help="the issuer's public key, from its /evidence-key")
    given = arguments.parse_args()
    found = list(problems_of(given.folder, given.key))
    for problem in found:
        print(problem)
    if not found:
        signed = "signed by the issuer" if given.key else "the signature was not asked for (--key)"
        print(f"All is as it was written down; {signed}.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
