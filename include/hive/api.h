/* Hive's HTTP API, typed: what a poller learns from /healthz, and the calls of the command line. Field names
 * and meanings are those of the API (ARCHITECTURE.md, "The API"). */
#ifndef HIVE_API_H
#define HIVE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "hive/error.h"
#include "hive/limits.h"
#include "hive/options.h"

#define HIVE_REASON_BYTES HIVE_ERROR_BYTES

enum hive_mode { HIVE_MODE_QUEEN, HIVE_MODE_DRONE };
extern const char *const hive_mode_names[]; /* "QUEEN", "DRONE" */

enum hive_raft_state { HIVE_RAFT_FOLLOWER, HIVE_RAFT_CANDIDATE, HIVE_RAFT_LEADER, HIVE_RAFT_LEARNER };
extern const char *const hive_raft_state_names[]; /* "FOLLOWER", "CANDIDATE", "LEADER", "LEARNER" */

enum hive_drone_state { HIVE_DRONE_HEALTHY, HIVE_DRONE_SUSPECT, HIVE_DRONE_LOST };
extern const char *const hive_drone_state_names[]; /* "healthy", "suspect", "lost" */

struct hive_transition {
    int64_t time_ms; /* unix */
    uint64_t term;
    enum hive_raft_state state;
    char reason[HIVE_REASON_BYTES]; /* why; empty: nothing to say */
};

struct hive_peer_health {
    char address[HIVE_ADDRESS_BYTES];
    char kind[16];     /* "voter", "learner", "joining" */
    bool has_progress; /* on the leader only: the rest is valid */
    uint64_t match, next;
    char state[16];      /* "probe", "replicate", "snapshot" */
    int64_t last_ack_ms; /* unix; 0: never */
};

struct hive_drone_health {
    char address[HIVE_ADDRESS_BYTES];
    char name[HIVE_NAME_BYTES];
    enum hive_drone_state state;
    int64_t last_seen_ms; /* unix; 0: not yet by this leader */
    int running;          /* tasks */
};

/* Tasks by state, as this queen has applied them. */
struct hive_task_counts {
    int64_t pending, assigned, running, succeeded, failed, stopped, lost;
};

/* The rolling hash over all entries up to `index`, whose term is `term`: two queens that tell the same index
 * and term must tell the same hash (State Machine Safety). */
struct hive_digest {
    uint64_t index, term;
    char hash[20]; /* 16 hexadecimal digits */
};

/* What this node does to what it sends to another one; only where it was started with --enable-faults. */
struct hive_fault {
    char to[HIVE_ADDRESS_BYTES];
    bool cut; /* nothing gets there */
    int64_t delay_ms, jitter_ms;
    double loss_percent;
};

/* One /healthz answer. */
struct hive_health {
    bool ready;
    char version[32];
    bool can_fault;            /* started with --enable-faults */
    struct hive_fault *faults; /* owned; what is in force */
    size_t fault_count;
    enum hive_mode mode;
    char id[HIVE_NAME_BYTES]; /* queens: decimal number; drones: their name */
    char address[HIVE_ADDRESS_BYTES];
    int64_t pid;
    uint64_t
        started_at; /* as of struct hive_process: another one is another process, also with the same pid */
    int64_t uptime_ms;
    /* queens */
    enum hive_raft_state raft_state;
    uint64_t term;
    uint64_t durable_term; /* the newest that is on the disk: a restart does not lead back behind it */
    char standing[16];     /* "none", "learner", "voter", "removed" */
    char reason[HIVE_REASON_BYTES];     /* why it is not as it should be; empty: all is well */
    char leader[HIVE_ADDRESS_BYTES];    /* empty: none known */
    char voted_for[HIVE_ADDRESS_BYTES]; /* empty: nobody in this term */
    int64_t last_heartbeat_ms;          /* unix time of the leader's last word; 0: never */
    uint64_t log_first, log_last, log_commit, log_applied, log_snapshot;
    char log_group
        [20]; /* 16 hexadecimal digits, by which logs of different groups are told apart; empty: not known yet */
    struct hive_digest *digests; /* owned; newest first, the first at log_applied */
    size_t digest_count;
    struct hive_task_counts tasks;
    struct hive_transition *transitions; /* owned; oldest first */
    size_t transition_count;
    struct hive_peer_health *peers; /* owned */
    size_t peer_count;
    struct hive_drone_health *drones; /* owned */
    size_t drone_count;
    /* drones */
    char queen[HIVE_ADDRESS_BYTES]; /* whom it registered with; empty: nobody yet */
    int capacity;                   /* tasks at once */
    int running;
    char **running_tasks; /* owned; ids */
    size_t running_task_count;
    int64_t done; /* tasks finished since it started */
    int64_t failed;
};

/* Parses the JSON of /healthz. 0 or -EINVAL naming the field. Release with hive_health_finish. */
int hive_health_parse(const char *json, size_t bytes, struct hive_health *health, struct hive_error *error);
void hive_health_finish(struct hive_health *health);

/* Where to find the cluster: the options --connect and --cluster, $HIVE_CONNECT, or the ledger. */
struct hive_target {
    char (*addresses)[HIVE_ADDRESS_BYTES]; /* owned: queens to try, in order */
    size_t count;
    char token[HIVE_TOKEN_BYTES]; /* empty: none */
};

/* Fills `target`. `connect` (a list of HOST:PORT) and `cluster` may be empty or NULL. The token is that of
 * the ledger, or of $HIVE_TOKEN. */
int hive_target_find(const struct hive_strings *connect, const char *cluster, struct hive_target *target,
                     struct hive_error *error);
void hive_target_finish(struct hive_target *target);

/* One call to the cluster: tries the queens in turn, follows 307 to the leader, and waits (up to
 * `timeout_ms`) while there is no leader. A call whose answer was lost after it was sent is repeated only
 * where that does no harm: where `is_idempotent`, or `is_keyed`. */
struct hive_call {
    const char *method;
    const char *path; /* with query: "/kv/a?consistency=stale" */
    const char *content_type;
    const char *const *headers; /* NULL-terminated, or NULL */
    const void *body;
    size_t body_bytes;
    int64_t timeout_ms;
    bool is_idempotent; /* a read: any queen may answer it, any number of times */
    /* A write whose path takes an Idempotency-Key: it is sent with a random one, the same each time, and so applied once
     * however often it is sent. */
    bool is_keyed;
    int64_t
        repeat_ms; /* … but not later than so long after it was sent first; 0: HIVE_SESSION_FLOOR_MS / 2 */
};
struct hive_answer {
    int status;              /* HTTP */
    struct hive_buffer body; /* owned */
    char etag[64];
    char from[HIVE_ADDRESS_BYTES]; /* who answered */
};

/* Returns an exit status: HIVE_EXIT_OK with any 2xx; NOT_FOUND (404), CONFLICT (412), UNAVAILABLE, UNKNOWN or
 * FAILED with a message that quotes the problem's detail. Release with hive_answer_finish in every case. */
enum hive_exit hive_call(const struct hive_target *target, const struct hive_call *call,
                         struct hive_answer *answer, struct hive_error *error);
void hive_answer_finish(struct hive_answer *answer);

/* Appends `text` percent-encoded as one path (slashes stay) to `path`; right for the value of a query too. */
void hive_path_append(struct hive_buffer *path, const char *text);
void hive_path_append_bytes(struct hive_buffer *path, const void *data, size_t bytes);

#endif
