"""The public names of stgkeras, and what a piece of code in a docstring refers to."""

import functools
import importlib
import inspect
import re

import stgkeras

HIDDEN = ("build", "call", "compute_output_shape", "get_config", "from_config", "compute_mask")
HIDDEN += ("update_state", "result", "reset_state", "set_model", "set_params")
HIDDEN += ("add_kernel", "load_own_variables", "scale_loss", "apply", "finalize_variable_values")
HIDDEN += ("require", "require_state", "choose_targets", "readings")
KINDS = (property, classmethod, staticmethod, functools.cached_property)


@functools.cache
def parts():
    """{part: {name: object}}: what the parts of the library offer; "" is stgkeras itself."""
    found = {"": {name: getattr(stgkeras, name) for name in stgkeras.CALLABLES}}
    for part in sorted(set(stgkeras.__all__) - set(found[""])):
        module = importlib.import_module(f"stgkeras.{part}")
        offered = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
        ]
        found[part] = {name: getattr(module, name) for name in offered}
    return found


def pages():
    """{dotted name: object} of all names that have a page."""
    return {
        ".".join(filter(None, ["stgkeras", part, name])): value
        for part, offered in parts().items()
        for name, value in offered.items()
        if part != "forecasting" or name != "Forecaster"  # stgkeras.Forecaster
    }


def methods(cls):
    """Names of the methods and properties that stgkeras itself gives a class."""
    found = {}
    for one in reversed(cls.__mro__):
        if one.__module__.startswith("stgkeras"):
            found.update({name: value for name, value in vars(one).items() if own(value)})
    return [name for name in found if name not in HIDDEN and not name.startswith(("_", "on_"))]


def own(value):
    """Whether it is a method with a docstring of stgkeras, which wraps some methods of Keras."""
    is_method = inspect.isfunction(value) or isinstance(value, KINDS)
    wrapped = getattr(value, "__wrapped__", None)
    return is_method and value.__doc__ and (not wrapped or "stgkeras" in wrapped.__module__)


def target(code, name):
    """The dotted name of the page that code such as "graphs.laplacian" means, or None."""
    if not re.fullmatch(r"[A-Za-z_][\w.]*", code):
        return None
    tries, beside = [f"stgkeras.{code}", code], ".".join(name.split(".")[:2])
    if "." not in code and (code[0].isupper() or len(code) > 8):  # shorter: maybe an argument
        tries.insert(0, f"{beside}.{code}")
    if "." not in code and code[0].isupper():
        tries += [f"stgkeras.{part}.{code}" for part in parts() if part]
    return next((one for one in tries if one in pages() and one != name), None)
