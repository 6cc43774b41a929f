/* The inside of struct raft, shared by the files of this folder and by nobody else. */
#ifndef RAFT_STATE_H
#define RAFT_STATE_H

#include "hive/limits.h"
#include "raft/log.h"
#include "raft/raft.h"

/* What a leader knows of one peer; see progress.h. */
struct raft_progress {
    raft_index
        match; /* the peer's log is known to equal ours up to here, durably. Never decreases in a term */
    raft_index next; /* the first entry to send; > match */
    enum raft_progress_state state;
    size_t inflight;     /* AppendEntries with entries that were not answered yet */
    uint64_t sent;       /* number of the last of them; goes out as the message's context */
    uint64_t forgotten;  /* answers up to this number no longer count: they belong to before a reset */
    int64_t sent_ms;     /* when the last of them left */
    bool silent;         /* it did not answer: heartbeats only, until it says something */
    int64_t last_ack_ms; /* when it last answered anything in this term; at first: start of the leadership */
    bool acknowledged;   /* it did answer something in this term */
    uint64_t round;      /* newest read round that it confirmed */
};

enum raft_ballot { RAFT_BALLOT_OUTSTANDING, RAFT_BALLOT_GRANTED, RAFT_BALLOT_REFUSED };

struct raft_read_request {
    uint64_t context;
    uint64_t round;   /* the round that must be confirmed; 0: not in a round yet */
    raft_index index; /* commit index when its round began */
};

struct raft {
    /* Configuration. */
    struct raft_config config;
    raft_id *voters;
    size_t voter_count;
    size_t self; /* own place in voters */

    /* Persistent state (Fig. 2). */
    raft_term term;
    raft_id voted_for;
    struct raft_log log;

    /* Writes on their way to the disk. */
    uint64_t last_write;       /* number of the newest update with something for the disk */
    uint64_t durable_write;    /* all up to here are durable */
    uint64_t hard_state_write; /* carries the current term and vote */
    int64_t
        disk_waiting_since_ms; /* the disk finished nothing since; valid while last_write > durable_write */

    /* Volatile state. */
    enum raft_role role;
    raft_id leader; /* 0: none known */
    raft_index commit;
    int64_t leader_contact_ms; /* last word of a current leader; -1: never */
    int64_t election_deadline_ms;
    uint64_t dropped_messages;

    /* Candidate. */
    bool pre_voting;           /* asking, with the term not yet raised */
    enum raft_ballot *ballots; /* one a voter */

    /* Leader. */
    struct raft_progress *progress; /* one a voter; the own is unused */
    int64_t heartbeat_due_ms;
    uint64_t round; /* newest read round that was sent */
    struct raft_read_request *reads;
    size_t read_count, read_capacity;

    /* The step under way. */
    int64_t now_ms;
    uint64_t random;
    struct raft_update *update;
    bool hard_state_dirty;
    raft_index truncated_from; /* 0: nothing was truncated in this step */
    raft_index appended_from;  /* 0: nothing was appended in this step */
    struct raft_message *messages;
    size_t message_count, message_capacity;
    struct raft_read *answers;
    size_t answer_count, answer_capacity;
    struct raft_transition *transitions;
    size_t transition_count, transition_capacity;
};

/* raft.c: state changes that all rooms need. */

/* The write number that this step's changes to disk will get. */
uint64_t raft_this_write(const struct raft *raft);

/* Sets term and vote; durable before any message that this step or a later one emits. */
void raft_set_hard_state(struct raft *raft, raft_term term, raft_id voted_for);

void raft_set_role(struct raft *raft, enum raft_role role, const char *reason);

/* Follower of `term` (not lower than the current), with that leader or 0. Keeps the vote where the term
 * stays. */
void raft_become_follower(struct raft *raft, raft_term term, raft_id leader, const char *reason);

/* Appends to the log in this step. */
void raft_append(struct raft *raft, raft_term term, enum raft_entry_type type, const void *data,
                 size_t bytes);
void raft_truncate(struct raft *raft, raft_index from);

/* Place of a voter, or voter_count where `id` is none. */
size_t raft_voter(const struct raft *raft, raft_id id);

/* True while the own disk finished nothing for disk_stall_ms. */
bool raft_disk_is_stalled(const struct raft *raft);

#endif
