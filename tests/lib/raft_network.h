/* A group of consensus cores in one thread: virtual time, a network that loses, delays, doubles and cuts,
 * and a disk for each node that finishes its writes when it is told to. Nothing in it is random but by its
 * seed. After every step it checks what must always hold (raft_network_checks.c) and fails the test that
 * runs.
 *
 * Two ways to use it. Scripts: seed 0; nothing moves by itself, the test delivers packets, completes
 * writes and lets clocks pass. Weather: any other seed and raft_network_run; time drives everything.
 *
 * Nodes are numbered from 1. A node that was never started is a ghost: what is sent to it stays in the
 * queue for the test to look at, and the test speaks in its name with raft_network_receive.
 *
 * Who is in the group: the founders, at first. Entry 1 of every log that a test makes up is their
 * configuration, so that leaders find nothing to add; a group that begins with empty disks records it
 * behind its first no-op, as the core does. */
#ifndef LIB_RAFT_NETWORK_H
#define LIB_RAFT_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "raft/raft.h"

#define RAFT_NETWORK_NODES 32

/* A message under way; owned by the network. */
struct raft_packet {
    struct raft_message message;
    int64_t due_ms;
    struct raft_packet *next;
};

/* What a node has on disk, and what is on its way there. */
struct raft_disk_write {
    uint64_t number;
    bool installs; /* and forgets the log: what it agrees with needs no record */
    raft_index install_index;
    raft_index truncate_from;
    struct raft_entry *entries; /* owned, as is their data */
    size_t entry_count;
    bool hard_state_changed;
    raft_term term;
    raft_id voted_for;
    int64_t due_ms;
};

struct raft_disk {
    raft_term term;
    raft_id voted_for;
    struct raft_configuration founding; /* count 0: not known */
    struct raft_snapshot snapshot;      /* the newest file; index 0: none */
    raft_index first;                   /* index of entries[0] */
    struct raft_entry *entries;         /* owned */
    size_t entry_count, entry_capacity;
    struct raft_disk_write *writes; /* not durable yet, oldest first */
    size_t write_count, write_capacity;
    uint64_t durable_write;
};

struct raft_node {
    struct raft *raft; /* NULL: down, or a ghost */
    bool is_ghost;
    struct raft_config config;
    struct raft_disk disk;
    bool disk_held;             /* writes complete by raft_network_complete only */
    int64_t clock_ms;           /* its clock is so far ahead of the network's */
    int64_t paused_until_ms;    /* on the network's clock: nothing happens in it before */
    int64_t deadline_ms;        /* on its own clock */
    struct raft_packet *outbox; /* waits for the disk */

    /* Of the last step. */
    enum raft_status status;
    raft_index proposed_first;
    char reason[64]; /* of the last transition */
    bool configuration_changed, transfer_ended;
    enum raft_status transfer_status;
    raft_index log_first;
    /* Since the start of the network. */
    unsigned elections_won, installs, rollbacks /* of configurations */, transfers;
    struct raft_read *reads; /* answers, in order */
    size_t read_count;

    raft_index commit; /* as last seen, to see it fall */
    raft_term term;
};

struct raft_network_config {
    size_t nodes;
    size_t founders; /* the first so many are the group, the others wait; 0: all */
    uint64_t seed;   /* 0: no weather. Election timeouts are then always the longest */
    bool no_pre_vote, no_check_quorum, read_lease;
    unsigned clock_drift_percent;
    int64_t disk_stall_ms;
    size_t batch_entries, batch_bytes, inflight_appends; /* 0: large enough never to matter */
};

struct raft_network_checks;
struct raft_network;

/* Is told of each step, before what it asks for is done. */
typedef void raft_network_observe(struct raft_network *network, raft_id id, const struct raft_event *event,
                                  const struct raft_update *update, void *observer);

struct raft_network {
    size_t node_count;
    struct raft_node nodes[RAFT_NETWORK_NODES + 1]; /* by id; [0] is not used */
    struct raft_network_config config;
    struct raft_configuration founding;
    int64_t now_ms;
    struct raft_packet *packets;                              /* under way, oldest first */
    bool cut[RAFT_NETWORK_NODES + 1][RAFT_NETWORK_NODES + 1]; /* [from][to] */

    /* Weather. */
    uint64_t seed, random_state;
    unsigned drop_per_mille, duplicate_per_mille,
        unreachable_per_mille;         /* the last: of drops that are noticed */
    int64_t delay_max_ms, disk_max_ms; /* drawn from 1 to this for each packet and write */

    raft_network_observe *observe; /* NULL: nobody */
    void *observer;

    struct raft_network_checks *checks; /* owned by raft_network_checks.c */
    struct hive_buffer trace;
    uint64_t steps, truncations;
    uint64_t digest; /* of all updates so far: equal runs have equal ones */
};

#define RAFT_NETWORK_ELECTION_MIN_MS 150
#define RAFT_NETWORK_ELECTION_MAX_MS 300
#define RAFT_NETWORK_HEARTBEAT_MS    50

/* All nodes are ghosts at first. */
struct raft_network *raft_network_create(const struct raft_network_config *config);
void raft_network_destroy(struct raft_network *network);
uint64_t raft_network_random_below(struct raft_network *network, uint64_t below);
bool raft_network_chance(struct raft_network *network, unsigned per_mille); /* false without weather */

/* One node more, a ghost that is no member; its id. */
raft_id raft_network_add_node(struct raft_network *network);

/* The data of an entry that a test makes up: the founding configuration for entry 1, else its term and
 * index. */
struct raft_entry raft_network_entry(const struct raft_network *network, raft_index index, raft_term term,
                                     struct hive_buffer *data);

/* Puts a log on the disk of a node that is not up: the terms of its entries, as in "1 1 2". */
void raft_network_write_disk(struct raft_network *network, raft_id id, const char *terms, raft_term term,
                             raft_id voted_for);

/* Starts a node from its disk; all of them. */
void raft_network_start(struct raft_network *network, raft_id id);
void raft_network_start_all(struct raft_network *network);

/* Ends a node without warning. Of the writes that were not durable, the first `records` records reach the
 * disk. */
void raft_network_crash(struct raft_network *network, raft_id id, size_t records);

/* Events. The network fills in time and random bits. */
void raft_network_step(struct raft_network *network, raft_id id, struct raft_event event);
void raft_network_tick(struct raft_network *network, raft_id id);
raft_index raft_network_propose(struct raft_network *network, raft_id id, const char *text); /* 0: refused */
void raft_network_read(struct raft_network *network, raft_id id, uint64_t context);
/* A snapshot that comes is on the node's disk before. */
void raft_network_receive(struct raft_network *network, const struct raft_message *message);
enum raft_status raft_network_change(struct raft_network *network, raft_id id, enum raft_change_type type,
                                     raft_id member, enum raft_member_kind kind);
enum raft_status raft_network_transfer(struct raft_network *network, raft_id id, raft_id to);
void raft_network_leader_gone(struct raft_network *network, raft_id id, raft_id leader);
/* Takes a snapshot, which is durable at once; false where there is nothing to take one of. */
bool raft_network_snapshot(struct raft_network *network, raft_id id, raft_index index, raft_index keep_from);

/* The disk has finished write `write` and all before it. */
void raft_network_complete(struct raft_network *network, raft_id id, uint64_t write);
void raft_network_complete_all(struct raft_network *network, raft_id id);

/* The oldest packet of that kind under way, or NULL. */
struct raft_packet *raft_network_find(struct raft_network *network, enum raft_message_type type, raft_id from,
                                      raft_id to);
void raft_network_deliver(struct raft_network *network, struct raft_packet *packet);
void raft_network_drop(struct raft_network *network, struct raft_packet *packet);
void raft_network_drop_all(struct raft_network *network);
/* A second copy of it, at the end of the queue. */
void raft_network_duplicate(struct raft_network *network, const struct raft_packet *packet);

void raft_network_cut(struct raft_network *network, raft_id one, raft_id other, bool cut); /* both ways */
void raft_network_isolate(struct raft_network *network, raft_id id, bool cut);
void raft_network_heal(struct raft_network *network);

/* Delivers and completes whatever is under way until nothing is, in no time. Packets over cut links and to
 * nodes that are down are lost; those to ghosts, and writes of held disks, stay. */
void raft_network_settle(struct raft_network *network);

/* Lets the node's own clock run to its deadline, and settles. */
void raft_network_time_out(struct raft_network *network, raft_id id);

/* The same, until the node leads; it must be able to win. */
void raft_network_elect(struct raft_network *network, raft_id id);

/* Lets time pass for all, with everything that falls due. */
void raft_network_run(struct raft_network *network, int64_t ms);

/* The leader of the highest term, or 0. */
raft_id raft_network_leader(const struct raft_network *network);

/* Terms of the log of a node that is up, as in "1 1 2". */
void raft_network_assert_log(struct raft_network *network, raft_id id, const char *terms);

/* Fails the test with a message, the seed and what happened last. */
void raft_network_fail(struct raft_network *network, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
void raft_network_trace(struct raft_network *network, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* raft_network_disk.c: what a node's disk does. */
void raft_disk_finish(struct raft_disk *disk);
raft_index raft_disk_last(const struct raft_disk *disk); /* that a restart would find */
bool raft_disk_has(const struct raft_disk *disk, raft_index index, raft_term term);
void raft_disk_take(struct raft_disk *disk, const struct raft_update *update, int64_t due_ms);
void raft_disk_complete(struct raft_disk *disk, uint64_t write);
/* Of what is under way the first `records` records get there; the rest is lost. */
void raft_disk_crash(struct raft_disk *disk, size_t records);
void raft_disk_keep_snapshot(struct raft_disk *disk, const struct raft_snapshot *snapshot);
void raft_disk_drop_before(struct raft_disk *disk, raft_index first);
void raft_disk_append(struct raft_disk *disk, const struct raft_entry *entry);
/* Makes log and snapshot agree, as the store does, and tells what is there. */
struct raft_recovered raft_disk_recover(struct raft_disk *disk);
struct raft_entry *raft_entries_copy(const struct raft_entry *entries, size_t count);
void raft_entries_free(struct raft_entry *entries, size_t count);

/* raft_network_checks.c: what must always hold. */
struct raft_network_checks *raft_network_checks_create(void);
void raft_network_checks_destroy(struct raft_network_checks *checks);
void raft_network_check_birth(struct raft_network *network, const struct raft_entry *entry,
                              raft_term previous_term);
void raft_network_check_step(struct raft_network *network, raft_id id, const struct raft_event *event,
                             const struct raft_update *update);
void raft_network_check_leaving(struct raft_network *network, const struct raft_message *message);
uint64_t raft_network_digest(uint64_t digest, const struct raft_update *update);
void raft_network_check_start(struct raft_network *network, raft_id id);
/* The highest index that any node has committed so far. */
raft_index raft_network_committed(const struct raft_network *network);

#endif
