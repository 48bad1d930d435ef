"""The shell of an HTML report: one file, no network, and a policy that lets nothing but its own style sheet and scripts work.

The policy names them by their hashes, so even text that slipped past `escape` could neither run, nor load anything, nor change
how the page looks.
"""

import base64
import html
from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template

from moorage.report.wording import plain


def page(title: str, when: str, said: str, body: str) -> str:
    """A page around a body that is markup already; the other arguments are text."""
    style, early, script = (asset(name) for name in ("page.css", "early.js", "page.js"))
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(early)} {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return Template(asset("page.html")).substitute(
        policy=policy,
        heading=escape(title),
        when=f'<p class="when">{escape(when)}</p>' if when else "",
        status=escape(said),
        style=style,
        early=early,
        script=script,
        body=body,
    )


def escape(text: str) -> str:
    """Foreign text for element content and for quoted attributes."""
    return html.escape(plain(text))


@cache
def asset(name: str) -> str:
    """A file that is packed beside this module."""
    return (files("moorage.report") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"
