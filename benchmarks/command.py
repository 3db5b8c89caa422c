"""How a benchmark runs: its command line, its record, and the processes that it starts."""

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

    A benchmark is a module with `OPTIONS`, see `parse`, and `main`, a function of the options. In a
    process that is a `Child`, its generator `in_child` runs instead, and yields the answers.
    """
    module = sys.modules[name]
    if sys.argv[1:2] == ["--child"]:
        answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what libraries print must not pass for an answer
        for answer in module.in_child(**json.loads(sys.argv[2])):
            print(json.dumps(answer), file=answers, flush=True)
        return
    args = parse(module, argv)
    result = module.main(args)
    if result is not None:
        records.save(args, result)
        print(module.table(result))


def several(default, choices=None):
    """An option of several words, each of which must be one of the choices."""
    return {"nargs": "+", "default": list(default), "choices": choices or default}


def parse(module, argv=None):
    """Reads the options of a benchmark from the words `argv`.

    `OPTIONS` maps each option to its default, or to its default and a help text. The default tells
    the type too; a list takes several words. A dict has the arguments of `add_argument` instead.
    The option "task" is the first word, and "rest" takes all words that belong to no option.
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
    """The environment of a process: its backend, its threads, and where stgkeras lies."""
    found = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(root)}
    return found if threads is None else found | dict.fromkeys(THREADS, str(threads))


class Child:
    """A script in a process of its own. What its `in_child` yields are the answers."""

    def __init__(self, file, env, python=sys.executable, **request):
        words, pipe = [python, str(file), "--child", json.dumps(request)], subprocess.PIPE
        self.process = subprocess.Popen(words, env=env, stdin=pipe, stdout=pipe, text=True)

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, word):
        """The answer to a word that `in_child` reads from its standard input."""
        print(word, file=self.process.stdin, flush=True)
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def ask(file, backend, threads=None, root=records.ROOT, **request):
    """The only answer of a script, in a process of its own."""
    with contextlib.closing(Child(file, environment(backend, threads, root), **request)) as child:
        return child.answer()


def ask_backends(args, file, **request):
    """The only answer of a script on each backend, and the versions there."""
    threads = getattr(args, "threads", None)
    found = {backend: ask(file, backend, threads, **request) for backend in args.backends}
    versions = {}
    for answer in found.values():
        versions |= answer.pop("versions")
    return found, versions


def example(name, options, folder):
    """What a script of examples/ recorded; it runs unless the folder holds a whole run."""
    record = folder / "metrics.json"
    if not record.exists():
        script = records.ROOT / "examples" / f"{name}.py"
        resume = ["--resume"] if (folder / "last.keras").exists() else []
        words = [sys.executable, str(script), *options, "--out", str(folder), *resume]
        subprocess.run(words, check=True, cwd=records.ROOT)
    return records.read(record)
