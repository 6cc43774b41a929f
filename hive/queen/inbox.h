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
    /* Of clients: done, context. */
    INBOX_PROPOSE,  /* command */
    INBOX_READ,     /* stale */
    INBOX_CHANGE,   /* change */
    INBOX_TRANSFER, /* peer */
    INBOX_BACKUP,   /* snapshot_done, context */
    /* Of peers. */
    INBOX_RPC,     /* message that wants an answer; rpc_done, context */
    INBOX_INSTALL, /* the same, a RAFT_INSTALL_SNAPSHOT; machine, or NULL where it is known to be too old */
    INBOX_REPLY,   /* message: a peer's answer to ours */
    INBOX_UNREACHABLE, /* peer */
    /* Of the queen itself. */
    INBOX_FOUND,           /* founding */
    INBOX_LEADER_GONE,     /* peer */
    INBOX_REMOVED,         /* … from the group, as its queens say */
    INBOX_SNAPSHOT_ROOM,   /* the snapshot thread takes more of the dump */
    INBOX_SNAPSHOT_RESULT, /* serial, code: the dump of that number is durable, or failed */
    INBOX_DRAIN,           /* the queen wants to know when nobody waits any more */
};

struct inbox_event {
    enum inbox_event_type type;
    bool stale;
    int code;
    struct hive_buffer command;
    struct raft_message *message; /* owned, like the next ones: inbox_event_finish */
    struct raft_change *change;
    struct raft_configuration *founding;
    struct machine *machine;
    raft_id peer;
    uint64_t serial;
    queen_done *done;
    queen_rpc_done *rpc_done;
    queen_snapshot_done *snapshot_done;
    void *context;
};

/* Frees what an event owns and was not taken out of it. */
void inbox_event_finish(struct inbox_event *event);

struct inbox;

struct inbox *inbox_create(void);
void inbox_destroy(struct inbox *inbox); /* must be empty */

/* Any thread. Takes over what the event owns where it returns INBOX_TAKEN. Only events of clients ever find it
 * full. */
enum inbox_result { INBOX_TAKEN, INBOX_FULL, INBOX_CLOSED };
enum inbox_result inbox_put(struct inbox *inbox, const struct inbox_event *event);

/* Nothing is taken from here on. */
void inbox_close(struct inbox *inbox);

/* The writer thread: write number `write` is durable. Never refused; only the newest number is kept. */
void inbox_set_durable(struct inbox *inbox, uint64_t write);

/* The consensus thread: waits until something is there or the monotonic clock shows `deadline_ms`; gives all
 * events in the order of their arrival (valid until the next call) and the newest durable write. False:
 * closed, these are the last. */
bool inbox_take(struct inbox *inbox, int64_t deadline_ms, struct inbox_event **events, size_t *count,
                uint64_t *durable_write);

#endif
