/* Telling, doing and claiming. A claim that does not hold ends the lesson: what follows would be built on sand. */
#include "lesson.h"

#include <errno.h>
#include <poll.h>

#include "command.h"
#include "hive/clock.h"
#include "hive/memory.h"
#include "order.h"

#define COLUMNS       78
#define LOOK_EVERY_MS 25
#define AWAIT_MS      10000
#define NEVER_MS      2000
#define WORDS_MAX     32

enum outcome { WENT_ON, FAILED, LEFT };

struct play {
    const struct lesson_run *run;
    struct hive_buffer paragraph; /* of `say`, not yet told */
    size_t claims;                /* that held */
};

/* ---- telling ---- */

static void print_in(const struct play *play, const char *colour, const char *text)
{
    if (play->run->has_colour)
        printf("\033[%sm%s\033[m", colour, text);
    else
        fputs(text, stdout);
}

/* Columns of a word: its characters. */
static size_t width_of(const char *word, size_t bytes)
{
    size_t width = 0;
    for (size_t i = 0; i < bytes; i++)
        width += ((unsigned char)word[i] & 0xc0) != 0x80;
    return width;
}

static void tell(struct play *play)
{
    const char *text = play->paragraph.data;
    size_t column = 0;
    if (!play->paragraph.size)
        return;
    putchar('\n');
    while (*(text += strspn(text, " "))) {
        size_t bytes = strcspn(text, " "), width = width_of(text, bytes);
        if (column && column + 1 + width > COLUMNS) {
            putchar('\n');
            column = 0;
        }
        if (column)
            putchar(' ');
        printf("%.*s", (int)bytes, text);
        column += width + (column > 0);
        text += bytes;
    }
    putchar('\n');
    fflush(stdout);
    hive_buffer_clear(&play->paragraph);
}

static enum outcome pause(const struct play *play)
{
    char line[64];
    if (play->run->is_auto)
        return WENT_ON;
    print_in(play, "2", "\n[Enter goes on, q Enter leaves] ");
    fflush(stdout);
    return fgets(line, sizeof line, stdin) && line[0] != 'q' ? WENT_ON : LEFT;
}

/* ---- doing ---- */

static enum outcome complain(const struct lesson_step *step, const struct lesson *lesson, const char *message)
{
    fflush(stdout);
    fprintf(stderr, "launcher: %s:%d: %s\n", lesson->path, step->line, message);
    return FAILED;
}

/* What a word of `do` stands for: variables alone are looked up, since verbs know leader, follower and random themselves. */
static char *word_of(const struct play *play, const char *word)
{
    struct hive_buffer value = {0};
    if (word[0] != '$')
        return hive_strdup(word);
    lesson_stage_value(play->run->stage, word, &value);
    return hive_buffer_take(&value);
}

static int run_verb(const struct play *play, const struct lesson_step *step)
{
    char *argv[WORDS_MAX + 4];
    int argc = 0;
    struct hive_error error;
    const struct hive_command *verb = hive_options_find_verb(&launcher_command, step->words.items[0], &error);
    if (!verb || verb->run == lesson_run_verb) {
        fprintf(stderr, "launcher: %s\n", verb ? "a lesson cannot hold another one" : error.message);
        return HIVE_EXIT_USAGE;
    }
    print_in(play, "1", "\n  $ launcher");
    for (size_t i = 0; i < step->words.count && argc < WORDS_MAX; i++) {
        argv[argc++] = word_of(play, step->words.items[i]);
        printf(" %s", argv[argc - 1]);
    }
    int owned = argc;
    putchar('\n');
    fflush(stdout);
    argv[argc++] = (char *)"--cluster";
    argv[argc++] = play->run->stage->cluster;
    argv[argc] = NULL;
    int status = verb->run(verb, argc, argv);
    for (int i = 0; i < owned; i++)
        free(argv[i]);
    fflush(stdout);
    return status;
}

static enum outcome put(const struct play *play, const struct lesson_step *step)
{
    const char *const *words = step->words.items;
    char *key = word_of(play, words[0]), *value = word_of(play, words[1]);
    char *node = step->words.count == 4 ? word_of(play, words[3]) : NULL;
    struct hive_buffer answer = {0};
    printf("\n  PUT /kv/%s %s%s%s\n", key, value, node ? " at " : "", node ? node : "");
    fflush(stdout);
    lesson_stage_put(play->run->stage, key, value, node);
    lesson_stage_value(play->run->stage, "$answer", &answer);
    printf("    answer: %s\n", answer.data);
    hive_buffer_finish(&answer);
    free(node);
    free(value);
    free(key);
    return WENT_ON;
}

static enum outcome let(const struct play *play, const struct lesson_step *step)
{
    struct hive_buffer value = {0};
    lesson_stage_look(play->run->stage);
    lesson_stage_value(play->run->stage, step->words.items[2], &value);
    lesson_stage_let(play->run->stage, step->words.items[0], value.data);
    hive_buffer_finish(&value);
    return WENT_ON;
}

/* ---- claiming ---- */

/* Divides "… within 5s" from the condition. */
static int take_time(const struct lesson_step *step, struct hive_strings *condition, int64_t *time_ms)
{
    *condition = step->words;
    if (condition->count < 2 || strcmp(condition->items[condition->count - 2], "within") != 0)
        return 0;
    char *end;
    double number = strtod(condition->items[condition->count - 1], &end);
    double unit = strcmp(end, "ms") == 0 ? 1 : strcmp(end, "s") == 0 ? 1000 : 0;
    condition->count -= 2;
    *time_ms = (int64_t)(number * unit);
    return unit > 0 && number > 0 ? 0 : -EINVAL;
}

static void print_verdict(struct play *play, const struct lesson_step *step, bool is_good, int64_t took_ms,
                          const struct hive_buffer *said)
{
    print_in(play, is_good ? "32" : "1;31", is_good ? "  ok    " : "  FAILED ");
    if (step->reason)
        fputs(step->reason, stdout);
    for (size_t i = 0; i < step->words.count && !step->reason; i++)
        printf("%s%s", i ? " " : "", step->words.items[i]);
    printf("%s%s%s", " (", said->data, "");
    if (step->word == LESSON_AWAIT && is_good)
        printf(", after %lld ms", (long long)took_ms);
    puts(")");
    fflush(stdout);
    play->claims += is_good;
}

static enum outcome judge(struct play *play, const struct lesson_step *step)
{
    struct hive_error error;
    struct hive_buffer said = {0};
    struct hive_strings condition;
    bool is_never = step->word == LESSON_NEVER, holds = false;
    int64_t limit_ms = step->word == LESSON_AWAIT ? AWAIT_MS : is_never ? NEVER_MS : 0;
    if (take_time(step, &condition, &limit_ms))
        return complain(step, play->run->lesson, "a time is 500ms or 5s");
    int64_t began_ms = hive_clock_monotonic_ms(), took_ms = 0;
    int result;
    while (!(result = lesson_stage_holds(play->run->stage, &condition, &holds, &said, &error)) && !holds) {
        took_ms = hive_clock_monotonic_ms() - began_ms;
        if (took_ms >= limit_ms)
            break;
        poll(NULL, 0, LOOK_EVERY_MS);
    }
    if (result) {
        hive_buffer_finish(&said);
        return complain(step, play->run->lesson, error.message);
    }
    took_ms = hive_clock_monotonic_ms() - began_ms;
    print_verdict(play, step, holds != is_never, took_ms, &said);
    hive_buffer_finish(&said);
    return holds != is_never ? WENT_ON : FAILED;
}

/* ---- the play ---- */

static enum outcome act(struct play *play, const struct lesson_step *step)
{
    switch (step->word) {
    case LESSON_SAY:
        hive_buffer_format(&play->paragraph, " %s", step->words.count ? step->words.items[0] : "");
        return WENT_ON;
    case LESSON_PAUSE:
        return pause(play);
    case LESSON_LET:
        return let(play, step);
    case LESSON_DO:
        return run_verb(play, step) == HIVE_EXIT_OK
                   ? WENT_ON
                   : complain(step, play->run->lesson, "that could not be done");
    case LESSON_PUT:
        return put(play, step);
    default:
        return judge(play, step);
    }
}

/* The cluster is left as it was found. */
static void clean_up(const struct play *play)
{
    struct hive_buffer path = {0}, answer = {0};
    struct lesson_stage *stage = play->run->stage;
    lesson_stage_look(stage);
    order_call(&stage->ledger, "DELETE", "/links", NULL, &answer);
    for (size_t i = 0; i < stage->ledger.node_count; i++) {
        const struct hive_ledger_node *node = &stage->ledger.nodes[i];
        bool is_paused = node->state == HIVE_NODE_PAUSED;
        if (node->process.pid > 0 && !is_paused)
            continue;
        hive_buffer_clear(&path);
        hive_buffer_format(&path, "/nodes/%s/%s", node->name, is_paused ? "resume" : "restart");
        order_send(&stage->ledger, path.data, &answer);
    }
    hive_buffer_finish(&path);
    hive_buffer_finish(&answer);
}

enum hive_exit lesson_play(const struct lesson_run *run)
{
    struct play play = {.run = run};
    const struct lesson *lesson = run->lesson;
    enum outcome outcome = WENT_ON;
    print_in(&play, "1", lesson->title);
    putchar('\n');
    for (size_t i = 0; i < lesson->count && outcome == WENT_ON; i++) {
        const struct lesson_step *step = &lesson->steps[i];
        bool is_next_line = step->word == LESSON_SAY && i > 0 && lesson->steps[i - 1].word == LESSON_SAY &&
                            lesson->steps[i - 1].line == step->line - 1;
        if (!is_next_line)
            tell(&play);
        outcome = act(&play, step);
    }
    tell(&play);
    hive_buffer_finish(&play.paragraph);
    clean_up(&play);
    if (outcome == WENT_ON)
        printf("\n%s: all %zu claims held\n", lesson->title, play.claims);
    else if (outcome == FAILED)
        printf("\n%s: it did not go as told, after %zu claims that held\n", lesson->title, play.claims);
    return outcome == FAILED ? HIVE_EXIT_FAILED : HIVE_EXIT_OK;
}
