/* The transport thread: carries Raft's requests to the peers and their answers back into the inbox. One
 * connection a peer for entries, and a second one for heartbeats and votes, so that these never wait behind a
 * large batch. Delivery is best effort: what finds its peer's lanes full is dropped, and the core sends
 * again. */
#ifndef QUEEN_TRANSPORT_H
#define QUEEN_TRANSPORT_H

#include "queen/inbox.h"

struct transport;

struct transport_peer {
    raft_id id;
    const char *address;
};

struct transport_config {
    const char *address; /* own; like all pointers here, must outlive the transport */
    const char *token;   /* or NULL */
    int64_t heartbeat_timeout_ms;
    int64_t timeout_ms; /* for all else: what waits for the peer's disk */
    struct inbox *inbox;
    const struct transport_peer *peers; /* copied */
    size_t peer_count;
};

struct transport *transport_start(const struct transport_config *config);

/* The consensus thread: sends a request; takes the message. */
void transport_send(struct transport *transport, struct raft_message *message);

/* Drops what is under way and ends the thread. */
void transport_stop(struct transport *transport);

#endif
