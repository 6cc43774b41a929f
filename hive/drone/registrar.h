/* Makes the drone known to the queens' leader, and keeps it known. Private to the drone.
 *
 * Threads: created, started, stopped and destroyed by the drone's owner; registrar_queen by any. */
#ifndef DRONE_REGISTRAR_H
#define DRONE_REGISTRAR_H

#include <stdbool.h>
#include <stdint.h>

#include "hive/error.h"
#include "hive/limits.h"
#include "hive/options.h"

struct faults;
struct registrar;

struct registrar_config {
    const char *address, *name;        /* of the drone */
    const struct hive_strings *queens; /* HOST:PORT of whom to ask; at least one */
    int capacity;
    const char *token;     /* the cluster's, or NULL */
    const char *secret;    /* what queens are to show with /do_task, or NULL where the token does that */
    int64_t register_ms;   /* from one registration to its renewal */
    struct faults *faults; /* or NULL; must outlive the registrar */
};

/* Copies what it needs of `config`. */
struct registrar *registrar_create(const struct registrar_config *config);
int registrar_start(struct registrar *registrar, struct hive_error *error);
void registrar_stop(struct registrar *registrar);
void registrar_destroy(struct registrar *registrar);

/* Whom the drone is registered with; false (and an empty text): nobody. */
bool registrar_queen(struct registrar *registrar, char queen[HIVE_ADDRESS_BYTES]);

#endif
