"""Runs one input in a child process, within limits, and returns its outcome."""

import errno
import gc
import inspect
import json
import os
import pathlib
import random
import re
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from typing import Any

import stgkeras

SECONDS = 60
SPARE = 100 * 2**20  # bytes of memory that any call may use, besides twice the size of its input
ROOM = 2**30  # a request for more memory than this is refused by the system
OURS = str(pathlib.Path(stgkeras.__file__).parent)
# Errors that Python's users expect for bad arguments and files.
EXPECTED = (ValueError, TypeError, OSError, ImportError)
ARGUMENTS = re.compile(r"`(\w+)")
ALTERS = {
    *("os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink"),
    *("os.truncate", "shutil.copyfile", "shutil.move", "shutil.rmtree", "tempfile.mkstemp"),
}
# Starts a program, opens a connection, or makes an object that a file names.
NEVER = {"os.exec", "os.posix_spawn", "os.system", "pickle.find_class", "socket.connect"} | {
    "subprocess.Popen"
}
OUTCOMES = (
    *("right", "refused", "refused by Keras", "raw error", "wrong", "hang", "over memory"),
    *("wrote outside", "crash of outside software", "fault of the campaign"),
)
# The input is kept for these, in a folder outside the repository.
KEPT = ("raw error", "wrong", "hang", "over memory", "wrote outside", "fault of the campaign")


@dataclass
class Input:
    """One call.

    Args:
        call: function without arguments.
        function: the public function that `call` uses; the names of its arguments count as ours.
        check: function of the result that returns None, or what is wrong with it as text.
        size: int. Bytes of the input.
        told: str. The input as text, for the report.
        names: names of arguments that `function` passes on as `**kwargs`.
        path: str or None. The file that is read. An error may name it instead of an argument.
        keras: bool. Whether Keras opens the file. An error that no code of ours takes part in is
            then counted as "refused by Keras".
        writes: bool. Whether the call may write into its folder.
    """

    call: Any
    function: Any
    check: Any
    size: int
    told: str
    names: tuple = ()
    path: str | None = None
    keras: bool = False
    writes: bool = False


def outcome_of(target, kept, seconds=SECONDS):
    """Runs one random input of a target in a child process.

    Args:
        target: function of a `random.Random` and a folder that returns an `Input`.
        kept: folder for inputs that need a look.
        seconds: int. Limit of time.

    Returns:
        dict of `outcome`, one of `OUTCOMES`, and `message`.
    """
    folder = tempfile.mkdtemp(prefix="campaign-")
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        found = _child(target, folder)
        with open(writing, "wb") as pipe:
            pipe.write(json.dumps(found).encode())
        os._exit(0)
    os.close(writing)
    found = _read(reading, child, seconds)
    if found["outcome"] in KEPT:
        place = pathlib.Path(kept) / found["outcome"].replace(" ", "_")
        place.mkdir(parents=True, exist_ok=True)
        place = place / f"{target.__name__}-{time.time_ns()}"
        shutil.move(folder, place)
        (place / "outcome.json").write_text(json.dumps(found, indent=1))
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _read(pipe, child, seconds):
    """Waits for the outcome that a child writes, and ends a child that takes too long."""
    parts, end = [], time.monotonic() + seconds
    with open(pipe, "rb", buffering=0) as file:
        while True:
            ready, _, _ = select.select([file], [], [], max(end - time.monotonic(), 0))
            if not ready:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return {"outcome": "hang", "message": f"no end after {seconds} s"}
            part = file.read(2**16)
            if not part:
                break
            parts.append(part)
    _, status = os.waitpid(child, 0)
    if not os.WIFEXITED(status) or not parts:
        # Nothing of such an input is kept, and no random state can be repeated.
        return {"outcome": "crash of outside software", "message": "the process died"}
    return json.loads(b"".join(parts))


def _child(target, folder):
    try:
        os.chdir(folder)
        item = target(random.Random(), folder)
        return _outcome(item, folder) | {"input": item.told[:3000]}
    except BaseException:
        return {"outcome": "fault of the campaign", "message": traceback.format_exc()[-2000:]}


def _outcome(item, folder):
    limit = 2 * item.size + SPARE
    hard = _memory("VmData") + limit + ROOM
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
    before, seen = _stamps(folder), []
    gc.collect()
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    start = _memory("VmRSS")
    _watch(folder, seen)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            result = item.call()
    except MemoryError:
        return {"outcome": "over memory", "message": _last_lines()}
    except BaseException as error:
        found = _of_error(error, item)
    else:
        found = None
    used = _memory("VmHWM") - start
    seen = list(seen)
    if found is None:
        raw = [w for w in told if not w.filename.startswith(OURS) and _is_raw(w)]
        if raw:
            found = {"outcome": "raw error", "message": f"warning: {raw[0].message}"}
        else:
            reason = item.check(result)
            found = {"outcome": "wrong" if reason else "right", "message": reason or ""}
    if used > limit:
        found = {"outcome": "over memory", "message": f"{used >> 20} MiB {found['message']}"}
    if seen or (not item.writes and _stamps(folder) != before):
        found = {"outcome": "wrote outside", "message": str(seen or "changed its input")[:500]}
    return found


def _is_raw(warning):
    """Whether a warning of another library shows that we passed a bad value on."""
    return issubclass(warning.category, RuntimeWarning)


def _of_error(error, item):
    frames = traceback.extract_tb(error.__traceback__)
    if item.keras and not any(frame.filename.startswith(OURS) for frame in frames):
        return {"outcome": "refused by Keras", "message": str(error)}
    ours = frames and frames[-1].filename.startswith(OURS)
    message = str(error)
    names = {*inspect.signature(item.function).parameters, *item.names}
    named = names & set(ARGUMENTS.findall(message)) or (item.path and item.path in message)
    if ours and named and isinstance(error, EXPECTED):
        return {"outcome": "refused", "message": message}
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return {"outcome": "over memory", "message": message}
    return {
        "outcome": "raw error",
        "message": f"{type(error).__name__}: {message[:1500]}\n{_last_lines(error)}",
    }


def _last_lines(error=None):
    error = error or sys.exc_info()[1]
    return "".join(traceback.format_tb(error.__traceback__)[-3:])


def _memory(field):
    """Returns a field of the memory of this process, in bytes."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise LookupError(field)


def _stamps(folder):
    """Returns the files of a folder, with their sizes and the times of their last change."""
    paths = sorted(pathlib.Path(folder).rglob("*"))
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]


def _watch(folder, seen):
    """Notes in `seen` what this process opens for writing, starts or connects to."""
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

    def hook(event, args):
        if event == "open":
            path, mode, flags = args
            writes = bool(flags & writing) if flags else set(mode or "") & set("wax+")
            if isinstance(path, int) or not writes or os.fsdecode(path) == os.devnull:
                return
        elif event in ALTERS:
            path = args[0]
        elif event in NEVER:
            seen.append(f"{event} {args!r}"[:200])
            return
        else:
            return
        if not os.path.realpath(os.fsdecode(path)).startswith(os.path.realpath(folder)):
            seen.append(f"{event} {os.fsdecode(path)}")

    sys.addaudithook(hook)
