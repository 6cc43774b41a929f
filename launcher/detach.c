/* All that can go wrong at the start is said on the terminal by the process in the background, which keeps it for so
 * long; the other one only waits, and passes Ctrl-C on. */
#include "detach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hive/clock.h"
#include "hive/options.h"

#define READY_TIMEOUT_MS 60000 /* a cluster that has no leader by then will not get one */

/* Signals of the terminal are read by the one who waits. */
static int take_signals(sigset_t *before)
{
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGHUP);
    sigprocmask(SIG_BLOCK, &wanted, before);
    return signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* How the process in the background ended. */
static int exit_of(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) != HIVE_EXIT_OK)
        return WEXITSTATUS(status);
    if (WIFSIGNALED(status))
        fprintf(stderr, "launcher: the launcher in the background was killed (SIG%s)\n",
                sigabbrev_np(WTERMSIG(status)));
    return HIVE_EXIT_FAILED; /* it ended, and was never ready */
}

/* Until the cluster is ready (true, and its name) or the process in the background has ended. */
static bool await_ready(pid_t pid, int line, int signals, char name[HIVE_NAME_BYTES])
{
    int64_t deadline_ms = hive_clock_monotonic_ms() + READY_TIMEOUT_MS;
    struct pollfd polled[] = {{.fd = line, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    bool is_late = false;
    while (!polled[0].revents) {
        struct signalfd_siginfo taken;
        int64_t left_ms = deadline_ms - hive_clock_monotonic_ms();
        if (left_ms <= 0 && !is_late) {
            fprintf(stderr, "launcher: not ready after %d s: ending it\n", READY_TIMEOUT_MS / 1000);
            is_late = true;
            kill(pid, SIGTERM);
        }
        poll(polled, 2, is_late ? -1 : (int)left_ms);
        while (read(signals, &taken, sizeof taken) == sizeof taken)
            kill(pid, (int)taken.ssi_signo);
    }
    ssize_t bytes = read(line, name, HIVE_NAME_BYTES);
    return bytes == HIVE_NAME_BYTES;
}

bool detach_begin(struct detach *detach, int *status, char name[HIVE_NAME_BYTES])
{
    int ends[2];
    sigset_t before;
    *status = HIVE_EXIT_FAILED;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        fprintf(stderr, "launcher: cannot make a pipe: %s\n", strerror(errno));
        return false;
    }
    int signals = take_signals(&before);
    pid_t pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        close(signals);
        close(ends[0]);
        setsid();
        detach->line = ends[1];
        return true;
    }
    close(ends[1]);
    if (pid < 0)
        fprintf(stderr, "launcher: cannot fork: %s\n", strerror(errno));
    else if (await_ready(pid, ends[0], signals, name))
        *status = HIVE_EXIT_OK;
    else
        *status = exit_of(pid);
    close(ends[0]);
    close(signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return false;
}

void detach_note_ready(void *context)
{
    struct detach *detach = context;
    char name[HIVE_NAME_BYTES] = {0};
    snprintf(name, sizeof name, "%s", detach->ledger->name);
    bool has_log = report_open_log(detach->report, detach->ledger);
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO && nothing >= 0; descriptor++)
        dup2(descriptor != STDIN_FILENO && has_log ? fileno(detach->report->out) : nothing, descriptor);
    if (nothing > STDERR_FILENO)
        close(nothing);
    ssize_t written = write(detach->line, name, sizeof name); /* one piece: it is shorter than a pipe takes */
    (void)written;                                            /* nobody waits any more: just as well */
    close(detach->line);
}
