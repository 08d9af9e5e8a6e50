"""Greets someone."""

from dataclasses import dataclass

import remit


@dataclass
class Inputs:
    name: str = remit.field("Who is greeted.")


@dataclass
class Outputs:
    greeting: str


@remit.pattern
def hello(inputs: Inputs) -> remit.Done[Outputs]:
    greeting = f"Hello, {inputs.name}!"
    (remit.workspace() / "hello.txt").write_text(greeting)
    file = remit.Artifact("hello.txt", "text/plain", None)
    return remit.Done(greeting, Outputs(greeting), [file])
