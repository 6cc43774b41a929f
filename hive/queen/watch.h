/* Changes of keys, for those who watch: the last HIVE_WATCH_EVENTS of them (and HIVE_WATCH_BYTES), in the order of the log. An event's number is its
 * log index: the same on every queen, so a watcher may go on at another one.
 *
 * Threads: the consensus thread publishes; everything else may be called from any thread. */
#ifndef QUEEN_WATCH_H
#define QUEEN_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/machine.h"

struct watch_hub;

enum watch_event_type { WATCH_PUT = 1, WATCH_DELETE = 2 };
struct watch_event {
    enum watch_event_type type;
    uint64_t index;
    struct machine_bytes key, value; /* value: of a PUT */
    bool created;                    /* PUT: the key did not exist before */
};

/* `index`: everything up to it happened before this queen started, and is too old. */
struct watch_hub *watch_hub_create(uint64_t index);
void watch_hub_destroy(struct watch_hub *hub); /* nobody watches any more */

/* Consensus thread. An event; all up to `index` was applied, event or not; the machine was replaced by a snapshot's at `index`. */
void watch_hub_publish(struct watch_hub *hub, const struct watch_event *event);
void watch_hub_advance(struct watch_hub *hub, uint64_t index);
void watch_hub_reset(struct watch_hub *hub, uint64_t index);

/* `wake` is called, on the publishing thread, when there may be something new; it must only wake somebody up. NULL: HIVE_WATCHERS are
 * there already. */
struct watcher;
struct watcher *watch_hub_join(struct watch_hub *hub, void (*wake)(void *context), void *context);
void watch_hub_leave(struct watch_hub *hub, struct watcher *watcher);

/* Visits events behind `after` whose key begins with `prefix`, oldest first, until `visit` returns false (that event was not taken).
 * *seen: how far the log was looked at: the `after` of the next call. -EAGAIN: `after` lies ahead of this queen, wait;
 * -ESTALE: events behind `after` are forgotten already; `*seen` is then the oldest index to go on behind. */
int watch_hub_read(struct watch_hub *hub, uint64_t after, struct machine_bytes prefix,
                   bool (*visit)(const struct watch_event *event, void *context), void *context,
                   uint64_t *seen);

#endif
