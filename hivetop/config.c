/* One table says what a setting is called, how it is read and how it is written. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "format.h"
#include "hive/file.h"
#include "hive/memory.h"
#include "palette.h"

#define VALUE_BYTES 64

/* ---- settings ---- */

static bool read_theme(struct settings *settings, const char *value)
{
    for (int i = 0; palette_names[i]; i++) {
        if (strcmp(palette_names[i], value) == 0) {
            snprintf(settings->theme, sizeof settings->theme, "%s", value);
            return true;
        }
    }
    return false;
}

static void write_theme(const struct settings *settings, char value[VALUE_BYTES])
{
    snprintf(value, VALUE_BYTES, "%s", settings->theme[0] ? settings->theme : palette_names[0]);
}

static bool read_interval(struct settings *settings, const char *value)
{
    return interval_parse(value, &settings->interval_ms, NULL) == 0;
}

static void write_interval(const struct settings *settings, char value[VALUE_BYTES])
{
    snprintf(value, VALUE_BYTES, "%lldms", (long long)settings->interval_ms);
}

static bool read_sort(struct settings *settings, const char *value)
{
    for (int i = 0; i < SORT_COUNT; i++) {
        if (strcmp(sort_names[i], value) == 0) {
            settings->sort = (enum sort_column)i;
            return true;
        }
    }
    return false;
}

static void write_sort(const struct settings *settings, char value[VALUE_BYTES])
{
    snprintf(value, VALUE_BYTES, "%s", sort_names[settings->sort]);
}

static bool read_flag(bool *flag, const char *value)
{
    *flag = strcmp(value, "on") == 0;
    return *flag || strcmp(value, "off") == 0;
}

#define FLAG(name, member)                                                                                   \
    static bool read_##name(struct settings *settings, const char *value)                                    \
    {                                                                                                        \
        return read_flag(&settings->member, value);                                                          \
    }                                                                                                        \
    static void write_##name(const struct settings *settings, char value[VALUE_BYTES])                       \
    {                                                                                                        \
        snprintf(value, VALUE_BYTES, "%s", settings->member ? "on" : "off");                                 \
    }

FLAG(reverse, is_sort_reversed)
FLAG(details, has_details)
FLAG(mouse, has_mouse)

static const struct setting {
    const char *name;
    bool (*read)(struct settings *settings, const char *value);
    void (*write)(const struct settings *settings, char value[VALUE_BYTES]);
} table[] = {
    {"theme", read_theme, write_theme},       {"interval", read_interval, write_interval},
    {"sort", read_sort, write_sort},          {"reverse", read_reverse, write_reverse},
    {"details", read_details, write_details}, {"mouse", read_mouse, write_mouse},
};

static const struct setting *find(const char *name, size_t bytes)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strlen(table[i].name) == bytes && memcmp(table[i].name, name, bytes) == 0)
            return &table[i];
    }
    return NULL;
}

/* ---- lines ---- */

struct part {
    const char *start;
    size_t bytes;
};

static struct part trim(const char *start, const char *end)
{
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (start < end && isspace((unsigned char)end[-1]))
        end--;
    return (struct part){start, (size_t)(end - start)};
}

/* Divides "name = value". False: it is empty or a comment (then there is no name), or has no "=". */
static bool divide(struct part line, struct part *name, struct part *value)
{
    struct part text = trim(line.start, line.start + line.bytes);
    const char *end = text.start + text.bytes;
    const char *equals = text.bytes ? memchr(text.start, '=', text.bytes) : NULL;
    *name = *value = (struct part){text.start, 0};
    if (text.bytes == 0 || *text.start == '#')
        return false;
    *name = equals ? trim(text.start, equals) : text;
    *value = equals ? trim(equals + 1, end) : *value;
    return equals && name->bytes > 0;
}

static bool next_line(const char **at, const char *end, struct part *line)
{
    if (*at >= end)
        return false;
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    *line = (struct part){*at, (size_t)((newline ? newline : end) - *at)};
    *at += line->bytes + 1;
    return true;
}

static bool take_line(struct settings *settings, struct part line)
{
    struct part name, value;
    char text[VALUE_BYTES];
    if (!divide(line, &name, &value))
        return name.bytes == 0;
    const struct setting *setting = find(name.start, name.bytes);
    if (!setting)
        return true; /* of a later version */
    if (value.bytes >= sizeof text)
        return false;
    memcpy(text, value.start, value.bytes);
    text[value.bytes] = '\0';
    return setting->read(settings, text);
}

/* ---- the file ---- */

static char *usual_path(void)
{
    const char *directory = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (directory && directory[0] == '/')
        return hive_format("%s/hive/hivetop.conf", directory);
    return home && home[0] == '/' ? hive_format("%s/.config/hive/hivetop.conf", home) : NULL;
}

int config_load(struct config *config, const char *path, struct hive_error *error)
{
    struct hive_buffer content = {0};
    config->path = path ? hive_strdup(path) : usual_path();
    int result = config->path ? hive_file_read(config->path, CONFIG_BYTES, &content, error) : 0;
    if (result == -ENOENT) {
        result = 0;
    } else if (result) {
        config->is_damaged = true;
    }
    const char *at = content.data, *end = content.data + content.size;
    struct part line;
    for (int number = 1; !result && content.size && next_line(&at, end, &line); number++) {
        struct settings before = config->settings;
        if (take_line(&config->settings, line) && !memchr(line.start, '\0', line.bytes))
            continue;
        config->settings = before;
        if (!config->is_damaged)
            hive_error_set(error, -EINVAL, "line %d says nothing that is known: %.*s (%.200s)", number,
                           line.bytes > 60 ? 60 : (int)line.bytes, line.start, config->path);
        config->is_damaged = true;
    }
    hive_buffer_finish(&content);
    return result ? result : config->is_damaged ? -EINVAL : 0;
}

void config_finish(struct config *config)
{
    free(config->path);
    *config = (struct config){0};
}

static bool has_changed(const struct setting *setting, const struct settings *before,
                        const struct settings *now, char value[VALUE_BYTES])
{
    char old[VALUE_BYTES];
    setting->write(before, old);
    setting->write(now, value);
    return strcmp(old, value) != 0;
}

/* The file with the changed settings in their lines, or in new ones at its end. */
static void rewrite(const struct hive_buffer *content, const struct settings *before,
                    const struct settings *now, struct hive_buffer *out)
{
    bool is_written[sizeof table / sizeof *table] = {false};
    char text[VALUE_BYTES];
    const char *at = content->data, *end = content->data + content->size;
    struct part line, name, value;
    while (content->size && next_line(&at, end, &line)) {
        const struct setting *setting = divide(line, &name, &value) ? find(name.start, name.bytes) : NULL;
        if (setting && has_changed(setting, before, now, text)) {
            hive_buffer_format(out, "%s = %s\n", setting->name, text);
            is_written[setting - table] = true;
        } else {
            hive_buffer_append(out, line.start, line.bytes);
            hive_buffer_append_text(out, "\n");
        }
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!is_written[i] && has_changed(&table[i], before, now, text))
            hive_buffer_format(out, "%s = %s\n", table[i].name, text);
    }
}

static int write_file(const char *path, const struct hive_buffer *content, struct hive_error *error)
{
    char *target = realpath(path, NULL); /* a link stays one */
    char *directory = hive_strdup(target ? target : path);
    char *slash = strrchr(directory, '/');
    int result = 0;
    if (slash && slash != directory) {
        *slash = '\0';
        result = hive_file_make_directories(directory, 0700, error);
    }
    if (!result)
        result = hive_file_write(target ? target : path, content->data, content->size, 0600, error);
    free(directory);
    free(target);
    return result;
}

int config_save(struct config *config, const struct settings *settings, struct hive_error *error)
{
    struct hive_buffer content = {0}, changed = {0};
    if (!config->path)
        return 0;
    if (config->is_damaged)
        return hive_error_set(error, -EINVAL,
                              "nothing was written, since this is damaged, mend or remove it: %.200s",
                              config->path);
    int result = hive_file_read(config->path, CONFIG_BYTES, &content, error);
    if (result == 0 || result == -ENOENT) {
        rewrite(&content, &config->settings, settings, &changed);
        result = changed.size ? write_file(config->path, &changed, error) : 0;
    }
    if (!result)
        config->settings = *settings;
    hive_buffer_finish(&content);
    hive_buffer_finish(&changed);
    return result;
}
