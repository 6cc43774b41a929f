/* Drivers: one way each to do a task. A driver is a row in the table of drivers.c and a file of its own. */
#ifndef DRONE_DRIVER_H
#define DRONE_DRIVER_H

#include <cjson/cJSON.h>

#include "hive/error.h"

struct task;

struct driver {
    const char *name; /* also the field of a task's JSON that asks for it: {"text": …} */

    /* Is that field's value one that the driver can do? 0, or -EINVAL and a message that names the field. Any
     * thread. */
    int (*check)(const cJSON *spec, struct hive_error *error);

    /* Starts the task on the drone's one task thread, which it must not keep for long. Reports with
     * task_report: RUNNING where the work goes on elsewhere, and how it ended, then or later. */
    void (*start)(struct task *task);
};

/* The driver that the task's JSON asks for, and its checked field. 0, or -EINVAL with a message for who wrote
 * the JSON. */
int driver_find(const cJSON *json, const struct driver **driver, const cJSON **spec,
                struct hive_error *error);

/* The rows. */
extern const struct driver driver_text;

#endif
