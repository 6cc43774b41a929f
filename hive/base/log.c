/* Structured logs. A line is put together in memory and leaves with one write(2), so that lines of several
 * threads, and of several nodes that share a terminal, never mix. Values come from the network too: what
 * could move a cursor or forge a line is escaped. */
#include "hive/log.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/utf8.h"
#include "hive/buffer.h"
#include "hive/clock.h"
#include "hive/json.h"

const char *const hive_log_level_names[] = {"debug", "info", "warning", "error", NULL};
const char *const hive_log_format_names[] = {"text", "json", NULL};

static enum hive_log_level lowest_level = HIVE_LOG_INFO;
static enum hive_log_format line_format = HIVE_LOG_TEXT;

void hive_log_configure(enum hive_log_level level, enum hive_log_format format)
{
    lowest_level = level;
    line_format = format;
}

static bool is_control(const char *text, size_t length)
{
    unsigned char first = (unsigned char)text[0];
    if (length == 2) /* the second set of control characters, U+0080 to U+009F, moves cursors too */
        return first == 0xc2 && (unsigned char)text[1] < 0xa0;
    return length == 1 && (first < 0x20 || first == 0x7f);
}

/* Appends `text`, escaped where it must be. Returns whether it needs quotes to be read as one value. */
static bool append_escaped(struct hive_buffer *line, const char *text)
{
    bool needs_quotes = *text == '\0';
    for (size_t left = strlen(text); left > 0;) {
        size_t length = hive_utf8_character(text, left);
        size_t taken = length ? length : 1;
        if (length == 1 && (*text == '"' || *text == '\\')) {
            hive_buffer_format(line, "\\%c", *text);
            needs_quotes = true;
        } else if (length == 1 && *text == '\n') {
            hive_buffer_append_text(line, "\\n");
            needs_quotes = true;
        } else if (length == 0 || is_control(text, length)) {
            for (size_t i = 0; i < taken; i++)
                hive_buffer_format(line, "\\x%02x", (unsigned char)text[i]);
            needs_quotes = true;
        } else {
            hive_buffer_append(line, text, length);
            needs_quotes |= *text == ' ' || *text == '=';
        }
        text += taken;
        left -= taken;
    }
    return needs_quotes;
}

static void append_text_field(struct hive_buffer *line, const struct hive_log_field *field)
{
    hive_buffer_format(line, " %s=", field->key);
    if (!field->text) {
        hive_buffer_format(line, "%lld", (long long)field->number);
        return;
    }
    struct hive_buffer value = {0};
    bool needs_quotes = append_escaped(&value, field->text);
    hive_buffer_format(line, needs_quotes ? "\"%s\"" : "%s", value.data ? value.data : "");
    hive_buffer_finish(&value);
}

static void append_json_text(struct hive_buffer *line, const char *key, const char *text)
{
    hive_json_append_string(line, key, strlen(key));
    hive_buffer_append_text(line, ":");
    hive_json_append_string(line, text, strlen(text));
}

static void append_json_field(struct hive_buffer *line, const struct hive_log_field *field)
{
    hive_buffer_append_text(line, ",");
    if (field->text) {
        append_json_text(line, field->key, field->text);
    } else {
        hive_json_append_string(line, field->key, strlen(field->key));
        hive_buffer_format(line, ":%lld", (long long)field->number);
    }
}

static void write_line(const struct hive_buffer *line)
{
    for (size_t written = 0; written < line->size;) {
        ssize_t bytes = write(STDERR_FILENO, line->data + written, line->size - written);
        if (bytes > 0)
            written += (size_t)bytes;
        else if (bytes == 0 || errno != EINTR)
            return; /* nobody listens any more: there is no better place to say so */
    }
}

void hive_log_write(enum hive_log_level level, const char *event, const struct hive_log_field *fields,
                    int count)
{
    if (level < lowest_level)
        return;
    int saved_errno = errno; /* callers log between a failed call and their look at errno */
    char time[HIVE_CLOCK_TEXT_BYTES];
    hive_clock_format(hive_clock_unix_ms(), time);
    struct hive_buffer line = {0};
    if (line_format == HIVE_LOG_JSON) {
        hive_buffer_format(&line, "{\"time\":\"%s\",\"level\":\"%s\",", time, hive_log_level_names[level]);
        append_json_text(&line, "event", event);
        for (int i = 0; i < count; i++)
            append_json_field(&line, &fields[i]);
        hive_buffer_append_text(&line, "}\n");
    } else {
        hive_buffer_format(&line, "%s %s ", time, hive_log_level_names[level]);
        append_escaped(&line, event);
        for (int i = 0; i < count; i++)
            append_text_field(&line, &fields[i]);
        hive_buffer_append_text(&line, "\n");
    }
    write_line(&line);
    hive_buffer_finish(&line);
    errno = saved_errno;
}
