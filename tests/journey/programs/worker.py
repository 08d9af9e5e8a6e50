"""The tool of the journeys about durable execution: one word says what it does.

    worker.py say WORD...        prints the words, one a line
    worker.py log NAME SECONDS   writes +NAME to the file `log`, waits, writes -NAME
    worker.py fail               says why and exits with 3
    worker.py reject             as a linter that found something: exits with 1
    worker.py die                is ended by a signal
    worker.py hang TAG           says so and sleeps for minutes
    worker.py once FILE          fails the first time, and makes the file; works from then on
    worker.py wait FILE          says so and waits until the file is there
    worker.py lines COUNT        prints numbered lines
    worker.py colours            prints what a rude tool sends to a terminal
"""

import os
import pathlib
import signal
import sys
import time

deed, words = sys.argv[1], [word for word in sys.argv[2:] if word != "--"]
if deed == "say":
    print("\n".join(words))
elif deed == "log":
    with open("log", "a", buffering=1) as log:
        log.write(f"+{words[0]}\n")
        time.sleep(float(words[1]))
        log.write(f"-{words[0]}\n")
elif deed == "fail":
    print("it broke", file=sys.stderr)
    sys.exit(3)
elif deed == "reject":
    print("line 1: too long")
    sys.exit(1)
elif deed == "die":
    os.kill(os.getpid(), signal.SIGKILL)
elif deed == "hang":
    print("hanging", flush=True)
    time.sleep(600)
elif deed == "once":
    place = pathlib.Path(words[0])
    if not place.exists():
        place.touch()
        sys.exit("not yet")
    print("now")
elif deed == "wait":
    print("waiting", flush=True)
    while not pathlib.Path(words[0]).exists():
        time.sleep(0.01)
elif deed == "lines":
    for number in range(int(words[0])):
        print(f"line {number}")
elif deed == "colours":
    sys.stdout.write("\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b[10A\x9b5n\r\b" + "wide " * 80 + "\n")
