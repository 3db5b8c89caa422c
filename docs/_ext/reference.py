"""Writes the pages of `reference/`: one a part, and one a public name."""

import inspect
import pathlib

import docstrings
import names


def setup(app):
    app.connect("config-inited", write)
    return {"parallel_read_safe": True}


def write(app, config):
    folder = pathlib.Path(app.srcdir) / "reference" / "api"
    folder.mkdir(exist_ok=True)
    wanted = {f"{name}.rst": page(name, value) for name, value in names.pages().items()}
    for part in names.parts():
        wanted[f"{dotted(part)}.rst"] = overview(part)
    wanted["sources.rst"] = sources()
    for path in folder.glob("*.rst"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != text:  # else it is read again
            path.write_text(text, "utf-8")


def dotted(*words):
    return ".".join(filter(None, ["stgkeras", *words]))


def heading(text, mark="="):
    return [text, mark * len(text), ""]


def overview(part):
    """The page of a part: its first sentences and a table of its names."""
    value = __import__(dotted(part), fromlist=["x"])
    lines = [*heading(dotted(part))]
    lines += docstrings.converted((inspect.getdoc(value) or "").splitlines(), dotted(part))
    lines += [f".. py:module:: {dotted(part)}", "", ".. list-table::", "   :widths: 30 70", ""]
    pages = []
    for name, one in sorted(names.parts()[part].items(), key=lambda item: item[0].lower()):
        page_name = dotted(part, name) if dotted(part, name) in names.pages() else dotted(name)
        if page_name == dotted(part, name):
            pages.append(page_name)
        text = docstrings.inline(docstrings.summary(one), page_name)
        lines += [f"   * - :py:obj:`{name} <{page_name}>`", f"     - {text}"]
    lines += ["", ".. toctree::", "   :hidden:", "", *(f"   {name}" for name in pages), ""]
    return "\n".join(lines)


def page(name, value):
    """The page of one name."""
    module, _, last = name.rpartition(".")
    kind = "class" if inspect.isclass(value) else "function" if callable(value) else "data"
    lines = [*heading(last), f".. currentmodule:: {module}", "", f".. auto{kind}:: {last}", ""]
    if kind == "class":
        for method in names.methods(value):
            what = "method" if callable(getattr(value, method)) else "property"
            lines += [f"   .. auto{what}:: {method}", ""]
    return "\n".join(lines)


def sources():
    """The papers and equations that the docstrings name."""
    lines = [
        *heading("Papers and equations"),
        "The sources that the docstrings name.",
        "",
    ]
    lines += [".. list-table::", "   :widths: 30 70", "   :header-rows: 1", ""]
    lines += ["   * - name", "     - source"]
    for name, value in sorted(names.pages().items()):
        text = (inspect.getdoc(value) or "").partition("\nSource:\n")[2]
        text = " ".join(text.partition("\n\n")[0].split())
        if "arXiv" in text or "eq" in text or "doi" in text:
            short = name.removeprefix("stgkeras.")
            lines += [
                f"   * - :py:obj:`{short} <{name}>`",
                f"     - {docstrings.inline(text, name)}",
            ]
    return "\n".join([*lines, ""])
