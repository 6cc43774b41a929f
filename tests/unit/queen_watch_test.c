/* The ring of changes: every watcher sees each of its events once and in order, or is told that it cannot. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "hive/limits.h"
#include "hive/memory.h"
#include "queen/watch.h"

static struct machine_bytes bytes(const char *text)
{
    return (struct machine_bytes){.data = text, .size = strlen(text)};
}

static void put(struct watch_hub *hub, uint64_t index, const char *key, const char *value)
{
    struct watch_event event = {.type = WATCH_PUT, .index = index, .key = bytes(key), .value = bytes(value)};
    watch_hub_publish(hub, &event);
}

static void count_wake(void *context)
{
    ++*(int *)context;
}

/* What a read gave, as text: "12=key 14=key ". */
struct log {
    struct hive_buffer text;
    int room; /* events that it still takes; below zero: any number */
};

static bool note(const struct watch_event *event, void *context)
{
    struct log *log = context;
    if (log->room == 0)
        return false;
    log->room--;
    hive_buffer_format(&log->text, "%lu=%.*s ", (unsigned long)event->index, (int)event->key.size,
                       event->key.data);
    return true;
}

static void expect_read(struct watch_hub *hub, struct watcher *watcher, uint64_t after, int result,
                        const char *text, uint64_t seen)
{
    struct log log = {.room = -1};
    uint64_t now, next;
    int code = watch_hub_read(hub, watcher, after, note, &log, &now);
    while (code == 0 && watch_hub_read(hub, watcher, now, note, &log, &next) == 0 && next != now)
        now = next;
    assert_int_equal(code, result);
    assert_string_equal(log.text.data ? log.text.data : "", text);
    assert_int_equal(now, seen);
    hive_buffer_finish(&log.text);
}

static void a_watcher_sees_its_own_events_behind_its_place(void **state)
{
    int wakes = 0;
    struct watch_hub *hub = watch_hub_create(10);
    struct watcher *all = watch_hub_join(hub, bytes(""), count_wake, &wakes);
    struct watcher *some = watch_hub_join(hub, bytes("a/"), count_wake, &wakes);
    (void)state;
    assert_int_equal(watch_hub_index(hub), 10);
    put(hub, 12, "a/x", "1");
    put(hub, 13, "a", "1");
    put(hub, 15, "b", "1");
    put(hub, 16, "a/y", "");
    watch_hub_advance(hub, 18);
    watch_hub_advance(hub, 17); /* nothing new */
    assert_int_equal(watch_hub_index(hub), 18);
    expect_read(hub, all, 10, 0, "12=a/x 13=a 15=b 16=a/y ", 18);
    expect_read(hub, all, 12, 0, "13=a 15=b 16=a/y ", 18);
    expect_read(hub, all, 14, 0, "15=b 16=a/y ", 18);
    expect_read(hub, all, 16, 0, "", 18);
    expect_read(hub, all, 18, 0, "", 18);
    expect_read(hub, some, 10, 0, "12=a/x 16=a/y ", 18);
    expect_read(hub, some, 12, 0, "16=a/y ", 18);
    expect_read(hub, all, 9, -ESTALE, "", 10);
    expect_read(hub, all, 19, -EAGAIN, "", 19);
    watch_hub_leave(hub, some);
    watch_hub_leave(hub, all);
    watch_hub_destroy(hub);
}

static bool check_fields(const struct watch_event *event, void *context)
{
    int *count = context;
    assert_int_equal(event->type, *count == 0 ? WATCH_PUT : WATCH_DELETE);
    assert_int_equal(event->created, *count == 0);
    assert_int_equal(event->key.size, 3);
    assert_memory_equal(event->key.data, "k\0k", 3);
    assert_int_equal(event->value.size, *count == 0 ? 4 : 0);
    if (*count == 0)
        assert_memory_equal(event->value.data, "v\0\xffv", 4);
    ++*count;
    return true;
}

static void an_event_is_kept_whole(void **state)
{
    int wakes = 0, count = 0;
    char key[] = "k\0k", value[] = "v\0\xffv";
    struct watch_hub *hub = watch_hub_create(0);
    struct watcher *watcher = watch_hub_join(hub, (struct machine_bytes){0}, count_wake, &wakes);
    struct watch_event event = {
        .type = WATCH_PUT, .index = 1, .key = {key, 3}, .value = {value, 4}, .created = true};
    uint64_t seen;
    (void)state;
    watch_hub_publish(hub, &event);
    event = (struct watch_event){.type = WATCH_DELETE, .index = 2, .key = {key, 3}};
    watch_hub_publish(hub, &event);
    memset(key, 'x', 3); /* it was copied */
    memset(value, 'x', 4);
    assert_int_equal(watch_hub_read(hub, watcher, 0, check_fields, &count, &seen), 0);
    assert_int_equal(count, 2);
    watch_hub_leave(hub, watcher);
    watch_hub_destroy(hub);
}

static void what_was_not_taken_comes_again(void **state)
{
    int wakes = 0;
    struct watch_hub *hub = watch_hub_create(0);
    struct watcher *watcher = watch_hub_join(hub, bytes("a"), count_wake, &wakes);
    (void)state;
    put(hub, 5, "a1", "");
    put(hub, 6, "b", "");
    put(hub, 9, "a2", "");
    for (int room = 0; room <= 2; room++) {
        struct log log = {.room = room};
        static const uint64_t places[] = {4, 8, 9};
        uint64_t seen;
        assert_int_equal(watch_hub_read(hub, watcher, 0, note, &log, &seen), 0);
        assert_int_equal(seen, places[room]);
        hive_buffer_finish(&log.text);
        expect_read(hub, watcher, seen, 0, room == 0 ? "5=a1 9=a2 " : room == 1 ? "9=a2 " : "", 9);
    }
    watch_hub_leave(hub, watcher);
    watch_hub_destroy(hub);
}

static uint64_t oldest(struct watch_hub *hub, struct watcher *watcher)
{
    struct log log = {0};
    uint64_t seen = 0;
    assert_int_equal(watch_hub_read(hub, watcher, 0, note, &log, &seen), -ESTALE);
    return seen;
}

static void the_oldest_are_forgotten_and_that_is_said(void **state)
{
    int wakes = 0;
    struct watch_hub *hub = watch_hub_create(0);
    struct watcher *watcher = watch_hub_join(hub, bytes("none"), count_wake, &wakes);
    (void)state;
    for (uint64_t i = 1; i <= HIVE_WATCH_EVENTS; i++)
        put(hub, i * 2, "k", "");
    expect_read(hub, watcher, 0, 0, "", HIVE_WATCH_EVENTS * 2);
    put(hub, HIVE_WATCH_EVENTS * 2 + 2, "none", "");
    assert_int_equal(oldest(hub, watcher), 2);
    expect_read(hub, watcher, 1, -ESTALE, "", 2);
    expect_read(hub, watcher, 2, 0, "131074=none ", HIVE_WATCH_EVENTS * 2 + 2);
    for (uint64_t i = 2; i <= 1000; i++)
        put(hub, (HIVE_WATCH_EVENTS + i) * 2, "k", "");
    assert_int_equal(oldest(hub, watcher), 2000);
    watch_hub_leave(hub, watcher);
    watch_hub_destroy(hub);

    hub = watch_hub_create(0); /* the same with few large ones */
    watcher = watch_hub_join(hub, bytes("none"), count_wake, &wakes);
    char *large = hive_calloc(1, HIVE_VALUE_BYTES + 1);
    memset(large, 'v', HIVE_VALUE_BYTES);
    for (uint64_t i = 1; i <= 100; i++)
        put(hub, i, "k", large);
    assert_in_range(oldest(hub, watcher), 100 - HIVE_WATCH_BYTES / HIVE_VALUE_BYTES, 40);
    for (uint64_t i = 101; i <= 200; i++)
        put(hub, i, "k", "small");
    assert_in_range(oldest(hub, watcher), 100 - HIVE_WATCH_BYTES / HIVE_VALUE_BYTES, 40);
    free(large);
    watch_hub_leave(hub, watcher);
    watch_hub_destroy(hub);
}

static void a_snapshot_makes_all_before_it_too_old(void **state)
{
    int wakes = 0;
    struct watch_hub *hub = watch_hub_create(0);
    struct watcher *watcher = watch_hub_join(hub, bytes(""), count_wake, &wakes);
    (void)state;
    put(hub, 3, "a", "");
    expect_read(hub, watcher, 0, 0, "3=a ", 3);
    assert_int_equal(wakes, 0);
    watch_hub_reset(hub, 50);
    assert_int_equal(wakes, 1);
    expect_read(hub, watcher, 3, -ESTALE, "", 50);
    expect_read(hub, watcher, 49, -ESTALE, "", 50);
    put(hub, 51, "b", "");
    expect_read(hub, watcher, 50, 0, "51=b ", 51);
    watch_hub_leave(hub, watcher);
    watch_hub_destroy(hub);
}

static void a_watcher_is_told_once_and_only_of_what_concerns_it(void **state)
{
    int wakes = 0, others = 0;
    struct watch_hub *hub = watch_hub_create(0);
    struct watcher *watcher = watch_hub_join(hub, bytes("a"), count_wake, &wakes);
    struct watcher *other = watch_hub_join(hub, bytes("b"), count_wake, &others);
    (void)state;
    put(hub, 1, "a", "");
    assert_int_equal(wakes, 0); /* it has not read anything yet */
    expect_read(hub, watcher, 0, 0, "1=a ", 1);
    expect_read(hub, other, 0, 0, "", 1);
    put(hub, 2, "b", "");
    watch_hub_advance(hub, 3);
    assert_int_equal(wakes, 0);
    assert_int_equal(others, 1);
    put(hub, 4, "a", "");
    put(hub, 5, "a", "");
    assert_int_equal(wakes, 1);
    expect_read(hub, watcher, 1, 0, "4=a 5=a ", 5);
    put(hub, 6, "a", "");
    assert_int_equal(wakes, 2);
    watch_hub_leave(hub, watcher);
    expect_read(hub, other, 5, 0, "", 6);
    put(hub, 7, "a", "");
    put(hub, 8, "b", "");
    assert_int_equal(wakes, 2); /* it has left */
    assert_int_equal(others, 2);
    watch_hub_leave(hub, other);
    watch_hub_destroy(hub);
}

static void one_that_is_ahead_is_told_when_its_place_is_reached(void **state)
{
    int wakes = 0;
    struct watch_hub *hub = watch_hub_create(0);
    struct watcher *watcher = watch_hub_join(hub, bytes("a"), count_wake, &wakes);
    (void)state;
    for (uint64_t i = 10; i <= 20; i += 10) {
        expect_read(hub, watcher, i, -EAGAIN, "", i);
        put(hub, i - 5, "a", "");
        watch_hub_advance(hub, i - 1);
        assert_int_equal(wakes, i / 10 - 1);
        if (i == 10)
            put(hub, i, "b", "");
        else
            watch_hub_advance(hub, i);
        assert_int_equal(wakes, i / 10);
    }
    expect_read(hub, watcher, 20, 0, "", 20);
    watch_hub_leave(hub, watcher);
    watch_hub_destroy(hub);
}

static void sleep_does_not_make_a_watcher_too_old(void **state)
{
    struct watch_hub *hub = watch_hub_create(0);
    char *large = hive_calloc(1, HIVE_VALUE_BYTES);
    memset(large, 'v', HIVE_VALUE_BYTES - 1);
    (void)state;
    uint64_t index = 0;
    for (int round = 0; round < 2; round++) {
        int wakes = 0, before = 0;
        struct watcher *watcher = watch_hub_join(hub, bytes("mine"), count_wake, &wakes);
        uint64_t place = index;
        expect_read(hub, watcher, place, 0, "", index);
        for (int i = 0; i < (round ? 200 : 3 * HIVE_WATCH_EVENTS); i++) {
            put(hub, ++index, "other", round ? large : "");
            if (wakes > before) {
                before = wakes;
                expect_read(hub, watcher, place, 0, "", index);
                place = index;
            }
        }
        assert_in_range(wakes, 4, 20);
        watch_hub_leave(hub, watcher);
    }
    free(large);
    watch_hub_destroy(hub);
}

static void there_is_room_for_so_many_watchers(void **state)
{
    int wakes = 0;
    struct watch_hub *hub = watch_hub_create(0);
    struct watcher *watchers[HIVE_WATCHERS];
    (void)state;
    for (int i = 0; i < HIVE_WATCHERS; i++)
        assert_non_null(watchers[i] = watch_hub_join(hub, bytes("a"), count_wake, &wakes));
    assert_null(watch_hub_join(hub, bytes("a"), count_wake, &wakes));
    watch_hub_leave(hub, watchers[7]);
    assert_non_null(watchers[7] = watch_hub_join(hub, bytes("a"), count_wake, &wakes));
    assert_null(watch_hub_join(hub, bytes("a"), count_wake, &wakes));
    for (int i = 0; i < HIVE_WATCHERS; i++)
        watch_hub_leave(hub, watchers[i]);
    watch_hub_destroy(hub);
}

/* Readers that follow a writer, asleep whenever they have read everything. */
enum { READERS = 4, EVENTS = 30000 };

struct reader {
    struct watch_hub *hub;
    struct watcher *watcher;
    sem_t woken;
    uint64_t next; /* the index of the next event that it must see */
    unsigned step; /* it sees every step-th event */
    pthread_t thread;
};

static void wake_reader(void *context)
{
    sem_post(&((struct reader *)context)->woken);
}

static bool check_next(const struct watch_event *event, void *context)
{
    struct reader *reader = context;
    if (event->index != reader->next)
        fail_msg("event %lu instead of %lu", (unsigned long)event->index, (unsigned long)reader->next);
    if (rand() % 16 == 0)
        return false;
    reader->next += reader->step;
    return true;
}

static void *follow(void *context)
{
    struct reader *reader = context;
    uint64_t after = 0;
    while (reader->next <= EVENTS) {
        uint64_t seen, expected = reader->next;
        assert_int_equal(watch_hub_read(reader->hub, reader->watcher, after, check_next, reader, &seen), 0);
        bool is_refused = seen < reader->next && seen + 1 == reader->next && expected == reader->next;
        if (seen == after && !is_refused)
            sem_wait(&reader->woken);
        after = seen;
    }
    return NULL;
}

static void readers_beside_a_writer_miss_nothing(void **state)
{
    struct watch_hub *hub = watch_hub_create(0);
    struct reader readers[READERS];
    (void)state;
    for (int i = 0; i < READERS; i++) {
        unsigned step = i % 2 ? 10 : 1;
        readers[i] = (struct reader){.hub = hub, .step = step, .next = step};
        sem_init(&readers[i].woken, 0, 0);
        readers[i].watcher = watch_hub_join(hub, bytes(i % 2 ? "ten" : ""), wake_reader, &readers[i]);
        pthread_create(&readers[i].thread, NULL, follow, &readers[i]);
    }
    for (uint64_t i = 1; i <= EVENTS; i++)
        put(hub, i, i % 10 ? "one" : "ten", "value");
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i].thread, NULL);
        watch_hub_leave(hub, readers[i].watcher);
    }
    watch_hub_destroy(hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watcher_sees_its_own_events_behind_its_place),
        cmocka_unit_test(an_event_is_kept_whole),
        cmocka_unit_test(what_was_not_taken_comes_again),
        cmocka_unit_test(the_oldest_are_forgotten_and_that_is_said),
        cmocka_unit_test(a_snapshot_makes_all_before_it_too_old),
        cmocka_unit_test(a_watcher_is_told_once_and_only_of_what_concerns_it),
        cmocka_unit_test(one_that_is_ahead_is_told_when_its_place_is_reached),
        cmocka_unit_test(sleep_does_not_make_a_watcher_too_old),
        cmocka_unit_test(there_is_room_for_so_many_watchers),
        cmocka_unit_test(readers_beside_a_writer_miss_nothing),
    };
    return cmocka_run_group_tests_name("queen_watch", tests, NULL, NULL);
}
