/* Structured logs: one event a line on standard error, `time level event key=value …` or one JSON object.
 * Events are short fixed phrases; what varies goes into the fields. Thread-safe: a line is one write(2). */
#ifndef HIVE_LOG_H
#define HIVE_LOG_H

#include <stdint.h>

enum hive_log_level { HIVE_LOG_DEBUG, HIVE_LOG_INFO, HIVE_LOG_WARNING, HIVE_LOG_ERROR };
enum hive_log_format { HIVE_LOG_TEXT, HIVE_LOG_JSON };

/* Once, before any thread starts. The default is INFO and TEXT. */
void hive_log_configure(enum hive_log_level level, enum hive_log_format format);

/* "debug", "info", "warning", "error" / "text", "json"; NULL-terminated, in the order of the enums. */
extern const char *const hive_log_level_names[];
extern const char *const hive_log_format_names[];

struct hive_log_field {
    const char *key;
    const char *text; /* NULL: `number` counts */
    int64_t number;
};

#define HIVE_LOG_TEXT_FIELD(k, v)   ((struct hive_log_field){.key = (k), .text = (v) ? (v) : ""})
#define HIVE_LOG_NUMBER_FIELD(k, v) ((struct hive_log_field){.key = (k), .number = (int64_t)(v)})

/* Shorter names for call sites: hive_log_info("registered drone", LOG_S("name", name), LOG_N("term", term));
 */
#define LOG_S HIVE_LOG_TEXT_FIELD
#define LOG_N HIVE_LOG_NUMBER_FIELD

void hive_log_write(enum hive_log_level level, const char *event, const struct hive_log_field *fields,
                    int count);

#define HIVE_LOG(level, event, ...)                                                                          \
    hive_log_write(                                                                                          \
        level, event, (const struct hive_log_field[]){{0}, ##__VA_ARGS__} + 1,                               \
        (int)(sizeof((const struct hive_log_field[]){{0}, ##__VA_ARGS__}) / sizeof(struct hive_log_field)) - \
            1)
#define hive_log_debug(event, ...)   HIVE_LOG(HIVE_LOG_DEBUG, event, ##__VA_ARGS__)
#define hive_log_info(event, ...)    HIVE_LOG(HIVE_LOG_INFO, event, ##__VA_ARGS__)
#define hive_log_warning(event, ...) HIVE_LOG(HIVE_LOG_WARNING, event, ##__VA_ARGS__)
#define hive_log_error(event, ...)   HIVE_LOG(HIVE_LOG_ERROR, event, ##__VA_ARGS__)

#endif
