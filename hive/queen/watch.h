/* Changes of keys, for those who watch: the last HIVE_WATCH_EVENTS of them (and HIVE_WATCH_BYTES), in the order
 * of the log. An event's number is its log index: the same on every queen, so a watcher may go on at another
 * one.
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

/* Consensus thread. An event, copied (its index is greater than all that was said before); all up to `index` was
 * applied, event or not (nothing new: fine); the machine was replaced by a snapshot's at `index`. */
void watch_hub_publish(struct watch_hub *hub, const struct watch_event *event);
void watch_hub_advance(struct watch_hub *hub, uint64_t index);
void watch_hub_reset(struct watch_hub *hub, uint64_t index);

/* How far this queen has applied the log, as far as it was told here: where a watch of what comes begins. */
uint64_t watch_hub_index(struct watch_hub *hub);

/* Watches the keys that begin with `prefix` (copied). `wake` is called when a read that came to the end of what there
 * was (or had to wait for its index) is worth repeating; on the publishing thread, with the hub locked: it must only
 * wake somebody up. NULL: HIVE_WATCHERS are there already. */
struct watcher;
struct watcher *watch_hub_join(struct watch_hub *hub, struct machine_bytes prefix,
                               void (*wake)(void *context), void *context);
/* When this returns, `wake` is not running and does not run again. */
void watch_hub_leave(struct watch_hub *hub, struct watcher *watcher);

/* Visits the watcher's events behind `after`, oldest first, until `visit` returns false (that event was not
 * taken). *seen: how far the log was looked at: the `after` of the next call. Only a part of what there is is looked
 * at in one call: repeat it until *seen is `after`. `visit` is called without a lock. One watcher reads on one
 * thread at a time.
 * -EAGAIN: `after` lies ahead of this queen, wait; -ESTALE: events behind `after` are forgotten already; `*seen` is
 * then the oldest index to go on behind. */
int watch_hub_read(struct watch_hub *hub, struct watcher *watcher, uint64_t after,
                   bool (*visit)(const struct watch_event *event, void *context), void *context,
                   uint64_t *seen);

#endif
