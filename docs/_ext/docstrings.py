"""Turns the docstrings of stgkeras into reStructuredText.

The docstrings are plain text: sections ("Args:", "Call arguments:", …) whose entries are indented,
code in single backticks, equations as indented blocks. A star or an underscore has no meaning.
"""

import functools
import inspect
import re

import names
from sphinx.util.inspect import stringify_signature

SECTION = re.compile(r"^([A-Z][A-Za-z ]+):$")
ENTRY = re.compile(r"((?:[\w.*]+,\s+)*[\w.*]+):\s(.*)", re.DOTALL)
ITEM = re.compile(r"(?:-|\d+\.) ")
PAPER = re.compile(r"\b(arXiv|doi):(10\.[^\s,;)]*[^\s,;).]|[\d.]+\d)")
ADDRESS = {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/"}
ENTRIES = ("Args", "Call arguments", "Attributes", "Hyperparameters")


def setup(app):
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", docstring)
    app.connect("autodoc-process-signature", signature)
    return {"parallel_read_safe": True}


def signature(app, what, name, value, options, shown, returned):
    """That of `inspect.signature`: classes of Keras hide theirs behind `__new__`."""
    if what == "class":
        found = inspect.signature(value).replace(return_annotation=inspect.Signature.empty)
        return stringify_signature(found, unqualified_typehints=True), None
    return None


def docstring(app, what, name, value, options, lines):
    lines[:] = converted(lines, name)


def converted(lines, name=""):
    """The lines of a docstring as reStructuredText, for the object of this dotted name."""
    found, section, part = [], None, []
    for line in [*lines, "End:"]:
        head = SECTION.match(line)
        if not head:
            part.append(line)
            continue
        if section:
            found += ["", f".. rubric:: {section}", ""]
        while part and not part[-1].strip():
            part.pop()
        text = inspect.cleandoc("\n".join(["", *part])).splitlines() if section else part
        found += entries(text, name) if section in ENTRIES else blocks(text, name)
        section, part = head[1], []
    return [*found, ""]


def entries(lines, name):
    """A definition list of arguments."""
    text, found = "\n".join(lines), []
    for one in re.split(r"\n(?=\S)", text):
        head = ENTRY.match(re.sub(r",\n\s*", ", ", one) if ":" not in one.split("\n")[0] else one)
        if not head:  # a sentence between the arguments
            found += [*blocks(inspect.cleandoc(one).splitlines(), name), ""]
            continue
        words = [f"``{word}``" for word in re.split(r",\s+", head[1])]
        body = blocks(inspect.cleandoc(head[2]).splitlines(), name)
        found += [", ".join(words), *(f"    {line}" for line in body), ""]
    return found


def blocks(lines, name):
    """Paragraphs, lists, examples and equations."""
    found = []
    for block in re.split(r"\n[ \t]*\n", "\n".join(lines)):
        block = block.strip("\n")
        if not block:
            continue
        if block.lstrip().startswith(">>>"):
            found += [*inspect.cleandoc(block).splitlines(), ""]
        elif block.startswith(" ") and not ITEM.match(block.lstrip()):
            found += ["::", "", *(f"    {line}" for line in inspect.cleandoc(block).splitlines())]
            found += [""]
        else:
            found += [*paragraphs(inspect.cleandoc(block), name), ""]
    return found


def paragraphs(text, name):
    """A paragraph, and the items of a list that may follow it."""
    found = []
    for one in re.split(r"\n\s*(?=(?:-|\d+\.) )", text):
        start = ITEM.match(one)
        body = inline(" ".join(one[start.end() if start else 0 :].split()), name)
        found += ["", f"- {body}"] if start else [body]
    return found


def inline(text, name):
    """One line of text, with links to public names and papers."""
    parts = re.split(r"``(.+?)``|`([^`]+)`", text)
    found = []
    for index, part in enumerate(parts):
        if not part:
            continue
        if index % 3 == 0:
            found.append(PAPER.sub(paper, re.sub(r"([\\*_|])", r"\\\1", part)))
            continue
        target = names.target(part, name)
        code = f":py:obj:`{part} <{target}>`" if target else f"``{part}``"
        before = "\\ " if found and not found[-1][-1].isspace() else ""
        after = "\\ " if parts[index + (3 - index % 3) :][:1] != [""] else ""
        found.append(f"{before}{code}{after}")
    return "".join(found)


def paper(found):
    return f"`{found[0]} <{ADDRESS[found[1]]}{found[2]}>`__"


@functools.cache
def summary(value):
    """The first sentence of a docstring."""
    text = " ".join((inspect.getdoc(value) or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s", text)[0]
