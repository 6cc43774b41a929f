/* A node's log is there for as long as the cluster has the node, and new nodes come; so the directory says what there is
 * to read, not the ledger. */
#include "log_set.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "hive/encoding.h"
#include "hive/memory.h"

#define SUFFIX ".log"

void log_set_init(struct log_set *set, const struct hive_ledger *ledger, const struct hive_strings *wanted)
{
    *set = (struct log_set){.directory = hive_ledger_path(ledger, "logs"), .wanted = wanted};
    log_set_look(set);
}

void log_set_finish(struct log_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        log_file_finish(&set->files[i]);
    free(set->files);
    free(set->directory);
    *set = (struct log_set){0};
}

static bool is_wanted(const struct log_set *set, const char *name)
{
    bool is_named = false;
    for (size_t i = 0; i < set->wanted->count; i++)
        is_named |= strcmp(set->wanted->items[i], name) == 0;
    return is_named || set->wanted->count == 0;
}

static bool is_open(const struct log_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->files[i].name, name) == 0)
            return true;
    return false;
}

/* Queens before drones before the launcher, and q2 before q10: who is first where times are equal. */
static int compare(const void *a, const void *b)
{
    static const char order[] = "qdl";
    const struct log_file *left = a, *right = b;
    const char *l = strchr(order, left->name[0]), *r = strchr(order, right->name[0]);
    ptrdiff_t difference = (l ? l - order : 3) - (r ? r - order : 3);
    return difference ? (int)difference : strverscmp(left->name, right->name);
}

/* Opens the log DIRECTORY/FILE where that is one and is wanted. */
static bool open_log(struct log_set *set, const char *file)
{
    char name[HIVE_NAME_BYTES];
    size_t bytes = strlen(file);
    if (bytes <= sizeof SUFFIX - 1 || strcmp(file + bytes - (sizeof SUFFIX - 1), SUFFIX) != 0)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)(bytes - (sizeof SUFFIX - 1)), file);
    if (!hive_is_name(name) || !is_wanted(set, name) || is_open(set, name))
        return false;
    char *path = hive_format("%s/%s", set->directory, file);
    set->files = hive_realloc(set->files, set->count + 1, sizeof *set->files);
    log_file_open(&set->files[set->count++], name, path);
    free(path);
    return true;
}

void log_set_look(struct log_set *set)
{
    for (size_t i = 0; i < set->count;) {
        struct log_file *file = &set->files[i];
        if (log_file_look(file) || log_file_peek(file, true)) {
            i++;
            continue;
        }
        log_file_finish(file);
        set->count--;
        memmove(file, file + 1, (set->count - i) * sizeof *file);
    }
    bool has_new = false;
    DIR *directory = opendir(set->directory);
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        has_new |= open_log(set, entry->d_name);
    if (directory)
        closedir(directory);
    if (has_new)
        qsort(set->files, set->count, sizeof *set->files, compare);
}

struct log_file *log_set_next(struct log_set *set, bool is_final)
{
    struct log_file *next = NULL;
    for (size_t i = 0; i < set->count; i++) {
        struct log_file *file = &set->files[i];
        if (log_file_peek(file, is_final) && (!next || file->line.time_ms < next->line.time_ms))
            next = file;
    }
    return next;
}

void log_set_seek_end(struct log_set *set, size_t lines)
{
    size_t found = 0;
    for (size_t i = 0; i < set->count; i++)
        found += log_file_seek_end(&set->files[i], lines);
    for (; found > lines; found--) {
        struct log_file *file = log_set_next(set, true);
        if (!file)
            return;
        log_file_take(file);
    }
}

size_t log_set_width(const struct log_set *set)
{
    size_t width = 0;
    for (size_t i = 0; i < set->count; i++)
        if (strlen(set->files[i].name) > width)
            width = strlen(set->files[i].name);
    return width;
}
