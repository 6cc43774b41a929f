/* The lines of several logs in one order, and of these the ones that are to be shown. Which they are is found out
 * from the newest on, a slice at a time, so that no filter holds the dashboard up. Pure. */
#ifndef HIVETOP_LOG_MERGE_H
#define HIVETOP_LOG_MERGE_H

#include "log_pattern.h"
#include "log_source.h"

/* What is shown. */
struct log_choice {
    const struct log_pattern *pattern;
    int level;       /* the lowest; lines without one are always shown: they tell how a process died */
    unsigned serial; /* another one for every other choice, from 1 */
};

struct log_merge {
    struct log_entry **all; /* owned, the lines are not; in the order of log_entry_compare */
    size_t all_count, all_capacity;
    size_t unjudged;          /* of all[0, unjudged) it is not known yet whether they are shown */
    struct log_entry **shown; /* owned; [first, last) of it, in the same order */
    size_t first, last, capacity;
};

void log_merge_finish(struct log_merge *merge);

/* Takes all lines of these files; nothing of it is judged. */
void log_merge_rebuild(struct log_merge *merge, struct log_source *const *files, size_t count);

/* Judges all lines once more. */
void log_merge_restart(struct log_merge *merge);

/* Takes one more line. */
void log_merge_add(struct log_merge *merge, struct log_entry *line, const struct log_choice *choice);

/* Judges up to so many lines; false where all were. */
bool log_merge_judge(struct log_merge *merge, const struct log_choice *choice, size_t lines);

/* The place among the shown of the first line of this time or later. */
size_t log_merge_at(const struct log_merge *merge, int64_t order_ms);

#endif
