/* The replicated state: what the log's commands add up to. Pure: no I/O, no clock, no randomness. Two
 * machines that applied the same commands are equal, on whatever queen and whenever that happened; times come
 * stamped by the leader.
 *
 * One file a table: kv, drones, tasks, sessions. Threads: none; the consensus thread owns the machine. */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "hive/error.h"
#include "hive/limits.h"

struct machine;

struct machine *machine_create(void);
void machine_destroy(struct machine *machine);

/* Commands. Fixed numbers: they are in logs on disk. */
enum machine_command_type {
    MACHINE_KV_PUT = 1,
    MACHINE_KV_DELETE = 2,
    MACHINE_DRONE_REGISTER = 3, /* adds the drone, or replaces what is known of that address */
    MACHINE_DRONE_REMOVE = 4,   /* it is lost: its assigned tasks are pending again, its running ones lost */
    MACHINE_TASK_SUBMIT = 5,
    MACHINE_TASK_ASSIGN = 6, /* pending -> assigned */
    MACHINE_TASK_UPDATE = 7, /* assigned -> running, -> finished, or -> pending (given back) */
};

/* On what a KV_PUT or KV_DELETE depends. */
enum machine_condition {
    MACHINE_ALWAYS = 0,
    MACHINE_IF_INDEX = 1,  /* the key's modification index is `condition_index` (If-Match: "N") */
    MACHINE_IF_ABSENT = 2, /* the key does not exist (If-None-Match: *) */
    MACHINE_IF_EXISTS = 3, /* the key exists (If-Match: *) */
};

enum machine_task_state {
    MACHINE_TASK_PENDING = 1,
    MACHINE_TASK_ASSIGNED = 2,
    MACHINE_TASK_RUNNING = 3,
    MACHINE_TASK_SUCCEEDED = 4, /* from here on: finished */
    MACHINE_TASK_FAILED = 5,
    MACHINE_TASK_STOPPED = 6,
    MACHINE_TASK_LOST = 7,
};
const char *machine_task_state_name(enum machine_task_state state); /* "pending" … */

/* Bytes that belong to somebody else. */
struct machine_bytes {
    const char *data;
    size_t size;
};

/* The lengths that decoding lets pass, in bytes; texts hold no NUL. */
struct machine_command {
    enum machine_command_type type;
    int64_t time_ms;                 /* unix time, by the leader's clock when it proposed */
    struct machine_bytes key, value; /* KV: 1 to HIVE_KEY_BYTES; up to HIVE_VALUE_BYTES */
    enum machine_condition condition;
    uint64_t condition_index;      /* for MACHINE_IF_INDEX; not stored with the others */
    struct machine_bytes drone;    /* address, 1 to HIVE_ADDRESS_BYTES - 1: DRONE_*, TASK_ASSIGN, TASK_UPDATE
                                      (who says so) */
    struct machine_bytes name;     /* up to HIVE_NAME_BYTES - 1; DRONE_REGISTER: the drone's, never empty;
                                      TASK_SUBMIT: the task's, may be empty */
    struct machine_bytes version;  /* DRONE_REGISTER: up to HIVE_NAME_BYTES - 1 */
    struct machine_bytes secret;   /* DRONE_REGISTER: what it wants to see with /do_task, up to
                                      HIVE_TOKEN_BYTES - 1; empty: the one it gave before */
    uint32_t capacity;             /* DRONE_REGISTER: tasks at once */
    struct machine_bytes text;     /* TASK_SUBMIT: what to print, up to HIVE_TASK_TEXT_BYTES */
    struct machine_bytes detail;   /* TASK_UPDATE: why it failed, up to HIVE_ERROR_BYTES - 1 */
    uint64_t task;                 /* TASK_ASSIGN, TASK_UPDATE: the task's number */
    uint32_t attempt;              /* TASK_UPDATE: of which assignment it speaks */
    enum machine_task_state state; /* TASK_UPDATE: RUNNING, a finished one, or PENDING */
    /* Any command: the client's name for this request, 1 to HIVE_IDEMPOTENCY_KEY_BYTES printable ASCII characters; empty: none. A
     * second command with the same one is not applied: its result is the first one's. sessions.c says for how long. */
    struct machine_bytes idempotency_key;
};

/* The command as bytes (the format opens command.c), and back. Decoded fields point into `data`. Decoding
 * checks every length and range: 0 or -EINVAL. */
void machine_command_encode(const struct machine_command *command, struct hive_buffer *buffer);
int machine_command_decode(const void *data, size_t bytes, struct machine_command *command,
                           struct hive_error *error);

enum machine_status {
    /* These three have fixed numbers: dumps hold them. */
    MACHINE_OK = 0,
    MACHINE_NOT_FOUND = 1, /* no such key, drone or task */
    MACHINE_CONFLICT = 2,  /* the condition did not hold, or the task is not in a state for this */
    MACHINE_FULL,          /* a cap of limits.h is reached */
    MACHINE_KEY_REUSED,    /* the idempotency key was used for another command: nothing was changed */
    MACHINE_INVALID, /* the command could not be decoded; applying it changed nothing, on all queens alike */
};

struct machine_result {
    enum machine_status status;
    enum machine_command_type type; /* of the command; 0 where it could not be decoded */
    bool created;                   /* KV_PUT, DRONE_REGISTER: it did not exist before */
    uint64_t
        index;     /* KV: the key's modification index, after it (OK) or as it stands (CONFLICT; 0: absent) */
    uint64_t task; /* TASK_SUBMIT: the new task's number */
    uint32_t attempt; /* TASK_ASSIGN: number of this assignment, from 1 */
    bool
        replayed; /* the command had been applied before, under its idempotency key: this is the result of then */
};

/* Applies the command of log entry `index`. Indexes rise; each is applied once. */
void machine_apply(struct machine *machine, uint64_t index, const void *command, size_t bytes,
                   struct machine_result *result);

/* Index of the last applied command; 0 before the first. */
uint64_t machine_applied_index(const struct machine *machine);

/* The clock of what expires: the time that has passed by the stamps of commands, where a jump counts no more than HIVE_SESSION_STEP_MS.
 * 0 before the first. */
int64_t machine_time_ms(const struct machine *machine);

/* Sessions: results that are kept by idempotency key. Some may have expired: they count as gone, but are removed a few at a time. */
size_t machine_session_count(const struct machine *machine);

/* The chain: a rolling hash over all entries of the log in the order in which they were applied, also those that are no commands. It is
 * part of the state, and so of a dump: what is before a snapshot is not seen again. Two queens of one group that stand at the same index
 * have the same chain, or consensus is broken. */
struct machine_chain {
    uint64_t index; /* of the last entry; 0: none yet */
    uint64_t hash;
    uint64_t
        group; /* whose log it is: the hash at its first configuration, which holds the founders' random ids; 0: not known yet */
};
struct machine_entry {
    uint64_t index, term;
    const void *data;
    size_t bytes;
    int type; /* any number: it is hashed */
    bool is_configuration;
};
/* Once an entry, in order, before what it does to the machine. */
void machine_chain_take(struct machine *machine, const struct machine_entry *entry);
/* The machine was loaded from a snapshot that stands for the log up to `index`. Where its chain ends elsewhere this is a restored backup:
 * another group's log begins here, with another chain. */
void machine_chain_stands_at(struct machine *machine, uint64_t index);
struct machine_chain machine_chain(const struct machine *machine);

/* A hash over everything that is stored: equal machines have equal ones. Walks all rows: for tests and the simulator. */
uint64_t machine_digest(const struct machine *machine);

/* The dump: the machine as bytes, as it was when the dump began, taken in small pieces while commands go on being applied. What
 * a command is about to change is dumped before it is changed, so no piece waits and nothing is copied twice. The pieces in order are
 * the dump; the format opens dump.c. One at a time. */
void machine_dump_begin(struct machine *machine);
/* Appends about `bytes` more: a row may go beyond; where rows are small, or are already in the dump, it may be less, even nothing, so that
 * the time that a piece takes depends on `bytes` alone. False: the dump is complete with what was appended now. */
bool machine_dump_next(struct machine *machine, struct hive_buffer *out, size_t bytes);
/* None under way: fine. What it had saved is freed later, a little with each command. */
void machine_dump_abort(struct machine *machine);
bool machine_is_dumping(const struct machine *machine);

/* And back. Feed the bytes in pieces of any size. -EBADMSG: they are no dump, with a message. The loader is freed by
 * machine_load_end (always; it gives the machine on 0, and NULL otherwise) or machine_load_abort. Any one thread. */
struct machine_loader;
struct machine_loader *machine_load_begin(void);
int machine_load_feed(struct machine_loader *loader, const void *data, size_t bytes,
                      struct hive_error *error);
int machine_load_end(struct machine_loader *loader, struct machine **machine, struct hive_error *error);
void machine_load_abort(struct machine_loader *loader); /* NULL is fine */

/* What is stored. All pointers are the machine's, valid until the next machine_apply. */
struct machine_kv {
    struct machine_bytes key, value;
    uint64_t created_index, modified_index;
    uint64_t version; /* writes since it was created, from 1 */
};

struct machine_drone {
    const char *address, *name, *version, *secret; /* never NULL */
    uint32_t capacity;
    int64_t registered_at_ms;
    uint64_t registered_index; /* log index of its last registration */
    uint32_t task_count;       /* assigned or running on it */
};

struct machine_task {
    uint64_t number;  /* the log index of its submission: unique for ever */
    const char *name; /* never NULL; may be empty */
    struct machine_bytes text;
    enum machine_task_state state;
    const char *drone;  /* address of whom it is or was last assigned to; empty before */
    const char *detail; /* never NULL */
    uint32_t attempt;   /* assignments so far */
    int64_t submitted_at_ms, assigned_at_ms, finished_at_ms; /* 0: not yet */
};

/* "task-" and the number. */
void machine_task_id(uint64_t number, char id[HIVE_ID_BYTES]);
/* And back: 0 where `id` is not one. */
uint64_t machine_task_number(const char *id);

bool machine_kv_get(const struct machine *machine, struct machine_bytes key, struct machine_kv *entry);

/* Visits keys that start with `prefix` and are greater than `after` (empty: from the first), in byte order,
 * until `visit` returns false. */
void machine_kv_each(const struct machine *machine, struct machine_bytes prefix, struct machine_bytes after,
                     bool (*visit)(const struct machine_kv *entry, void *context), void *context);
size_t machine_kv_count(const struct machine *machine);

bool machine_drone_get(const struct machine *machine, const char *address, struct machine_drone *drone);
/* In byte order of the addresses. */
void machine_drone_each(const struct machine *machine,
                        bool (*visit)(const struct machine_drone *drone, void *context), void *context);
size_t machine_drone_count(const struct machine *machine);

bool machine_task_get(const struct machine *machine, uint64_t number, struct machine_task *task);
/* Tasks with numbers greater than `after`, rising. */
void machine_task_each(const struct machine *machine, uint64_t after,
                       bool (*visit)(const struct machine_task *task, void *context), void *context);
/* Only those that are not finished: what a scheduler looks at. Its cost does not grow with the finished ones.
 */
void machine_task_each_unfinished(const struct machine *machine,
                                  bool (*visit)(const struct machine_task *task, void *context),
                                  void *context);
struct machine_task_counts {
    uint64_t pending, assigned, running;       /* now */
    uint64_t succeeded, failed, stopped, lost; /* ever */
};
struct machine_task_counts machine_task_counts(const struct machine *machine);

#endif
