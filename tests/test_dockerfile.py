"""The commands of the Dockerfile, in an environment that has nothing else. `nox -s dockerfile`."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

if "STGKERAS_DOCKERFILE" not in os.environ:
    pytest.skip("downloads packages: run `nox -s dockerfile`", allow_module_level=True)

from service_runs import Client, saved, time_of
from test_serving_onnx import write_onnx

ROOT = pathlib.Path(__file__).parent.parent
PORT = "8765"


def test_the_commands_serve_a_forecaster_without_a_backend(tmp_path):
    context, root = tmp_path / "context", tmp_path / "root"  # of the build, and of the image
    kept = shutil.ignore_patterns(".git", "runs", ".nox", "__pycache__")
    shutil.copytree(ROOT, context, ignore=kept)
    saved(context / "city")
    write_onnx(context / "city" / "model.onnx")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "python"], check=True)
    place, command = root, None
    kept = {name: os.environ[name] for name in os.environ if name.startswith("PIP_")}
    path = f"{tmp_path / 'python' / 'bin'}:{os.environ['PATH']}"
    env = {**kept, "PATH": path, "HOME": str(tmp_path)}

    def inside(text):
        return text.replace(" /s", f" {root}/s")  # /src and /srv

    for line in (ROOT / "Dockerfile").read_text().splitlines():
        name, _, rest = line.partition(" ")
        if name == "WORKDIR":
            place = root / rest.lstrip("/")
            place.mkdir(parents=True)
        elif name == "COPY":
            source, target = rest.split()
            shutil.copytree(context / source, root / target.lstrip("/"))
        elif name == "RUN":
            subprocess.run(inside(rest), shell=True, cwd=place, env=env, check=True)
        elif name == "CMD":
            command = [word.replace("8000", PORT) for word in json.loads(rest)]
    absent = ("tensorflow", "jax", "torch", "keras")
    absent = f"import importlib.util as u; print([*filter(u.find_spec, {absent})])"
    words = [shutil.which("python", path=path), "-c", absent]
    assert subprocess.run(words, env=env, capture_output=True, text=True).stdout == "[]\n"
    program = [shutil.which(command[0], path=path), *command[1:]]
    with subprocess.Popen(program, cwd=place, env=env, stdout=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout.readline().startswith("Serving data/city on http://0.0.0.0:")
            client = Client(int(PORT))
            assert client.post({"time": time_of(240), "values": [1, 2, 3, 4]})[0] == 200
            assert client.get("/forecast")[0] == 200
        finally:
            run.terminate()
    # A volume keeps the folder data of an older image.
    assert (root / "srv" / "data" / "city.sqlite").exists()
    assert (root / "srv" / "data" / "city").readlink() == root / "srv" / "city"
