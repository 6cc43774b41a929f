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
 *  6. An update with `install` replaces the whole state: the snapshot it names (which the caller has on disk
 *     already, complete and checked) becomes the start of the log. It is the first part of its write, before
 *     the cut: recovery finds either the state before it or the state after it.
 *  7. A write that failed must never be reported as durable, nor tried again: the caller stops the node.
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

#include "hive/limits.h"

typedef uint64_t raft_id;    /* of a server; never 0 */
typedef uint64_t raft_term;  /* 0 before the first election */
typedef uint64_t raft_index; /* of a log entry; the first is 1 */

struct raft;

enum raft_role { RAFT_FOLLOWER, RAFT_CANDIDATE, RAFT_LEADER };

enum raft_entry_type {
    RAFT_ENTRY_NOOP = 1,          /* a new leader's first entry (§6.4); nothing to apply */
    RAFT_ENTRY_COMMAND = 2,       /* for the state machine */
    RAFT_ENTRY_CONFIGURATION = 3, /* the group's members from here on (§4.1); see configuration.h */
};

struct raft_entry {
    raft_index index;
    raft_term term;
    enum raft_entry_type type;
    const void *data; /* may be NULL where bytes is 0 */
    size_t bytes;
};

/* Who belongs to the group. A member's id is random and belongs to its disk: an emptied disk is another
 * member. */
enum raft_member_kind {
    RAFT_MEMBER_VOTER = 1,
    RAFT_MEMBER_JOINING = 2, /* gets the log, does not count; promoted once it has caught up (§4.2.1) */
    RAFT_MEMBER_LEARNER = 3, /* the same, but is promoted only when that is asked for */
};
extern const char *const raft_member_kind_names[]; /* "voter", "joining", "learner", by kind; [0] is NULL */

struct raft_member {
    raft_id id;
    enum raft_member_kind kind;
    char address[HIVE_ADDRESS_BYTES]; /* NUL-terminated; the core only carries it */
};

struct raft_configuration {
    raft_index index; /* of the entry that holds it; 0: what the group was founded with */
    size_t count;     /* 0: not known yet (a queen that waits to be taken in) */
    struct raft_member members[HIVE_QUEENS];
};

/* The member with that id, or NULL. */
const struct raft_member *raft_configuration_find(const struct raft_configuration *configuration, raft_id id);

/* One change of the members: one at a time (§4.1), effective when appended, gone when truncated. */
enum raft_change_type {
    /* `member`, JOINING or LEARNER. One that has the same address under another id is removed by the same
     * entry: its disk was replaced. (At most one voter differs, so that majorities of before and after still
     * overlap.) */
    RAFT_CHANGE_ADD = 1,
    /* `member.id`, JOINING or LEARNER, to VOTER; refused while it is far behind. */
    RAFT_CHANGE_PROMOTE = 2,
    /* `member.id`; the leader may remove itself, and steps down once that is committed (§4.2.2). */
    RAFT_CHANGE_REMOVE = 3,
};
struct raft_change {
    enum raft_change_type type;
    struct raft_member member;
};

/* What a snapshot stands for: the log up to and including `index`. */
struct raft_snapshot {
    raft_index index;
    raft_term term;
    struct raft_configuration configuration; /* in force at `index` */
};

/* Messages carry the arguments of the paper's RPCs (Fig. 2) under the paper's names. Replies answer one
 * request each: `context` is the requester's and comes back unchanged. */
enum raft_message_type {
    RAFT_REQUEST_VOTE,
    RAFT_REQUEST_VOTE_REPLY,
    RAFT_APPEND_ENTRIES,
    RAFT_APPEND_ENTRIES_REPLY,
    RAFT_INSTALL_SNAPSHOT, /* out: stream the newest snapshot to this peer. In: it is here, checked */
    RAFT_INSTALL_SNAPSHOT_REPLY,
    RAFT_TIMEOUT_NOW, /* §3.10: the leader asks this peer to stand for election at once */
    RAFT_TIMEOUT_NOW_REPLY,
};

struct raft_request_vote {
    raft_index last_log_index;
    raft_term last_log_term;
    bool pre_vote; /* §9.6: would you vote for me in `term`? Nobody's term changes by asking */
    bool transfer; /* §4.2.3: the leader asked for this election: it is no disturbance */
    raft_index configuration_index; /* of the newest configuration that the candidate knows */
};

struct raft_request_vote_reply {
    bool vote_granted;
    bool pre_vote;
    bool
        removed; /* what is committed of the members, at least as new as what the candidate knows, lacks it */
};

struct raft_append_entries {
    raft_index prev_log_index;
    raft_term prev_log_term;
    raft_index leader_commit;
    uint64_t round;  /* the leader's newest read round; comes back in the reply (§6.4) */
    int64_t echo_ms; /* the newest clock_ms of this follower's replies that the leader has seen; 0: none */
    int64_t age_ms;  /* what the leader knows is so old at most; see freshness.c */
    const struct raft_entry *entries;
    size_t entry_count; /* 0: a heartbeat */
};

struct raft_append_entries_reply {
    bool success;
    raft_index match_index; /* success: the follower's log equals the leader's up to here, and is durable */
    raft_index conflict_index; /* no success: where the leader should look next (§5.3, fast backup) */
    raft_term conflict_term;   /* the term of the follower's entry at prev_log_index, 0 where it has none */
    uint64_t round;
    int64_t clock_ms; /* the follower's own clock; means something to itself only */
};

struct raft_install_snapshot {
    /* What the snapshot stands for. Out: what the peer needs at least; the newest one on disk may be
     * newer. In: from the file itself; not NULL. */
    const struct raft_snapshot *snapshot;
};

struct raft_install_snapshot_reply {
    raft_index match_index; /* the follower's log equals the leader's up to here, and is durable */
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
        struct raft_install_snapshot install_snapshot;
        struct raft_install_snapshot_reply install_snapshot_reply;
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
    RAFT_EVENT_UNREACHABLE, /* a message to `peer` was not delivered, or was lost with its connection; or the
                               stream of a snapshot to it ended in an error */
    /* The members that the group is founded with. Only for a server that knows no members yet (else ignored);
     * the caller has made them durable before. */
    RAFT_EVENT_BOOTSTRAP,
    RAFT_EVENT_CHANGE,   /* change the members; status says whether it was appended (at proposed_first) */
    RAFT_EVENT_TRANSFER, /* hand the leadership to `peer` (0: to the voter that is best up to date), §3.10 */
    /* A snapshot of this server's own machine is durable: the log before `compact.keep_from` may go (entries
     * behind the snapshot never go). */
    RAFT_EVENT_SNAPSHOT,
    /* The process of leader `peer` has ended: its connections were closed and new ones are refused.
     * Elections are always safe, so this need not wait for the timeout. */
    RAFT_EVENT_LEADER_GONE,
    /* The group has said, outside of these messages, that it has removed this server, which has no vote (one that has is told by
     * the voters). The next leader that speaks knows better. */
    RAFT_EVENT_REMOVED,
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
        const struct raft_configuration *bootstrap;
        const struct raft_change *change;
        struct {
            const struct raft_snapshot *snapshot;
            raft_index keep_from; /* entries from here on stay, for followers that are a little behind */
        } compact;
    };
};

/* Why a proposal, read, change or transfer was refused; then nothing happened. */
enum raft_status {
    RAFT_OK,
    RAFT_NOT_LEADER,
    RAFT_TRANSFERRING,   /* leadership is being handed over: wait for its end */
    RAFT_CHANGE_PENDING, /* another change is not committed yet */
    RAFT_TOO_EARLY,      /* no entry of this leader's term is committed yet (rule 13) */
    RAFT_UNKNOWN_MEMBER,
    RAFT_ALREADY_MEMBER, /* an ADD of a member, a PROMOTE of a voter */
    RAFT_NOT_CAUGHT_UP,  /* PROMOTE, TRANSFER: it is too far behind */
    RAFT_LAST_VOTER,     /* REMOVE: nobody would be left */
    RAFT_GROUP_FULL,     /* HIVE_QUEENS */
    RAFT_NOT_VOTER,      /* TRANSFER to one that does not vote, or to itself */
};

struct raft_read {
    uint64_t context;
    enum raft_status status; /* RAFT_NOT_LEADER: leadership was lost before a quorum confirmed it */
    raft_index index;        /* answer once this index is applied */
};

struct raft_transition {
    enum raft_role role;
    raft_term term;
    const char *reason; /* a short phrase, static: "election timeout" */
};

struct raft_update {
    /* For the disk, in this order; see the ordering contract. */
    uint64_t write; /* number of this write; 0: nothing to write */
    /* This snapshot replaces state and log (where the log agrees with it, what is behind it stays); NULL:
     * none. commit_index is at least its index. */
    const struct raft_snapshot *install;
    bool install_keeps_log;   /* the log agrees with it at its index: only what is before goes */
    raft_index truncate_from; /* remove this entry and all behind it; 0: none */
    const struct raft_entry *entries;
    size_t entry_count;
    bool hard_state_changed;
    raft_term term;    /* always valid, like all below */
    raft_id voted_for; /* 0: nobody in this term */

    /* For the network. */
    const struct raft_message *messages;
    size_t message_count;

    /* For the log's keeper: entries before this one are no longer needed on disk. Never goes back. Rises
     * only once what stands for them is durable in the order of writes: an install's own write, and the
     * writes that brought the entries. */
    raft_index log_first;

    /* Members: set where the configuration in force has changed in this step (appended, truncated,
     * installed). */
    const struct raft_configuration *configuration;

    /* A transfer that had begun (by TRANSFER, or because the leader has removed itself) is over: RAFT_OK
     * (somebody else leads, or will at once), RAFT_NOT_CAUGHT_UP (it took longer than an election timeout:
     * this server goes on leading), or RAFT_NOT_LEADER (it stepped down for another reason meanwhile). */
    bool transfer_ended;
    enum raft_status transfer_status;

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

    int64_t deadline_ms; /* send a TICK at this time at the latest */
};

struct raft_config {
    raft_id id;
    int64_t election_timeout_min_ms,
        election_timeout_max_ms;       /* 0 < min <= max; drawn anew for every election (§3.4) */
    int64_t heartbeat_ms;              /* < election_timeout_min_ms */
    size_t batch_entries, batch_bytes; /* most of one AppendEntries; one entry always goes */
    size_t inflight_appends; /* AppendEntries with entries under way to one peer before an answer is awaited,
                                >= 1 */
    int64_t disk_stall_ms;   /* a leader whose own disk finishes nothing for so long steps down, and a server
                                whose disk is so   far behind does not campaign; 0: never */
    bool pre_vote, check_quorum; /* both true but in tests */
    /* Reads without a round of messages (§6.4.1): a leader that a quorum acknowledged may answer until
     * election_timeout_min_ms, less `clock_drift_percent`, after it sent what was acknowledged. Assumes
     * that no two servers' clocks run apart by more than that. LEADER_GONE is ignored then. */
    bool read_lease;
    unsigned clock_drift_percent; /* 0 to 90 */
};

/* What recovery found on disk. Entries are copied. */
struct raft_recovered {
    raft_term term;
    raft_id voted_for;
    const struct raft_configuration *founding; /* what the group was founded with; NULL: not known */
    const struct raft_snapshot *snapshot;      /* the newest one; NULL: none. The machine is at its index */
    /* In order, without gaps, from index 1 or any other up to snapshot->index + 1. Where there are entries
     * before or at the snapshot's index, the one at it has its term: the store sees to that. */
    const struct raft_entry *entries;
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
/* The members in force: of the newest configuration in the log, committed or not. Valid until the next
 * step. */
const struct raft_configuration *raft_configuration(const struct raft *raft);
/* What this server is to its group, by the configuration in force. */
enum raft_standing {
    RAFT_STANDING_NONE,    /* no member (yet): it waits to be taken in */
    RAFT_STANDING_LEARNER, /* JOINING or LEARNER */
    RAFT_STANDING_VOTER,
    RAFT_STANDING_REMOVED, /* it was a member; it asks for no votes any more */
};
enum raft_standing raft_standing(const struct raft *raft);
/* The snapshot that would stand for the log up to `index`, first - 1 <= index <= commit: false where that
 * is not so, or the term at `index` is unknown. */
bool raft_snapshot_at(const struct raft *raft, raft_index index, struct raft_snapshot *snapshot);
/* Up to when everything that the group had committed is in this server's commit index, on the clock of the
 * events; never later than true, however late messages come (freshness.c). -1: not known. */
int64_t raft_fresh_ms(const struct raft *raft);
/* A leader: a quorum has answered what was sent at this time (on the clock of the events) or later, so
 * that what it knows is not older. -1: no leader. */
int64_t raft_quorum_contact_ms(const struct raft *raft);
/* A leadership transfer is under way. */
bool raft_is_transferring(const struct raft *raft);
bool raft_term_is_durable(const struct raft *raft); /* the current term and vote are on the disk */
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
    enum raft_member_kind kind;
    raft_index match, next;
    enum raft_progress_state state;
    int64_t last_ack_ms; /* on the clock of the events; -1: never in this term */
};

/* Fills up to `max` peers (the group without itself); returns how many there are. Only a leader's numbers
 * mean anything. */
size_t raft_peers(const struct raft *raft, struct raft_peer_status *peers, size_t max);

#endif
