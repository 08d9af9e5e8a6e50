// Takes features of the kernel away and then becomes another program:
//
//   nosys FEATURE[,FEATURE...] PROGRAM ARGUMENT...
//
//   landlock   the three calls of Landlock: ENOSYS, as on a kernel that has none
//   userns     new namespaces: EPERM, as where an administrator forbids them; clone3, whose flags
//              no filter can see: ENOSYS
//   mount      everything that mounts: EPERM, as inside of most containers
//   seccomp    filters: ENOSYS and EINVAL, as on a kernel that has none
//   closerange close_range: ENOSYS, as before Linux 5.9
//
// The filter is inherited by everything that the program starts.

#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | \
                    CLONE_NEWUTS | CLONE_NEWCGROUP)

#define LOAD_NUMBER BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define LOAD_FIRST BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]))
#define ANSWER(errno) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (errno))

static struct sock_filter filter[256];
static unsigned short length;

static void add(struct sock_filter one) { filter[length++] = one; }

static void refuse(long number, int error) {
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    add((struct sock_filter)ANSWER(error));
}

// Refuses a call whose first argument has one of these bits, or is this value.
static void refuse_if(long number, unsigned test, unsigned value, int error) {
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4));
    add((struct sock_filter)LOAD_FIRST);
    add((struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, value, 0, 1));
    add((struct sock_filter)ANSWER(error));
    add((struct sock_filter)LOAD_NUMBER);
}

static int take_away(const char *feature) {
    if (!strcmp(feature, "landlock")) {
        for (long number = 444; number <= 446; number++) refuse(number, ENOSYS);
    } else if (!strcmp(feature, "userns")) {
        refuse_if(SYS_unshare, BPF_JSET, NAMESPACES, EPERM);
        refuse_if(SYS_clone, BPF_JSET, NAMESPACES, EPERM);
        refuse(SYS_clone3, ENOSYS);
    } else if (!strcmp(feature, "mount")) {
        const long calls[] = {SYS_mount, SYS_umount2, SYS_pivot_root, 428, 429, 430, 431, 432, 433, 442};
        for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) refuse(calls[i], EPERM);
    } else if (!strcmp(feature, "seccomp")) {
        refuse(SYS_seccomp, ENOSYS);
        refuse_if(SYS_prctl, BPF_JEQ, PR_SET_SECCOMP, EINVAL);
    } else if (!strcmp(feature, "closerange")) {
        refuse(436, ENOSYS);
    } else {
        return 0;
    }
    return 1;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    add((struct sock_filter)LOAD_NUMBER);
    for (char *feature = strtok(argv[1], ","); feature; feature = strtok(NULL, ",")) {
        if (!take_away(feature)) {
            fprintf(stderr, "nosys: no feature `%s`\n", feature);
            return 2;
        }
    }
    add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    struct sock_fprog program = {length, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)) {
        perror("nosys");
        return 2;
    }
    execv(argv[2], argv + 2);
    perror(argv[2]);
    return 2;
}
