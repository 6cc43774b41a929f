/* The consensus core: Raft as one pure step function.
 *
 *     update = raft_step(event)
 *
 * No I/O, no clock, no threads, no logging, no randomness of its own: time and random bits arrive with each
 * event, the disk and the network are what the caller does with each update. The same events give the same
 * updates to the byte, which is what makes a failing simulator run repeatable.
 *
 * "§" numbers quote Ongaro's dissertation, "Consensus: Bridging Theory and Practice" (2014); "Fig. 2" is the
 * summary figure of the extended Raft paper (2014).
 *
 * THE ORDERING CONTRACT (what must be durable before what may be sent)
 *
 *  1. Every update that has something for the disk carries a write number, one higher than the last. Writes
 *     reach the disk in that order; when write N is durable, so are all before it. The caller then says so
 *     with RAFT_EVENT_DURABLE. A write is, in this order: cut the log from `truncate_from`, append `entries`,
 *     set term and vote. Recovery may find a prefix of it.
 *  2. A message may leave as soon as its `after_write` is durable; 0 means at once. Votes, vote requests and
 *     replies wait for the term, vote and entries that they speak of (Fig. 2, "persistent state: updated on
 *     stable storage before responding to RPCs"). A leader's AppendEntries do not wait: the leader's own
 *     write runs beside replication (§10.2.1).
 *  3. The leader counts itself towards a commit only up to what DURABLE has told it. What is committed is
 *     therefore durable on a quorum; that holds in a group of one, too.
 *  4. DURABLE speaks of write numbers, never of indexes: the late completion of a write whose entries were
 *     meanwhile truncated and replaced says nothing about their replacements.
 *  5. Committed entries may be applied at once; they are already durable on a quorum, if not here.
 *  6. A write that failed must never be reported as durable, nor tried again: the caller stops the node.
 *
 * Threads: none; one struct raft is used by one thread. Ownership: the core copies what it keeps of an event,
 * and owns all that an update points to, which stays valid until the next raft_step on the same struct.
 * Errors: bad messages are dropped and counted (raft_dropped_messages), never asserted on; asserts guard the
 * core's own invariants only. */
#ifndef RAFT_RAFT_H
#define RAFT_RAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t raft_id;    /* of a server; never 0 */
typedef uint64_t raft_term;  /* 0 before the first election */
typedef uint64_t raft_index; /* of a log entry; the first is 1 */

struct raft;

enum raft_role { RAFT_FOLLOWER, RAFT_CANDIDATE, RAFT_LEADER };

enum raft_entry_type {
    RAFT_ENTRY_NOOP = 1,    /* a new leader's first entry (§6.4); nothing to apply */
    RAFT_ENTRY_COMMAND = 2, /* for the state machine */
};

struct raft_entry {
    raft_index index;
    raft_term term;
    enum raft_entry_type type;
    const void *data; /* may be NULL where bytes is 0 */
    size_t bytes;
};

/* Messages carry the arguments of the paper's RPCs (Fig. 2) under the paper's names. Replies answer one
 * request each: `context` is the requester's and comes back unchanged. */
enum raft_message_type {
    RAFT_REQUEST_VOTE,
    RAFT_REQUEST_VOTE_REPLY,
    RAFT_APPEND_ENTRIES,
    RAFT_APPEND_ENTRIES_REPLY,
};

struct raft_request_vote {
    raft_index last_log_index;
    raft_term last_log_term;
    bool pre_vote; /* §9.6: would you vote for me in `term`? Nobody's term changes by asking */
};

struct raft_request_vote_reply {
    bool vote_granted;
    bool pre_vote;
};

struct raft_append_entries {
    raft_index prev_log_index;
    raft_term prev_log_term;
    raft_index leader_commit;
    uint64_t round; /* the leader's newest read round; comes back in the reply (§6.4) */
    const struct raft_entry *entries;
    size_t entry_count; /* 0: a heartbeat */
};

struct raft_append_entries_reply {
    bool success;
    raft_index match_index; /* success: the follower's log equals the leader's up to here, and is durable */
    raft_index conflict_index; /* no success: where the leader should look next (§5.3, fast backup) */
    raft_term conflict_term;   /* the term of the follower's entry at prev_log_index, 0 where it has none */
    uint64_t round;
};

struct raft_message {
    enum raft_message_type type;
    raft_id from, to;
    raft_term term; /* sender's term; a pre-vote request carries the term it asks about */
    uint64_t context;
    uint64_t after_write; /* out only: send when this write is durable; 0 = at once */
    union {
        struct raft_request_vote request_vote;
        struct raft_request_vote_reply request_vote_reply;
        struct raft_append_entries append_entries;
        struct raft_append_entries_reply append_entries_reply;
    };
};

struct raft_command {
    const void *data;
    size_t bytes;
};

enum raft_event_type {
    RAFT_EVENT_TICK,        /* nothing but the time; due at the deadline of the last update at the latest */
    RAFT_EVENT_MESSAGE,     /* a message arrived */
    RAFT_EVENT_PROPOSE,     /* append these commands to the log, if leader */
    RAFT_EVENT_READ,        /* when may a read asked for now be answered? (ReadIndex, §6.4) */
    RAFT_EVENT_DURABLE,     /* write number `write` and all before it are durable */
    RAFT_EVENT_UNREACHABLE, /* a message to `peer` was not delivered, or was lost with its connection */
};

struct raft_event {
    enum raft_event_type type;
    int64_t now_ms;  /* monotonic; must not go back between events */
    uint64_t random; /* fresh random bits; used where an election timeout is drawn */
    union {
        const struct raft_message *message;
        struct {
            const struct raft_command *commands;
            size_t count;
        } propose;
        uint64_t read_context; /* comes back in update.reads */
        uint64_t write;
        raft_id peer;
    };
};

enum raft_status {
    RAFT_OK,
    RAFT_NOT_LEADER, /* the proposal or read was refused; nothing happened */
};

struct raft_read {
    uint64_t context;
    enum raft_status status; /* RAFT_NOT_LEADER: leadership was lost before a quorum confirmed it */
    raft_index index;        /* answer once this index is applied */
};

struct raft_transition {
    enum raft_role role;
    raft_term term;
};

struct raft_update {
    /* For the disk, in this order; see the ordering contract. */
    uint64_t write;           /* number of this write; 0: nothing to write */
    raft_index truncate_from; /* remove this entry and all behind it; 0: none */
    const struct raft_entry *entries;
    size_t entry_count;
    bool hard_state_changed;
    raft_term term;    /* always valid, like all below */
    raft_id voted_for; /* 0: nobody in this term */

    /* For the network. */
    const struct raft_message *messages;
    size_t message_count;

    /* For the machine: everything up to here may be applied. Never goes back. */
    raft_index commit_index;

    /* For clients. */
    enum raft_status status; /* of this step's proposal or read */
    raft_index
        proposed_first; /* index of the first proposed command; the others follow it. Their term is `term` */
    const struct raft_read *reads; /* that can be answered now */
    size_t read_count;

    /* For people. */
    const struct raft_transition *transitions; /* role changes in this step, in order */
    size_t transition_count;
    const char *reason; /* of the last of them, a short phrase: "election timeout"; NULL without one */

    int64_t deadline_ms; /* send a TICK at this time at the latest */
};

struct raft_config {
    raft_id id;
    const raft_id *voters; /* the whole group, itself included; copied */
    size_t voter_count;    /* 1 to HIVE_QUEENS */
    int64_t election_timeout_min_ms,
        election_timeout_max_ms;       /* 0 < min <= max; drawn anew for every election (§3.4) */
    int64_t heartbeat_ms;              /* < election_timeout_min_ms */
    size_t batch_entries, batch_bytes; /* most of one AppendEntries; one entry always goes */
    size_t inflight_appends; /* AppendEntries with entries under way to one peer before an answer is awaited,
                                >= 1 */
    int64_t disk_stall_ms;   /* a leader whose own disk finishes nothing for so long steps down, and a server
                                whose disk is so   far behind does not campaign; 0: never */
    bool pre_vote, check_quorum; /* both true but in tests */
};

/* What recovery found on disk. Entries are copied. */
struct raft_recovered {
    raft_term term;
    raft_id voted_for;
    const struct raft_entry *entries; /* in order, without gaps, from index 1 */
    size_t entry_count;
};

/* A follower of the recovered term. `recovered` may be NULL for an empty disk. */
struct raft *raft_create(const struct raft_config *config, const struct raft_recovered *recovered,
                         int64_t now_ms, uint64_t random);
void raft_destroy(struct raft *raft);

/* Feeds one event in; fills `*update`. */
void raft_step(struct raft *raft, const struct raft_event *event, struct raft_update *update);

/* When the first TICK is due, before any step. */
int64_t raft_deadline_ms(const struct raft *raft);

/* The state, for status pages, tests and the simulator's checks. */
enum raft_role raft_role(const struct raft *raft);
raft_term raft_current_term(const struct raft *raft);
raft_id raft_voted_for(const struct raft *raft);
raft_id raft_leader(const struct raft *raft); /* 0: none known */
raft_index raft_commit_index(const struct raft *raft);
raft_index raft_first_index(const struct raft *raft); /* of the log; last + 1 where it is empty */
raft_index raft_last_index(const struct raft *raft);
raft_index raft_durable_index(const struct raft *raft);       /* of this server's own disk */
int64_t raft_last_leader_contact_ms(const struct raft *raft); /* on the clock of the events; -1: never */
uint64_t raft_dropped_messages(const struct raft *raft);

/* The entry at `index`, or NULL outside of first…last. Valid until the next step. */
const struct raft_entry *raft_entry_at(const struct raft *raft, raft_index index);

/* A peer as its leader sees it. */
enum raft_progress_state { RAFT_PROGRESS_PROBE, RAFT_PROGRESS_REPLICATE, RAFT_PROGRESS_SNAPSHOT };
struct raft_peer_status {
    raft_id id;
    raft_index match, next;
    enum raft_progress_state state;
    int64_t last_ack_ms; /* on the clock of the events; -1: never in this term */
};

/* Fills up to `max` peers (the group without itself); returns how many there are. Only a leader's numbers
 * mean anything. */
size_t raft_peers(const struct raft *raft, struct raft_peer_status *peers, size_t max);

#endif
