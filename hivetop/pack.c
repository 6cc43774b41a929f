/* Runs of equal bytes are counted, runs of others copied. */
#include "pack.h"

#include <assert.h>
#include <string.h>

#include "hive/health_changes.h"
#include "hive/memory.h"

#define GAP_BYTES 3 /* so few equal bytes between two that differ are not worth a run of their own */

void pack_number(struct hive_buffer *out, uint64_t number)
{
    unsigned char *at = hive_buffer_reserve(out, 10);
    for (; number >= 0x80; number >>= 7, out->size++)
        *at++ = (unsigned char)(number | 0x80);
    *at = (unsigned char)number;
    out->size++;
}

void pack_signed(struct hive_buffer *out, int64_t number)
{
    pack_number(out, (uint64_t)number << 1 ^
                         (number < 0 ? UINT64_MAX : 0)); /* small ones of both signs stay small */
}

void pack_text(struct hive_buffer *out, const char *text)
{
    hive_buffer_append(out, text, strlen(text) + 1);
}

uint64_t unpack_number(struct unpack *in)
{
    uint64_t number = 0;
    for (int shift = 0;; shift += 7) {
        assert(in->at < in->end);
        number |= (uint64_t)(*in->at & 0x7f) << shift;
        if (!(*in->at++ & 0x80))
            return number;
    }
}

int64_t unpack_signed(struct unpack *in)
{
    uint64_t number = unpack_number(in);
    return (int64_t)(number >> 1 ^ (~(number & 1) + 1));
}

const char *unpack_text(struct unpack *in)
{
    const char *text = (const char *)in->at;
    in->at += strlen(text) + 1;
    assert(in->at <= in->end);
    return text;
}

static unsigned char byte_before(const unsigned char *before, size_t before_bytes, size_t at)
{
    return at < before_bytes ? before[at] : 0;
}

static size_t count_same(const unsigned char *before, size_t before_bytes, const unsigned char *now,
                         size_t bytes, size_t from)
{
    size_t at = from;
    while (at + 8 <= bytes && at + 8 <= before_bytes && memcmp(before + at, now + at, 8) == 0)
        at += 8;
    while (at < bytes && now[at] == byte_before(before, before_bytes, at))
        at++;
    return at - from;
}

void pack_bytes(struct hive_buffer *out, const void *before, size_t before_bytes, const void *now,
                size_t bytes)
{
    const unsigned char *left = before, *right = now;
    for (size_t at = 0; at < bytes;) {
        size_t same = count_same(left, before_bytes, right, bytes, at);
        size_t start = at + same, end = start;
        for (size_t gap = 0; end + gap < bytes && gap <= GAP_BYTES;) {
            if (right[end + gap] == byte_before(left, before_bytes, end + gap)) {
                gap++;
            } else {
                end += gap + 1;
                gap = 0;
            }
        }
        pack_number(out, same);
        pack_number(out, end - start);
        hive_buffer_append(out, right + start, end - start);
        at = end;
    }
}

void unpack_bytes(struct unpack *in, void *target, size_t bytes)
{
    unsigned char *out = target;
    for (size_t at = 0; at < bytes;) {
        at += unpack_number(in);
        size_t differ = unpack_number(in);
        assert(at + differ <= bytes && differ <= (size_t)(in->end - in->at));
        memcpy(out + at, in->at, differ);
        in->at += differ;
        at += differ;
    }
}

/* ---- answers ---- */

static void **items_of(const struct hive_health *health, const struct hive_health_list *list)
{
    return (void **)((char *)(uintptr_t)health + list->items);
}

static size_t count_of(const struct hive_health *health, const struct hive_health_list *list)
{
    return *(const size_t *)((const char *)health + list->count);
}

/* The struct itself without what it points to: pointers say nothing, counts do. */
static struct hive_health without_lists(const struct hive_health *health)
{
    struct hive_health bare;
    memcpy(&bare, health, sizeof bare);
    for (const struct hive_health_list *list = hive_health_lists; list->bytes; list++)
        *items_of(&bare, list) = NULL;
    bare.running_tasks = NULL;
    return bare;
}

void pack_health(struct hive_buffer *out, const struct hive_health *before, const struct hive_health *now)
{
    struct hive_health bare_before = without_lists(before), bare_now = without_lists(now);
    pack_bytes(out, &bare_before, sizeof bare_before, &bare_now, sizeof bare_now);
    for (const struct hive_health_list *list = hive_health_lists; list->bytes; list++)
        pack_bytes(out, *items_of(before, list), count_of(before, list) * list->bytes, *items_of(now, list),
                   count_of(now, list) * list->bytes);
    for (size_t i = 0; i < now->running_task_count; i++)
        pack_text(out, now->running_tasks[i]);
}

void unpack_health(struct unpack *in, struct hive_health *health)
{
    struct hive_health before = *health;
    *health = without_lists(&before);
    unpack_bytes(in, health, sizeof *health);
    for (const struct hive_health_list *list = hive_health_lists; list->bytes; list++) {
        size_t count = count_of(health, list), count_before = count_of(&before, list);
        void *items = hive_calloc(count, list->bytes);
        size_t kept = count < count_before ? count : count_before;
        if (kept)
            memcpy(items, *items_of(&before, list), kept * list->bytes);
        unpack_bytes(in, items, count * list->bytes);
        *items_of(health, list) = items;
    }
    health->running_tasks = hive_calloc(health->running_task_count, sizeof *health->running_tasks);
    for (size_t i = 0; i < health->running_task_count; i++)
        health->running_tasks[i] = hive_strdup(unpack_text(in));
    hive_health_finish(&before);
}
