/* Going back and forth. Whatever was asked for, it ends at a moment that there is: the first one that is kept, or the last. */
#include "rewind.h"

#include "format.h"
#include "trace.h"

#define SCAN_MS 20 /* of reading a recording ahead, between two looks at the keyboard */

void rewind_init(struct rewind *rewind, const struct model *live, struct replay *replay)
{
    *rewind = (struct rewind){.live = live, .replay = replay, .speed = 1};
    history_init(&rewind->history, HISTORY_BYTES);
    if (replay) {
        rewind->is_past = rewind->is_running = true;
        rewind->at_ms = TRACE_BASE_MS;
        rewind->shown = replay_seek(replay, rewind->at_ms);
    }
}

void rewind_finish(struct rewind *rewind)
{
    history_cursor_finish(&rewind->cursor);
    history_finish(&rewind->history);
    replay_close(rewind->replay);
    *rewind = (struct rewind){0};
}

const struct model *rewind_model(const struct rewind *rewind)
{
    return rewind->shown ? rewind->shown : rewind->live;
}

static int64_t first_ms(const struct rewind *rewind)
{
    return rewind->replay ? TRACE_BASE_MS : history_first_ms(&rewind->history);
}

static int64_t last_ms(const struct rewind *rewind)
{
    return rewind->replay ? replay_last_ms(rewind->replay) : rewind->live->now_ms;
}

/* ---- showing ---- */

/* "1:02:03", of milliseconds; short runs with tenths. */
static void format_position(int64_t ms, bool is_short, char text[FORMAT_BYTES])
{
    long long seconds = ms / 1000, tenths = ms % 1000 / 100;
    if (is_short)
        snprintf(text, FORMAT_BYTES, "%lld:%02lld.%lld", seconds / 60, seconds % 60, tenths);
    else if (seconds < 3600)
        snprintf(text, FORMAT_BYTES, "%lld:%02lld", seconds / 60, seconds % 60);
    else
        snprintf(text, FORMAT_BYTES, "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static void tell_replay(const struct rewind *rewind, struct ui *ui)
{
    char at[FORMAT_BYTES], end[FORMAT_BYTES], speed[FORMAT_BYTES] = "";
    int64_t length_ms = last_ms(rewind) - TRACE_BASE_MS;
    format_position(rewind->at_ms - TRACE_BASE_MS, length_ms < 600000, at);
    format_position(length_ms, length_ms < 600000, end);
    if (rewind->speed != 1)
        snprintf(speed, sizeof speed, rewind->speed < 1 ? " /%.0f" : " x%.0f",
                 rewind->speed < 1 ? 1 / rewind->speed : rewind->speed);
    snprintf(ui->replay, sizeof ui->replay, "%s %s/%s%s",
             rewind->is_running || ui->is_print_out ? "REPLAY" : "FROZEN", at, end, speed);
}

/* The interface and what is drawn follow from where one is. */
static void settle(struct rewind *rewind, struct ui *ui)
{
    if (!rewind->is_past) {
        history_cursor_finish(&rewind->cursor);
        rewind->shown = NULL;
        ui->is_frozen = false;
        ui->shown_ms = 0;
        return;
    }
    if (rewind->replay) {
        rewind->shown = replay_seek(rewind->replay, rewind->at_ms);
        tell_replay(rewind, ui);
    } else {
        history_seek(&rewind->history, &rewind->cursor, rewind->at_ms);
        rewind->shown = rewind->cursor.model;
    }
    ui->is_frozen = !rewind->is_running;
    ui->shown_ms = rewind->shown->unix_ms;
}

void rewind_begin(struct rewind *rewind, struct ui *ui)
{
    rewind->is_past = rewind->is_running = false;
    rewind->election_ms = 0;
    settle(rewind, ui);
    history_begin(&rewind->history, rewind->live);
}

void rewind_go(struct rewind *rewind, struct ui *ui, int64_t at_ms)
{
    int64_t first = first_ms(rewind), last = last_ms(rewind);
    rewind->at_ms = at_ms < first ? first : at_ms > last ? last : at_ms;
    rewind->rest_ms = 0;
    rewind->is_past = true;
    settle(rewind, ui);
}

/* ---- keys ---- */

/* Held down, it goes through an hour in some seconds. */
static int64_t step_ms(struct rewind *rewind, enum seek_kind kind, int64_t now_ms)
{
    static const struct {
        int presses, factor;
    } paces[] = {{80, 30}, {40, 10}, {20, 5}, {10, 2}, {0, 1}};
    bool is_held = rewind->pressed == kind && now_ms - rewind->pressed_ms <= REWIND_REPEAT_MS;
    rewind->presses = is_held ? rewind->presses + 1 : 0;
    rewind->pressed = kind;
    rewind->pressed_ms = now_ms;
    int64_t span_ms = last_ms(rewind) - first_ms(rewind);
    int64_t base_ms = rewind->replay && span_ms < 100000 ? span_ms / 100 : 1000; /* a film may be short */
    int pace = 0;
    while (paces[pace].presses > rewind->presses)
        pace++;
    return (base_ms < 10 ? 10 : base_ms) * paces[pace].factor;
}

static void go_live(struct rewind *rewind, struct ui *ui)
{
    rewind->is_past = rewind->is_running = rewind->was_moved = false;
    settle(rewind, ui);
}

/* What the present is in a replay: its end. */
static void go_to_end(struct rewind *rewind, struct ui *ui)
{
    if (!rewind->replay) {
        go_live(rewind, ui);
        return;
    }
    rewind->is_running = false;
    rewind_go(rewind, ui, last_ms(rewind));
}

static void tell_reach(struct rewind *rewind, struct ui *ui)
{
    char reach[FORMAT_BYTES];
    format_age(last_ms(rewind) - first_ms(rewind), reach);
    if (rewind->replay)
        ui_say(ui, rewind->live, EVENT_INFO, "this is where the recording begins");
    else
        ui_say(ui, rewind->live, EVENT_INFO, "this is as far back as the memory reaches: %s ago", reach);
}

static void step(struct rewind *rewind, struct ui *ui, enum seek_kind kind, int64_t now_ms)
{
    int64_t from_ms = rewind->is_past ? rewind->at_ms : last_ms(rewind);
    int64_t to_ms = from_ms + (kind == SEEK_BACK ? -1 : 1) * step_ms(rewind, kind, now_ms);
    if (kind == SEEK_FORWARD && (!rewind->is_past || to_ms >= last_ms(rewind))) {
        if (!rewind->is_past || rewind->replay)
            ui_say(ui, rewind->live, EVENT_INFO,
                   rewind->replay ? "this is where the recording ends" : "this is now");
        go_to_end(rewind, ui);
        return;
    }
    if (to_ms < first_ms(rewind))
        tell_reach(rewind, ui);
    if (!rewind->replay)
        rewind->is_running = false;
    rewind->was_moved = true;
    rewind_go(rewind, ui, to_ms);
}

static void seek_election(struct rewind *rewind, struct ui *ui, bool is_before)
{
    const struct model *model = rewind_model(rewind);
    const struct timeline *known =
        rewind->replay && !is_before ? replay_timeline(rewind->replay) : &rewind->live->timeline;
    if (rewind->replay && is_before)
        known = &model->timeline;
    int64_t offset_ms = model->unix_ms - model->now_ms;
    int64_t looked_at_ms = model->unix_ms - REWIND_ELECTION_MS;
    /* The two clocks never tell quite the same: what stands still at an election is asked for that one's neighbour. */
    if (rewind->is_past && rewind->election_ms && rewind->at_ms == rewind->election_at_ms)
        looked_at_ms = rewind->election_ms;
    int64_t start_ms = is_before ? timeline_election_before(known, looked_at_ms)
                                 : timeline_election_after(known, looked_at_ms);
    int64_t to_ms = start_ms + REWIND_ELECTION_MS - offset_ms;
    if (start_ms == 0 || to_ms < first_ms(rewind) || to_ms > last_ms(rewind) + REWIND_ELECTION_MS) {
        ui_say(ui, rewind->live, EVENT_INFO, "no election %s is known%s", is_before ? "before" : "after this",
               is_before && start_ms ? " that the memory reaches back to" : "");
        return;
    }
    if (!rewind->replay)
        rewind->is_running = false;
    rewind->was_moved = true;
    rewind_go(rewind, ui, to_ms);
    rewind->election_ms = start_ms;
    rewind->election_at_ms = rewind->at_ms;
}

static void freeze(struct rewind *rewind, struct ui *ui, int64_t now_ms)
{
    rewind->turned_ms = now_ms;
    if (!rewind->is_past) {
        rewind->was_moved = false;
        rewind_go(rewind, ui, last_ms(rewind));
    } else if (!rewind->replay && !rewind->was_moved) {
        go_live(rewind, ui);
    } else if (rewind->replay && !rewind->is_running && rewind->at_ms >= last_ms(rewind)) {
        rewind->is_running = true; /* once more from the beginning */
        rewind_go(rewind, ui, first_ms(rewind));
    } else {
        rewind->is_running = !rewind->is_running;
        settle(rewind, ui);
    }
}

void rewind_seek(struct rewind *rewind, struct ui *ui, enum seek_kind kind, int64_t now_ms)
{
    switch (kind) {
    case SEEK_BACK:
    case SEEK_FORWARD:
        step(rewind, ui, kind, now_ms);
        break;
    case SEEK_PREVIOUS_ELECTION:
    case SEEK_NEXT_ELECTION:
        seek_election(rewind, ui, kind == SEEK_PREVIOUS_ELECTION);
        break;
    case SEEK_LIVE:
        go_to_end(rewind, ui);
        break;
    case SEEK_FREEZE:
        freeze(rewind, ui, now_ms);
        break;
    }
}

void rewind_change_speed(struct rewind *rewind, struct ui *ui, bool is_faster)
{
    double speed = is_faster ? rewind->speed * 2 : rewind->speed / 2;
    if (speed >= REWIND_SPEED_MIN && speed <= REWIND_SPEED_MAX)
        rewind->speed = speed;
    settle(rewind, ui);
}

/* ---- time ---- */

bool rewind_turn(struct rewind *rewind, struct ui *ui, int64_t now_ms, int *wait_ms)
{
    if (rewind->replay && replay_scan(rewind->replay, SCAN_MS))
        *wait_ms = 0;
    if (!rewind->is_past || !rewind->is_running || rewind->turned_ms == 0) {
        rewind->turned_ms = now_ms;
        return false;
    }
    int64_t left_ms = rewind->turned_ms + REWIND_FRAME_MS - now_ms;
    if (left_ms > 0) {
        *wait_ms = left_ms < *wait_ms ? (int)left_ms : *wait_ms;
        return false;
    }
    *wait_ms = REWIND_FRAME_MS < *wait_ms ? REWIND_FRAME_MS : *wait_ms;
    double passed_ms = (double)(now_ms - rewind->turned_ms) * rewind->speed + rewind->rest_ms;
    int64_t to_ms = rewind->at_ms + (int64_t)passed_ms;
    rewind->turned_ms = now_ms;
    if (to_ms >= last_ms(rewind)) {
        go_to_end(rewind, ui);
        return true;
    }
    rewind_go(rewind, ui, to_ms);
    rewind->rest_ms = passed_ms - (double)(int64_t)passed_ms;
    return true;
}
