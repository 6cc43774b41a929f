/* tmux is told what to do on its command line, as a person would tell it; so every version since 3.1 does. */
#include "tmux_call.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hive/memory.h"

void tmux_call_append(struct hive_strings *words, const char *first, ...)
{
    va_list more;
    va_start(more, first);
    for (const char *word = first; word; word = va_arg(more, const char *))
        hive_strings_append(words, word, strlen(word));
    va_end(more);
}

/* Starts the program with its output going to `output`. 0, or a negative errno. */
static int start(const struct hive_strings *words, int output, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    char **argv = hive_calloc(words->count + 1, sizeof *argv);
    for (size_t i = 0; i < words->count; i++)
        argv[i] = hive_strdup(words->items[i]);
    int result = -posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    for (size_t i = 0; i < words->count; i++)
        free(argv[i]);
    free(argv);
    return result;
}

static int run(const struct hive_strings *words, char *output, size_t bytes, struct hive_error *error)
{
    int ends[2], status;
    size_t size = 0;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return hive_error_set(error, -errno, "cannot make a pipe: %s", strerror(errno));
    int result = start(words, ends[1], &pid);
    close(ends[1]);
    for (ssize_t got; !result && (got = read(ends[0], output + size, bytes - 1 - size)) > 0;)
        size += (size_t)got;
    close(ends[0]);
    output[size] = '\0';
    while (size > 0 && output[size - 1] == '\n')
        output[--size] = '\0';
    if (result)
        return hive_error_set(error, result, "cannot run %s: %s", words->items[0], strerror(-result));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return hive_error_set(error, -EIO, "tmux %s: %.200s", words->items[1], output);
    return 0;
}

int tmux_call_run(struct hive_strings *words, char *output, size_t bytes, struct hive_error *error)
{
    char text[1024];
    int result = run(words, output ? output : text, output ? bytes : sizeof text, error);
    hive_strings_finish(words);
    return result;
}

int tmux_check(struct hive_error *error)
{
    struct hive_strings words = {0};
    tmux_call_add(&words, "tmux", "-V");
    int result = tmux_call_run(&words, NULL, 0, error);
    if (result == -ENOENT)
        hive_error_set(
            error, result,
            "--tmux needs tmux, which is not there: install it (apt install tmux), or take --top or "
            "--detach");
    return result;
}
