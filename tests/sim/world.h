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

#define SIM_NODES 9               /* places for queens, numbered from 1 */
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
struct known_configuration;
struct rpc;

/* What a run is made of; drawn from its seed (world_draw). */
struct world_config {
    unsigned founders;       /* 1 to 7 */
    int64_t faults_ms;       /* so long faults are let loose; then all is healed */
    struct raft_config raft; /* but for the id */
    int64_t request_timeout_ms, rpc_timeout_ms;
    uint64_t snapshot_entries, snapshot_bytes, trailing_entries;
    size_t segment_bytes, piece_bytes, chunk_bytes; /* of the log, of a dump, of a snapshot under way */
    int64_t disk_least_us, disk_most_us;            /* how long a write takes */
    int64_t delay_least_us, delay_most_us;          /* of a packet */
    unsigned drop_per_mille, duplicate_per_mille, noticed_per_mille; /* the last: of drops that are noticed */
    unsigned reorder_per_mille; /* of packets that do not keep the order of their link */
    unsigned client_count, key_count;
    int64_t think_ms;         /* a client rests so long at most between two requests */
    unsigned drift_per_mille; /* clocks run so much too fast or too slow at most */
};

enum crash_kind { CRASH_PROCESS, CRASH_POWER };
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
    bool has_founding;  /* its disk knows what the group was founded with */
    struct sim_disk *disk;
    struct sim_clock clock;
    raft_id id;                     /* of its disk; 0: never started on this one */
    struct sim_event_list deferred; /* what happened to it while it was paused */

    /* While it is up. */
    struct store *store;
    struct replica *replica;
    int64_t tick_us;            /* when a tick is under way; INT64_MAX: none */
    uint64_t seen_failures;     /* of its disk, when it started */
    enum crash_kind disk_crash; /* how it ends where the disk ends it */

    /* The thread that writes the log. */
    struct hive_buffer gathered, writing;
    uint64_t gathered_write, writing_write; /* 0: nothing */
    int64_t stalled_until_us, slow_factor;

    /* The thread that writes snapshots, and what arrives from a leader. */
    struct store_snapshot_writer *snapshot;
    struct raft_snapshot snapshot_meta; /* index and term alone */
    bool is_dumping, snapshot_is_complete, snapshot_has_failed;
    uint64_t dump_serial; /* of the newest dump */
    struct store_incoming *incoming;
    uint64_t incoming_offset, incoming_bytes;
    raft_index incoming_index;
    raft_term incoming_term, incoming_leader_term; /* the latter: of the newest leader that sent something */
    struct stream *streams[SIM_NODES + 1];         /* to whom it streams a snapshot */
    LIST_HEAD(, rpc) rpcs;                         /* peers' requests that it has not answered */

    /* Proposals that wait to be one batch. */
    struct replica_proposal proposals[32];
    size_t proposal_count;

    /* As last seen, by checks and trace. */
    enum raft_role role;
    raft_term term;
    raft_index commit, applied;
    raft_id leader;
    enum raft_standing standing;
    struct raft_configuration *members, *members_before; /* before: of this step, where it changed them */
};

struct world {
    uint64_t seed;
    struct world_config config;
    int64_t now_us;
    uint64_t steps, lives;
    struct sim_events events;
    struct sim_random network_random, disk_random, node_random, client_random, member_random;
    struct node nodes[SIM_NODES + 1]; /* by number; [0] is not used */
    bool is_healed;                   /* faults are over */
    bool is_probed;                   /* and a write was committed since */

    struct raft_configuration founding;              /* count 0: not all founders were seen yet */
    unsigned char cut[SIM_NODES + 1][SIM_NODES + 1]; /* [from][to]: by so many faults */
    int64_t last_arrival_us[SIM_NODES + 1][SIM_NODES + 1];
    unsigned drop_per_mille; /* now */
    int64_t delay_most_us;

    struct identity {
        raft_id id;
        unsigned node;
        bool is_dead; /* its disk was wiped */
    } * identities;
    size_t identity_count;
    struct known_configuration *known; /* configurations that were ever in force somewhere (members.c) */
    size_t known_count, known_capacity;

    uint64_t stream_count;
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
    int64_t faults_ms; /* 0: as the seed says */
    unsigned founders; /* the same */
    const bool *kept;  /* NULL: all */
    size_t kept_count;
    const char *trace_path; /* NULL: none; "-": stdout */
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

/* The next thing happens. False: nothing does before `until_us`, which is now the time. */
bool world_step(struct world *world, int64_t until_us);

/* The world that runs in this process, for whoever has to tell of its sudden end; NULL: none. */
struct world *world_running(void);

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

/* ---- nodes (node.c) ---- */

struct node *world_node_of(struct world *world,
                           raft_id id); /* the place whose disk has or had that id; NULL: none */
bool world_is_dead(const struct world *world, raft_id id); /* its disk was wiped */
struct node *world_leader(struct world *world);            /* of the highest term; NULL: none */
void world_identify(struct node *node, raft_id id);
void world_forget_identity(struct node *node);

void node_start(struct node *node);
/* Ends it without warning. What it was writing to its disk ends somewhere in between. */
void node_crash(struct node *node, enum crash_kind kind);
void node_wipe(struct node *node); /* its disk is another one, empty */
void node_pause(struct node *node, bool is_paused);
int64_t node_now_ms(const struct node *node);  /* monotonic, its own */
int64_t node_unix_ms(const struct node *node); /* its own, too */
/* To be called after whatever was done to its replica: checks, trace, and when it is due next. May end the node. */
void node_after_step(struct node *node);

/* Its threads (writer.c, snapshotter.c). */
void writer_persist(void *context, const struct raft_update *update);
void writer_begin(struct node *node);
void writer_crash(struct node *node);
int64_t snapshotter_delay_us(struct node *node);
bool snapshotter_begin(void *context, const struct raft_snapshot *snapshot);
void snapshotter_piece(void *context, const void *data, size_t bytes);
void snapshotter_end(void *context, bool is_complete);
void snapshotter_drop_before(void *context, raft_index first);
void snapshotter_crash(struct node *node);
/* The machine of the newest snapshot, and what that stands for. NULL: the disk ended the process. */
struct machine *snapshotter_load(struct node *node, struct raft_snapshot *snapshot);

/* Requests of clients (calls.c). */
void calls_crash(struct node *node); /* what had not got to the replica is lost with its process */
void calls_destroy(struct world *world);

/* How it ends (ending.c). */
void ending_run(struct world *world);

#endif
