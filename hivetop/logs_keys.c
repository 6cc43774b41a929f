/* The keys of the logs' screen, and what is typed there. */
#include <time.h>

#include "hive/log.h"
#include "keys.h"
#include "line.h"
#include "logs.h"

#define SHIFT_COLUMNS 16
#define SHIFT_MOST    LOG_TEXT_BYTES

static struct log_pattern *typed_pattern(struct logs *logs)
{
    return logs->typing == LOGS_TYPING_FILTER ? &logs->filter : &logs->find;
}

/* What is typed takes effect at once. */
static void apply(struct logs *logs)
{
    if (logs->typing == LOGS_TYPING_PATH)
        return;
    log_pattern_update(typed_pattern(logs));
    if (logs->typing == LOGS_TYPING_FILTER) {
        logs_choose(logs);
        return;
    }
    logs->has_found = false;
    logs->bottom = logs->bottom_before;
    logs->is_following = logs->was_following;
    logs_find(logs, 1, false);
}

static void begin_typing(struct logs *logs, enum logs_typing typing)
{
    logs->typing = typing;
    if (typing == LOGS_TYPING_PATH) {
        time_t seconds = (time_t)(logs->unix_ms / 1000);
        struct tm now;
        char text[32] = "";
        if (localtime_r(&seconds, &now))
            strftime(text, sizeof text, "%Y%m%d-%H%M%S", &now);
        snprintf(logs->path, sizeof logs->path, "%s-%s.log", logs->cluster[0] ? logs->cluster : "hive", text);
        return;
    }
    struct log_pattern *pattern = typed_pattern(logs);
    memcpy(logs->before, pattern->source, sizeof logs->before);
    logs->bottom_before = logs->bottom;
    logs->was_following = logs->is_following;
    if (typing == LOGS_TYPING_FIND) {
        pattern->source[0] = '\0';
        apply(logs);
    }
}

static void end_typing(struct logs *logs)
{
    enum logs_typing typing = logs->typing;
    logs->typing = LOGS_NOT_TYPING;
    if (typing == LOGS_TYPING_PATH && logs->path[0])
        logs_save(logs);
    else if (typing == LOGS_TYPING_FIND && logs->find.source[0] && !logs->has_found)
        logs_say(logs, EVENT_WARNING, "no line has \"%s\" in it; g reads what is older", logs->find.source);
}

static void give_up_typing(struct logs *logs)
{
    if (logs->typing == LOGS_TYPING_PATH)
        logs_say(logs, EVENT_INFO, "nothing was saved");
    else
        memcpy(typed_pattern(logs)->source, logs->before, sizeof logs->before);
    if (logs->typing == LOGS_TYPING_FIND)
        logs->find.source[0] = '\0';
    apply(logs);
    logs->typing = LOGS_NOT_TYPING;
}

static unsigned typing_key(struct logs *logs, int key)
{
    char *text = logs->typing == LOGS_TYPING_PATH ? logs->path : typed_pattern(logs)->source;
    size_t capacity = logs->typing == LOGS_TYPING_PATH ? sizeof logs->path : LOG_PATTERN_BYTES;
    if (key == KEYS_ENTER)
        end_typing(logs);
    else if (key == KEYS_ESCAPE)
        give_up_typing(logs);
    else if (key == KEYS_UP)
        logs_scroll(logs, -1);
    else if (key == KEYS_DOWN)
        logs_scroll(logs, 1);
    else if (line_key(text, capacity, key))
        apply(logs);
    return REACTION_NONE;
}

/* Closes what was opened last. */
static unsigned go_back(struct logs *logs)
{
    if (logs->find.source[0]) {
        logs->find.source[0] = '\0';
        log_pattern_update(&logs->find);
        logs->has_found = false;
    } else if (logs->filter.source[0]) {
        logs->filter.source[0] = '\0';
        log_pattern_update(&logs->filter);
        logs_choose(logs);
    } else {
        return REACTION_BACK;
    }
    return REACTION_NONE;
}

static void find_next(struct logs *logs, int direction)
{
    if (!logs->find.source[0])
        logs_say(logs, EVENT_INFO, "press / and type what to look for");
    else if (!logs_find(logs, direction, true))
        logs_say(logs, EVENT_WARNING, "no %s line has \"%s\" in it%s", direction > 0 ? "older" : "newer",
                 logs->find.source, direction > 0 ? "; g reads what is older" : "");
}

static bool move_key(struct logs *logs, int key)
{
    int page = logs->rows > 1 ? logs->rows - 1 : 1;
    switch (key) {
    case 'j':
    case KEYS_DOWN:
        logs_scroll(logs, 1);
        return true;
    case 'k':
    case KEYS_UP:
        logs_scroll(logs, -1);
        return true;
    case KEYS_PAGE_DOWN:
    case ' ':
        logs_scroll(logs, page);
        return true;
    case KEYS_PAGE_UP:
        logs_scroll(logs, -page);
        return true;
    case 'g':
    case KEYS_HOME:
        logs_go_first(logs);
        return true;
    case 'G':
    case KEYS_END:
        logs_follow(logs);
        return true;
    case KEYS_LEFT:
        logs->shift -= logs->shift > 0 ? SHIFT_COLUMNS : 0;
        return true;
    case KEYS_RIGHT:
        logs->shift += !logs->is_wrapped && logs->shift < SHIFT_MOST ? SHIFT_COLUMNS : 0;
        return true;
    default:
        return false;
    }
}

static void change_time(struct logs *logs)
{
    static const char *const words[] = {"the time of day", "how long ago it was", "no time"};
    logs->time = (logs->time + 1) % LOGS_TIMES;
    logs_say(logs, EVENT_INFO, "each line with %s", words[logs->time]);
}

unsigned logs_key(struct logs *logs, int key)
{
    logs->status[0] = '\0';
    if (logs->typing != LOGS_NOT_TYPING)
        return typing_key(logs, key);
    if (move_key(logs, key))
        return REACTION_NONE;
    switch (key) {
    case 'F':
        if (logs->is_following)
            logs_scroll(logs, 0);
        else
            logs_follow(logs);
        return REACTION_NONE;
    case 'w':
        logs->is_wrapped = !logs->is_wrapped;
        logs->shift = 0;
        return REACTION_NONE;
    case 'T':
        change_time(logs);
        return REACTION_NONE;
    case 'f':
    case '&':
        begin_typing(logs, LOGS_TYPING_FILTER);
        return REACTION_NONE;
    case '/':
        begin_typing(logs, LOGS_TYPING_FIND);
        return REACTION_NONE;
    case 'n':
    case 'N':
        find_next(logs, key == 'n' ? 1 : -1);
        return REACTION_NONE;
    case '1':
    case '2':
    case '3':
    case '4':
        logs->level = HIVE_LOG_DEBUG + key - '1';
        logs_choose(logs);
        return REACTION_NONE;
    case 'a':
        logs->is_all = !logs->is_all;
        logs->is_chosen = false;
        return REACTION_NONE;
    case KEYS_TAB:
    case KEYS_BACK_TAB:
        logs->steps += key == KEYS_TAB ? 1 : -1;
        return REACTION_NONE;
    case 's':
        begin_typing(logs, LOGS_TYPING_PATH);
        return REACTION_NONE;
    case KEYS_ESCAPE:
        return go_back(logs);
    default:
        return REACTION_NOT_MINE;
    }
}
