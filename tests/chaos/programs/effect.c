/* An effect on the world: appends to a log what it does, so that a test can tell what really
 * happened from what the ledger says.
 *
 *   effect LOG -- TAG LABEL LINES PAUSE_MS FAILS
 *
 * LOG       the file, opened for appending; each line is one write
 * TAG       unused: the test finds its processes by it
 * LABEL     what the test calls the effect
 * LINES     how many lines it prints on standard output, each also in the log
 * PAUSE_MS  the pause before each line
 * FAILS     0: exits with 0; 1 to 999: exits with 1 up to this attempt; 1000: always with 1
 *
 * A line of the log: WORD LABEL TASK EFFECT_KEY ATTEMPT FENCE PID, with `-` for what is not set.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int file;
static const char *label;

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : "-";
}

static void say(const char *word) {
    char line[1024];
    int length = snprintf(line, sizeof line, "%s %s %s %s %s %s %d\n", word, label,
                          variable("REMIT_TASK"), variable("REMIT_EFFECT_KEY"),
                          variable("REMIT_ATTEMPT"), variable("REMIT_FENCE"), (int)getpid());
    if (length <= 0 || length >= (int)sizeof line || write(file, line, (size_t)length) != length)
        exit(70);
}

int main(int count, char **arguments) {
    if (count != 8)
        return 64;
    label = arguments[4];
    int lines = atoi(arguments[5]), pause = atoi(arguments[6]), fails = atoi(arguments[7]);
    file = open(arguments[1], O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (file < 0) {
        perror(arguments[1]);
        return 66;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    say("start");
    for (int i = 1; i <= lines; i++) {
        struct timespec wait = {pause / 1000, (long)(pause % 1000) * 1000000};
        nanosleep(&wait, NULL);
        say("line");
        printf("%s line %d\n", label, i);
    }
    say("end");
    /* A gate is told nothing of attempts, and never fails. */
    return fails == 1000 || (fails > 0 && atoi(variable("REMIT_ATTEMPT")) <= fails);
}
