/* Starting a process that cannot outlive the launcher. Main thread only: the kernel sends the parent-death
 * signal when the THREAD that forked ends. */
#ifndef LAUNCHER_SPAWN_H
#define LAUNCHER_SPAWN_H

#include "hive/error.h"
#include "hive/process.h"

struct spawn {
    char *const *argv;        /* argv[0] is the path of the program; ends with NULL */
    char *const *environment; /* "NAME=VALUE", ends with NULL; NULL: the launcher's own */
    const char *log_path;     /* a process of its own group without a terminal, which appends its output here;
                             NULL: one that shares the launcher's terminal and group */
    int death_signal;         /* what it gets when the launcher dies */
};

/* Returns once the program runs (exec has succeeded). 0, or a negative errno and a message that names the
 * program. */
int spawn_start(const struct spawn *spawn, struct hive_process *process, struct hive_error *error);

/* The path of the program NAME beside the launcher's own binary; the caller owns it. */
char *spawn_path_beside(const char *name);

/* 0, or -ENOENT, -EACCES … with a message that says what to do, where `path` cannot be run; `option` is what
 * names another path ("--hive"), or NULL. */
int spawn_check(const char *path, const char *option, struct hive_error *error);

#endif
