/* Which files are read, and when. What is shown of several is only complete from the moment on from which all of them
 * were read: before it, further pieces are read first. */
#include "logs.h"

#include <stdarg.h>

#include "hive/clock.h"
#include "hive/log.h"
#include "hive/memory.h"

#define SLICE_MS    8    /* of work in one turn; a key is answered in between */
#define SLICE_LINES 2000 /* judged between two looks at the clock */

void logs_init(struct logs *logs, bool is_tail)
{
    *logs = (struct logs){.is_tail = is_tail,
                          .is_following = true,
                          .is_wrapped = is_tail,
                          .level = is_tail ? HIVE_LOG_INFO : HIVE_LOG_DEBUG,
                          .choice_serial = 1};
}

static void close_files(struct logs *logs)
{
    for (size_t i = 0; i < logs->file_count; i++) {
        log_source_finish(logs->files[i]);
        free(logs->files[i]);
    }
    free(logs->files);
    logs->files = NULL;
    logs->file_count = 0;
    log_merge_finish(&logs->merge);
}

void logs_finish(struct logs *logs)
{
    close_files(logs);
    log_pattern_finish(&logs->filter);
    log_pattern_finish(&logs->find);
    *logs = (struct logs){0};
}

void logs_say(struct logs *logs, enum event_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(logs->status, sizeof logs->status, format, arguments);
    va_end(arguments);
    logs->status_level = level;
}

struct log_choice logs_choice(const struct logs *logs)
{
    return (struct log_choice){&logs->filter, logs->level, logs->choice_serial};
}

void logs_choose(struct logs *logs)
{
    logs->choice_serial++;
    log_merge_restart(&logs->merge);
    logs->has_news = true;
}

/* ---- which nodes ---- */

/* What the user looked at when he opened the screen: the marked nodes, or the selected one. */
static void open_logs(struct logs *logs, const struct ui *ui, const struct model *model)
{
    const struct node *selected = ui_selected(ui, model, NULL);
    logs->is_open = true;
    logs->is_chosen = false;
    snprintf(logs->selected, sizeof logs->selected, "%s", ui->selected);
    logs->is_following = true;
    logs->has_found = logs->is_at_top = logs->is_going_first = false;
    logs->shift = 0;
    logs->steps = 0;
    memcpy(logs->marked, ui->marked, sizeof logs->marked);
    logs->node[0] = '\0';
    if ((logs->is_tail || !ui->marked[0][0]) && selected)
        snprintf(logs->node, sizeof logs->node, "%s", selected->address);
}

static void close_logs(struct logs *logs)
{
    close_files(logs);
    logs->is_open = false;
    logs->typing = LOGS_NOT_TYPING;
    logs->status[0] = '\0';
}

/* From node to node, in the model's order. */
static void step(struct logs *logs, const struct model *model)
{
    const char *from = logs->node[0] ? logs->node : logs->marked[0];
    size_t at = 0;
    if (!logs->steps || !model->node_count)
        return;
    while (at < model->node_count && strcmp(model->nodes[at]->address, from) != 0)
        at++;
    long count = (long)model->node_count;
    long next = (((long)at + logs->steps) % count + count) % count;
    snprintf(logs->node, sizeof logs->node, "%s", model->nodes[next]->address);
    logs->is_all = logs->is_chosen = false;
    logs->steps = 0;
}

static bool is_chosen(const struct logs *logs, const struct node *node)
{
    if (logs->is_all)
        return true;
    if (logs->node[0])
        return strcmp(node->address, logs->node) == 0;
    for (int i = 0; i < UI_MARKS; i++) {
        if (strcmp(node->address, logs->marked[i]) == 0)
            return true;
    }
    return false;
}

static struct log_source *find_file(const struct logs *logs, const char *path)
{
    for (size_t i = 0; i < logs->file_count; i++) {
        if (strcmp(logs->files[i]->path, path) == 0)
            return logs->files[i];
    }
    return NULL;
}

/* Opens the files of those that were chosen, where they are others than before. */
static void choose_files(struct logs *logs, const struct model *model, const struct source *source)
{
    size_t count = 0, kept = 0;
    const char **paths = hive_calloc(model->node_count + 1, sizeof *paths);
    for (size_t i = 0; i < model->node_count; i++) {
        if (is_chosen(logs, model->nodes[i]))
            paths[i] = source_log_path(source, model->nodes[i]->name);
        count += paths[i] != NULL;
        kept += paths[i] && count <= logs->file_count && strcmp(logs->files[count - 1]->path, paths[i]) == 0;
    }
    if (kept == count && count == logs->file_count) {
        free(paths);
        return;
    }
    struct log_source **files = hive_calloc(count + 1, sizeof *files);
    size_t max_bytes = count ? LOGS_BYTES / count : 0, at = 0;
    max_bytes = max_bytes < LOGS_FILE_BYTES ? max_bytes : LOGS_FILE_BYTES;
    for (size_t i = 0; i < model->node_count; i++) {
        if (!paths[i])
            continue;
        struct log_source *file = find_file(logs, paths[i]);
        if (file && file->max_bytes == max_bytes) {
            file->place = (int)i;
            files[at++] = file;
            file->is_kept = true;
            continue;
        }
        files[at] = hive_calloc(1, sizeof **files);
        log_source_init(files[at++], model->nodes[i]->name, paths[i], (int)i, max_bytes);
    }
    for (size_t i = 0; i < logs->file_count; i++) {
        if (!logs->files[i]->is_kept) {
            log_source_finish(logs->files[i]);
            free(logs->files[i]);
        }
    }
    free(logs->files);
    free(paths);
    logs->files = files;
    logs->file_count = count;
    for (size_t i = 0; i < count; i++)
        files[i]->is_kept = false;
    log_merge_rebuild(&logs->merge, files, count);
    logs->looked_ms = 0;
    logs->has_news = true;
}

/* ---- what is read ---- */

static void add_new(struct logs *logs, struct log_source *file)
{
    struct log_choice choice = logs_choice(logs);
    size_t at = file->last;
    while (at > file->first && file->lines[at - 1]->serial >= file->taken_serial)
        at--;
    for (; at < file->last; at++)
        log_merge_add(&logs->merge, file->lines[at], &choice);
}

static void look(struct logs *logs)
{
    unsigned all = LOG_SAME;
    for (size_t i = 0; i < logs->file_count; i++) {
        unsigned changes = log_source_look(logs->files[i]);
        logs->files[i]->has_grown = changes != LOG_SAME;
        all |= changes;
    }
    if (all & LOG_CHANGED)
        log_merge_rebuild(&logs->merge, logs->files, logs->file_count);
    for (size_t i = 0; i < logs->file_count; i++) {
        struct log_source *file = logs->files[i];
        if (file->has_grown && !(all & LOG_CHANGED))
            add_new(logs, file);
        file->taken_serial = file->next_serial;
    }
    logs->has_news |= all != LOG_SAME;
}

/* Of those that can be read further back, the one of which least is known: from its first line on all is there. */
static struct log_source *shortest(const struct logs *logs)
{
    struct log_source *found = NULL;
    for (size_t i = 0; i < logs->file_count; i++) {
        struct log_source *file = logs->files[i];
        if (file->first < file->last && log_source_has_older(file) &&
            (!found || file->lines[file->first]->order_ms > found->lines[found->first]->order_ms))
            found = file;
    }
    return found;
}

void logs_range(const struct logs *logs, size_t *begin, size_t *end)
{
    const struct log_merge *merge = &logs->merge;
    const struct log_source *file = shortest(logs);
    *begin = file ? log_merge_at(merge, file->lines[file->first]->order_ms) : merge->first;
    *end = logs->is_past ? log_merge_at(merge, logs->unix_ms + 1) : merge->last;
    if (*begin > *end)
        *begin = *end;
}

/* Earlier lines are needed: somebody is at the first of those that are there, or they do not fill the screen. True: there
 * may be more of them to read. */
static bool go_back(struct logs *logs)
{
    size_t begin, end;
    struct log_source *file = shortest(logs);
    logs_range(logs, &begin, &end);
    bool is_short = logs->rows > 0 && end - begin < (size_t)logs->rows;
    if (!file || !(logs->is_at_top || is_short)) {
        logs->is_at_top = logs->is_going_first = false;
        return false;
    }
    logs->has_news = true;
    log_source_go_back(file);
    log_merge_rebuild(&logs->merge, logs->files, logs->file_count);
    logs->is_at_top = logs->is_at_top && logs->is_going_first;
    return true;
}

static bool work(struct logs *logs)
{
    struct log_choice choice = logs_choice(logs);
    int64_t until_ms = hive_clock_monotonic_ms() + SLICE_MS;
    for (;;) {
        size_t shown = logs->merge.last - logs->merge.first;
        bool has_more = log_merge_judge(&logs->merge, &choice, SLICE_LINES);
        logs->has_news |= logs->merge.last - logs->merge.first != shown;
        if (!has_more && !go_back(logs))
            return false;
        if (hive_clock_monotonic_ms() >= until_ms)
            return true;
    }
}

int logs_turn(struct logs *logs, const struct ui *ui, const struct model *model, const struct source *source)
{
    bool is_wanted = logs->is_tail ? logs->is_wanted : ui->screen == UI_SCREEN_LOGS;
    if (!is_wanted) {
        if (logs->is_open)
            close_logs(logs);
        return -1;
    }
    /* With a thousand nodes there are thousands of turns a second: what takes long is done at every look only. */
    bool is_due = logs->looked_ms == 0 || model->now_ms - logs->looked_ms >= LOGS_LOOK_MS;
    bool is_elsewhere = logs->is_tail && strcmp(logs->selected, ui->selected) != 0;
    if (!logs->is_open || (logs->is_tail && (is_due || is_elsewhere)))
        open_logs(logs, ui, model);
    logs->is_past = ui->shown_ms != 0;
    logs->unix_ms = ui->shown_ms ? ui->shown_ms : model->unix_ms;
    snprintf(logs->cluster, sizeof logs->cluster, "%s", source->cluster);
    step(logs, model);
    if (is_due || !logs->is_chosen)
        choose_files(logs, model, source);
    logs->is_chosen = true;
    if (is_due || logs->looked_ms == 0) {
        logs->looked_ms = model->now_ms;
        look(logs);
    }
    if (work(logs))
        return 0;
    return (int)(logs->looked_ms + LOGS_LOOK_MS - model->now_ms);
}
