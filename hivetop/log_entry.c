/* Nodes write "2026-01-31T23:59:59.123Z level event key=value …" or the same as JSON, which is shown in the same
 * way. What a dying process says besides (a failed assertion, a sanitizer's report) has neither time nor level. */
#include "log_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hive/json.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "log_source.h"

#define TIME_BYTES 24 /* of "2026-01-31T23:59:59.123Z" */

/* The time that the text begins with, or 0. */
static int64_t read_time(const char *text, size_t bytes)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.dddZ";
    if (bytes < TIME_BYTES)
        return 0;
    for (int i = 0; i < TIME_BYTES; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == 'd' ? !is_digit : text[i] != shape[i])
            return 0;
    }
    int number[7], first[7] = {0, 5, 8, 11, 14, 17, 20};
    for (int i = 0; i < 7; i++) {
        number[i] = 0;
        for (int at = first[i]; text[at] >= '0' && text[at] <= '9'; at++)
            number[i] = number[i] * 10 + text[at] - '0';
    }
    struct tm time = {.tm_year = number[0] - 1900,
                      .tm_mon = number[1] - 1,
                      .tm_mday = number[2],
                      .tm_hour = number[3],
                      .tm_min = number[4],
                      .tm_sec = number[5]};
    return (int64_t)timegm(&time) * 1000 + number[6];
}

static int read_level(const char *text, size_t bytes)
{
    for (int level = 0; hive_log_level_names[level]; level++) {
        size_t length = strlen(hive_log_level_names[level]);
        if (bytes >= length && memcmp(text, hive_log_level_names[level], length) == 0 &&
            (bytes == length || text[length] == ' '))
            return level;
    }
    return -1;
}

/* "event key=value …" of a JSON line; false where it is none of a node's. */
static bool read_json(const char *data, size_t bytes, struct log_entry *line, struct hive_buffer *text)
{
    const char *time, *level, *event;
    cJSON *json = bytes && data[0] == '{' ? hive_json_parse_object(data, bytes, NULL) : NULL;
    bool is_ours = json && hive_json_string(json, "time", &time, NULL) == 0 &&
                   hive_json_string(json, "level", &level, NULL) == 0 &&
                   hive_json_string(json, "event", &event, NULL) == 0;
    if (is_ours) {
        line->time_ms = read_time(time, strlen(time));
        line->level = read_level(level, strlen(level));
        hive_buffer_append_text(text, event);
        for (const cJSON *field = json->child; field; field = field->next) {
            if (strcmp(field->string, "time") == 0 || strcmp(field->string, "level") == 0 ||
                strcmp(field->string, "event") == 0)
                continue;
            if (cJSON_IsString(field))
                hive_buffer_format(text, strchr(field->valuestring, ' ') ? " %s=\"%s\"" : " %s=%s",
                                   field->string, field->valuestring);
            else if (cJSON_IsNumber(field))
                hive_buffer_format(text, " %s=%.15g", field->string, field->valuedouble);
        }
    }
    cJSON_Delete(json);
    return is_ours;
}

static void read_text(const char *data, size_t bytes, struct log_entry *line, struct hive_buffer *text)
{
    line->time_ms = read_time(data, bytes);
    size_t used = line->time_ms ? TIME_BYTES : 0;
    used += used < bytes && used && data[used] == ' ';
    if (used && (line->level = read_level(data + used, bytes - used)) >= 0) {
        used += strlen(hive_log_level_names[line->level]);
        used += used < bytes;
    }
    hive_buffer_append(text, data + used, bytes - used);
}

struct log_entry *log_entry_make(const char *data, size_t bytes, uint64_t more)
{
    struct log_entry head = {.level = -1};
    struct hive_buffer text = {0};
    if (bytes > 0 && data[bytes - 1] == '\r')
        bytes--;
    if (bytes > LOG_TEXT_BYTES) {
        more += bytes - LOG_TEXT_BYTES;
        bytes = LOG_TEXT_BYTES;
    }
    if (!read_json(data, bytes, &head, &text))
        read_text(data, bytes, &head, &text);
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte < ' ' || byte == 0x7f)
            text.data[i] = byte == '\t' ? ' ' : '?';
    }
    if (more > 0)
        hive_buffer_format(&text, " (+%" PRIu64 " bytes)", more);
    struct log_entry *line = hive_malloc(sizeof *line + text.size + 1);
    *line = head;
    memcpy(line->text, text.data ? text.data : "", text.size + 1);
    hive_buffer_finish(&text);
    return line;
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int log_entry_compare(const struct log_entry *a, const struct log_entry *b)
{
    int order = compare_numbers(a->order_ms, b->order_ms);
    if (!order)
        order = compare_numbers(a->file->place, b->file->place);
    return order ? order : compare_numbers(a->serial, b->serial);
}
