"""JSON Schemas from dataclasses, and dataclasses from JSON that the host has checked.

Known are str, int, float, bool, None, list[T], dict[str, T], unions, Literal and other dataclasses.

Never: a schema that says less than the type.
"""

import dataclasses
import types
import typing

NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def field(description=None, *, default=dataclasses.MISSING, **keywords):
    """A field with a description and further keywords of JSON Schema: `minLength=1`."""
    schema = dict(keywords) if description is None else {"description": description, **keywords}
    if isinstance(default, (list, dict)):
        return dataclasses.field(default_factory=lambda: type(default)(default), metadata=schema)
    return dataclasses.field(default=default, metadata=schema)


def schema(kind):
    """The JSON Schema of a type."""
    if kind in NAMES:
        return {"type": NAMES[kind]}
    if dataclasses.is_dataclass(kind):
        return _object(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return {"type": "array", "items": schema(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema(arguments[1])}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        return _either(arguments)
    if kind in (typing.Any, dict, list):
        return {}
    raise TypeError(f"{kind!r} has no JSON Schema here")


def _either(kinds):
    if all(kind in NAMES for kind in kinds):
        return {"type": [NAMES[kind] for kind in kinds]}
    return {"anyOf": [schema(kind) for kind in kinds]}


def _object(kind):
    hints = typing.get_type_hints(kind)
    properties, required = {}, []
    for item in dataclasses.fields(kind):
        described = {**schema(hints[item.name]), **item.metadata}
        if item.default is not dataclasses.MISSING:
            described["default"] = item.default
        elif item.default_factory is dataclasses.MISSING:
            required.append(item.name)
        properties[item.name] = described
    found = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        found["required"] = required
    return found


def read(kind, value):
    """A value of a type from parsed JSON that fits its schema."""
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        hints = typing.get_type_hints(kind)
        return kind(**{name: read(hints[name], one) for name, one in value.items()})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list and isinstance(value, list):
        return [read(arguments[0], one) for one in value]
    if origin is dict and isinstance(value, dict):
        return {name: read(arguments[1], one) for name, one in value.items()}
    if origin in (typing.Union, types.UnionType):
        for one in arguments:
            if fits(one, value):
                return read(one, value)
    return value


def fits(kind, value):
    """Whether parsed JSON has the shape of a type: names and kinds, all the way down."""
    if kind in NAMES:
        if isinstance(value, bool):
            return kind is bool
        return isinstance(value, kind) or (kind is float and isinstance(value, int))
    if dataclasses.is_dataclass(kind):
        return isinstance(value, dict) and _fits_object(kind, value)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return isinstance(value, list) and all(fits(arguments[0], one) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(arguments[1], one) for one in value.values())
    if origin is typing.Literal:
        return value in arguments
    if origin in (typing.Union, types.UnionType):
        return any(fits(one, value) for one in arguments)
    return True


def _fits_object(kind, value):
    hints = typing.get_type_hints(kind)
    for item in dataclasses.fields(kind):
        needed = (item.default, item.default_factory) == (dataclasses.MISSING,) * 2
        if item.name not in value:
            if needed:
                return False
        elif not fits(hints[item.name], value[item.name]):
            return False
    return set(value) <= set(hints)


def plain(value):
    """A value as what `json` can write."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return value
