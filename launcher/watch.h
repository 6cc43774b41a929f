/* Asks the nodes' /healthz until each is ready, to tell when a start is complete, and a queen that joins until she has
 * her vote. It watches nothing after that: the dashboard does. Main thread only. */
#ifndef LAUNCHER_WATCH_H
#define LAUNCHER_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/http_client.h"
#include "hive/ledger.h"

enum watch_level {
    WATCH_OFF,      /* the node is down or paused: not asked */
    WATCH_SILENT,   /* started, and has not answered yet */
    WATCH_ANSWERED, /* answers */
    WATCH_READY,    /* says that it is ready */
    WATCH_ARRIVED,  /* … and a queen has her vote: not asked any more */
};

struct watch;

/* Nodes go by their place in the ledger, which must outlive the watch. */
struct watch *watch_create(const struct hive_ledger *ledger, struct hive_http_client *client);

/* The client must have been destroyed before. */
void watch_destroy(struct watch *watch);

/* A node was put into the ledger at this place, or taken out; the ones behind it have moved. */
void watch_insert_node(struct watch *watch, size_t node);
void watch_remove_node(struct watch *watch, size_t node);

/* The node was started (or goes on after a pause), or is down or paused. */
void watch_start_node(struct watch *watch, size_t node);
void watch_stop_node(struct watch *watch, size_t node);

enum watch_level watch_level(const struct watch *watch, size_t node);

/* What the queen that has not arrived says that she waits for; empty: nothing. */
const char *watch_reason(const struct watch *watch, size_t node);

/* How long the node took from its start to the level that it has. */
int64_t watch_took_ms(const struct watch *watch, size_t node);

/* Starts the requests that are due; answers come in hive_http_client_wait. Returns when to call again
 * (monotonic; INT64_MAX: nobody is left to ask). */
int64_t watch_poll(struct watch *watch, int64_t now_ms);

/* The leader that the queens last spoke of, by its address, and its term; empty: none. */
const char *watch_leader(const struct watch *watch, uint64_t *term);

#endif
