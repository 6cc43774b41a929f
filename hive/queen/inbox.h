/* The one queue into the consensus thread. Many threads put, one takes all there is at once. Work of clients
 * is bounded (HIVE_INBOX_EVENTS); what the node itself has under way is bounded by its own connections and
 * always taken. */
#ifndef QUEEN_INBOX_H
#define QUEEN_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "queen/queen.h"
#include "raft/raft.h"

enum inbox_event_type {
    INBOX_PROPOSE,     /* command, done, context */
    INBOX_READ,        /* done, context, stale */
    INBOX_RPC,         /* message from a peer that wants an answer; rpc_done, context */
    INBOX_REPLY,       /* message: a peer's answer to ours */
    INBOX_UNREACHABLE, /* peer */
};

struct inbox_event {
    enum inbox_event_type type;
    struct hive_buffer command;
    struct raft_message *message; /* owned: queen_message_free */
    raft_id peer;
    bool stale;
    queen_done *done;
    queen_rpc_done *rpc_done;
    void *context;
};

struct inbox;

struct inbox *inbox_create(void);
void inbox_destroy(struct inbox *inbox); /* must be empty */

/* Any thread. Takes over what the event owns where it returns INBOX_TAKEN. Only PROPOSE and READ ever find it
 * full. */
enum inbox_result { INBOX_TAKEN, INBOX_FULL, INBOX_CLOSED };
enum inbox_result inbox_put(struct inbox *inbox, const struct inbox_event *event);

/* Nothing is taken from here on. */
void inbox_close(struct inbox *inbox);

/* The disk thread: write number `write` is durable. Never refused; only the newest number is kept. */
void inbox_set_durable(struct inbox *inbox, uint64_t write);

/* The consensus thread: waits until something is there or the monotonic clock shows `deadline_ms`; gives all
 * events in the order of their arrival (valid until the next call) and the newest durable write. False:
 * closed, these are the last. */
bool inbox_take(struct inbox *inbox, int64_t deadline_ms, struct inbox_event **events, size_t *count,
                uint64_t *durable_write);

#endif
