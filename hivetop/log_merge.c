/* Nearly every new line is the newest of all: it is put at the end, or a few places before it. All else (earlier
 * lines were read, some are gone) makes the order anew, which takes milliseconds for all that fits into memory. */
#include "log_merge.h"

#include <string.h>

#include "hive/memory.h"

#define SLACK 256 /* places to spare at the end of the shown */

void log_merge_finish(struct log_merge *merge)
{
    free(merge->all);
    free(merge->shown);
    *merge = (struct log_merge){0};
}

static int compare(const void *a, const void *b)
{
    return log_entry_compare(*(struct log_entry *const *)a, *(struct log_entry *const *)b);
}

void log_merge_restart(struct log_merge *merge)
{
    size_t needed = merge->all_count + SLACK;
    if (merge->capacity < needed) {
        merge->capacity = needed + needed / 4;
        free(merge->shown);
        merge->shown = hive_calloc(merge->capacity, sizeof(struct log_entry *));
    }
    merge->first = merge->last = merge->capacity - SLACK;
    merge->unjudged = merge->all_count;
}

void log_merge_rebuild(struct log_merge *merge, struct log_source *const *files, size_t count)
{
    size_t lines = 0;
    for (size_t i = 0; i < count; i++)
        lines += files[i]->last - files[i]->first;
    if (lines > merge->all_capacity) {
        merge->all_capacity = lines + lines / 4;
        free(merge->all);
        merge->all = hive_calloc(merge->all_capacity, sizeof(struct log_entry *));
    }
    merge->all_count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t of_file = files[i]->last - files[i]->first;
        if (of_file > 0)
            memcpy(merge->all + merge->all_count, files[i]->lines + files[i]->first,
                   of_file * sizeof *merge->all);
        merge->all_count += of_file;
    }
    if (count > 1 && merge->all_count > 1)
        qsort(merge->all, merge->all_count, sizeof *merge->all, compare);
    log_merge_restart(merge);
}

static bool is_chosen(struct log_entry *line, const struct log_choice *choice)
{
    if (line->judged != choice->serial) {
        line->judged = choice->serial;
        line->is_match = (line->level < 0 || line->level >= choice->level) &&
                         log_pattern_fits(choice->pattern, line->text);
    }
    return line->is_match;
}

static void show_last(struct log_merge *merge, struct log_entry *line)
{
    if (merge->last == merge->capacity) {
        size_t capacity = merge->capacity + merge->capacity / 2 + SLACK;
        struct log_entry **shown = hive_calloc(capacity, sizeof *shown);
        if (merge->last > merge->first)
            memcpy(shown + merge->first, merge->shown + merge->first,
                   (merge->last - merge->first) * sizeof *shown);
        free(merge->shown);
        merge->shown = shown;
        merge->capacity = capacity;
    }
    size_t at = merge->last++;
    for (; at > merge->first && log_entry_compare(merge->shown[at - 1], line) > 0; at--)
        merge->shown[at] = merge->shown[at - 1];
    merge->shown[at] = line;
}

void log_merge_add(struct log_merge *merge, struct log_entry *line, const struct log_choice *choice)
{
    if (merge->all_count == merge->all_capacity) {
        merge->all_capacity += merge->all_capacity / 2 + SLACK;
        merge->all = hive_realloc(merge->all, merge->all_capacity, sizeof *merge->all);
    }
    size_t at = merge->all_count++;
    for (; at > 0 && log_entry_compare(merge->all[at - 1], line) > 0; at--)
        merge->all[at] = merge->all[at - 1];
    merge->all[at] = line;
    if (at < merge->unjudged)
        merge->unjudged++; /* its turn will come */
    else if (is_chosen(line, choice))
        show_last(merge, line);
}

bool log_merge_judge(struct log_merge *merge, const struct log_choice *choice, size_t lines)
{
    for (; lines > 0 && merge->unjudged > 0; lines--) {
        if (merge->first == 0) { /* lines came late, to where nothing was judged yet */
            log_merge_restart(merge);
            return true;
        }
        struct log_entry *line = merge->all[--merge->unjudged];
        if (is_chosen(line, choice))
            merge->shown[--merge->first] = line;
    }
    return merge->unjudged > 0;
}

size_t log_merge_at(const struct log_merge *merge, int64_t order_ms)
{
    size_t low = merge->first, high = merge->last;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (merge->shown[middle]->order_ms < order_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
