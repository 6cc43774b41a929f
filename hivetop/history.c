/* Nothing of what is kept is ever copied or moved while the dashboard runs: feeds are appended to the last segment, and
 * whole segments are forgotten. */
#include "history.h"

#include <string.h>

#include "hive/health_changes.h"
#include "hive/memory.h"
#include "model.h"
#include "pack.h"

void history_init(struct history *history, size_t bytes_max)
{
    *history = (struct history){.bytes_max = bytes_max};
}

static void segment_finish(struct history_segment *segment)
{
    hive_buffer_finish(&segment->keyframe);
    hive_buffer_finish(&segment->feeds);
}

void history_finish(struct history *history)
{
    for (size_t i = 0; i < history->count; i++)
        segment_finish(&history->segments[i]);
    free(history->segments);
    *history = (struct history){0};
}

size_t history_bytes(const struct history *history)
{
    size_t bytes = 0;
    for (size_t i = 0; i < history->count; i++)
        bytes += history->segments[i].keyframe.capacity + history->segments[i].feeds.capacity;
    return bytes;
}

int64_t history_first_ms(const struct history *history)
{
    return history->count ? history->segments[0].first_ms : 0;
}

/* ---- keeping ---- */

/* The last segment always stays. */
static void forget_oldest(struct history *history)
{
    size_t old = 0, bytes = history_bytes(history);
    while (old + 1 < history->count &&
           (bytes > history->bytes_max || history->segments[old].last_ms < history->last_ms - HISTORY_MS)) {
        bytes -= history->segments[old].keyframe.capacity + history->segments[old].feeds.capacity;
        segment_finish(&history->segments[old++]);
    }
    history->count -= old;
    history->dropped += old;
    memmove(history->segments, history->segments + old, history->count * sizeof *history->segments);
}

static void begin_segment(struct history *history, const struct model *model)
{
    history->segments = hive_realloc(history->segments, history->count + 1, sizeof *history->segments);
    struct history_segment *segment = &history->segments[history->count++];
    *segment = (struct history_segment){
        .first_ms = model->now_ms, .last_ms = model->now_ms, .first_unix_ms = model->unix_ms};
    pack_model(&segment->keyframe, model);
    segment->keyframe.data = hive_realloc(segment->keyframe.data, segment->keyframe.size + 1, 1);
    segment->keyframe.capacity = segment->keyframe.size + 1;
    history->last_ms = model->now_ms;
    history->last_unix_ms = model->unix_ms;
    forget_oldest(history);
}

void history_begin(struct history *history, const struct model *model)
{
    uint64_t epoch = history->epoch + 1;
    size_t bytes_max = history->bytes_max;
    history_finish(history);
    history->epoch = epoch;
    history->bytes_max = bytes_max;
    begin_segment(history, model);
}

static void append_ledger(struct hive_buffer *out, const struct hive_ledger *ledger)
{
    pack_text(out, ledger->name);
    pack_number(out, ledger->node_count);
    for (size_t i = 0; i < ledger->node_count; i++) {
        const struct hive_ledger_node *node = &ledger->nodes[i];
        struct hive_ledger_node bare = {.role = node->role, /* what a model keeps */
                                        .state = node->state,
                                        .process = node->process,
                                        .exit_status = node->exit_status};
        memcpy(bare.name, node->name, sizeof bare.name);
        memcpy(bare.address, node->address, sizeof bare.address);
        pack_bytes(out, NULL, 0, &bare, sizeof bare);
    }
}

static size_t place_of(const struct model *model, const struct node *node)
{
    size_t at = 0;
    while (model->nodes[at] != node)
        at++;
    return at;
}

static void append_feed(struct hive_buffer *out, const struct model *model, const struct feed *feed)
{
    static const struct hive_health nothing;
    if (feed->node) /* by its place: a model that is fed the same has it at the same one */
        pack_number(out, place_of(model, feed->node));
    switch (feed->kind) {
    case FEED_HEALTH:
        pack_signed(out, feed->round_trip_us);
        pack_health(out, feed->node->has_health ? &feed->node->health : &nothing, feed->health);
        break;
    case FEED_FAILURE:
        pack_signed(out, feed->error_number);
        pack_text(out, feed->text);
        break;
    case FEED_STOPPED:
    case FEED_LAUNCHER:
        pack_number(out, feed->flag);
        break;
    case FEED_LEDGER:
        append_ledger(out, feed->ledger);
        break;
    case FEED_NODE:
        pack_number(out, feed->role);
        pack_text(out, feed->text);
        break;
    case FEED_ACTION:
    case FEED_ACTION_DONE:
    case FEED_ACTION_FAILED:
        pack_bytes(out, NULL, 0, feed->action, sizeof *feed->action);
        pack_text(out, feed->text ? feed->text : "");
        break;
    case FEED_EVENT:
        pack_number(out, feed->level);
        pack_text(out, feed->text);
        break;
    case FEED_KINDS:
        break;
    }
}

void history_hear(void *context, const struct model *model, const struct feed *feed)
{
    struct history *history = context;
    struct history_segment *segment = &history->segments[history->count - 1];
    if (model->now_ms - segment->first_ms >= HISTORY_SEGMENT_MS ||
        segment->feed_count >= HISTORY_SEGMENT_FEEDS) {
        begin_segment(history, model);
        segment = &history->segments[history->count - 1];
    }
    struct hive_buffer *out = &segment->feeds;
    int64_t step_ms = model->now_ms - history->last_ms;
    pack_number(out, feed->kind);
    pack_signed(out, step_ms);
    pack_signed(out, model->unix_ms - history->last_unix_ms - step_ms); /* 0, but for clocks that are set */
    append_feed(out, model, feed);
    segment->feed_count++;
    segment->last_ms = model->now_ms;
    history->last_ms = model->now_ms;
    history->last_unix_ms = model->unix_ms;
}

/* ---- looking back ---- */

void history_cursor_finish(struct history_cursor *cursor)
{
    if (cursor->model)
        model_finish(cursor->model);
    free(cursor->model);
    *cursor = (struct history_cursor){0};
}

static void enter(const struct history *history, struct history_cursor *cursor, size_t index)
{
    const struct history_segment *segment = &history->segments[index];
    struct unpack in = {.at = (const unsigned char *)segment->keyframe.data,
                        .end = (const unsigned char *)segment->keyframe.data + segment->keyframe.size};
    history_cursor_finish(cursor);
    cursor->model = hive_calloc(1, sizeof *cursor->model);
    unpack_model(&in, cursor->model);
    cursor->epoch = history->epoch;
    cursor->segment = history->dropped + index;
    cursor->fed_ms = segment->first_ms;
    cursor->fed_unix_ms = segment->first_unix_ms;
}

static void feed_ledger(struct unpack *in, struct model *model)
{
    struct hive_ledger ledger = {0};
    snprintf(ledger.name, sizeof ledger.name, "%s", unpack_text(in));
    ledger.node_count = unpack_number(in);
    ledger.nodes = hive_calloc(ledger.node_count, sizeof *ledger.nodes);
    for (size_t i = 0; i < ledger.node_count; i++)
        unpack_bytes(in, &ledger.nodes[i], sizeof ledger.nodes[i]);
    feed_apply(model, &(struct feed){.kind = FEED_LEDGER, .ledger = &ledger});
    hive_ledger_finish(&ledger);
}

static void feed_health(struct unpack *in, struct model *model, struct feed *feed)
{
    static const struct hive_health nothing;
    struct hive_health health;
    feed->round_trip_us = unpack_signed(in);
    hive_health_copy(feed->node->has_health ? &feed->node->health : &nothing, &health);
    unpack_health(in, &health);
    feed->health = &health;
    feed_apply(model, feed);
    feed->health = NULL;
}

static void feed_one(struct unpack *in, struct model *model, enum feed_kind kind)
{
    struct feed feed = {.kind = kind};
    struct action action = {0};
    if (kind <= FEED_STOPPED)
        feed.node = model->nodes[unpack_number(in)];
    switch (kind) {
    case FEED_HEALTH:
        feed_health(in, model, &feed);
        return;
    case FEED_LEDGER:
        feed_ledger(in, model);
        return;
    case FEED_FAILURE:
        feed.error_number = (int)unpack_signed(in);
        feed.text = unpack_text(in);
        break;
    case FEED_STOPPED:
    case FEED_LAUNCHER:
        feed.flag = unpack_number(in) != 0;
        break;
    case FEED_NODE:
        feed.role = (enum hive_role)unpack_number(in);
        feed.text = unpack_text(in);
        break;
    case FEED_ACTION:
    case FEED_ACTION_DONE:
    case FEED_ACTION_FAILED:
        unpack_bytes(in, &action, sizeof action);
        feed.action = &action;
        feed.text = unpack_text(in);
        break;
    case FEED_EVENT:
        feed.level = (enum event_level)unpack_number(in);
        feed.text = unpack_text(in);
        break;
    case FEED_KINDS:
        break;
    }
    feed_apply(model, &feed);
}

/* Feeds the model what the segment holds up to that moment. */
static void go_on(const struct history_segment *segment, struct history_cursor *cursor, int64_t at_ms)
{
    const unsigned char *start = (const unsigned char *)segment->feeds.data;
    struct unpack in = {.at = start + cursor->at, .end = start + segment->feeds.size};
    while (in.at < in.end) {
        enum feed_kind kind = (enum feed_kind)unpack_number(&in);
        int64_t step_ms = unpack_signed(&in);
        int64_t drift_ms = unpack_signed(&in);
        if (cursor->fed_ms + step_ms > at_ms)
            break;
        cursor->fed_ms += step_ms;
        cursor->fed_unix_ms += step_ms + drift_ms;
        model_set_time(cursor->model, cursor->fed_ms, cursor->fed_unix_ms);
        feed_one(&in, cursor->model, kind);
        cursor->at = (size_t)(in.at - start);
    }
}

void history_seek(const struct history *history, struct history_cursor *cursor, int64_t at_ms)
{
    size_t index = history->count - 1;
    while (index > 0 && history->segments[index].first_ms > at_ms)
        index--;
    const struct history_segment *segment = &history->segments[index];
    if (at_ms < segment->first_ms)
        at_ms = segment->first_ms;
    bool is_there = cursor->model && cursor->epoch == history->epoch &&
                    cursor->segment == history->dropped + index && cursor->model->now_ms <= at_ms;
    if (!is_there)
        enter(history, cursor, index);
    if (segment->feeds.size)
        go_on(segment, cursor, at_ms);
    model_set_time(cursor->model, at_ms, cursor->fed_unix_ms + (at_ms - cursor->fed_ms));
}
