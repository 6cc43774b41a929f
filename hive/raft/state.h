/* The inside of struct raft, shared by the files of this folder and by nobody else. */
#ifndef RAFT_STATE_H
#define RAFT_STATE_H

#include "raft/history.h"
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

/* How a member that does not vote yet comes nearer, in rounds (§4.2.1); see membership.c. */
struct raft_catch_up {
    raft_index target; /* what the leader's log ended with when this round began */
    int64_t since_ms;
    bool was_quick; /* the round before this one took less than an election timeout */
};

enum raft_ballot { RAFT_BALLOT_OUTSTANDING, RAFT_BALLOT_GRANTED, RAFT_BALLOT_REFUSED };

/* Another server that this one has to do with. */
struct raft_peer {
    raft_id id;
    enum raft_member_kind
        kind; /* in the configuration in force. 0: it is being removed, and gets the log until that
                                   is committed */
    enum raft_ballot ballot;       /* candidate */
    struct raft_progress progress; /* leader */
    struct raft_catch_up catch_up; /* leader */
    int64_t echo_ms;               /* leader: the newest reading of its clock; see freshness.c */
};

/* A leadership on its way to another server (§3.10); see transfer.c. */
struct raft_transfer {
    raft_id to; /* 0: none */
    int64_t deadline_ms;
    int64_t asked_ms; /* when it was last told to stand; -1: not yet, it lacks entries */
};

/* Rounds whose beginning is remembered: more than are ever under way within an election timeout. */
enum { RAFT_ROUNDS = 64 };

struct raft_read_request {
    uint64_t context;
    uint64_t round;   /* the round that must be confirmed; 0: not in a round yet */
    raft_index index; /* commit index when its round began */
};

struct raft {
    struct raft_config config;

    /* Persistent state (Fig. 2). */
    raft_term term;
    raft_id voted_for;
    struct raft_log log;
    struct raft_history history;   /* the configurations of the log, and what was in force before it */
    struct raft_snapshot snapshot; /* the newest on disk; index 0: none */

    /* The group; see group.h. */
    struct raft_peer *peers; /* the other members of the configuration in force, and who is being removed */
    size_t peer_count;
    bool was_member;   /* of a committed configuration */
    bool told_removed; /* by a voter, or another way (REMOVED), and heard of no leader since */

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
    raft_index log_first;      /* what is before may go from the disk, too */
    int64_t leader_contact_ms; /* last word of a current leader; -1: never */
    int64_t quiet_until_ms; /* a lease may be out that this server promised before it was started: no votes */
    int64_t election_deadline_ms;
    unsigned hurry;   /* so many more elections need not wait for a timeout: the leader's process has ended */
    int64_t fresh_ms; /* see freshness.c; -1: not known */
    raft_index
        awaited_commit; /* when the commit index gets there, we are as fresh as awaited_ms; 0: nothing is awaited */
    int64_t awaited_ms;
    uint64_t dropped_messages;

    /* Candidate. */
    bool pre_voting;  /* asking, with the term not yet raised */
    int64_t stood_ms; /* when it stood for the current term */

    /* Leader. */
    int64_t heartbeat_due_ms;
    uint64_t round;                      /* newest read round that was sent */
    int64_t round_began_ms[RAFT_ROUNDS]; /* of the newest, at round % RAFT_ROUNDS */
    bool lease_is_void; /* somebody was told to stand in this term, and may do so at any time */
    struct raft_transfer transfer;
    struct raft_read_request *reads;
    size_t read_count, read_capacity;

    /* The step under way. */
    int64_t now_ms;
    uint64_t random;
    struct raft_update *update;
    bool hard_state_dirty;
    raft_index truncated_from; /* 0: nothing was truncated in this step */
    raft_index appended_from;  /* 0: nothing was appended in this step */
    bool installed, install_keeps_log;
    bool configuration_changed;
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

/* A leader of this term, at least as late as ours, spoke: follow it. */
void raft_follow(struct raft *raft, const struct raft_message *message);

/* Appends to the log in this step. A configuration is in force from here on (§4.1). */
void raft_append(struct raft *raft, raft_term term, enum raft_entry_type type, const void *data,
                 size_t bytes);
void raft_truncate(struct raft *raft, raft_index from);

/* True while the own disk finished nothing for disk_stall_ms. */
bool raft_disk_is_stalled(const struct raft *raft);

/* §6.4: before an entry of its own term is committed, a leader does not know what is committed. */
bool raft_knows_commit(const struct raft *raft);

#endif
