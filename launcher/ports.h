/* Which port each node listens on. */
#ifndef LAUNCHER_PORTS_H
#define LAUNCHER_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/error.h"

#define PORTS_QUEENS 8080 /* where the search begins for queens */
#define PORTS_DRONES 5001 /* … and for drones */

struct ports {
    bool (*can_bind)(uint16_t port); /* ports_can_bind, or a test's own */
    bool is_taken[65536];            /* given to a node of this or of another running cluster */
};

/* Chooses `count` ports and marks them as taken. With `wanted` 0: the first free ones from `first` up; else
 * exactly `wanted` and those that follow it. `option` is the option that a person can choose others with. 0,
 * or -EADDRINUSE with a message that names the port. */
int ports_choose(struct ports *ports, uint16_t first, uint16_t wanted, size_t count, const char *option,
                 uint16_t *chosen, struct hive_error *error);

/* True where a server could listen on the port of 127.0.0.1 now. */
bool ports_can_bind(uint16_t port);

#endif
