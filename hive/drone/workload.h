/* The tasks of a drone: those that wait, those that run, and how the last ones ended. A task is known by its
 * id and attempt; the same pair is done once, however often it is asked for.
 *
 * Threads: any, but for create, start, stop and destroy, which belong to the drone's owner. */
#ifndef DRONE_WORKLOAD_H
#define DRONE_WORKLOAD_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drone/driver.h"
#include "hive/buffer.h"
#include "hive/error.h"
#include "machine/machine.h"

struct workload;
struct task;

/* Up to `capacity` tasks at once; the outcomes of the last `remembered` finished ones are kept. */
struct workload *workload_create(int capacity, size_t remembered);

/* Starts the task thread. 0 or a negative errno. */
int workload_start(struct workload *workload, struct hive_error *error);

/* Refuses what has not begun and all that comes later, and waits for the task thread. */
void workload_stop(struct workload *workload);
void workload_destroy(struct workload *workload);

/* What a queen asks for. */
struct task_order {
    const char *id;
    uint32_t attempt;  /* of the queen's assignments of this task, from 1 */
    const char *queen; /* HOST:PORT of who asks */
    const struct driver *driver;
    cJSON *spec; /* the driver's field, checked; workload_submit takes it over */
};

/* What became of it. */
struct task_answer {
    int code; /* 0, or it was not begun: -EBUSY (at capacity), -ESHUTDOWN (stopping), -ESTALE (a later attempt
                 of the same task was here before) */
    enum machine_task_state state; /* RUNNING, or how it ended; of code 0 only */
    const char *detail;            /* why it failed; else empty */
};
typedef void task_reply(const struct task_answer *answer, void *context);

/* Begins the task unless it is known. `reply` is called exactly once, from here or from the task thread: when
 * the task runs or has ended, at once where that is known already. */
void workload_submit(struct workload *workload, struct task_order *order, task_reply *reply, void *context);

/* Appends `,"running":…,"done":…,"failed":…,"tasks":[…]`: the tasks that are not finished, and counts of the
 * others. */
void workload_health_json(struct workload *workload, struct hive_buffer *json);

/* For drivers. The task belongs to the table: a driver must not touch it after it reported the end. */
const char *task_id(const struct task *task);
const cJSON *task_spec(const struct task *task);

/* True once the drone is ending: whoever blocks gives up. */
bool task_is_stopping(const struct task *task);

/* MACHINE_TASK_RUNNING, or how it ended: MACHINE_TASK_SUCCEEDED or _FAILED with the reason in `detail`. Any
 * thread. */
void task_report(struct task *task, enum machine_task_state state, const char *detail);

#endif
