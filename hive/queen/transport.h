/* The transport thread: carries Raft's requests to the peers and their answers back into the inbox. One
 * connection a peer for entries, a second one for heartbeats and votes, and a third one for a snapshot, so that none of
 * these waits behind a large batch. Delivery is best effort: what finds its peer's lanes full is dropped, and the core
 * sends again. */
#ifndef QUEEN_TRANSPORT_H
#define QUEEN_TRANSPORT_H

#include "queen/inbox.h"
#include "queen/snapshotter.h"

struct transport;

struct transport_config {
    raft_id id;
    const char *address; /* own; like all pointers here, must outlive the transport */
    const char *token;   /* or NULL */
    int64_t heartbeat_timeout_ms;
    int64_t timeout_ms;    /* for what waits for the peer's disk */
    struct faults *faults; /* or NULL */
    struct inbox *inbox;
    struct snapshotter *snapshotter;
};

struct transport *transport_start(const struct transport_config *config);

/* The consensus thread: who the peers are from here on. Those that are none any more can still be sent to: a leader tells them
 * that they were removed. */
void transport_set_members(struct transport *transport, const struct raft_configuration *members);

/* The consensus thread: sends a request; takes the message. A RAFT_INSTALL_SNAPSHOT starts the stream of the newest snapshot, unless
 * one is on its way to that peer already. */
void transport_send(struct transport *transport, struct raft_message *message);

/* Drops what is under way and ends the thread. The snapshot thread must have been stopped before. */
void transport_stop(struct transport *transport);

#endif
