/* A model as a run of bytes, from which the past is shown: whatever a view can read of a model must be in there. */
#include "pack.h"

#include "hive/memory.h"
#include "model.h"

/* An array as what differs from zeros. */
static void pack_array(struct hive_buffer *out, const void *items, size_t count, size_t bytes)
{
    pack_number(out, count);
    pack_bytes(out, NULL, 0, items, count * bytes);
}

static void *unpack_array(struct unpack *in, size_t capacity, size_t bytes, size_t *count)
{
    *count = unpack_number(in);
    void *items = hive_calloc(capacity > *count ? capacity : *count, bytes);
    unpack_bytes(in, items, *count * bytes);
    return items;
}

/* ---- nodes ---- */

static const struct hive_health no_health;

static void pack_node(struct hive_buffer *out, const struct node *node)
{
    struct node bare;
    memcpy(&bare, node, sizeof bare);
    memset(&bare.health, 0, sizeof bare.health);
    pack_bytes(out, NULL, 0, &bare, sizeof bare);
    if (node->has_health)
        pack_health(out, &no_health, &node->health);
}

static struct node *unpack_node(struct unpack *in)
{
    struct node *node = hive_calloc(1, sizeof *node);
    unpack_bytes(in, node, sizeof *node);
    if (node->has_health)
        unpack_health(in, &node->health);
    return node;
}

/* ---- the lanes ---- */

static void pack_spans(struct hive_buffer *out, const struct spans *spans)
{
    pack_number(out, spans->count);
    int64_t last_ms = 0;
    for (size_t i = 0; i < spans->count; i++) {
        const struct span *span = &spans->items[i];
        pack_signed(out, span->from_ms - last_ms);
        pack_number(out, span->term);
        pack_number(out, span->state);
        last_ms = span->from_ms;
    }
}

static void unpack_spans(struct unpack *in, struct spans *spans)
{
    size_t count = unpack_number(in), room = 1;
    while (room <= count)
        room = 2 * room; /* as timeline.c has it: a power of two less one is full */
    *spans = (struct spans){.items = hive_calloc(room, sizeof *spans->items), .count = count};
    int64_t last_ms = 0;
    for (size_t i = 0; i < count; i++) {
        struct span *span = &spans->items[i];
        span->from_ms = last_ms += unpack_signed(in);
        span->term = unpack_number(in);
        span->state = (enum lane_state)unpack_number(in);
    }
}

static void pack_commits(struct hive_buffer *out, const struct timeline *timeline)
{
    struct commit_sample last = {0};
    pack_number(out, timeline->commit_count);
    for (size_t i = 0; i < timeline->commit_count; i++) {
        const struct commit_sample *sample = &timeline->commits[i];
        pack_signed(out, sample->at_ms - last.at_ms);
        pack_signed(out, (int64_t)(sample->commit - last.commit));
        last = *sample;
    }
}

static void unpack_commits(struct unpack *in, struct timeline *timeline)
{
    struct commit_sample last = {0};
    timeline->commit_count = unpack_number(in);
    if (timeline->commit_count)
        timeline->commits = hive_calloc(TIMELINE_COMMITS, sizeof *timeline->commits);
    for (size_t i = 0; i < timeline->commit_count; i++) {
        last.at_ms += unpack_signed(in);
        last.commit += (uint64_t)unpack_signed(in);
        timeline->commits[i] = last;
    }
}

static void pack_timeline(struct hive_buffer *out, const struct timeline *timeline)
{
    pack_number(out, timeline->count);
    for (size_t i = 0; i < timeline->count; i++) {
        const struct lane *lane = &timeline->lanes[i];
        pack_text(out, lane->address);
        pack_signed(out, lane->pid);
        pack_spans(out, &lane->roles);
        pack_spans(out, &lane->presence);
    }
    pack_commits(out, timeline);
}

static void unpack_timeline(struct unpack *in, struct timeline *timeline)
{
    timeline->count = unpack_number(in);
    timeline->lanes = hive_calloc(timeline->count + 1, sizeof *timeline->lanes);
    for (size_t i = 0; i < timeline->count; i++) {
        struct lane *lane = &timeline->lanes[i];
        snprintf(lane->address, sizeof lane->address, "%s", unpack_text(in));
        lane->pid = unpack_signed(in);
        unpack_spans(in, &lane->roles);
        unpack_spans(in, &lane->presence);
    }
    unpack_commits(in, timeline);
}

/* ---- all of it ---- */

void pack_model(struct hive_buffer *out, const struct model *model)
{
    struct model bare;
    memcpy(&bare, model, sizeof bare);
    bare.nodes = NULL;
    bare.events.items = NULL;
    bare.timeline = (struct timeline){0};
    bare.listener = NULL;
    bare.listener_context = NULL;
    pack_bytes(out, NULL, 0, &bare, sizeof bare);
    for (size_t i = 0; i < model->node_count; i++)
        pack_node(out, model->nodes[i]);
    pack_array(out, model->events.items, model->events.count, sizeof *model->events.items);
    pack_timeline(out, &model->timeline);
}

void unpack_model(struct unpack *in, struct model *model)
{
    memset(model, 0, sizeof *model);
    unpack_bytes(in, model, sizeof *model);
    model->nodes = hive_calloc(model->node_count + 1, sizeof *model->nodes);
    for (size_t i = 0; i < model->node_count; i++)
        model->nodes[i] = unpack_node(in);
    model->events.items = unpack_array(in, EVENT_CAPACITY, sizeof *model->events.items, &model->events.count);
    unpack_timeline(in, &model->timeline);
}
