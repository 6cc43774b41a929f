/* A replica: the core, the machine, and who waits for what, tied together without threads, clocks, sockets or files. A queen runs
 * one on its consensus thread; the simulator runs dozens in virtual time. What it asks of the world goes through struct
 * replica_host; what the world has to say comes in through the functions below.
 *
 * Threads: none; one replica is used by one thread. Every function takes the time of now (monotonic, never going back). Callbacks to the host
 * happen within these functions, must not call back into the replica, and may use what they are given until they return. */
#ifndef QUEEN_REPLICA_H
#define QUEEN_REPLICA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/machine.h"
#include "queen/answer.h"
#include "queen/digests.h"
#include "raft/raft.h"

struct replica;

/* What a replica asks of its host. `context` is the one given to replica_create. */
struct replica_host {
    /* Put this update's records on disk (install, truncation, entries, term and vote), in order; replica_durable tells when that
     * is done. Only called where update->write is not 0. */
    void (*persist)(void *context, const struct raft_update *update);

    /* Send a request to a peer; best effort. RAFT_INSTALL_SNAPSHOT: stream the newest snapshot (a second one for a peer to which one is
     * on its way is to be ignored); its reply comes in through replica_message, a failure through replica_unreachable. */
    void (*send)(void *context, const struct raft_message *message);

    /* The answer to a peer's request, which came with `rpc`. NULL: none, for the reason `outcome`: DISCARDED (the request makes no sense here),
     * UNKNOWN (the disk took too long), STOPPING. Exactly one a request. */
    void (*reply)(void *context, enum queen_outcome outcome, const struct raft_message *reply, void *rpc);

    /* A command was applied. */
    void (*applied)(void *context, const struct raft_entry *entry, const struct machine_result *result);

    /* The machine was replaced by a snapshot's, which is at this index: what `applied` would have told until there is not told. `old` is the
     * host's from here on (freeing a large one takes its time). */
    void (*installed)(void *context, const struct raft_snapshot *snapshot, struct machine *old);

    void (*transition)(void *context, const struct raft_transition *transition);
    void (*configuration)(void *context, const struct raft_configuration *configuration);

    /* A snapshot of the machine, which stands for `snapshot`, begins; its bytes follow piece by piece (replica_snapshot_more), then its end.
     * The host then says replica_snapshot_durable or replica_snapshot_failed. false: not now, the disk is busy with another. */
    bool (*snapshot_begin)(void *context, const struct raft_snapshot *snapshot);
    void (*snapshot_piece)(void *context, const void *data, size_t bytes);
    void (*snapshot_end)(void *context,
                         bool is_complete); /* false: given up; nothing more is said about it */

    /* Entries before `first` may leave the disk. */
    void (*drop_before)(void *context, raft_index first);
};

struct replica_config {
    struct raft_config raft;
    const struct replica_host *host; /* like its context, must outlive the replica */
    void *context;
    int64_t
        request_timeout_ms; /* proposals, reads and changes that are not done by then are answered UNKNOWN or UNCONFIRMED */
    int64_t rpc_timeout_ms;    /* answers to peers that wait for the disk so long are dropped */
    uint64_t snapshot_entries; /* a snapshot is taken where so many entries, … */
    uint64_t
        snapshot_bytes; /* … or so many bytes of commands, were applied since the last one; but not before the log since then is a quarter
                                   of the last snapshot: a large state is not written again and again for a few small changes. 0: never */
    uint64_t trailing_entries; /* stay in the log behind a snapshot */
    uint64_t seed;             /* of its random numbers */
};

/* `machine` is the replica's from here on: at the index of recovered->snapshot, or new. */
struct replica *replica_create(const struct replica_config *config, const struct raft_recovered *recovered,
                               struct machine *machine, int64_t now_ms);
/* Everything must have been answered: replica_stop. */
void replica_destroy(struct replica *replica);

/* Answers everything that waits with STOPPING (proposals: UNKNOWN). */
void replica_stop(struct replica *replica);

/* When replica_tick is due. */
int64_t replica_deadline_ms(const struct replica *replica);
void replica_tick(struct replica *replica, int64_t now_ms);

void replica_durable(struct replica *replica, int64_t now_ms, uint64_t write);

/* A message from a peer. `rpc`: whatever host->reply needs, for requests; NULL for replies. Not for RAFT_INSTALL_SNAPSHOT: that is… */
void replica_message(struct replica *replica, int64_t now_ms, const struct raft_message *message, void *rpc);
/* … here: the snapshot is complete on disk, and `machine` was loaded from it. Takes the machine, which may be NULL where
 * all that the snapshot covers is committed here anyway, or the sender's term is over. */
void replica_install(struct replica *replica, int64_t now_ms, const struct raft_message *message,
                     struct machine *machine, void *rpc);
void replica_unreachable(struct replica *replica, int64_t now_ms, raft_id peer);
void replica_leader_gone(struct replica *replica, int64_t now_ms, raft_id leader);
void replica_removed(struct replica *replica, int64_t now_ms); /* as other queens of the group say */

struct replica_proposal {
    const void *command; /* encoded; copied */
    size_t bytes;
    queen_done *done;
    void *context;
};
/* One batch: one write, one AppendEntries a peer. While leadership is being handed over they wait for its end. */
void replica_propose(struct replica *replica, int64_t now_ms, const struct replica_proposal *proposals,
                     size_t count);
void replica_read(struct replica *replica, int64_t now_ms, bool stale, queen_done *done, void *context);
/* DONE when the change is committed. */
void replica_change(struct replica *replica, int64_t now_ms, const struct raft_change *change,
                    queen_done *done, void *context);
/* DONE when another one leads. */
void replica_transfer(struct replica *replica, int64_t now_ms, raft_id to, queen_done *done, void *context);
void replica_bootstrap(struct replica *replica, int64_t now_ms, const struct raft_configuration *founding);

/* Takes a snapshot now (nothing where one is under way, or nothing was applied since the last). */
void replica_snapshot(struct replica *replica, int64_t now_ms);
/* The host can take more of the one under way: gives it a piece of about `bytes`. False: none is under way, or that was the last. */
bool replica_snapshot_more(struct replica *replica, int64_t now_ms, size_t bytes);
void replica_snapshot_durable(struct replica *replica, int64_t now_ms);
void replica_snapshot_failed(struct replica *replica, int64_t now_ms);
/* Of the newest durable one; 0: none. */
raft_index replica_snapshot_index(const struct replica *replica);

/* Somebody waits for an answer: to a proposal, change, read or transfer. */
bool replica_has_clients(const struct replica *replica);

/* For status pages and checks. */
const struct raft *replica_raft(const struct replica *replica);
const struct machine *replica_machine(const struct replica *replica);
raft_index replica_applied(const struct replica *replica); /* no-ops and configurations included */
/* Where the machine's chain of hashes stood of late, the last at replica_applied. */
const struct digests *replica_digests(const struct replica *replica);

#endif
