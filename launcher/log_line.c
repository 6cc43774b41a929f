/* Lines of all nodes are put in order by the time that they begin with, so that is all that is read of them. */
#include "log_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIME_BYTES 24 /* 2026-01-31T23:59:59.123Z */

/* The time at the beginning of `text`, in unix milliseconds; 0: there is none. */
static int64_t parse_time(const char *text)
{
    struct tm when = {0};
    int milliseconds, bytes = 0;
    if (strnlen(text, TIME_BYTES) < TIME_BYTES || text[TIME_BYTES - 1] != 'Z' ||
        sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &when.tm_year, &when.tm_mon, &when.tm_mday,
               &when.tm_hour, &when.tm_min, &when.tm_sec, &milliseconds, &bytes) != 7 ||
        bytes != TIME_BYTES)
        return 0;
    when.tm_year -= 1900;
    when.tm_mon -= 1;
    return (int64_t)timegm(&when) * 1000 + milliseconds;
}

static enum hive_log_level parse_level(const char *text)
{
    for (int level = HIVE_LOG_DEBUG; level <= HIVE_LOG_ERROR; level++) {
        size_t bytes = strlen(hive_log_level_names[level]);
        if (strncmp(text, hive_log_level_names[level], bytes) == 0 &&
            (text[bytes] == ' ' || text[bytes] == '"'))
            return (enum hive_log_level)level;
    }
    return HIVE_LOG_INFO;
}

struct log_line log_line_parse(const char *line)
{
    static const char json_time[] = "{\"time\":\"", json_level[] = "\",\"level\":\"";
    struct log_line parsed = {.level = HIVE_LOG_INFO};
    int64_t time_ms = parse_time(line);
    if (time_ms && line[TIME_BYTES] == ' ') {
        parsed.time_ms = time_ms;
        parsed.time_bytes = TIME_BYTES;
        parsed.level = parse_level(line + TIME_BYTES + 1);
    } else if (strncmp(line, json_time, sizeof json_time - 1) == 0) {
        line += sizeof json_time - 1;
        parsed.time_ms = parse_time(line);
        if (parsed.time_ms && strncmp(line + TIME_BYTES, json_level, sizeof json_level - 1) == 0)
            parsed.level = parse_level(line + TIME_BYTES + sizeof json_level - 1);
    }
    return parsed;
}

void log_line_clean(char *line)
{
    for (unsigned char *at = (unsigned char *)line; *at; at++) {
        if (*at == '\t')
            *at = ' ';
        else if (*at < ' ' || *at == 0x7f)
            *at = '?';
        else if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) /* U+0080 to U+009F move cursors, too */
            at[0] = at[1] = '?';
    }
}
