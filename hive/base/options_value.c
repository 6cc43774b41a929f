/* What was typed behind an option, checked and turned into the field that the program reads. Every refusal
 * says what the value must be. */
#include "base/options_table.h"

#include <ctype.h>
#include <errno.h>

static const struct {
    const char *suffix;
    int64_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}};

/* Options that name no bounds take what is not negative. */
static bool is_in_range(const struct hive_option *option, int64_t value)
{
    if (option->min == 0 && option->max == 0)
        return value >= 0;
    return value >= option->min && value <= option->max;
}

/* Parses the `bytes` bytes at `text`: digits, a decimal point and more digits, a unit. Without a unit it is
 * `*unit_ms`, which is set to the one that was used. By hand, because strtod knows hexadecimals and locales.
 */
static bool parse_duration(const char *text, size_t bytes, int64_t *unit_ms, int64_t *value_ms)
{
    int64_t digits = 0, scale = 1;
    size_t at = 0, count = 0;
    bool has_point = false;
    for (; at < bytes && (isdigit((unsigned char)text[at]) || (text[at] == '.' && !has_point)); at++) {
        if (text[at] == '.') {
            has_point = true;
            continue;
        }
        if (++count > 11) /* no duration is so long, and times an hour it still fits */
            return false;
        digits = digits * 10 + (text[at] - '0');
        scale *= has_point ? 10 : 1;
    }
    if (count == 0)
        return false;
    if (at < bytes) {
        size_t i = 0, count_units = sizeof units / sizeof *units;
        while (i < count_units &&
               (strlen(units[i].suffix) != bytes - at || memcmp(units[i].suffix, text + at, bytes - at) != 0))
            i++;
        if (i == count_units)
            return false;
        *unit_ms = units[i].ms;
    }
    *value_ms = digits * *unit_ms / scale;
    return digits * *unit_ms % scale == 0;
}

static void format_duration(int64_t ms, char text[32])
{
    bool is_seconds = ms % 1000 == 0 && ms != 0;
    snprintf(text, 32, is_seconds ? "%llds" : "%lldms", (long long)(is_seconds ? ms / 1000 : ms));
}

static int bad_duration(const struct hive_option *option, const char *what, const char *text,
                        struct hive_error *error)
{
    char min[32], max[32], range[80] = "";
    format_duration(option->min, min);
    format_duration(option->max, max);
    if (option->max)
        snprintf(range, sizeof range, " from %s to %s", min, max);
    return hive_error_set(error, -EINVAL, "--%s must be %s%s, not '%s'", option->name, what, range, text);
}

static int set_ms(const struct hive_option *option, const char *text, int64_t *field,
                  struct hive_error *error)
{
    int64_t unit_ms = 1, value_ms;
    if (!parse_duration(text, strlen(text), &unit_ms, &value_ms) || !is_in_range(option, value_ms))
        return bad_duration(option, "a duration (250ms, 1.5s, 2m)", text, error);
    *field = value_ms;
    return 0;
}

static int set_range_ms(const struct hive_option *option, const char *text, struct hive_range_ms *field,
                        struct hive_error *error)
{
    static const char what[] = "a range of durations (150-300, 1s-2s)";
    const char *dash = strchr(text, '-');
    const char *last = dash ? dash + 1 : text;
    int64_t unit_ms = 1, min_ms, max_ms;
    if (!parse_duration(last, strlen(last), &unit_ms, &max_ms))
        return bad_duration(option, what, text, error);
    min_ms = max_ms;
    /* "1-2s": the unit behind the second number counts for a first one without. */
    if (dash && !parse_duration(text, (size_t)(dash - text), &unit_ms, &min_ms))
        return bad_duration(option, what, text, error);
    if (!is_in_range(option, min_ms) || !is_in_range(option, max_ms))
        return bad_duration(option, what, text, error);
    if (min_ms > max_ms)
        return hive_error_set(error, -EINVAL, "--%s must begin with its smaller end, unlike '%s'",
                              option->name, text);
    *field = (struct hive_range_ms){min_ms, max_ms};
    return 0;
}

static int set_int(const struct hive_option *option, const char *text, int64_t *field,
                   struct hive_error *error)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool is_number = end != text && *end == '\0' && errno == 0 && !isspace((unsigned char)*text);
    if (is_number && is_in_range(option, value)) {
        *field = value;
        return 0;
    }
    if (option->max == 0 && option->min == 0)
        return hive_error_set(error, -EINVAL, "--%s must be a whole number, not '%s'", option->name, text);
    return hive_error_set(error, -EINVAL, "--%s must be a whole number from %lld to %lld, not '%s'",
                          option->name, (long long)option->min, (long long)option->max, text);
}

static int set_choice(const struct hive_option *option, const char *text, int *field,
                      struct hive_error *error)
{
    struct hive_buffer list = {0};
    struct hive_nearest nearest = {.typed = text};
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], text) == 0) {
            hive_buffer_finish(&list);
            *field = i;
            return 0;
        }
        hive_nearest_consider(&nearest, option->choices[i]);
        hive_buffer_format(&list, "%s%s", i ? ", " : "", option->choices[i]);
    }
    hive_error_set(error, -EINVAL,
                   nearest.name ? "--%s must be one of %s, not '%s': did you mean '%s'?"
                                : "--%s must be one of %s, not '%s'",
                   option->name, list.data, text, nearest.name);
    hive_buffer_finish(&list);
    return -EINVAL;
}

static void append_items(struct hive_strings *list, const char *text)
{
    while (*text) {
        size_t bytes = strcspn(text, ",");
        if (bytes)
            hive_strings_append(list, text, bytes);
        text += bytes + (text[bytes] == ',');
    }
}

int hive_options_set(const struct hive_option *option, const char *text, void *target,
                     struct hive_error *error)
{
    void *field = (char *)target + option->offset;
    switch (option->type) {
    case HIVE_OPTION_FLAG:
        *(bool *)field = true;
        return 0;
    case HIVE_OPTION_STRING:
        *(const char **)field = text;
        return 0;
    case HIVE_OPTION_LIST:
        append_items(field, text);
        return 0;
    case HIVE_OPTION_TEXTS:
        hive_strings_append(field, text, strlen(text));
        return 0;
    case HIVE_OPTION_INT:
        return set_int(option, text, field, error);
    case HIVE_OPTION_MS:
        return set_ms(option, text, field, error);
    case HIVE_OPTION_RANGE_MS:
        return set_range_ms(option, text, field, error);
    case HIVE_OPTION_CHOICE:
        return set_choice(option, text, field, error);
    }
    return -EINVAL;
}
