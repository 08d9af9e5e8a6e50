"""Runs a program at a terminal of its own at which some keys were typed.

    terminal.py KEYS PROGRAM ARGUMENT...

Prints what was to be seen, and ends as the program did.
"""

import os
import subprocess
import sys

keys, command = sys.argv[1], sys.argv[2:]
person, terminal = os.openpty()
os.write(person, keys.encode())
process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal)
os.close(terminal)
while True:
    try:
        seen = os.read(person, 4096)
    except OSError:
        # Everybody has left the terminal.
        break
    if not seen:
        break
    sys.stdout.buffer.write(seen)
sys.stdout.flush()
sys.exit(process.wait())
