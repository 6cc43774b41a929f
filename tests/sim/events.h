/* What is going to happen, by virtual time: a heap. Events of the same time happen in the order in which they were asked for, so a run
 * is the same whenever it is repeated. */
#ifndef SIM_EVENTS_H
#define SIM_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;

/* What happens: to `node` (0: to nobody), if it is still the process it was then (`life`; 0: whichever it is). */
typedef void sim_run(struct world *world, unsigned node, uint64_t number, void *argument);
struct sim_event {
    int64_t at_us;
    uint64_t order;
    sim_run *run;
    uint64_t number; /* both are for `run` */
    void *argument;
    uint64_t life;
    unsigned node;
    bool owns_argument; /* `run` frees it; where it is not run, free() does */
};

struct sim_events {
    struct sim_event *heap;
    size_t count, capacity;
    uint64_t order;
};

/* Frees what they own, too. */
void sim_events_finish(struct sim_events *events);
/* Fills in the event's order, and returns it. */
uint64_t sim_events_add(struct sim_events *events, const struct sim_event *event);
/* The next one; there must be one. */
struct sim_event sim_events_take(struct sim_events *events);

/* Some events, in order. A zeroed struct is an empty list. */
struct sim_event_list {
    struct sim_event *events;
    size_t count, capacity;
};
void sim_event_list_add(struct sim_event_list *list, const struct sim_event *event);
/* Frees what its events own, too. */
void sim_event_list_finish(struct sim_event_list *list);

#endif
