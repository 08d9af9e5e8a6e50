"""A tool that was given secrets and keeps none: each word tells them in another way.

Never: a value that is not from the environment.
"""

import base64
import os
import subprocess
import sys

ENV, FILE = os.environ["TELLER_ENV"], os.environ["TELLER_FILE"].strip()
WORDS = sys.argv[1:]


def say(text, stream=sys.stdout):
    stream.write(text)
    stream.flush()


for word in WORDS:
    if word == "whole":
        say(f"{ENV}\n{FILE}\n")
    elif word == "pieces":
        for letter in f"{ENV}{FILE}\n":
            say(letter)
    elif word == "line":
        say(f'GET /?key={ENV}&other="{FILE}" HTTP/1.1\n')
    elif word == "both":
        say(f"out {ENV}{FILE}\n")
        say(f"err {FILE}{ENV}\n", sys.stderr)
    elif word == "child":
        show = "import sys; print('child got', sys.argv[1:], file=sys.stderr)"
        subprocess.run([sys.executable, "-I", "-c", show, ENV, FILE], check=True)
    elif word == "cut":
        # The limit on output ends in the middle of the value.
        say("x" * (1024 - len(ENV) // 2) + ENV + "\n")
    elif word == "version":
        say(f"teller 1.0 {ENV}\n")
    elif word == "base64":
        say("base64 " + base64.b64encode(ENV.encode()).decode() + "\n")
    elif word == "split":
        say("first half " + ENV[: len(ENV) // 2] + "\n")
        say("second half " + ENV[len(ENV) // 2 :] + "\n", sys.stderr)
    elif word == "file":
        with open("left.txt", "w", encoding="utf-8") as left:
            left.write(ENV)
    elif word == "error":
        raise SystemExit(f"cannot log in with {ENV} or {FILE}")
