/* A process is its pid and the time it started: pids are used again, the pair is not. Thread-safe. */
#ifndef HIVE_PROCESS_H
#define HIVE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct hive_process {
    pid_t pid;           /* 0: none */
    uint64_t started_at; /* clock ticks after boot, field 22 of /proc/PID/stat */
};

/* The running process of that pid; `started_at` is 0 where there is none. A zombie counts as none. */
struct hive_process hive_process_of(pid_t pid);

/* True where that very process still runs. */
bool hive_process_is_alive(struct hive_process process);

/* True where it runs but is stopped (SIGSTOP). */
bool hive_process_is_stopped(struct hive_process process);

/* Sends `signal_number` to that very process, or to nobody: 0 or -ESRCH (or another negative errno).
 * Race-free (pidfd): a pid that was given to another process meanwhile is not hit. */
int hive_process_signal(struct hive_process process, int signal_number);

#endif
