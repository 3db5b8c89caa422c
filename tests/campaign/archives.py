"""Random faults in the files of saved models: zip archives, JSON, HDF5, and plain bytes."""

import io
import json
import warnings
import zipfile

import h5py
import numpy as np

VALUES = (None, "", "x", 0, -1, 1.5, True, 10**12, 10**30, [], [1, 2], {}, {"a": 1}, "../x", [[]])
OTHERS = (b"", b"PK", b"PK\x05\x06" + bytes(18), b"\x89HDF\r\n\x1a\n", b"{}", b"[1]", b"text")
FOREIGN = ("../evil.txt", "/tmp/evil.txt", "a.pkl", "assets/../../evil", "model.weights.h5/x", "b/")


def members_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def archive_of(members):
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as archive:
        warnings.simplefilter("ignore")  # of a name that occurs twice
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def damaged_bytes(rng, data):
    """Truncates, cuts, changes or replaces bytes."""
    low, high = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return rng.choice(
        (
            lambda: data[:low],
            lambda: data[:low] + data[high:],
            lambda: data[:low] + rng.randbytes(rng.randint(1, 8)) + data[low + 4 :],
            lambda: data + rng.randbytes(20),
            lambda: rng.choice(OTHERS),
        )
    )()


def damaged_json(rng, data):
    """Changes, removes or renames one value somewhere in a JSON text."""
    whole = json.loads(data)
    places = []

    def visit(node):
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], (dict, list)):
                visit(node[key])

    visit(whole)
    for node, key in rng.sample(places, rng.choice((1, 1, 2))):
        fault = rng.choice(("value", "value", "value", "remove", "rename"))
        if not (key in node if isinstance(node, dict) else key < len(node)):
            continue
        if fault == "value":
            node[key] = rng.choice(VALUES)
        elif fault == "remove":
            del node[key]
        elif isinstance(node, dict):
            node[f"{key}x"] = node.pop(key)
    return json.dumps(whole).encode()


def damaged_h5(rng, data):
    """Removes, renames, reshapes, retypes or swaps arrays. Returns bytes and the fault."""
    file = io.BytesIO(data)
    with h5py.File(file, "a") as h5:
        names = []
        h5.visititems(lambda name, item: names.append((name, isinstance(item, h5py.Dataset))))
        arrays = [name for name, is_array in names if is_array]
        fault = rng.choice(("remove", "remove group", "rename", "reshape", "retype", "values"))
        name = rng.choice(arrays)
        if fault == "remove group":
            del h5[rng.choice([name for name, is_array in names if not is_array])]
        elif fault == "rename":
            h5.move(name, f"{name}x")
        else:
            value = h5[name][()]
            del h5[name]
            if fault == "reshape":
                h5[name] = rng.choice((np.zeros(np.shape(value) + (2,)), np.zeros(0), np.zeros(7)))
            elif fault == "retype":
                h5[name] = rng.choice((np.full(np.shape(value), b"x"), "text"))
            elif fault == "values":
                h5[name] = np.full(np.shape(value), np.nan, "float32")
    return file.getvalue(), fault


def damaged_archive(rng, data):
    """Damages an archive as a whole, or one of its members. Returns bytes and the fault."""
    members = members_of(data)
    fault = rng.choice(
        ("bytes", "remove", "swap", "rename", "foreign", "twice", "json", "json", "json", "h5")
        + ("h5", "member")
    )
    place = rng.randrange(len(members))
    name, content = members[place]
    names = [name for name, _ in members]
    if fault == "bytes":
        return damaged_bytes(rng, data), fault
    if fault == "remove":
        del members[place]
    elif fault == "swap":
        other = rng.randrange(len(members))
        members[place], members[other] = (name, members[other][1]), (members[other][0], content)
    elif fault == "rename":
        members[place] = (f"{name}x", content)
    elif fault == "foreign":
        members.insert(place, (rng.choice(FOREIGN), b"cos\nsystem\n(S'true'\ntR."))
    elif fault == "twice":
        members.insert(place, (name, rng.choice(OTHERS)))
    elif fault == "member":
        members[place] = (name, damaged_bytes(rng, content))
    elif fault == "json":
        place = rng.choice([i for i, name in enumerate(names) if name.endswith(".json")])
        members[place] = (names[place], damaged_json(rng, members[place][1]))
    elif fault == "h5":
        place = names.index("model.weights.h5")
        content, how = damaged_h5(rng, members[place][1])
        members[place] = (names[place], content)
        fault = f"h5 {how}"
    return archive_of(members), fault
