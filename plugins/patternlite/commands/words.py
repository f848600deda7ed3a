"""Rewrites the library's messages, which name Python options, in the words of the command line."""

from __future__ import annotations

import re

_LISTS = ("dense", "kinds")
_NUMBERS = (
    "rate", "macs", "latency", "threads", "structure", "images", "refine_steps", "distill_steps",
    "learning_rate",
)  # fmt: skip
# As in "ask for rate=4.0, or give dense=('stem',)", but not in the path "out/rate=4.0/net.mnn".
_GIVEN = re.compile(
    rf"(?<![^\s(])(?:(?P<list>{'|'.join(_LISTS)})=\((?P<names>'[^()]*),?\)"
    rf"|(?P<name>{'|'.join(_NUMBERS)})=(?P<value>\d+(?:\.\d+)?|[a-z]\w*))(?![\w/])"
)
_NAMED = re.compile(r"(?<![\w./-])(refine_steps|distill_steps|learning_rate|input_shape)(?![\w./])")


def as_typed(text: str) -> str:
    """ "kinds=('1x1', 'depthwise')" -> "--kinds 1x1,depthwise"; "refine_steps" -> "--refine-steps"."""
    return _NAMED.sub(lambda found: _option(found[1]), _GIVEN.sub(_typed, text))


def _typed(found: re.Match[str]) -> str:
    if found["name"]:
        return f"{_option(found['name'])} {found['value']}"
    names = re.findall(r"'([^']*)'", found["names"])
    if found["list"] == "kinds":
        return f"--kinds {','.join(names)}"
    return " ".join(f"--dense {name}" for name in names)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
