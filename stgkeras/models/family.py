"""Arguments and docstrings that the models of a family share.

A family is a base class, such as `Forecaster`. Its constructor and docstring state the common
arguments once. A model of the family states its own arguments, and passes the common ones on by
`**common`. Here the two are merged, so that `help`, `inspect.signature` and the documentation show
every argument of the model.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

# The section "Args:" of a docstring, up to the next line without indentation.
SECTION = re.compile(r"^Args:\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def merge(model: Any, family: Any) -> None:
    """Sets the signature and the docstring of a model to those with all arguments.

    Arguments of the model that the family has too replace those of the family: another default, or
    another text. The common arguments come first, then the model's own.
    """
    own, common = _parameters(model), _parameters(family)
    shared = {name: p for name, p in common.items() if name not in family.for_models}
    merged = {name: own.pop(name, parameter) for name, parameter in shared.items()}
    # `num_nodes`, then the arguments by name, then those of `keras.Model`.
    var = {name: merged.pop(name) for name in list(merged) if merged[name].kind == VAR_KEYWORD}
    own = {name: parameter for name, parameter in own.items() if parameter.kind != VAR_KEYWORD}
    parameters = [*merged.values(), *own.values(), *var.values()]
    model.__signature__ = inspect.Signature(parameters)
    model.__doc__ = _merged_doc(inspect.getdoc(model), inspect.getdoc(family), parameters)


VAR_KEYWORD = inspect.Parameter.VAR_KEYWORD


def _parameters(cls):
    parameters = inspect.signature(cls.__init__).parameters
    return {name: parameters[name] for name in list(parameters)[1:]}


def _merged_doc(doc, common_doc, parameters):
    if not doc or not SECTION.search(doc):
        return doc
    texts = {**_entries(common_doc), **_entries(doc)}
    order = dict.fromkeys(texts[p.name] for p in parameters if p.name in texts)
    section = "Args:\n" + "".join(order) + "\n"
    return SECTION.sub(lambda _: section, doc, count=1)


def _entries(doc):
    """{argument: its text} of the section "Args:"; arguments that share a text have it each."""
    found = SECTION.search(doc)
    if not found:
        return {}
    lines = found.group(1).rstrip().splitlines(keepends=True)
    starts = [n for n, line in enumerate(lines) if re.match(r" {4}\S", line)]
    texts = {}
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        text = "".join(lines[start:end]).rstrip("\n") + "\n"
        for name in text.split(":")[0].replace("\n", " ").split(","):
            texts[name.strip()] = text
    return texts
