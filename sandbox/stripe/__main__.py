"""`python -m sandbox.stripe --port N --data FOLDER [--contract FOLDER] [--seed N] [--frozen-at UNIX]`."""

import argparse
import os
import sys
from pathlib import Path

import uvicorn

from sandbox import GIVE_UP, SandboxError
from sandbox.stripe.app import stripe_app
from sandbox.stripe.sandbox import Sandbox


def main() -> None:
    """Serve one sandbox on 127.0.0.1 until stopped."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.stripe", description="A Stripe for development and tests.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True, help="where journal.jsonl is kept and restored from")
    parser.add_argument("--contract", type=Path, help="the folder of openapi-subset.json (or STRIPE_CONTRACT)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--frozen-at", type=float, help="time stands still there, until moved")
    given = parser.parse_args()
    contract = given.contract or (Path(os.environ["STRIPE_CONTRACT"]) if os.environ.get("STRIPE_CONTRACT") else None)
    try:
        sandbox = Sandbox(folder=given.data, contract=contract, seed=given.seed, frozen_at=given.frozen_at)
    except SandboxError as problem:
        print(problem, file=sys.stderr)  # noqa: T201 - the one line that a person reads
        sys.exit(GIVE_UP)
    sandbox.serve_at(f"http://127.0.0.1:{given.port}")
    uvicorn.run(
        stripe_app(sandbox, pump=True),
        host="127.0.0.1",
        port=given.port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
