"""Names of functions and classes inside a layer's configuration: activations and quantizers.

Keras writes them as a string, as ``{"class_name": "function", "config": name}`` or as the configuration of an
object, with or without the package that they are registered under.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

# What these packages register is also known by its bare name.
_OUR_PACKAGES = ("xlite", "Larq", "Custom", "Addons")


class Named(NamedTuple):
    """``name`` has the package where the file gives one; ``config`` are the object's own arguments."""

    name: str
    config: dict[str, Any]


def named(value: Any) -> Named | None:
    """What a configuration entry names, None where it names nothing (or holds code, which is never run)."""
    if isinstance(value, str):
        return Named(value, {})
    if not isinstance(value, dict):
        return None
    config = value.get("config")
    if value.get("class_name") == "function":
        written = value.get("registered_name")
        name = written if isinstance(written, str) and written != "function" else config
        return Named(name, {}) if isinstance(name, str) else None
    class_name = value.get("class_name")
    name = value.get("registered_name") or class_name
    if not isinstance(name, str) or class_name == "__lambda__":
        return None
    return Named(name, config if isinstance(config, dict) else {})


def look_up(table: dict[str, T], name: str) -> T | None:
    """The entry of a table by its full name, or by its bare one where the package is one of ours."""
    if name in table:
        return table[name]
    package, _, bare = name.rpartition(">")
    return table.get(bare) if package in _OUR_PACKAGES else None
