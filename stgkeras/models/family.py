"""Merges the signature and the docstring of a model with those of its family.

A family is a base class, such as `Forecaster`. The constructor and the docstring of the family
state the common arguments once. A model states its own arguments, and passes the common arguments
on with `**common`. After the merge, `help` and `inspect.signature` show all arguments of the model.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

# The section "Args:" of a docstring ends before the next line without indentation.
SECTION = re.compile(r"^Args:\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def is_family(cls: type) -> bool:
    """Returns whether the class is the base of a family: it names its `hidden_arguments`."""
    return "hidden_arguments" in vars(cls)


def show_arguments(model: Any, base: Any) -> None:
    """Sets the signature and the docstring of a model so that they show all its arguments.

    If the base is a family, the common arguments come first, without its `hidden_arguments`, then
    the arguments that only the model has. If the model states a common argument again, the default
    and the text of the model are used.

    Args:
        model: class of the model, which is changed.
        base: base class of the model.
    """
    parameters = _parameters(model)
    if is_family(base):
        common = _parameters(base)
        hidden = (*base.hidden_arguments, *model.left_out)
        common = {name: common[name] for name in common if name not in hidden}
        # Python requires that `**kwargs`, the arguments of `keras.Model`, come last.
        parameters = dict(sorted({**common, **parameters}.items(), key=_is_last))
        parameters.pop("common")
        model.__doc__ = _merged_doc(inspect.getdoc(model), inspect.getdoc(base), parameters)
    model.__signature__ = inspect.Signature(list(parameters.values()))


def show_constructor(model: Any) -> None:
    """Shows all arguments of a model in the signature of its `__init__`, for tools that look there.

    Keras clones models as such only if their constructors take `*args` and `**kwargs`.
    """
    kinds = inspect.Parameter
    parameters = model.__signature__.parameters.values()
    first = [one for one in parameters if one.kind == kinds.POSITIONAL_OR_KEYWORD]
    rest = [one for one in parameters if one.kind != kinds.POSITIONAL_OR_KEYWORD]
    first.insert(0, kinds("self", kinds.POSITIONAL_OR_KEYWORD))
    shown = [*first, kinds("args", kinds.VAR_POSITIONAL), *rest]
    model.__init__.__signature__ = inspect.Signature(shown)


def _is_last(item):
    return item[1].kind == inspect.Parameter.VAR_KEYWORD


def _parameters(cls):
    parameters = inspect.signature(cls.__init__).parameters
    return {name: parameters[name] for name in list(parameters)[1:]}


def _merged_doc(doc, common_doc, parameters):
    if not doc or not SECTION.search(doc):
        return doc
    texts = {**_entries(common_doc), **_entries(doc)}
    order = dict.fromkeys(texts[name] for name in parameters if name in texts)
    section = "Args:\n" + "".join(order) + "\n"
    return SECTION.sub(lambda _: section, doc, count=1)


def _entries(doc):
    """Returns {argument: text} of the section "Args:". Arguments can share one text."""
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
