"""Grows a tree of processes that does not end by itself, says `ready`, and rests.

    tree.py deep|daemon|churn|stubborn -- TAG

The tag is only there to be seen among the arguments of every process of the tree.
"""

import os
import signal
import sys
import time

DEPTH = 30
DAEMONS = 3
LINES = 4


def ready():
    print("ready", flush=True)


def rest():
    while True:
        signal.pause()


def deep():
    """A chain of children, each the child of the one before."""
    reader, writer = os.pipe()
    depth = 0
    while depth < DEPTH and os.fork() == 0:
        depth += 1
    if depth == DEPTH:
        os.write(writer, b"x")
    if depth == 0:
        os.read(reader, 1)
        ready()
    rest()


def leave():
    """What a daemon does: own session, another parent, no stream, no signal that it minds."""
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)


def daemon(last=False):
    """Daemons; with `last`, their parent then ends as if all were well."""
    reader, writer = os.pipe()
    for _ in range(DAEMONS):
        if os.fork() == 0:
            leave()
            os.write(writer, b"x")
            rest()
    for _ in range(DAEMONS):
        os.read(reader, 1)
    ready()
    if not last:
        rest()


def churn():
    """Lines of processes, each of which lives only until it has a child."""
    for _ in range(LINES):
        if os.fork() == 0:
            os.setsid()
            while True:
                time.sleep(0.001)
                if os.fork():
                    os._exit(0)
    ready()
    rest()


def stubborn():
    """One process that minds no polite signal."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    ready()
    rest()


def leaver():
    daemon(last=True)


SHAPES = {
    "deep": deep,
    "daemon": daemon,
    "leaver": leaver,
    "churn": churn,
    "stubborn": stubborn,
}

if __name__ == "__main__":
    SHAPES[sys.argv[1]]()
