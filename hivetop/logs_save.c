/* The lines that are shown, as a file: with whole time stamps, the node's name in front. */
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "hive/clock.h"
#include "hive/file.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "logs.h"

/* "~/x" is in the home directory, as a shell has it. */
static char *expand(const char *path)
{
    const char *home = getenv("HOME");
    return home && path[0] == '~' && path[1] == '/' ? hive_format("%s%s", home, path + 1) : hive_strdup(path);
}

static size_t append_lines(struct logs *logs, struct hive_buffer *text)
{
    struct log_choice choice = logs_choice(logs);
    size_t begin, end;
    log_merge_judge(&logs->merge, &choice, logs->merge.all_count);
    while (log_merge_judge(&logs->merge, &choice, logs->merge.all_count))
        continue;
    logs_range(logs, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const struct log_entry *line = logs->merge.shown[i];
        hive_buffer_format(text, "%s ", line->file->name);
        if (line->time_ms) {
            char time[HIVE_CLOCK_TEXT_BYTES];
            hive_clock_format(line->time_ms, time);
            hive_buffer_format(text, "%s ", time);
        }
        if (line->level >= 0)
            hive_buffer_format(text, "%s ", hive_log_level_names[line->level]);
        hive_buffer_append_text(text, line->text);
        hive_buffer_append_text(text, "\n");
    }
    return end - begin;
}

void logs_save(struct logs *logs)
{
    struct hive_buffer text = {0};
    struct hive_error error = {0};
    struct stat status;
    char *path = expand(logs->path);
    if (lstat(path, &status) == 0) {
        logs_say(logs, EVENT_BAD, "%s is there already: nothing was saved; take another name", path);
    } else {
        size_t lines = append_lines(logs, &text);
        if (hive_file_write(path, text.data ? text.data : "", text.size, 0644, &error))
            logs_say(logs, EVENT_BAD, "nothing was saved: %s", error.message);
        else
            logs_say(logs, EVENT_GOOD, "%zu line%s saved to %s", lines, lines == 1 ? "" : "s", path);
    }
    hive_buffer_finish(&text);
    free(path);
}
