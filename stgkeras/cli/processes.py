"""Runs `stgkeras fit` on several devices, or in several processes that it starts."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable

from stgkeras import _keras
from stgkeras.cli import words
from stgkeras.cli.errors import UserError, in_options
from stgkeras.cli.option_types import count

PLACE = "STGKERAS_PROCESS"  # tells a process its index and the address of the first one
BATCH = 32  # windows, of all devices together: the default of `Forecaster.fit`
REFUSED = 2  # status after an error that the user can correct


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    group = parser.add_argument_group("several devices", "same result, up to rounding")
    group.add_argument(
        "--devices",
        type=count,
        metavar="N",
        help="train on N devices, which share each batch of 32 windows (JAX and TensorFlow): GPUs; "
        "without a GPU, the CPU counts as N devices, which helps to try it, not to save time",
    )
    group.add_argument(
        "--processes",
        type=count,
        metavar="N",
        help="train in N processes of this computer, which share each batch (JAX)",
    )


def run(args: argparse.Namespace, command: Callable[[argparse.Namespace], None]) -> None:
    """Runs a command on the devices, or in the processes, that its options name.

    Args:
        args: arguments of the command, with `words`, its command line.
        command: function that does the work.

    Raises:
        UserError: if the options cannot be used, or a process ended early.
    """
    if args.devices is None and args.processes is None:
        command(args)
        return
    _check(args)
    if args.processes is None:
        _on_devices(args, command)
    elif PLACE in os.environ:
        _in_a_process(args, command)
    else:
        _in_processes(args)


def where(args: argparse.Namespace) -> str:
    """Returns where a command runs, as the end of a sentence: "" for one process and device."""
    if args.processes is not None:
        return f", in {args.processes} process{'es' if args.processes > 1 else ''}"
    return "" if args.devices is None else f", on {words.counted(args.devices, 'device')}"


def _check(args):
    if None not in (args.devices, args.processes):
        raise UserError("--devices must not be used with --processes. Pass one of them.")
    name = "--devices" if args.processes is None else "--processes"
    number = args.devices if args.processes is None else args.processes
    if BATCH % number:
        raise UserError(
            f"{name} must divide {BATCH}, the number of windows in a batch. Received: {name} "
            f"{number}. Pass 2, 4, 8, 16 or 32."
        )
    backend = _keras.chosen_backend()  # this process need not wait for Keras
    if backend == "torch":
        from stgkeras.parallel.engines import TORCHRUN

        raise UserError(
            f"{name} needs JAX{' or TensorFlow' if args.devices else ''}, because Keras has no "
            "engine for PyTorch. Received: the backend torch. Set KERAS_BACKEND=jax; or train in "
            f"a loop of your own, as this example: {TORCHRUN.replace('2', str(number))}"
        )
    if backend == "tensorflow" and args.processes is not None:
        raise UserError(
            "--processes needs JAX. Received: the backend tensorflow. Pass --devices "
            f"{number}, or set KERAS_BACKEND=jax."
        )


def _on_devices(args, command):
    from stgkeras import parallel

    _divide_cpu(args.devices)
    with contextlib.ExitStack() as stack:
        with in_options({"count": "--devices"}):
            stack.enter_context(parallel.devices(args.devices))
        command(args)


def _divide_cpu(devices):
    """Makes several devices of the CPU, if there is no GPU and nothing was computed before."""
    with contextlib.suppress(RuntimeError):  # `parallel.devices` then says that there are too few
        if _keras.chosen_backend() == "jax":
            import jax

            jax.config.update("jax_num_cpu_devices", devices)
            return
        import tensorflow as tf

        if not tf.config.list_physical_devices("GPU"):
            (cpu,) = tf.config.list_physical_devices("CPU")
            parts = [tf.config.LogicalDeviceConfiguration()] * devices
            tf.config.set_logical_device_configuration(cpu, parts)


def _in_a_process(args, command):
    """Runs the command in a process that `_in_processes` started."""
    from stgkeras import parallel

    index, address = os.environ[PLACE].split()
    threading.Thread(target=_end_with_the_other, daemon=True).start()
    try:
        with parallel.processes(address, args.processes, int(index)):
            command(args)
    except UserError as error:
        if args.debug:
            raise
        print(f"stgkeras {args.command}: {error}", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(REFUSED)  # `main` would wait for the other processes, and these for this one


def _end_with_the_other():
    """Ends this process when the one that started it ends: the pipe between them is then closed."""
    while os.read(0, 1):
        pass
    os._exit(1)


def _in_processes(args):
    """Starts the command in several processes, and ends all of them if one fails."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    children: list[subprocess.Popen] = []
    with contextlib.ExitStack() as stack:
        logs = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(args.processes)]
        stack.callback(_end, children)
        for index, log in enumerate(logs):
            # With GPUs, each process uses one of them.
            place = {PLACE: f"{index} {address}", "JAX_LOCAL_DEVICE_IDS": str(index)}
            child = subprocess.Popen(
                [sys.executable, "-m", "stgkeras", *args.words],
                stdin=subprocess.PIPE,
                stdout=None if index == 0 else subprocess.DEVNULL,
                stderr=None if index == 0 else log,
                env={**os.environ, **place},
                start_new_session=True,  # Ctrl-C interrupts only this process, which ends them
            )
            children.append(child)
        failed = _first_failed(children)
        if failed is None:
            return
        status = children[failed].returncode
        if status == REFUSED and _status(children[0]) == REFUSED:
            raise SystemExit(REFUSED)  # it has told the error
        _end(children)
        print(flush=True)  # ends the line of a progress bar
        logs[failed].seek(0)
        sys.stderr.write(logs[failed].read())
        how = f"with the status {status}" if status > 0 else f"by {signal.Signals(-status).name}"
        raise UserError(
            f"process {failed + 1} of {len(children)} (pid {children[failed].pid}) ended {how}, so "
            "the others were ended too. Pass --resume to continue after the last complete epoch."
        )


def _first_failed(children):
    """Waits until a process fails, and returns its index; None if all end well."""
    while True:
        found = [child.poll() for child in children]
        failed = [(status, index) for index, status in enumerate(found) if status]
        if failed:  # a signal comes first: the others fail because of it
            return min(failed)[1]
        if None not in found:
            return None
        time.sleep(0.1)


def _status(child):
    """Returns the status of a process that is about to end, or None."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(10)
    return child.returncode


def _end(children):
    for child in children:
        child.kill()
        child.wait()
        child.stdin.close()
