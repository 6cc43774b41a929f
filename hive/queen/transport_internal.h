/* The inside of the transport thread, shared by the transport*.c files. */
#ifndef QUEEN_TRANSPORT_INTERNAL_H
#define QUEEN_TRANSPORT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "hive/http_client.h"
#include "queen/transport.h"

enum transport_lane { LANE_LIGHT, LANE_HEAVY, LANE_STREAM };

/* A snapshot on its way to a peer. */
struct transport_stream {
    bool is_on;
    struct raft_message request; /* the core's; without its snapshot */
    raft_index needed;
    uint64_t offset, file_bytes;
    uint64_t reached; /* how far one that did not get through came */
    int64_t pause_ms; /* after the last one that came no further; 0: the next may begin at once */
    int64_t retry_ms; /* monotonic: not before */
};

struct transport_peer {
    LIST_ENTRY(transport_peer) link;
    raft_id id;
    char address[HIVE_ADDRESS_BYTES];
    bool is_member; /* false: was removed, and is forgotten when its place is needed */
    bool is_down;   /* the last request failed (logged once) */
    int lanes[3];   /* requests under way */
    struct transport_stream stream;
};

/* One request under way. */
struct transport_call {
    LIST_ENTRY(transport_call) link;
    struct transport *transport;
    struct transport_peer *peer;
    enum transport_lane lane;
    enum raft_message_type type;
    raft_id from;
    uint64_t context;
};

/* What other threads want of this one. */
struct transport_order {
    TAILQ_ENTRY(transport_order) link;
    struct raft_message *message;       /* owned: send it */
    struct raft_configuration *members; /* owned: these are the peers */
    raft_id peer; /* the rest: a piece of a snapshot for this peer; file_bytes 0: there is none */
    struct raft_snapshot *snapshot; /* owned */
    uint64_t file_bytes, offset;
    struct hive_buffer data;
};

struct transport {
    struct transport_config config;
    pthread_t thread;
    struct hive_http_client *client;
    atomic_bool is_stopping;
    pthread_mutex_t mutex; /* guards the queue */
    TAILQ_HEAD(transport_queue, transport_order) orders;
    /* The thread's own. */
    LIST_HEAD(, transport_peer) peers;
    LIST_HEAD(, transport_call) calls;
    struct hive_buffer json;
};

/* transport.c */
void transport_put_order(struct transport *transport, struct transport_order *order);
struct transport_peer *transport_find(struct transport *transport, raft_id id);
/* Posts transport->json to the peer's `path`; `done` gets a struct transport_call. */
void transport_post(struct transport *transport, struct transport_peer *peer, enum transport_lane lane,
                    const struct raft_message *message, const char *path, int64_t timeout_ms,
                    hive_http_done *done);
/* The end of a call: what went wrong (NULL: nothing, the body is an answer). Frees the call. */
const char *transport_failure(const struct hive_http_response *response, char text[64]);
void transport_end_call(struct transport_call *call);
void transport_put_unreachable(struct transport *transport, struct transport_peer *peer, const char *why);
void transport_put_reply(struct transport *transport, struct transport_peer *peer,
                         struct raft_message *reply);

/* transport_stream.c */
void transport_stream_start(struct transport *transport, struct transport_peer *peer,
                            const struct raft_message *message);
void transport_stream_piece(struct transport *transport, const struct transport_order *order);

#endif
