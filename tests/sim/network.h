/* The network between queens: packets that take their time, get lost, come twice and out of order; links that are cut one way or both; and
 * streams of snapshots, piece by piece, that break and go on. */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

#include "sim/world.h"

/* A copy of a message, on its way. Counted, since it may be delivered twice. */
struct packet {
    LIST_ENTRY(packet) link;
    unsigned users;
    unsigned from, to;    /* numbers of nodes */
    uint64_t sender_life; /* a reply is for the process that asked, and for no other */
    struct raft_message message;
};

/* Where the answer to a request goes: what replica_message is given as `rpc`. */
struct rpc {
    LIST_ENTRY(rpc) link;
    unsigned from;
    uint64_t from_life;
    uint64_t stream; /* number of the stream of a snapshot that it ends; 0: an ordinary request */
};

void network_send(struct node *node, const struct raft_message *message);
void network_reply(struct node *node, enum queen_outcome outcome, const struct raft_message *reply,
                   struct rpc *rpc);
/* A node's process ended, and its connections with it: the others see them close, but not where the whole machine lost power. */
void network_crash(struct node *node, bool is_seen);
void network_destroy(struct world *world);
/* The process `life` of node `to` hears that a message to `peer` was not delivered. */
void network_tell_unreachable(struct world *world, unsigned to, uint64_t life, raft_id peer,
                              int64_t after_us);

/* May something go from one node to the other now? Draws. */
bool network_passes(struct world *world, unsigned from, unsigned to);
int64_t network_delay_us(struct world *world);

/* Streams of snapshots (stream.c). */
void stream_begin(struct node *node, const struct raft_message *message);
/* The receiver's answer to the last piece; NULL: it has none. */
void stream_answer(struct world *world, uint64_t number, const struct raft_message *reply);
void stream_end(struct stream *stream, bool is_broken);

#endif
