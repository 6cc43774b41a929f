/* One instruction a line, its name first; `#` begins a comment, blank lines divide. Nothing is expanded here: words are looked up
 * when their step's turn has come. Files are found in the user's own folder first, then beside the program (installed or built). */
#include "lesson_file.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "hive/file.h"
#include "hive/limits.h"
#include "hive/memory.h"
#include "spawn.h"
#include "words.h"

#define FILE_BYTES (256 * 1024) /* the longest lesson that anybody would sit through, many times over */
#define SUFFIX     ".lesson"

#define WITHIN "[within TIME] [-- WHY]"

const struct lesson_instruction lesson_instructions[LESSON_WORDS] = {
    [LESSON_TITLE] = {"title", "TEXT", "what the lesson is called", 1, 1, true, true},
    [LESSON_ABOUT] = {"about", "TEXT", "one sentence for the list", 1, 1, true, true},
    [LESSON_QUEENS] = {"queens", "N", "how many queens it needs at least", 1, 1, true, false},
    [LESSON_DRONES] = {"drones", "N", "how many drones it needs at least", 1, 1, true, false},
    [LESSON_OPTIONS] = {"options", "WORDS",
                        "further options of the launcher, where a cluster is started for the lesson", 1, -1,
                        true, false},
    [LESSON_SAY] = {"say", "TEXT", "tells; lines in a row are one paragraph", 0, 1, false, true},
    [LESSON_PAUSE] = {"pause", "", "waits for Enter (not with --auto)", 0, 0, false, false},
    [LESSON_LET] = {"let", "NAME = VALUE", "remembers what VALUE is now: from here on $NAME", 3, 3, false,
                    false},
    [LESSON_DO] = {"do", "VERB WORDS", "what 'launcher VERB WORDS' does", 1, -1, false, false},
    [LESSON_PUT] =
        {"put", "KEY VALUE [at NODE]",
         "writes through the leader, or at NODE and nowhere else; $answer is then the HTTP status, or none",
         2, 4, false, false},
    [LESSON_AWAIT] = {"await", "VALUE [OP VALUE] " WITHIN,
                      "waits until it is so (10 seconds, where not said); else the lesson fails", 1, -1,
                      false, false},
    [LESSON_CLAIM] = {"claim", "VALUE [OP VALUE] [-- WHY]", "it is so now, or the lesson fails", 1, -1, false,
                      false},
    [LESSON_NEVER] = {"never", "VALUE [OP VALUE] " WITHIN,
                      "it is not so, all the time (2 seconds, where not said), or the lesson fails", 1, -1,
                      false, false},
};

/* ---- parsing ---- */

static int complain(const struct lesson *lesson, int line, struct hive_error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int complain(const struct lesson *lesson, int line, struct hive_error *error, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return hive_error_set(error, -EINVAL, "%s:%d: %s", lesson->path, line, text);
}

static enum lesson_word word_of(const char *name, size_t bytes)
{
    enum lesson_word word = 0;
    while (word < LESSON_WORDS && (strlen(lesson_instructions[word].name) != bytes ||
                                   strncmp(lesson_instructions[word].name, name, bytes) != 0))
        word++;
    return word;
}

static int take_number(struct lesson *lesson, const struct lesson_step *step, int64_t *number,
                       struct hive_error *error)
{
    char *end;
    *number = strtoll(step->words.items[0], &end, 10);
    if (*end || *number < 0 || *number > HIVE_QUEENS)
        return complain(lesson, step->line, error, "'%.40s' is no number of nodes from 0 to %d",
                        step->words.items[0], HIVE_QUEENS);
    return 0;
}

/* What stands before the steps goes to the lesson itself. */
static int take_head(struct lesson *lesson, struct lesson_step *step, struct hive_error *error)
{
    if (lesson->count)
        return complain(lesson, step->line, error, "'%s' belongs to the beginning, before the first step",
                        lesson_instructions[step->word].name);
    char **text = step->word == LESSON_TITLE ? &lesson->title : &lesson->about;
    switch (step->word) {
    case LESSON_QUEENS:
        return take_number(lesson, step, &lesson->queens, error);
    case LESSON_DRONES:
        return take_number(lesson, step, &lesson->drones, error);
    case LESSON_OPTIONS:
        for (size_t i = 0; i < step->words.count; i++)
            hive_strings_append(&lesson->options, step->words.items[i], strlen(step->words.items[i]));
        return 0;
    default:
        free(*text);
        *text = hive_strdup(step->words.items[0]);
        return 0;
    }
}

static void step_finish(struct lesson_step *step)
{
    hive_strings_finish(&step->words);
    free(step->reason);
}

/* The words of a line, and what stands behind " -- ". */
static int split(struct lesson *lesson, struct lesson_step *step, const char *rest, struct hive_error *error)
{
    struct hive_error inner;
    const struct lesson_instruction *instruction = &lesson_instructions[step->word];
    if (instruction->is_text) {
        if (*rest)
            hive_strings_append(&step->words, rest, strlen(rest));
    } else {
        const char *reason = strstr(rest, " -- ");
        char *words = reason ? hive_format("%.*s", (int)(reason - rest), rest) : hive_strdup(rest);
        step->reason = reason ? hive_strdup(reason + strlen(" -- ")) : NULL;
        int result = words_split(words, &step->words, &inner);
        free(words);
        if (result)
            return complain(lesson, step->line, error, "%s", inner.message);
    }
    int count = (int)step->words.count;
    if (count < instruction->words_min || (instruction->words_max >= 0 && count > instruction->words_max) ||
        (step->word == LESSON_LET && strcmp(step->words.items[1], "=") != 0) ||
        (step->word == LESSON_PUT && count > 2 && (count != 4 || strcmp(step->words.items[2], "at") != 0)))
        return complain(lesson, step->line, error, "write '%s %s'", instruction->name, instruction->synopsis);
    return 0;
}

static int take_line(struct lesson *lesson, int number, const char *line, struct hive_error *error)
{
    line += strspn(line, " \t");
    size_t bytes = strcspn(line, " \t");
    if (!*line || *line == '#')
        return 0;
    struct lesson_step step = {.word = word_of(line, bytes), .line = number};
    if (step.word == LESSON_WORDS)
        return complain(lesson, number, error, "no instruction '%.*s': share/lessons/README lists them",
                        (int)bytes, line);
    const char *rest = line + bytes + strspn(line + bytes, " \t");
    int result = split(lesson, &step, rest, error);
    if (!result && lesson_instructions[step.word].is_head) {
        result = take_head(lesson, &step, error);
        step_finish(&step);
    } else if (!result) {
        lesson->steps = hive_realloc(lesson->steps, lesson->count + 1, sizeof *lesson->steps);
        lesson->steps[lesson->count++] = step;
    } else {
        step_finish(&step);
    }
    return result;
}

int lesson_parse(const char *path, const char *text, struct lesson *lesson, struct hive_error *error)
{
    *lesson = (struct lesson){.path = hive_strdup(path), .queens = 3};
    int result = 0;
    for (int number = 1; *text && !result; number++) {
        size_t bytes = strcspn(text, "\r\n"), blank = bytes;
        while (blank > 0 && (text[blank - 1] == ' ' || text[blank - 1] == '\t'))
            blank--;
        char *line = hive_format("%.*s", (int)blank, text);
        result = take_line(lesson, number, line, error);
        free(line);
        text += bytes;
        text += *text == '\r';
        text += *text == '\n';
    }
    if (!result && (!lesson->title || !lesson->count))
        result = hive_error_set(error, -EINVAL, "%s: a lesson has a title and at least one step", path);
    if (!result && !lesson->about)
        lesson->about = hive_strdup("");
    if (result)
        lesson_finish(lesson);
    return result;
}

int lesson_load(const char *path, struct lesson *lesson, struct hive_error *error)
{
    struct hive_buffer text = {0};
    int result = hive_file_read(path, FILE_BYTES, &text, error);
    if (!result)
        result = lesson_parse(path, text.data ? text.data : "", lesson, error);
    hive_buffer_finish(&text);
    return result;
}

void lesson_finish(struct lesson *lesson)
{
    for (size_t i = 0; i < lesson->count; i++)
        step_finish(&lesson->steps[i]);
    free(lesson->steps);
    hive_strings_finish(&lesson->options);
    free(lesson->about);
    free(lesson->title);
    free(lesson->path);
    *lesson = (struct lesson){0};
}

/* ---- finding ---- */

#define PLACES 3

/* Where lessons are, in the order in which they are looked for; the caller frees each. */
static size_t places(char *found[PLACES])
{
    size_t count = 0;
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && data[0] == '/')
        found[count++] = hive_format("%s/hive/lessons", data);
    else if (home && home[0])
        found[count++] = hive_format("%s/.local/share/hive/lessons", home);
    found[count++] = spawn_path_beside("../share/hive/lessons"); /* PREFIX/bin */
    found[count++] = spawn_path_beside("../../share/lessons");   /* the tree that it was built in */
    return count;
}

int lesson_find(const char *name, char **path, struct hive_error *error)
{
    if (strchr(name, '/')) {
        *path = hive_strdup(name);
        return 0;
    }
    char *found[PLACES], *match = NULL;
    size_t count = places(found);
    for (size_t i = 0; i < count; i++) {
        char *tried = match ? NULL : hive_format("%s/%s" SUFFIX, found[i], name);
        if (tried && access(tried, R_OK) == 0)
            match = tried;
        else
            free(tried);
    }
    int result =
        match ? 0
              : hive_error_set(
                    error, -ENOENT,
                    "no lesson '%s': 'launcher lesson' lists them; one of your own is a file in %s, or any "
                    "path with a slash",
                    name, found[0]);
    for (size_t i = 0; i < count; i++)
        free(found[i]);
    *path = match;
    return result;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void take_names(const char *place, struct hive_strings *names)
{
    DIR *list = opendir(place);
    const struct dirent *entry;
    while (list && (entry = readdir(list))) {
        size_t bytes = strlen(entry->d_name), suffix = strlen(SUFFIX);
        bool is_lesson = bytes > suffix && strcmp(entry->d_name + bytes - suffix, SUFFIX) == 0;
        for (size_t i = 0; i < names->count && is_lesson; i++)
            is_lesson = strncmp(names->items[i], entry->d_name, bytes - suffix) != 0 ||
                        names->items[i][bytes - suffix];
        if (is_lesson)
            hive_strings_append(names, entry->d_name, bytes - suffix);
    }
    if (list)
        closedir(list);
}

void lesson_names(struct hive_strings *names)
{
    char *found[PLACES];
    size_t count = places(found);
    for (size_t i = 0; i < count; i++) {
        take_names(found[i], names);
        free(found[i]);
    }
    if (names->count)
        qsort(names->items, names->count, sizeof *names->items, compare);
}
