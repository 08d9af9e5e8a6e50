"""Loads and checks the configuration «name».

README_CONFIG.md describes the settings. Run this file to check «file»: it prints OK, or says
everything that is wrong.
"""

from __future__ import annotations

import copy
«if json»
import json
«end»
import math
import re
import sys
from pathlib import Path
from typing import Any

CONFIG_FILE = Path(__file__).resolve().parent / «file_quoted»

SETTINGS: tuple[dict[str, Any], ...] = (
«settings»
)

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, float),
    "float": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


class ConfigError(ValueError):
    """A configuration that cannot be used. The message has one line for each reason."""


def read(path: str | Path) -> Any:
    """Reads the file, without checking what is in it."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"Config not found: {path}")
«if json»
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}") from error
«end»
«if yaml»
    try:
        import yaml
    except ImportError as error:
        raise ImportError("reading YAML needs PyYAML: python3 -m pip install pyyaml") from error
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
«end»
«if toml»
    try:
        import tomllib
    except ImportError:
        try:
            import tomli as tomllib
        except ImportError as error:
            raise ImportError(
                "reading TOML needs Python 3.11, or tomli: python3 -m pip install tomli"
            ) from error
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
«end»


def check(data: Any) -> dict[str, Any]:
    """Checks what was read. Returns the value of every setting, by its key with dots.

    Raises ConfigError with everything that is wrong.
    """
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise ConfigError("the configuration must be made of names and values")
    problems: list[str] = []
    rest: dict[str, Any] = copy.deepcopy(data)
«if version»
    if not isinstance(rest.pop("version", ""), str):
        problems.append("version: must be a string")
«end»
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        key = setting["key"]
        found, value = _take(rest, key.split("."), problems)
        if not found:
            if setting["required"]:
                problems.append(f"{key}: is required")
            value = copy.deepcopy(setting["default"])
        values[key] = _check_value(setting, value, problems)
    for key in _names(rest):
        problems.append(f"{key}: is no setting")
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    return values


def _take(node: Any, parts: list[str], problems: list[str], at: str = "") -> tuple[bool, Any]:
    """Takes a value out of its level, so that what is left is what no setting has a name for."""
    name, inner = parts[0], parts[1:]
    if name not in node:
        return False, None
    if not inner:
        return True, node.pop(name)
    if not isinstance(node[name], dict):
        problems.append(f"{at}{name}: must be made of names and values")
        return False, None
    found, value = _take(node[name], inner, problems, f"{at}{name}.")
    if not node[name]:
        del node[name]
    return found, value


def _names(node: dict[Any, Any], at: str = "") -> list[str]:
    names: list[str] = []
    for name, value in node.items():
        key = f"{at}{name}"
        levels = any(setting["key"].startswith(f"{key}.") for setting in SETTINGS)
        if isinstance(value, dict) and value and levels:
            names.extend(_names(value, f"{key}."))
        elif not levels:
            names.append(key)
    return names


def _check_value(setting: dict[str, Any], value: Any, problems: list[str]) -> Any:
    key, kind = setting["key"], setting["type"]
    is_bool = isinstance(value, bool)
    fits = isinstance(value, _TYPES[kind]) and is_bool == (kind == "boolean")
    if fits and isinstance(value, float) and not math.isfinite(value):
        fits = False
    if fits and kind == "integer" and isinstance(value, float):
        fits = value.is_integer()
    if not fits:
        problems.append(f"{key}: must be of type {kind}, not {value!r}")
        return value
    if kind == "integer":
        value = int(value)
    elif kind == "float":
        value = float(value)
    if "min" in setting and value < setting["min"]:
        problems.append(f"{key}: must be >= {setting['min']}, not {value!r}")
    if "max" in setting and value > setting["max"]:
        problems.append(f"{key}: must be <= {setting['max']}, not {value!r}")
    if "pattern" in setting and not re.search(setting["pattern"], value):
        problems.append(f"{key}: must match {setting['pattern']}, not {value!r}")
    if "enum" in setting and value not in setting["enum"]:
        problems.append(f"{key}: must be one of {setting['enum']}, not {value!r}")
    return value


class «class»:
    """The configuration, with a property for each setting."""

    def __init__(self, config_path: str | Path | None = None) -> None:
        self.config_path = CONFIG_FILE if config_path is None else Path(config_path)
        self._values = check(read(self.config_path))

    def get(self, key: str) -> Any:
        """The value of a setting by its key with dots."""
        return self._values[key]

    def to_dict(self) -> dict[str, Any]:
        """All settings, level by level."""
        whole: dict[str, Any] = {}
        for key, value in self._values.items():
            node = whole
            *levels, name = key.split(".")
            for level in levels:
                node = node.setdefault(level, {})
            node[name] = copy.deepcopy(value)
        return whole

«properties»


_instance: «class» | None = None


def get_config(config_path: str | Path | None = None) -> «class»:
    """The configuration, read once. With a path, read anew from there."""
    global _instance
    if _instance is None or config_path is not None:
        _instance = «class»(config_path)
    return _instance


def main() -> int:
    try:
        get_config(sys.argv[1] if len(sys.argv) > 1 else None)
    except (ConfigError, FileNotFoundError, ImportError) as error:
        print(error, file=sys.stderr)
        return 1
    print("OK")
    return 0


if __name__ == "__main__":
    sys.exit(main())
