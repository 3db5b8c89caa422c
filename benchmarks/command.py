"""Runs benchmarks: command lines, child processes, and scripts of examples/."""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys

import records

BACKENDS = ["tensorflow", "jax", "torch"]
DATA = {"required": True, "metavar": "FOLDER", "help": "folder of measured data"}
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NPROC",  # the thread pool of XLA
)


def run(name, argv=None):
    """Runs a benchmark, saves the result that its `main` returns, and prints its `table`.

    A benchmark is a module with `OPTIONS`, see `parse`, and `main`, a function of the parsed
    options. In a process that `Child` started, its generator `in_child` runs instead of `main`.
    """
    module = sys.modules[name]
    if sys.argv[1:2] == ["--child"]:
        answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # so that output of libraries is not read as an answer
        for answer in module.in_child(**json.loads(sys.argv[2])):
            print(json.dumps(answer), file=answers, flush=True)
        return
    args = parse(module, argv)
    result = module.main(args)
    if result is not None:
        records.save(args, result)
        print(module.table(result))


def several(default, choices=None):
    """Returns an option that takes several words from the choices."""
    return {"nargs": "+", "default": list(default), "choices": choices or default}


def parse(module, argv=None):
    """Parses the options of a benchmark.

    `OPTIONS` maps the name of each option to its default, to a pair (default, help text), or to a
    dict of arguments of `add_argument`. A value has the type of the default; a list takes several
    values. "task" is a positional argument. "rest" collects all unknown words.
    """
    script = pathlib.Path(module.__file__).stem
    result = records.RESULTS / f"{script}.json", "file of the result"
    options = {"out": result} | module.OPTIONS
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(f"{script}.py", None, module.__doc__, formatter_class=form)
    for name, option in options.items():
        default, text = option if isinstance(option, tuple) else (option, None)
        if isinstance(default, dict):
            about = default
        elif isinstance(default, bool):
            about = {"action": "store_true"}
        elif isinstance(default, list):
            about = {"nargs": "+", "default": default, "type": type(default[0])}
        else:
            about = {"default": default, "type": type(default)}
        if name != "rest":
            flag = name if name == "task" else f"--{name.replace('_', '-')}"
            parser.add_argument(flag, **{"help": text, **about})
    words = sys.argv[1:] if argv is None else argv
    args, rest = parser.parse_known_args(words)
    if rest and "rest" not in options:
        parser.error(f"unknown options: {' '.join(rest)}")
    args.script, args.argv, args.rest = script, words, rest
    return args


def environment(backend, threads=None, root=records.ROOT):
    """Returns environment variables: the backend, the threads, and the checkout of stgkeras."""
    found = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(root)}
    return found if threads is None else found | dict.fromkeys(THREADS, str(threads))


class Child:
    """A benchmark in a new process. `in_child` yields its answers, which are sent as JSON."""

    def __init__(self, file, env, python=sys.executable, **request):
        words, pipe = [python, str(file), "--child", json.dumps(request)], subprocess.PIPE
        self.process = subprocess.Popen(words, env=env, stdin=pipe, stdout=pipe, text=True)

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, word):
        """Sends a word to the standard input of `in_child`, and returns the answer."""
        print(word, file=self.process.stdin, flush=True)
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def ask(file, backend, threads=None, root=records.ROOT, **request):
    """Returns the first answer of a benchmark in a new process."""
    with contextlib.closing(Child(file, environment(backend, threads, root), **request)) as child:
        return child.answer()


def ask_backends(args, file, **request):
    """Returns {backend: first answer in a new process}, and the versions of all backends."""
    threads = getattr(args, "threads", None)
    found = {backend: ask(file, backend, threads, **request) for backend in args.backends}
    versions = {}
    for answer in found.values():
        versions |= answer.pop("versions")
    return found, versions


def example(name, options, folder):
    """Returns the record of a script of examples/. A complete run is not repeated."""
    record = folder / "metrics.json"
    if not record.exists():
        script = records.ROOT / "examples" / f"{name}.py"
        resume = ["--resume"] if (folder / "last.keras").exists() else []
        words = [sys.executable, str(script), *options, "--out", str(folder), *resume]
        subprocess.run(words, check=True, cwd=records.ROOT)
    return records.read(record)
