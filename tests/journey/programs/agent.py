"""Stands for a coding agent: says what a recording says, and does what it says was done.

usage: agent.py RECORDING EXIT_CODE [hang]

Never: an answer that depends on anything but the recording and on what it is asked.
"""

import json
import os
import sys
import time

PROMPT = "Fix add()"
RECORDING, CODE, MODE = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
SCRATCH = os.environ["REMIT_SCRATCH"]


def recorded(name):
    """The bytes of one file of the recording; nothing if it is not there."""
    try:
        with open(os.path.join(RECORDING, name), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def edit():
    """The change that all recordings are about."""
    with open("calc.py", encoding="utf-8") as file:
        text = file.read()
    with open("calc.py", "w", encoding="utf-8") as file:
        file.write(text.replace("a - b", "a + b"))


def converse():
    """Plays the agent's side of a conversation, and insists on the other side's."""
    asked = {}
    for line in recorded("acp.jsonl").decode().splitlines():
        side, message = line[:3], json.loads(line[3:])
        if side == "C> ":
            told = json.loads(sys.stdin.readline())
            if "method" in message:
                assert told["method"] == message["method"], told
                asked[message["id"]] = told["id"]
            elif "result" in message:
                assert told["result"] == message["result"], told
        else:
            if "method" not in message:
                message["id"] = asked[message["id"]]
            print(json.dumps(message), flush=True)
    assert sys.stdin.readline() == ""


def main():
    """One run."""
    if os.path.exists(os.path.join(RECORDING, "acp.jsonl")):
        return converse()
    prompt = sys.stdin.read()
    if not prompt:
        with open(os.path.join(SCRATCH, "aider-prompt.md"), encoding="utf-8") as file:
            prompt = file.read()
    assert PROMPT in prompt, prompt
    sys.stdout.buffer.write(recorded("stdout"))
    sys.stdout.flush()
    sys.stderr.buffer.write(recorded("stderr"))
    sys.stderr.flush()
    if recorded("git-diff"):
        edit()
    with open(os.path.join(SCRATCH, "aider-analytics.jsonl"), "wb") as file:
        file.write(recorded("analytics.jsonl"))
    if "hang" in MODE:
        time.sleep(3600)
    sys.exit(CODE)


main()
