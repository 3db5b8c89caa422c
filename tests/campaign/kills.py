"""Kills the training of tests/killed_run.py at random moments, and resumes it to the end.

    KERAS_BACKEND=torch python -m tests.campaign.kills --count 30 --out FOLDER

A killed and resumed run must end with the bits of a run that nothing interrupted: weights, state of
the optimizer and of dropout. Half of the kills come at any moment of the training, the other half
while a checkpoint is written. `FOLDER/kills-BACKEND.json` has the counts; the same command
continues where the last one was stopped.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

import numpy as np

TESTS = pathlib.Path(__file__).resolve().parent.parent
STARTED = "training starts"
CHECKPOINT, PARTIAL, END = "last.keras", ".last.partial.keras", "end.npz"
SECONDS = 300
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"), "1"),
    **dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"),
}
OUTCOMES = ("equal", "different", "failed to resume", "ended before the kill")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=30, help="runs that are killed")
    parser.add_argument("--out", type=pathlib.Path, help="folder of the results")
    parser.add_argument("--train", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        return train(options.train)
    backend = os.environ["KERAS_BACKEND"]
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"kills-{backend}.json"
    counts = {"seconds": 0, "left by the kill": {}, "messages": []}
    if path.exists():
        counts = json.loads(path.read_text())
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        whole = folder / "whole"
        seconds = undisturbed(whole)
        while sum(counts.get(outcome, 0) for outcome in OUTCOMES[:3]) < options.count:
            began = time.monotonic()
            outcome, left, message = killed(folder / "killed", whole, seconds)
            counts[outcome] = counts.get(outcome, 0) + 1
            counts["left by the kill"][left] = counts["left by the kill"].get(left, 0) + 1
            counts["messages"] += [message] if message else []
            counts["seconds"] += round(time.monotonic() - began)
            path.write_text(json.dumps(counts, indent=1, sort_keys=True))
            print(backend, {k: v for k, v in counts.items() if k != "messages"}, flush=True)


def train(folder):
    """Runs tests/killed_run.py in this process, and says when its training starts."""
    sys.path.insert(0, str(TESTS))
    import killed_run
    from own_process import quick_process

    with quick_process():
        print(STARTED, flush=True)
        killed_run.main(folder)


def start(folder):
    """Starts a training, and returns the process when its training starts."""
    folder.mkdir(exist_ok=True)
    run = subprocess.Popen(
        [sys.executable, "-m", "tests.campaign.kills", "--train", str(folder)],
        cwd=TESTS.parent,
        env={**os.environ, **ONE_THREAD},
        stdout=subprocess.PIPE,
        stderr=(folder / "errors.txt").open("w"),
        text=True,
    )
    for line in run.stdout:
        if line.strip() == STARTED:
            return run
    run.wait()
    raise RuntimeError((folder / "errors.txt").read_text()[-2000:])


def undisturbed(folder):
    """Runs a training to its end, and returns the seconds until it wrote its result."""
    run, began = start(folder), time.monotonic()
    wait_for(run, folder / END)
    seconds = time.monotonic() - began
    if run.wait(SECONDS):
        raise RuntimeError((folder / "errors.txt").read_text()[-2000:])
    return seconds


def killed(folder, whole, seconds):
    """Kills one run and resumes it. Returns the outcome, what the kill left, and a message."""
    shutil.rmtree(folder, ignore_errors=True)
    run = start(folder)
    if random.random() < 0.5:
        pause(run, random.uniform(0, seconds))
    else:  # while one of the checkpoints is written
        for _ in range(random.randint(1, 5)):
            wait_for(run, folder / PARTIAL, is_there=False)
            wait_for(run, folder / PARTIAL)
        pause(run, random.uniform(0, 0.1))
    run.send_signal(signal.SIGKILL)
    if run.wait(SECONDS) != -signal.SIGKILL:
        return "ended before the kill", "the end", ""
    left = told(folder)
    try:
        run = start(folder)
        code = run.wait(SECONDS)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        run.kill()
        return "failed to resume", left, str(error)
    if code:
        return "failed to resume", left, (folder / "errors.txt").read_text()[-2000:]
    difference = compared(whole / END, folder / END, left)
    return ("different" if difference else "equal"), left, difference


def pause(run, seconds):
    """Waits for a time, or until the run has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and run.poll() is None:
        time.sleep(0.001)


def wait_for(run, path, is_there=True):
    """Waits until a path is there, or no longer there, or until the run has ended."""
    while run.poll() is None and path.exists() != is_there:
        time.sleep(0.0005)


def told(folder):
    """Returns what a kill left in a folder, as text."""
    epoch = "no checkpoint"
    if (folder / CHECKPOINT).exists():
        with zipfile.ZipFile(folder / CHECKPOINT) as archive:
            epoch = f"epoch {json.loads(archive.read('checkpoint.json'))['epoch']}"
    return f"{epoch}, half a checkpoint" if (folder / PARTIAL).exists() else epoch


def compared(expected, found, left):
    """Returns the first difference of two ends as text, or ""."""
    with np.load(expected) as expected, np.load(found) as found:
        names = expected.files
        if names != found.files:
            return f"{len(names)} arrays became {len(found.files)}"
        if left.startswith("epoch 5"):  # no epoch is left that would draw from the dropout state
            names = names[:-2]
        for name in names:
            one, other = expected[name], found[name]
            if one.dtype != other.dtype or one.tobytes() != other.tobytes():
                return f"{name} differs after {left}: {one.ravel()[:3]} {other.ravel()[:3]}"
    return ""


if __name__ == "__main__":
    main()
