/* The tasks' own screen: what is known of them, what is shown, and what is selected. The leader is asked only while
 * somebody looks. Never waits; one thread. */
#ifndef HIVETOP_TASKS_H
#define HIVETOP_TASKS_H

#include "cells.h"
#include "hive/http_client.h"
#include "source.h"
#include "task_list.h"
#include "ui.h"

#define TASKS_PAGE       500   /* tasks of one answer */
#define TASKS_TIMEOUT_MS 3000  /* for one */
#define TASKS_ALL_MS     30000 /* so often all are listed anew: old ones are forgotten */

struct tasks {
    struct hive_http_client *client; /* not owned, as the next two; NULL: nobody is asked */
    const struct source *source;
    const struct model *model;
    struct task_list list;
    struct task **shown; /* owned, the tasks are not: the newest first */
    size_t shown_count;
    bool is_wanted; /* somebody looks */
    bool has_news;  /* whoever shows it clears this */

    bool is_under_way, is_detail_under_way;
    bool is_complete;                 /* there was a whole listing */
    int64_t begun_ms;                 /* monotonic, as the next ones: the listing under way */
    int64_t pause_ms;                 /* between two listings, at least */
    int64_t next_ms;                  /* when the next one may begin */
    int64_t all_ms;                   /* when the last one of all began; 0: never */
    int64_t learnt_ms;                /* when the last one was complete */
    char address[HIVE_ADDRESS_BYTES]; /* who is asked; empty: nobody leads */
    char problem[HIVE_ERROR_BYTES];   /* why the last question had no answer; empty: it had */

    enum task_filter filter;
    char find[UI_FIND_BYTES];
    bool is_typing;      /* what to find */
    uint64_t selected;   /* a number; 0: the newest */
    uint64_t found_from; /* the selection before somebody typed */
    int columns, rows;   /* for tasks on the screen, when it was drawn last */
    bool has_details;    /* of the selected one, on the whole screen */
    struct task details; /* with its whole text; number 0: not there yet */
    int details_first;   /* the first line of it that is shown */
    char status[HIVE_ERROR_BYTES];
};

void tasks_init(struct tasks *tasks, struct hive_http_client *client, const struct source *source,
                const struct model *model);

/* After the client was destroyed. */
void tasks_finish(struct tasks *tasks);

/* Asks what is to be asked. Returns the milliseconds until it wants to ask again; -1: never, or after an answer. */
int tasks_turn(struct tasks *tasks, const struct ui *ui);

/* Takes a key of the tasks' screen. Returns reactions. */
unsigned tasks_key(struct tasks *tasks, int key);

/* Makes `shown` anew. */
void tasks_update(struct tasks *tasks);

/* The selected task's row among the shown; 0 where there is none. */
size_t tasks_selected(const struct tasks *tasks);

/* The first line of the details that can be the first on a screen of that size. */
int tasks_details_last(const struct tasks *tasks, int columns, int rows);

/* Where the tasks stand: below header, heading and titles, above the keys. Keys must know how many there are. */
struct area tasks_area(int columns, int rows);
void tasks_resize(struct tasks *tasks, int columns, int rows);

#endif
