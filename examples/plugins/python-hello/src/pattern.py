"""An example plugin: writes a greeting into a file of the workspace.

It shows what most plugins need: typed inputs, files, a tool that it can do without, a value that
outlives the run, and an outcome for people and for programs. The same plugin is beside it in Rust,
JavaScript and C.

Never: a file replaced that holds something else.
"""

from dataclasses import dataclass

import remit
from remit import Done, Problem, progress, state


@dataclass
class Inputs:
    """What to do."""

    name: str = remit.field("Who is greeted.", minLength=1, maxLength=100)
    file: str = remit.field(
        "Where the greeting is written, relative to the workspace.", default="HELLO.md", minLength=1
    )


@dataclass
class Outputs:
    """What was done."""

    file: str
    files_in_git: int | None
    greetings: int


def check(inputs: Inputs):
    """What the schema cannot say. The host calls this before any work, and shows every problem."""
    if any(character < " " for character in inputs.name):
        yield Problem("/name", "control-character", "a name is one line of plain text")
    if not inputs.file.endswith(".md"):
        message = "a greeting is Markdown: its name ends with `.md`"
        yield Problem("/file", "not-markdown", message)


@remit.pattern(validate=check)
def greet(inputs: Inputs) -> Done[Outputs]:
    name, file = inputs.name, inputs.file
    progress.step("ask git")
    files_in_git = count_files()
    progress.percent(50)

    progress.step("write the greeting")
    write(file, f"# Hello, {name}!\n")
    greetings = state.get("project", "greetings", 0) + 1
    state.set("project", "greetings", greetings)

    artifact = remit.Artifact(file, "text/markdown", f"a greeting for {name}")
    progress.produced(artifact)
    progress.info("greeted", name=name, file=file)
    progress.percent(100)
    among = "" if files_in_git is None else f", among {files_in_git} files"
    outputs = Outputs(file, files_in_git, greetings)
    return Done(f"{name} is greeted{among}", outputs, [artifact])


def count_files():
    """How many files git knows; None where the owner does not grant git, or without a repository."""
    found = 0

    def line(text, stream):
        nonlocal found
        # The template asks git for names that end with a zero byte.
        if stream == "stdout":
            found += text.count("\0")
        else:
            progress.debug(text)

    try:
        exit = remit.lines("git", "ls-files", line)
    except remit.HostError as error:
        if not error.denied and not error.missing:
            raise
        # The host has told its owner already what would allow it.
        progress.warn("git cannot be asked")
        return None
    if remit.succeeded(exit):
        return found
    progress.info(f"git {remit.describe_exit(exit)}")
    return None


def write(file, text):
    """Writes the greeting. The host decides whether the file may be touched."""
    path = remit.workspace() / file
    try:
        old = path.read_text()
    except FileNotFoundError:
        old = None
    except OSError:
        raise cannot("read", file) from None
    if old == text:
        return
    if old is not None:
        message = f"{file} holds something else"
        raise remit.failed("file-exists", message, hint="move it away, or name another file")
    try:
        path.write_text(text)
    except OSError:
        raise cannot("write", file) from None


def cannot(what, file):
    return remit.failed(f"cannot-{what}", f"cannot {what} {file}")
