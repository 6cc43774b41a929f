/* It checks while you watch: whether what the queens say of themselves can be true together. What must never be, whoever is
 * killed, paused, cut off or wiped, stays here with its evidence once it was seen; what looks like it and may be (another group
 * at the same addresses, a commit index that a restart forgot) is let pass: one false alarm would make all of them worthless.
 *
 * Queens are told apart by their ids, which belong to their disks, and groups by what their logs begin with: neither addresses nor
 * names say who somebody is. Bounded, without pointers (a copy of the bytes is a copy). Pure; one thread. */
#ifndef HIVETOP_CHECKS_H
#define HIVETOP_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/limits.h"

#define CHECKS_MEMBERS    64  /* queens, with those whose disks are gone; a bit each */
#define CHECKS_LEVELS     5   /* of points: the rounder their index, the longer they are kept */
#define CHECKS_POINTS     128 /* of a level */
#define CHECKS_LEADERS    128
#define CHECKS_FINDINGS   16 /* the first ones: what follows from them is of little use */
#define CHECKS_TEXT_BYTES 256

struct model;
struct node;

enum checks_kind {
    CHECKS_TWO_LEADERS,   /* in one term: election safety (Fig. 3) */
    CHECKS_LOGS_DISAGREE, /* committed logs have another hash at the same index: state machine safety */
    CHECKS_TERM_BACK,     /* a term that was on the disk, or within one process any */
    CHECKS_COMMIT_BACK, /* within one process, or behind the snapshot: the index itself is volatile (§3.8) */
    CHECKS_APPLIED_BACK,     /* likewise */
    CHECKS_APPLIED_TOO_MUCH, /* beyond the commit index */
};
extern const char *const checks_kind_names[]; /* "two-leaders" … */

struct checks_finding {
    int64_t time_ms; /* unix */
    enum checks_kind kind;
    char text[CHECKS_TEXT_BYTES]; /* who and what: the evidence */
    char ids[2][HIVE_NAME_BYTES]; /* of the queens; equal where it is about one */
    uint64_t number;              /* the term, or the value that went back: the same is told once */
};

/* A queen, as she was when she answered last. */
struct checks_member {
    char id[HIVE_NAME_BYTES]; /* empty: free */
    char name[HIVE_NAME_BYTES];
    int64_t pid;
    uint64_t started_at;
    uint64_t term, durable_term, commit, applied, snapshot;
    uint64_t answer; /* the number of it */
};

/* Somebody's log had this hash up to that index. */
struct checks_point {
    uint64_t index, term, hash, group; /* index 0: free */
    uint64_t heard;                    /* who told it: a bit a member */
    int first;                         /* the member who told it first */
};

struct checks_leader {
    uint64_t group, term; /* term 0: free */
    int member;
};

struct checks {
    struct checks_finding findings[CHECKS_FINDINGS]; /* in the order in which they were found */
    size_t finding_count;
    uint64_t more; /* that there was no room for */
    uint64_t answers;
    uint64_t compared; /* hashes that a second, third … queen told as well, and that were the same */
    uint64_t leaders;  /* leaderships that were seen, each of a term of its own */
    struct checks_member members[CHECKS_MEMBERS];
    struct checks_point points[CHECKS_LEVELS][CHECKS_POINTS];
    size_t next_point[CHECKS_LEVELS];
    struct checks_leader leading[CHECKS_LEADERS];
    size_t next_leader;
};

/* The node has just answered: node->health. */
void checks_take(struct checks *checks, const struct model *model, const struct node *node);

bool checks_is_broken(const struct checks *checks);
/* Something was compared, and nothing is broken. */
bool checks_holds(const struct checks *checks);

/* In one line: the first finding, or that consensus holds and how much that is worth. */
void checks_line(const struct checks *checks, char *text, size_t bytes);

#endif
