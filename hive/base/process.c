/* Which process is it, does it run, and signals that hit it or nobody. What the kernel says in /proc is the
 * truth; a pidfd pins the process between the look and the signal. */
#include "hive/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <unistd.h>

/* Field 3 (state) and field 22 (start time) of /proc/PID/stat; false where there is no such process. */
static bool read_stat(pid_t pid, char *state, uint64_t *started_at)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t bytes = read(file, text, sizeof text - 1);
    close(file);
    if (bytes <= 0)
        return false;
    text[bytes] = '\0';
    const char *at = strrchr(text, ')'); /* the name before may hold blanks and brackets itself */
    if (!at || at[1] != ' ')
        return false;
    at += 2;
    *state = *at;
    for (int field = 3; field < 22; field++) {
        at = strchr(at, ' ');
        if (!at)
            return false;
        at++;
    }
    *started_at = strtoull(at, NULL, 10);
    return *state != 'Z' && *state != 'X' && *state != 'x';
}

struct hive_process hive_process_of(pid_t pid)
{
    struct hive_process process = {.pid = pid};
    char state;
    uint64_t started_at;
    if (pid > 0 && read_stat(pid, &state, &started_at))
        process.started_at = started_at;
    return process;
}

/* The state of that very process, or 0 where it does not run. */
static char state_of(struct hive_process process)
{
    char state;
    uint64_t started_at;
    if (process.pid <= 0 || !read_stat(process.pid, &state, &started_at) || started_at != process.started_at)
        return 0;
    return state;
}

bool hive_process_is_alive(struct hive_process process)
{
    return state_of(process) != 0;
}

bool hive_process_is_stopped(struct hive_process process)
{
    char state = state_of(process);
    return state == 'T' || state == 't';
}

int hive_process_signal(struct hive_process process, int signal_number)
{
    if (process.pid <= 0)
        return -ESRCH;
    int descriptor = pidfd_open(process.pid, 0);
    if (descriptor < 0)
        return errno == EINVAL ? -ESRCH : -errno; /* EINVAL: the pid is a thread's, not a process's */
    int result = -ESRCH;
    if (hive_process_is_alive(process))
        result = pidfd_send_signal(descriptor, signal_number, NULL, 0) < 0 ? -errno : 0;
    close(descriptor);
    return result;
}
