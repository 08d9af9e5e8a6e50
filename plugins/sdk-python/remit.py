"""The contract with remit, comfortable in Python.

`remit plugin build` writes this file into `.remit/python` of a project, with `remit_manifest.py`
beside it: id, version and title as remit-plugin.toml says them. What the host offers is described in
`.remit/wit`; a function here does what the one of the same name there does. Files are files: `open`
and `pathlib` below `remit.workspace()`.

Never: a grant made, widened or remembered here. The host decides each call anew.
"""

import contextlib
import dataclasses
import json
import pathlib
import random as _random
import time
import typing

from componentize_py_types import Err
from wit_world.imports import clock, process, types
from wit_world.imports import progress as _progress
from wit_world.imports import random as _entropy
from wit_world.imports import state as _state
from wit_world.imports import workspace as _workspace

import remit_manifest as manifest
from remit_schema import field, fits, plain, read, schema

# How many bytes of each stream `run` keeps if nobody says otherwise.
OUTPUT_LIMIT = 1 << 20

Problem, Artifact, Context = types.Problem, types.Artifact, types.Context
T = typing.TypeVar("T")


def _text(value):
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))


# ---- failures --------------------------------------------------------------------------------


class Failure(Exception):
    """Why the work has no outcome. Any other exception is a fault of the plugin."""

    def __init__(self, failure):
        super().__init__(repr(failure))
        self.failure = failure


def failed(code, message, *, hint=None, retryable=False):
    """Work that was tried and failed; `hint` says what the reader could do about it."""
    return Failure(types.Failure_Failed(types.Report(code, message, hint, retryable)))


def rejected(reason):
    """The work was done and judged not good enough."""
    return Failure(types.Failure_Rejected(reason))


def unavailable(what):
    """A tool or service that the work needs is missing."""
    return Failure(types.Failure_Unavailable(what))


class HostError(Exception):
    """What the host answered instead of a value; `value` is the contract's own."""

    def __init__(self, service, value):
        super().__init__(f"{service}: {value!r}")
        self.service = service
        self.value = value

    @property
    def denied(self):
        """Whether a grant was missing. The host has told the owner already what would help."""
        return isinstance(self.value, process.ProcessError_Denied)

    @property
    def missing(self):
        """Whether the tool is declared, but not on this machine."""
        return isinstance(self.value, process.ProcessError_ToolMissing)


@contextlib.contextmanager
def _calling(service):
    try:
        yield
    except Err as error:
        raise HostError(service, error.value) from None


def _as_failure(error):
    """The failure that fits an error of the host, as the Rust SDK has it."""
    value = error.value
    said = getattr(value, "value", None)
    match error.service, type(value).__name__.partition("_")[2]:
        case "process", "Denied":
            return Failure(types.Failure_Denied(said))
        case "process", "InvalidCall":
            all_of_it = "; ".join(f"{one.path}: {one.message}" for one in said)
            return failed("invalid-call", all_of_it)
        case "process", "ToolMissing":
            return unavailable(said)
        case "process", "ToolChanged":
            return failed("tool-changed", said)
        case "process", "SpawnFailed":
            return failed("spawn-failed", said, retryable=True)
        case "process", "Limit":
            return failed("limit", said, retryable=True)
        case "process", "StdinClosed":
            return failed("stdin-closed", "the tool reads no more input")
        case "process", "Misuse":
            return failed("misuse", said)
        case "state", "InvalidKey":
            return failed("invalid-key", "a state key has 1 to 255 bytes")
        case "state", "InvalidJson":
            return failed("invalid-json", said)
        case "state", "Quota":
            return failed("quota", said)
        case "checkpoint", "TooLarge":
            return failed("checkpoint-too-large", f"a checkpoint has at most {said} bytes")
        case "workspace", "NotGranted":
            return failed("no-workspace", "no directory of the workspace was granted")
        case service, _:
            return failed(f"{service}-unavailable", str(said), retryable=True)


# ---- the plugin ------------------------------------------------------------------------------


@dataclasses.dataclass
class Done(typing.Generic[T]):
    """Work that is done: a line for people, outputs for programs, the files that it produced."""

    summary: str
    outputs: T
    artifacts: list[Artifact] = dataclasses.field(default_factory=list)


# What `pattern` or `adapter` was put on; `remit_plugin.py` exports it.
_plugin = None


class _Plugin:
    def __init__(self, execute, validate):
        global _plugin
        hints = typing.get_type_hints(execute)
        names = [name for name in hints if name != "return"]
        if not names:
            raise TypeError(f"{execute.__name__} takes its inputs, with their type")
        self.execute_with, self.validate = execute, validate
        self.inputs, self.answer = hints[names[0]], hints.get("return")
        self.with_context = execute.__code__.co_argcount > 1
        _plugin = self

    def validate_inputs(self, inputs):
        value = json.loads(inputs)
        # What has another shape is no work for the author's check: the host has said it already.
        if self.validate is None or not fits(self.inputs, value):
            return []
        return list(self.validate(read(self.inputs, value)))

    def carry_out(self, context):
        # Python's own generator was seeded when the component was built.
        _random.seed(_entropy.bytes(32))
        inputs = read(self.inputs, json.loads(context.inputs))
        try:
            return self.execute_with(inputs, *([context] if self.with_context else []))
        except HostError as error:
            raise Err(_as_failure(error).failure) from None
        except Failure as error:
            raise Err(error.failure) from None


class _Pattern(_Plugin):
    def describe(self):
        from wit_world.exports.pattern import Descriptor

        outputs = next(iter(typing.get_args(self.answer)), None)
        return Descriptor(
            manifest.ID,
            manifest.VERSION,
            manifest.TITLE,
            _text(schema(self.inputs)),
            _text({} if outputs is None else schema(outputs)),
        )

    def execute(self, context):
        done = self.carry_out(context)
        return types.Outcome(done.summary, _text(done.outputs), done.artifacts)


class _Adapter(_Plugin):
    def __init__(self, execute, validate, validate_config, about):
        super().__init__(execute, validate)
        self.config, self.about = validate_config, about

    def describe(self):
        from wit_world.exports.adapter import Capabilities, SafetyTier

        about = {
            "task_kinds": [],
            "domains": [],
            "max_parallel": 1,
            "timeout_ms": 60_000,
            "safety_tier": "runs-code",
            "tool_versions": None,
            **self.about,
        }
        tier = SafetyTier[about.pop("safety_tier").upper().replace("-", "_")]
        return Capabilities(
            id=manifest.ID,
            version=manifest.VERSION,
            title=manifest.TITLE,
            safety_tier=tier,
            input_schema=_text(schema(self.inputs)),
            **about,
        )

    def validate_config(self):
        return [] if self.config is None else list(self.config())

    def execute(self, context):
        from wit_world.exports.adapter import Report

        began = time.monotonic()
        done = {
            "output": "",
            "error": None,
            "artifacts": [],
            "claimed_changes": [],
            "cost": None,
            "details": {},
            **self.carry_out(context),
        }
        done.setdefault("duration_ms", (time.monotonic() - began) * 1000)
        return Report(**{**done, "details": _text(done["details"])})


def pattern(function=None, *, validate=None):
    """Makes a function the work of a pattern: `def work(inputs: Inputs) -> Done[Outputs]`.

    `inputs` is a dataclass; a second parameter gets the context. `validate(inputs)` returns or
    yields problems.
    """
    if function is None:
        return lambda function: pattern(function, validate=validate)
    _Pattern(function, validate)
    return function


def adapter(*, validate=None, validate_config=None, **about):
    """Makes a function the work of an adapter: `def work(inputs: Inputs) -> dict`, of which only
    `success` is needed. `about`: task_kinds, domains, max_parallel, timeout_ms, safety_tier,
    tool_versions.
    """

    def decorate(function):
        _Adapter(function, validate, validate_config, about)
        return function

    return decorate


# ---- telling people --------------------------------------------------------------------------


class progress:
    """What people who watch see, as it happens."""

    step = staticmethod(_progress.step)
    percent = staticmethod(_progress.percent)

    @staticmethod
    def log(level, message, **fields):
        """A line of the log: `level` is debug, info, warn or error."""
        level = _progress.Level[level.upper()]
        _progress.log(level, str(message), _text(fields) if fields else "")

    @staticmethod
    def debug(message, **fields):
        progress.log("debug", message, **fields)

    @staticmethod
    def info(message, **fields):
        progress.log("info", message, **fields)

    @staticmethod
    def warn(message, **fields):
        progress.log("warn", message, **fields)

    @staticmethod
    def error(message, **fields):
        progress.log("error", message, **fields)

    @staticmethod
    def produced(artifact):
        """Announces a finished file, and hands it back for the outcome."""
        _progress.produced(artifact)
        return artifact

    @staticmethod
    def checkpoint(saved):
        """Saves what the next attempt gets back as `context.checkpoint`."""
        with _calling("checkpoint"):
            _progress.checkpoint(saved)


# ---- tools -----------------------------------------------------------------------------------


def _slot(value):
    if isinstance(value, (list, tuple)):
        return process.SlotValue_Many([str(one) for one in value])
    return process.SlotValue_One(str(value))


def _stdin(stdin):
    if stdin is None:
        return process.Stdin_Empty()
    if stdin is PIPED:
        return process.Stdin_Piped()
    if isinstance(stdin, pathlib.PurePath):
        return process.Stdin_File(str(stdin))
    return process.Stdin_Bytes(stdin.encode() if isinstance(stdin, str) else stdin)


# What is written with `child.write_stdin`.
PIPED = object()


def call(tool, template, *, env=None, cwd=None, stdin=None, timeout_ms=None, idle_ms=None, **slots):
    """One use of a tool. Every other keyword fills the slot of that name; `stdin` is text, bytes or
    a `pathlib` path of the workspace.
    """
    filled = [(name, _slot(value)) for name, value in slots.items()]
    variables = list((env or {}).items())
    return process.Call(
        tool, template, filled, variables, cwd, _stdin(stdin), timeout_ms, idle_ms
    )


def run(tool, template, *, limit=OUTPUT_LIMIT, **more):
    """Runs a tool to its end. The owner's declaration says what `success` is."""
    with _calling("process"):
        return process.run(call(tool, template, **more), limit)


def check(tool, template, **more):
    """Asks whether a call would be carried out, without starting anything."""
    with _calling("process"):
        process.check(call(tool, template, **more))


def spawn(tool, template, **more):
    """Starts a tool and returns the contract's `child`."""
    with _calling("process"):
        return process.spawn(call(tool, template, **more))


def lines(tool, template, each, **more):
    """Runs a tool and hands each line to `each(line, "stdout" or "stderr")`; returns the exit."""
    with spawn(tool, template, **more) as child:
        while True:
            with _calling("process"):
                event = child.next_lines(256, None)
            match event:
                case process.LineEvent_Exited(exit):
                    return exit
                case process.LineEvent_Stdout(found):
                    for line in found:
                        each(line, "stdout")
                case process.LineEvent_Stderr(found):
                    for line in found:
                        each(line, "stderr")


_CAUSES = {
    "REQUESTED": "was ended on request",
    "WALL_TIMEOUT": "was ended by its time limit",
    "IDLE_TIMEOUT": "was ended because it was silent for too long",
    "OUTPUT_LIMIT": "was ended because it wrote too much",
    "RUN_ENDED": "was ended with the run",
    "SUPERVISOR_LOST": "was ended because its supervisor died",
}


def succeeded(exit):
    """Whether a tool exited with code 0."""
    return exit == process.Exit_Code(0)


def describe_exit(exit):
    """The end of a sentence that begins with the tool: `exited with code 1`."""
    match exit:
        case process.Exit_Code(code):
            return f"exited with code {code}"
        case process.Exit_Signal(number):
            return f"was ended by signal {number}"
        case process.Exit_Killed(cause):
            return _CAUSES[cause.name]


# ---- files, values that last -----------------------------------------------------------------


def workspace():
    """Where the workspace is in the plugin's file system, a `pathlib.Path`."""
    root = _workspace.root()
    if root is None:
        raise HostError("workspace", _workspace.WorkspaceError_NotGranted())
    return pathlib.Path(root)


def changed_files():
    """The files below readable grants that changed since the run began."""
    with _calling("workspace"):
        return _workspace.changed_files()


class state:
    """Values that outlive an attempt: `scope` is "task" or "project"."""

    @staticmethod
    def get(scope, key, default=None):
        with _calling("state"):
            found = _state.get(_state.Scope[scope.upper()], key)
        return default if found is None else json.loads(found)

    @staticmethod
    def set(scope, key, value):
        with _calling("state"):
            _state.set(_state.Scope[scope.upper()], key, _text(value))

    @staticmethod
    def merge(scope, key, patch):
        with _calling("state"):
            return json.loads(_state.merge(_state.Scope[scope.upper()], key, _text(patch)))

    @staticmethod
    def remove(scope, key):
        with _calling("state"):
            _state.remove(_state.Scope[scope.upper()], key)

    @staticmethod
    def keys(scope, prefix=""):
        with _calling("state"):
            return _state.keys(_state.Scope[scope.upper()], prefix)
