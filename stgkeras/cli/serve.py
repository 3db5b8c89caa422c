"""Serves a forecaster over HTTP: readings come in, dated forecasts go out.

stgkeras serve city --port 8000
stgkeras serve city --runtime onnx

POST /readings stores readings, GET /forecast returns the forecast after the newest ones, and
http://127.0.0.1:8000 is a page with the sensors and their forecasts. The readings are stored in the
file city.sqlite beside the folder. docs/serving.md describes each step.
"""

from __future__ import annotations

import argparse
import gc
import os
import socket
import sys

from stgkeras.cli import partial
from stgkeras.cli.errors import UserError, in_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument(
        "city", metavar="FOLDER", help="folder that `stgkeras fit` wrote, or the name of a preset"
    )
    parser.add_argument("--port", type=int, default=8000, help="port (8000); 0 for any free one")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address (127.0.0.1, this computer); 0.0.0.0 for all"
    )
    parser.add_argument(
        "--token",
        default=os.environ.get("STGKERAS_TOKEN", ""),
        help="what requests need in the header `Authorization: Bearer TOKEN`; default: the "
        "environment variable STGKERAS_TOKEN, or nothing",
    )
    parser.add_argument(
        "--runtime",
        choices=("keras", "onnx"),
        default="keras",
        help="keras (default), or onnx for the file model.onnx in the folder, which needs neither "
        "TensorFlow, JAX nor PyTorch",
    )


def run(args: argparse.Namespace) -> None:
    """Runs the command."""
    partial.check_finished(args.city, args.city)
    names = {"folder": args.city, "Forecaster.save": "`stgkeras fit`"}
    with bound(args.host, args.port) as listening:
        with in_options(names):
            server = _server(args)
        host, port = listening.getsockname()[:2]
        if host not in ("127.0.0.1", "::1") and not args.token:
            print("Without --token, everybody who reaches this address can write.", file=sys.stderr)
        host = f"[{host}]" if ":" in host else host
        print(f"Serving {args.city} on http://{host}:{port}. Ctrl-C ends.", flush=True)
        gc.freeze()  # to look for garbage in what was imported takes a tenth of a second, often
        server.run(sockets=[listening])


def _server(args):
    try:
        import fastapi  # noqa: F401 - `create_app` uses it
        import uvicorn
    except ImportError as error:
        raise ImportError(
            'The service needs FastAPI and uvicorn. Run `pip install "stgkeras[serve]"`.'
        ) from error
    from stgkeras.serving.app import create_app
    from stgkeras.serving.service import Service

    app = create_app(Service(args.city, args.runtime == "onnx"), args.token)
    return uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=10))


def bound(host: str, port: int) -> socket.socket:
    """Returns a listening socket, before the forecaster is opened, which takes seconds."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without its protocol, asyncio does not send small answers at once (TCP_NODELAY): 40 ms later.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen()
    except (OSError, OverflowError) as error:
        found.close()
        raise UserError(
            f"--port and --host must be a free address of this computer. Received: {host}:{port} "
            f"({error}). Pass another --port, or end the program that uses it."
        ) from error
    return found
