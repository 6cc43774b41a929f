/* A simulated world: queens (the real replica, core, machine and store) on simulated disks, network and clocks, in virtual time, from
 * one seed, in one thread. Nothing in it may depend on anything but the seed and the list of faults that are kept: no wall clock, no
 * order of pointers, no memory that was not set.
 *
 * Structs are open within this folder. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "hive/buffer.h"
#include "machine/machine.h"
#include "queen/replica.h"
#include "raft/raft.h"
#include "sim/clock.h"
#include "sim/coverage.h"
#include "sim/events.h"
#include "sim/random.h"
#include "sim/sim_disk.h"
#include "store/store.h"

#define SIM_NODES 9 /* places for queens, numbered from 1 */
#define MS        ((int64_t)1000) /* virtual time is kept in microseconds */

struct world;
struct node;
struct packet;
struct stream;
struct call;
struct checks;
struct faults;
struct trace;
struct clients;

/* What a run is made of; drawn from its seed (world_draw). */
struct world_config {
    unsigned founders;     /* 1 to 7 */
    int64_t faults_ms;     /* so long faults are let loose; then all is healed */
    struct raft_config raft; /* but for the id */
    int64_t request_timeout_ms, rpc_timeout_ms;
    uint64_t snapshot_entries, snapshot_bytes, trailing_entries;
    size_t segment_bytes, piece_bytes, chunk_bytes; /* of the log, of a dump, of a snapshot under way */
    int64_t disk_least_us, disk_most_us;            /* how long a write takes */
    int64_t delay_least_us, delay_most_us;          /* of a packet */
    unsigned drop_per_mille, duplicate_per_mille, noticed_per_mille; /* the last: of drops that are noticed */
    unsigned client_count, key_count;
    int64_t think_ms; /* a client rests so long at most between two requests */
    unsigned drift_per_mille; /* clocks run so much too fast or too slow at most */
};

enum node_state {
    NODE_ABSENT, /* never started, or not again */
    NODE_DOWN,
    NODE_UP,
};

/* One place for a queen: an address, a disk, and the process that runs on it, if any. */
struct node {
    struct world *world;
    unsigned number; /* 1 to SIM_NODES */
    char address[HIVE_ADDRESS_BYTES];
    enum node_state state;
    uint64_t life; /* number of this process; what was meant for an earlier one is dropped */
    bool is_crashing;
    bool is_paused;
    bool wants_to_join; /* asks to be taken in while it is no member */
    bool is_learner;    /* as what it asks */
    struct sim_disk *disk;
    struct sim_clock clock;
    raft_id id;                          /* of its disk; 0: never started on this one */
    const struct raft_configuration *founding; /* the world's, once this disk has it */
    struct sim_event_list deferred;      /* what happened to it while it was paused */

    /* While it is up. */
    struct store *store;
    struct replica *replica;
    uint64_t tick_order; /* of the tick that is under way */
    int64_t tick_us;     /* when; INT64_MAX: none */

    /* The thread that writes the log. */
    struct hive_buffer gathered, writing;
    uint64_t gathered_write, writing_write; /* 0: nothing */
    int64_t stalled_until_us, slow_factor;

    /* The thread that writes snapshots, and what arrives from a leader. */
    struct store_snapshot_writer *snapshot;
    bool snapshot_is_complete, snapshot_has_failed;
    raft_index drop_before; /* 0: nothing to drop */
    struct store_incoming *incoming;
    uint64_t incoming_offset, incoming_bytes;
    raft_index incoming_index;
    raft_term incoming_term;
    struct stream *streams[SIM_NODES + 1]; /* to whom it streams a snapshot */

    /* Proposals that wait to be one batch. */
    struct replica_proposal proposals[32];
    size_t proposal_count;

    /* As last seen, by checks and trace. */
    enum raft_role role;
    raft_term term;
    raft_index commit, applied;
    raft_id leader;
    enum raft_standing standing;
};

struct world {
    uint64_t seed;
    struct world_config config;
    int64_t now_us;
    uint64_t steps;
    struct sim_events events;
    struct sim_random network_random, disk_random, node_random, client_random, member_random;
    struct node nodes[SIM_NODES + 1]; /* by number; [0] is not used */
    bool is_healed;                   /* faults are over */

    struct raft_configuration founding; /* count 0: not all founders were seen yet */
    bool cut[SIM_NODES + 1][SIM_NODES + 1]; /* [from][to] */
    unsigned drop_per_mille;                /* now */
    int64_t delay_most_us;

    LIST_HEAD(, packet) packets; /* all that there are, to free them */
    LIST_HEAD(, call) calls;

    struct checks *checks;
    struct faults *faults;
    struct trace *trace; /* NULL: none */
    struct clients *clients;
    struct coverage coverage;
};

/* ---- a run ---- */

/* What `seed` says a run is made of. */
void world_draw(uint64_t seed, struct world_config *config);

/* Lets a run happen: what fails ends the process (world_fail). `kept`: of the scheduled faults, those to be done (by their number); NULL: all.
 */
struct world_options {
    uint64_t seed;
    int64_t faults_ms;       /* 0: as the seed says */
    const bool *kept;        /* NULL: all */
    size_t kept_count;
    const char *trace_path;  /* NULL: none; "-": stdout */
    bool trace_messages;
};
struct world_result {
    int64_t virtual_us;
    uint64_t steps;
    uint64_t digest; /* of all that happened */
    size_t fault_count;
    struct coverage coverage;
};
void world_run(const struct world_options *options, struct world_result *result);

/* Something that must not happen did. Says what, with seed and time, and ends the process with status 1. */
void world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* ---- for clients ---- */

enum sim_outcome {
    SIM_DONE,
    SIM_REFUSED, /* certainly nothing happened; `hint` may know better */
    SIM_UNKNOWN, /* it may or may not have happened, or happen later */
};

struct sim_answer {
    enum sim_outcome outcome;
    unsigned hint; /* number of the node that may lead; 0: none known */
    uint64_t index;
    struct machine_result result; /* of a write that is done */
    bool is_found;                /* of a read that is done: the key is there, with … */
    const char *value;
    size_t value_bytes;
    uint64_t modified_index;
    int64_t age_ms; /* of a stale read */
};
typedef void sim_answered(struct world *world, const struct sim_answer *answer, void *context);

/* A client's request to a node, as over HTTP: it takes time there and back, may be lost on either way, and the node may end
 * meanwhile. Answered exactly once, later, at the latest after some seconds (SIM_UNKNOWN); not at all when the world ends before. The node stamps the command with its own
 * time; everything is copied. */
void world_write(struct world *world, unsigned node, const struct machine_command *command,
                 sim_answered *answered, void *context);
void world_read(struct world *world, unsigned node, struct machine_bytes key, bool is_stale,
                sim_answered *answered, void *context);

/* Calls `call` after that time. */
void world_after(struct world *world, int64_t delay_us, void (*call)(struct world *world, void *context),
                 void *context);

/* What clients are asked by the world (clients.c):
 *     struct clients *clients_create(struct world *world);       draws from world->client_random; begins at once
 *     void clients_stop(struct clients *clients);                begin nothing new
 *     bool clients_are_idle(const struct clients *clients);      nothing is under way
 *     void clients_check(struct clients *clients);               linearizable, and each write applied at most once: else world_fail
 *     void clients_destroy(struct clients *clients);
 * At the end each key is read once more by the world itself (ending.c), through a client that is told to with
 *     void clients_read_all(struct clients *clients);  */

/* ---- nodes (node.c) ---- */

struct node *world_node_of(struct world *world, raft_id id); /* the place whose disk has or had that id; NULL: none */
struct node *world_leader(struct world *world);               /* of the highest term; NULL: none */

void node_start(struct node *node);
enum crash_kind { CRASH_PROCESS, CRASH_POWER };
/* Ends it without warning. What it was writing to its disk ends somewhere in between. */
void node_crash(struct node *node, enum crash_kind kind);
void node_wipe(struct node *node); /* its disk is another one, empty */
void node_pause(struct node *node, bool is_paused);
int64_t node_now_ms(const struct node *node);  /* monotonic, its own */
int64_t node_unix_ms(const struct node *node); /* its own, too */
/* To be called after whatever was done to its replica: checks, trace, and when it is due next. */
void node_after_step(struct node *node);

/* A queen's background work (disk.c in a queen is writer.c and snapshotter.c). */
extern const struct replica_host node_host;
void writer_begin(struct node *node);
void writer_crash(struct node *node);
void snapshotter_crash(struct node *node);
struct machine *snapshotter_load(struct node *node, struct raft_snapshot *snapshot);

/* Members (members.c). */
void members_found(struct world *world);
void members_watch(struct node *node);
bool members_are_safe(struct world *world, const struct raft_configuration *members, raft_id dead);

/* Requests of clients (calls.c). */
void calls_destroy(struct world *world);
void node_flush_proposals(struct node *node);

/* How it ends (ending.c). */
void ending_run(struct world *world);

#endif
