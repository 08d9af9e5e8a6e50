"""Runs a program in a session of its own whose controlling terminal it is given.

    controlling.py PROGRAM ARGUMENT...

Prints what was to be seen, then how many characters wait to be read at the terminal, which
nobody has typed.
"""

import array
import fcntl
import os
import sys
import termios
import tty

person, terminal = os.openpty()
# Every character counts, not only whole lines, and none is shown again.
tty.setraw(terminal)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for stream in range(3):
        os.dup2(terminal, stream)
    os.execv(sys.argv[1], sys.argv[1:])
os.set_blocking(person, False)
seen, ended, status = b"", False, 0
while not ended:
    done, status = os.waitpid(child, os.WNOHANG)
    ended = done == child
    try:
        while True:
            seen += os.read(person, 65536)
    except BlockingIOError:
        pass
waiting = array.array("i", [0])
fcntl.ioctl(terminal, termios.FIONREAD, waiting)
sys.stdout.buffer.write(seen)
print(f"\nwaiting={waiting[0]}", flush=True)
sys.exit(os.waitstatus_to_exitcode(status))
