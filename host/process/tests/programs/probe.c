// A program for the tests of the broker. The first argument says what it does:
//
//   exit CODE                 exits with it
//   signal NUMBER             ends by it
//   tree KIND COUNT TAG       starts COUNT processes that live for a minute, says "ready":
//                             group  children in the same process group
//                             daemon children in sessions of their own that ignore SIGTERM
//                             deep   a chain, each a child of the one before, own sessions
//                             churn  processes that fork and exit without end
//   leak COUNT TAG            as tree daemon, but exits at once; its daemons keep the streams
//   quiet                     closes standard output and waits for SIGTERM, then exits with 3
//   stubborn                  says "ready" and ignores SIGTERM
//   polite                    says "ready" and exits with 4 on SIGTERM
//   tick COUNT MICROSECONDS   writes a line COUNT times with pauses
//   mask                      prints blocked and ignored signals of itself, as the kernel has them
//   spin MICROSECONDS         uses that much processor time
//
// TAG is not looked at: it marks the processes so that a test can find them.

#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIFE_SECONDS = 60 };

static void live(void) {
    time_t end = time(NULL) + LIFE_SECONDS;
    while (time(NULL) < end) usleep(50 * 1000);
    _exit(0);
}

static void ready(void) {
    if (write(1, "ready\n", 6) != 6) _exit(9);
}

static void become_daemon(int keep_streams) {
    setsid();
    if (fork() != 0) _exit(0);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (!keep_streams) {
        for (int fd = 0; fd < 64; fd++) close(fd);
        open("/dev/null", O_RDWR);
    }
    live();
}

static void churn(void) {
    time_t end = time(NULL) + LIFE_SECONDS;
    setsid();
    while (time(NULL) < end) {
        if (fork() > 0) _exit(0);
        setsid();
    }
    _exit(0);
}

static void tree(const char *kind, int count) {
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (!strcmp(kind, "deep")) {
            if (child == 0) { setsid(); continue; }
            if (i > 0) live();
            break;
        }
        if (child == 0) {
            if (!strcmp(kind, "group")) live();
            if (!strcmp(kind, "daemon")) become_daemon(0);
            if (!strcmp(kind, "churn")) churn();
            _exit(9);
        }
    }
    // The intermediate parents of daemons end at once; nobody waits for them here.
    ready();
    live();
}

static void on_term(int signal) {
    (void)signal;
    _exit(4);
}

static void on_term_quiet(int signal) {
    (void)signal;
    _exit(3);
}

static void mask(void) {
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (!strncmp(line, "SigBlk", 6) || !strncmp(line, "SigIgn", 6)) fputs(line, stdout);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    const char *first = argc > 2 ? argv[2] : "";
    const char *second = argc > 3 ? argv[3] : "";
    if (!strcmp(what, "exit")) return atoi(first);
    if (!strcmp(what, "signal")) {
        raise(atoi(first));
        return 99;
    }
    if (!strcmp(what, "tree")) tree(first, atoi(second));
    if (!strcmp(what, "leak")) {
        for (int i = 0; i < atoi(first); i++)
            if (fork() == 0) become_daemon(1);
        return 0;
    }
    if (!strcmp(what, "quiet")) {
        signal(SIGTERM, on_term_quiet);
        ready();
        close(1);
        close(2);
        live();
    }
    if (!strcmp(what, "stubborn")) {
        signal(SIGTERM, SIG_IGN);
        ready();
        live();
    }
    if (!strcmp(what, "polite")) {
        signal(SIGTERM, on_term);
        ready();
        live();
    }
    if (!strcmp(what, "tick")) {
        for (int i = 0; i < atoi(first); i++) {
            usleep(atoi(second));
            if (write(1, "tick\n", 5) != 5) return 9;
        }
        return 0;
    }
    if (!strcmp(what, "mask")) {
        mask();
        return 0;
    }
    if (!strcmp(what, "spin")) {
        clock_t end = clock() + atoi(first);
        while (clock() < end) {}
        return 0;
    }
    return 98;
}
