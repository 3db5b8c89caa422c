"""The Python snippets of a page."""

import re


def python_snippets(path):
    return re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.DOTALL)
