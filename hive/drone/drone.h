/* A drone at run time: it makes itself known to the queens, keeps being known, and does the tasks that they
 * send.
 *
 * Threads: created, started, stopped and destroyed by the thread that owns the node; everything else may be
 * called by any thread between creation and destruction. */
#ifndef DRONE_DRONE_H
#define DRONE_DRONE_H

#include <stdbool.h>
#include <stdint.h>

#include "drone/driver.h"
#include "drone/workload.h"
#include "hive/buffer.h"
#include "hive/error.h"
#include "hive/options.h"

struct drone;
struct faults;

struct drone_config {
    const char *address;               /* HOST:PORT that the queens are to call */
    const char *name;                  /* NULL: made of the address */
    const struct hive_strings *queens; /* HOST:PORT of whom to register with; at least one */
    int capacity;                      /* tasks at once, > 0 */
    const char *token;                 /* the cluster's, or NULL */
    int64_t register_ms;               /* how often the registration is renewed, > 0 */
    struct faults *faults;             /* or NULL; must outlive the drone */
};

/* Copies what it needs of `config`. Nothing runs yet. */
struct drone *drone_create(const struct drone_config *config);

/* Starts to register, and to do tasks. Call it once the node answers HTTP: a queen may call back at once. 0
 * or a negative errno. */
int drone_start(struct drone *drone, struct hive_error *error);

/* Ends both and waits for that: every drone_do_task has been replied to when it returns, and later ones are
 * refused. Fine without a start, and a second time. */
void drone_stop(struct drone *drone);
void drone_destroy(struct drone *drone);

/* Its name: the configured one, or that of its address. */
const char *drone_name(const struct drone *drone);

/* True while a queen has it registered. */
bool drone_is_ready(struct drone *drone);

/* True where `credential` is what a queen must show to give it tasks: the cluster's token, else the secret
 * that it told the queen when it registered. */
bool drone_is_authorized(const struct drone *drone, const char *credential);

/* Appends its own fields of /healthz, each with a comma before it. */
void drone_health_json(struct drone *drone, struct hive_buffer *json);

/* Does the task, or finds that it was done already; see workload_submit. */
void drone_do_task(struct drone *drone, struct task_order *order, task_reply *reply, void *context);

#endif
