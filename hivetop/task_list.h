/* The tasks as the leader lists them, the newest of which are kept. A listing comes in pages, and is complete only with
 * the last of them. Pure. */
#ifndef HIVETOP_TASK_LIST_H
#define HIVETOP_TASK_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/error.h"
#include "hive/limits.h"

#define TASK_LIST_MOST  20000 /* of what there is, the newest */
#define TASK_TEXT_BYTES 512   /* of a text that are kept; the details fetch it whole */

enum task_state {
    TASK_PENDING,
    TASK_ASSIGNED,
    TASK_RUNNING,
    TASK_SUCCEEDED,
    TASK_FAILED,
    TASK_STOPPED,
    TASK_LOST,
    TASK_OTHER, /* of a newer queen */
    TASK_STATES
};
extern const char *const task_state_names[TASK_STATES];

/* Which states are shown. */
enum task_filter { TASKS_ALL, TASKS_WAITING, TASKS_AT_WORK, TASKS_BAD, TASKS_DONE, TASK_FILTERS };
extern const char *const task_filter_names[TASK_FILTERS];
bool task_filter_fits(enum task_filter filter, enum task_state state);

struct task {
    uint64_t number;
    enum task_state state;
    char id[HIVE_ID_BYTES];
    char kind[16];               /* "text", as long as there are no others */
    char drone[HIVE_NAME_BYTES]; /* its name; empty: none yet */
    int64_t attempt;
    int64_t submitted_ms, assigned_ms, finished_ms; /* unix; 0: not yet */
    unsigned pass;                                  /* the listing that it was seen in last */
    char *name;                                     /* owned, as the next two; may be empty */
    char *text;
    char *detail; /* why it ended as it did */
};
void task_finish(struct task *task);

struct task_list {
    struct task **items; /* owned, each and all; the oldest first */
    size_t count, capacity;
    bool is_cut; /* there are more than are kept */
    unsigned pass;
    uint64_t from; /* the first that the listing under way is about */
};
void task_list_finish(struct task_list *list);

/* Begins a listing: of all, or of those that may have changed since the last one, which are the ones behind `*after`
 * (0: of all after all). */
void task_list_begin(struct task_list *list, bool of_all, uint64_t *after);

/* Takes a page; `*next` is what the next one is to be asked for with, or 0: it was the last. -EINVAL: it is none. */
int task_list_take(struct task_list *list, const char *json, size_t bytes, uint64_t *next,
                   struct hive_error *error);

/* Reads one task; `text_bytes` of its text are kept. */
int task_parse(const char *json, size_t bytes, size_t text_bytes, struct task *task,
               struct hive_error *error);

/* The task of that number, or NULL. */
const struct task *task_list_find(const struct task_list *list, uint64_t number);

/* What is looked for stands somewhere in it; case does not matter. */
bool task_has(const struct task *task, const char *text);

#endif
