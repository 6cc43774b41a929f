/* The kernel tells of changes in the cluster's directories (inotify) and of its launcher's end (pidfd). Where either
 * cannot be had, looking often enough does. */
#include "log_follow.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_MS       1000 /* a change that nobody told of is seen after so long */
#define LOOK_OFTEN_MS 100  /* … where the kernel tells of none */
#define CHANGES       (IN_CREATE | IN_MODIFY | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE_SELF)

void log_follow_begin(struct log_follow *follow, const struct hive_ledger *ledger)
{
    *follow = (struct log_follow){
        .launcher = ledger->launcher, .ledger = hive_ledger_path(ledger, "cluster.json"), .end = -1};
    char *logs = hive_ledger_path(ledger, "logs");
    follow->changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (follow->changes >= 0 && (inotify_add_watch(follow->changes, logs, CHANGES) < 0 ||
                                 inotify_add_watch(follow->changes, ledger->directory, CHANGES) < 0)) {
        close(follow->changes);
        follow->changes = -1;
    }
    if (ledger->launcher.pid)
        follow->end = pidfd_open(ledger->launcher.pid, 0);
    free(logs);
}

void log_follow_end(struct log_follow *follow)
{
    if (follow->changes >= 0)
        close(follow->changes);
    if (follow->end >= 0)
        close(follow->end);
    free(follow->ledger);
}

bool log_follow_has_new_ledger(struct log_follow *follow)
{
    struct stat status;
    if (stat(follow->ledger, &status) < 0 ||
        (status.st_ino == follow->ledger_inode && status.st_mtim.tv_sec == follow->ledger_time.tv_sec &&
         status.st_mtim.tv_nsec == follow->ledger_time.tv_nsec))
        return false;
    follow->ledger_inode = status.st_ino;
    follow->ledger_time = status.st_mtim;
    return true;
}

bool log_follow_wait(struct log_follow *follow, int descriptor)
{
    char events[4096];
    struct pollfd polled[] = {
        {.fd = follow->changes, .events = POLLIN},
        {.fd = follow->end, .events = POLLIN},
        {.fd = STDOUT_FILENO}, /* POLLERR where the reader of a pipe is gone */
        {.fd = descriptor, .events = POLLIN},
    };
    if (!hive_process_is_alive(follow->launcher))
        return false;
    poll(polled, sizeof polled / sizeof *polled, follow->changes < 0 ? LOOK_OFTEN_MS : LOOK_MS);
    while (follow->changes >= 0 && read(follow->changes, events, sizeof events) > 0)
        continue; /* what it was is seen by looking */
    return !(polled[2].revents & (POLLERR | POLLHUP)) && hive_process_is_alive(follow->launcher);
}
