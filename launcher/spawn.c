/* fork and exec, by hand: posix_spawn cannot set a parent-death signal. The launcher has threads, so the
 * child calls nothing between fork and exec but what is safe in a signal handler; all that it needs is opened
 * and allocated before. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hive/memory.h"

/* What the child gets; descriptors are close-on-exec. */
struct child {
    pid_t parent;
    int input, output; /* -1: keep the launcher's */
    int failure;       /* an errno is written here where exec does not happen */
};

/* Everything up to exec; returns only where something failed. */
static void prepare_and_exec(const struct spawn *spawn, const struct child *child)
{
    if (prctl(PR_SET_PDEATHSIG, spawn->death_signal) < 0)
        return;
    if (getppid() != child->parent) { /* it died before prctl: the signal will not come */
        errno = ESRCH;
        return;
    }
    if (child->output >= 0 &&
        (setpgid(0, 0) < 0 || dup2(child->input, STDIN_FILENO) < 0 ||
         dup2(child->output, STDOUT_FILENO) < 0 || dup2(child->output, STDERR_FILENO) < 0))
        return;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL); /* ignored ones would stay ignored behind exec */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); /* those that a library opened without the flag */
    execve(spawn->argv[0], spawn->argv, spawn->environment ? spawn->environment : environ);
}

/* Waits for the child's exec: 0, or the negative errno that the child wrote. */
static int await_exec(int failure)
{
    int code = 0;
    ssize_t bytes;
    do
        bytes = read(failure, &code, sizeof code);
    while (bytes < 0 && errno == EINTR);
    return bytes == sizeof code ? -code : 0;
}

/* Opens what the child gets; on failure some of it may be open. */
static int open_for_child(const struct spawn *spawn, struct child *child, int *failure,
                          struct hive_error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return hive_error_set(error, -errno, "cannot make a pipe: %s", strerror(errno));
    *failure = ends[0];
    child->failure = ends[1];
    if (!spawn->log_path)
        return 0;
    child->input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    child->output = open(spawn->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (child->input < 0 || child->output < 0)
        return hive_error_set(error, -errno, "cannot open %s: %s",
                              child->input < 0 ? "/dev/null" : spawn->log_path, strerror(errno));
    return 0;
}

static void close_for_child(struct child *child)
{
    int *descriptors[] = {&child->input, &child->output, &child->failure};
    for (size_t i = 0; i < sizeof descriptors / sizeof *descriptors; i++) {
        if (*descriptors[i] >= 0)
            close(*descriptors[i]);
        *descriptors[i] = -1;
    }
}

int spawn_start(const struct spawn *spawn, struct hive_process *process, struct hive_error *error)
{
    struct child child = {.parent = getpid(), .input = -1, .output = -1, .failure = -1};
    int failure = -1, result = open_for_child(spawn, &child, &failure, error);
    pid_t pid = result ? -1 : fork();
    if (!result && pid < 0)
        result = hive_error_set(error, -errno, "cannot fork for %s: %s", spawn->argv[0], strerror(errno));
    if (pid == 0) {
        prepare_and_exec(spawn, &child);
        int code = errno;
        ssize_t written = write(child.failure, &code, sizeof code);
        _exit(written == sizeof code ? 127 : 126);
    }
    close_for_child(&child); /* the child alone holds the pipe's end, until exec closes it */
    if (pid > 0) {
        result = await_exec(failure);
        if (!result) {
            *process = hive_process_of(pid);
        } else {
            waitpid(pid, NULL, 0);
            hive_error_set(error, result, "cannot run %s: %s", spawn->argv[0], strerror(-result));
        }
    }
    if (failure >= 0)
        close(failure);
    return result;
}

char *spawn_path_beside(const char *name)
{
    char self[PATH_MAX];
    ssize_t bytes = readlink("/proc/self/exe", self, sizeof self - 1);
    if (bytes <= 0)
        return hive_strdup(name);
    self[bytes] = '\0';
    return hive_format("%s/%s", dirname(self), name);
}

int spawn_check(const char *path, const char *option, struct hive_error *error)
{
    if (access(path, X_OK) == 0)
        return 0;
    int code = -errno;
    const char *advice = option ? "build it with make, or name another with " : "build it with make";
    return hive_error_set(error, code, "cannot run %s: %s; %s%s", path, strerror(-code), advice,
                          option ? option : "");
}
