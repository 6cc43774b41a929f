/* The snapshot thread: everything about snapshots that takes its time, so that nobody else has to wait for it. It writes the dump
 * of the own machine, reads the newest file for peers and backups, takes in what a leader sends and loads a machine from it,
 * removes old segments of the log, and frees machines that were replaced. Its work is divided into small jobs, so that none waits
 * long for another. */
#ifndef QUEEN_SNAPSHOTTER_H
#define QUEEN_SNAPSHOTTER_H

#include "queen/inbox.h"
#include "store/store.h"

struct snapshotter;

/* `store` and `inbox` must outlive it. */
struct snapshotter *snapshotter_start(struct store *store, struct inbox *inbox);

/* Ends the thread; who waits is answered STOPPING, and so is who asks from here on. */
void snapshotter_stop(struct snapshotter *snapshotter);
void snapshotter_destroy(struct snapshotter *snapshotter); /* NULL is fine */

/* ---- the consensus thread ---- */

/* The dump of the own machine, in pieces. What becomes of dump number `serial` comes as INBOX_SNAPSHOT_RESULT; where it is given up
 * (snapshotter_end with false), nothing comes. */
void snapshotter_begin(struct snapshotter *snapshotter, uint64_t serial,
                       const struct raft_snapshot *snapshot);
/* False: enough is on its way to the disk; INBOX_SNAPSHOT_ROOM comes when it can take more. */
bool snapshotter_has_room(struct snapshotter *snapshotter);
void snapshotter_append(struct snapshotter *snapshotter, uint64_t serial, const void *data, size_t bytes);
void snapshotter_end(struct snapshotter *snapshotter, uint64_t serial, bool is_complete);

void snapshotter_drop_before(struct snapshotter *snapshotter, raft_index first);
void snapshotter_free_machine(struct snapshotter *snapshotter, struct machine *machine);

/* Any thread: what hinders snapshots, of the own machine or from a leader, and has not gone well since. False: nothing. */
bool snapshotter_reason(struct snapshotter *snapshotter, char reason[HIVE_ERROR_BYTES]);

/* ---- any thread; all call back on the snapshot thread, or at once where the queen is stopping ---- */

/* See queen_install_snapshot. */
void snapshotter_take_piece(struct snapshotter *snapshotter, const struct queen_snapshot_piece *piece,
                            queen_piece_done *done, void *context);

/* Tells the core of a snapshot that is here, on disk or as what was applied (then without machine and configuration); `done` gets its
 * reply. */
void snapshotter_hand_in(struct inbox *inbox, const struct queen_snapshot_piece *piece,
                         const struct raft_snapshot *snapshot, struct machine *machine,
                         queen_piece_done *done, void *context);

/* The newest snapshot, opened. */
void snapshotter_open(struct snapshotter *snapshotter, queen_snapshot_done *done, void *context);

/* A piece of the newest snapshot's file for a peer, from `offset`. Which one that is stays the same for this peer while it is not older
 * than `needed`, so that a stream can go on after an interruption. `size` 0: only what there is to send. */
struct snapshotter_piece {
    const struct raft_snapshot *snapshot; /* NULL: there is none, or it cannot be read */
    uint64_t file_bytes;
    const void *data;
    size_t bytes;
};
typedef void snapshotter_piece_done(const struct snapshotter_piece *piece, void *context);
void snapshotter_read_piece(struct snapshotter *snapshotter, raft_id peer, raft_index needed, uint64_t offset,
                            size_t size, snapshotter_piece_done *done, void *context);

#endif
