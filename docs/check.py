"""Checks a built site: each link inside it leads somewhere, and no page loads from another host.

python docs/check.py docs/_build/html
"""

import pathlib
import re
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
KEPT = ("canonical", "next", "prev", "search", "index", "author", "about")  # kinds of `link`
STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?(?:https?:)?//[^"')\s]+""")


class Page(HTMLParser):
    """What a page loads, where its links lead, and the targets that it has."""

    def __init__(self, path):
        super().__init__()
        self.loads, self.links, self.targets = [], [], {""}
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.targets.update(filter(None, (values.get("id"), values.get("name"))))
        address = values.get(LOADED.get(tag, ""))
        if address and values.get("rel") not in KEPT:
            self.loads.append(address)
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])


def faults(folder):
    """One line for each fault of the site in this folder."""
    folder = pathlib.Path(folder).resolve()
    paths = (path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts)
    pages = {path: Page(path) for path in paths}
    found = [] if pages else [f"{folder} has no pages"]
    for path, page in pages.items():
        name = path.relative_to(folder)
        for address in page.loads:
            if urlsplit(address).netloc:
                found.append(f"{name} loads {address}")
        for address in [*page.links, *page.loads]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                found.append(f"{name} leads to {address}, which does not exist")
            elif target in pages and unquote(parts.fragment) not in pages[target].targets:
                found.append(f"{name} leads to {address}, which has no such part")
    for path in sorted(folder.rglob("*.css")):
        for address in STYLE.findall(path.read_text("utf-8")):
            found.append(f"{path.relative_to(folder)} loads {address}")
    return found


if __name__ == "__main__":
    lines = faults(sys.argv[1])
    print(
        "\n".join(lines) or "all links inside the site lead somewhere, no page loads from outside"
    )
    sys.exit(bool(lines))
