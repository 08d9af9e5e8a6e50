"""Runs a program at a terminal of its own, types keys when a text was seen, and knows what is on
the screen in the end.

    screen.py COLUMNS [TEXT KEYS]... -- PROGRAM ARGUMENT...

Prints a JSON object: `code`, `raw` (all that was sent to the terminal), `screen` (the lines that
are to be seen in the end, with what has scrolled away), `strange` (control sequences that this
terminal does not know). Keys are typed once, in the given order.
"""

import fcntl
import json
import os
import re
import struct
import subprocess
import sys
import termios

CONTROL = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b.|[\x00-\x1f\x7f-\x9f]", re.DOTALL)
ROWS = 24


class Screen:
    """As much of a terminal as progress bars need."""

    def __init__(self, columns):
        self.columns, self.lines, self.row, self.column = columns, [""], 0, 0
        self.strange = []

    def down(self):
        self.row += 1
        while len(self.lines) <= self.row:
            self.lines.append("")

    def put(self, character):
        if self.column >= self.columns:
            self.down()
            self.column = 0
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[: self.column] + character + line[self.column + 1 :]
        self.column += 1

    def control(self, found):
        text, numbers, letter = found.group(0), found.group(1), found.group(2)
        count = int(numbers) if numbers and numbers.isdigit() else 1
        if text == "\x03":
            # Ctrl-C as it was typed: nothing is to be seen of it.
            pass
        elif text == "\r":
            self.column = 0
        elif text == "\n":
            self.down()
        elif letter == "A":
            # Nothing above the screen can be reached.
            self.row = max(self.row - count, len(self.lines) - ROWS, 0)
        elif letter == "B":
            for _ in range(count):
                self.down()
        elif letter == "K":
            line = self.lines[self.row]
            self.lines[self.row] = "" if numbers == "2" else line[: self.column]
        elif letter == "J" and numbers in ("", "0"):
            self.lines[self.row] = self.lines[self.row][: self.column]
            del self.lines[self.row + 1 :]
        elif letter not in ("m", "h", "l"):
            self.strange.append(text)

    def show(self, text):
        at = 0
        while at < len(text):
            found = CONTROL.match(text, at)
            if found:
                self.control(found)
                at = found.end()
            else:
                self.put(text[at])
                at += 1


def main():
    columns, rest = int(sys.argv[1]), sys.argv[2:]
    split = rest.index("--")
    keys = list(zip(rest[:split:2], rest[1:split:2]))
    person, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, columns, 0, 0))
    process = subprocess.Popen(
        rest[split + 1 :],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(terminal)
    raw, typed_from = b"", 0
    while True:
        try:
            seen = os.read(person, 4096)
        except OSError:
            # Everybody has left the terminal.
            break
        if not seen:
            break
        raw += seen
        if keys and keys[0][0].encode() in raw[typed_from:]:
            os.write(person, keys.pop(0)[1].encode())
            typed_from = len(raw)
    text = raw.decode(errors="replace")
    screen = Screen(columns)
    screen.show(text)
    told = {
        "code": process.wait(),
        "raw": text,
        "screen": [line.rstrip() for line in screen.lines],
        "strange": screen.strange,
    }
    print(json.dumps(told))


main()
