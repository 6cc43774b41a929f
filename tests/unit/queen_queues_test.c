/* The queues between a queen's threads: what is bounded is refused, what is taken comes out once and in
 * order. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/clock.h"
#include "hive/limits.h"
#include "queen/inbox.h"
#include "queen/pending.h"

static void test_clients_are_refused_when_the_inbox_is_full_but_peers_never(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_create();
    struct inbox_event read = {.type = INBOX_READ}, lost = {.type = INBOX_UNREACHABLE};
    for (int i = 0; i < HIVE_INBOX_EVENTS; i++)
        assert_int_equal(inbox_put(inbox, &read), INBOX_TAKEN);
    assert_int_equal(inbox_put(inbox, &read), INBOX_FULL);
    assert_int_equal(inbox_put(inbox, &lost), INBOX_TAKEN);
    struct inbox_event *events;
    size_t count;
    uint64_t durable;
    assert_true(inbox_take(inbox, 0, &events, &count, &durable));
    assert_int_equal(count, HIVE_INBOX_EVENTS + 1);
    assert_int_equal(inbox_put(inbox, &read), INBOX_TAKEN);
    inbox_close(inbox);
    assert_int_equal(inbox_put(inbox, &lost), INBOX_CLOSED);
    assert_false(inbox_take(inbox, 0, &events, &count, &durable));
    assert_int_equal(count, 1); /* what was taken before the end is not lost */
    inbox_destroy(inbox);
}

static void test_a_take_ends_at_its_deadline_and_earlier_for_a_durable_write(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_create();
    struct inbox_event *events;
    size_t count;
    uint64_t durable;
    int64_t deadline_ms = hive_clock_monotonic_ms() + 5;
    assert_true(inbox_take(inbox, deadline_ms, &events, &count, &durable));
    assert_true(hive_clock_monotonic_ms() >= deadline_ms);
    assert_int_equal(count, 0);
    inbox_set_durable(inbox, 3);
    inbox_set_durable(inbox, 4);
    assert_true(inbox_take(inbox, hive_clock_monotonic_ms() + 3600000, &events, &count,
                           &durable)); /* or the test hangs */
    assert_int_equal(durable, 4);
    inbox_destroy(inbox);
}

enum { WRITERS = 4, EVENTS = 5000 };

static void *put_many(void *argument)
{
    void **arguments = argument;
    for (uintptr_t i = 0; i < EVENTS; i++) {
        struct inbox_event event = {
            .type = INBOX_UNREACHABLE, .peer = (raft_id)(uintptr_t)arguments[1], .context = (void *)i};
        inbox_put(arguments[0], &event);
    }
    return NULL;
}

static void test_what_many_threads_put_comes_out_once_and_in_each_ones_order(void **state)
{
    (void)state;
    struct inbox *inbox = inbox_create();
    pthread_t threads[WRITERS];
    void *arguments[WRITERS][2];
    uintptr_t next[WRITERS] = {0};
    for (uintptr_t i = 0; i < WRITERS; i++) {
        arguments[i][0] = inbox;
        arguments[i][1] = (void *)i;
        pthread_create(&threads[i], NULL, put_many, arguments[i]);
    }
    for (size_t total = 0; total < (size_t)WRITERS * EVENTS;) {
        struct inbox_event *events;
        size_t count;
        uint64_t durable;
        inbox_take(inbox, hive_clock_monotonic_ms() + 1000, &events, &count, &durable);
        for (size_t i = 0; i < count; i++)
            assert_int_equal((uintptr_t)events[i].context, next[events[i].peer]++);
        total += count;
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    inbox_destroy(inbox);
}

static void test_pending_proposals_leave_from_both_ends_in_log_order(void **state)
{
    (void)state;
    struct pending pending = {0};
    raft_index next = 1, oldest = 1;
    for (int round = 0; round < 50; round++) { /* wraps around and grows */
        for (int i = 0; i < 7; i++)
            pending_push(&pending, &(struct pending_proposal){.index = next++});
        for (int i = 0; i < 3; i++) {
            assert_int_equal(pending_oldest(&pending)->index, oldest++);
            pending_pop_oldest(&pending);
        }
        assert_int_equal(pending_newest(&pending)->index, next - 1);
        pending_pop_newest(&pending);
        next--;
    }
    while (pending_oldest(&pending)) {
        assert_int_equal(pending_oldest(&pending)->index, oldest++);
        pending_pop_oldest(&pending);
    }
    assert_int_equal(oldest, next);
    assert_null(pending_newest(&pending));
    pending_finish(&pending);
}

static void ignore(const struct queen_answer *answer, void *context)
{
    (void)answer;
    (void)context;
}

static void test_a_proposal_whose_client_was_told_still_counts_until_it_is_decided(void **state)
{
    (void)state;
    struct pending pending = {0};
    for (raft_index index = 1; index <= 3; index++)
        pending_push(&pending, &(struct pending_proposal){.index = index, .bytes = 10, .done = ignore});
    assert_int_equal(pending_untold(&pending)->index, 1);
    pending_set_told(&pending);
    pending_set_told(&pending);
    assert_int_equal(pending_untold(&pending)->index, 3);
    assert_int_equal(pending.bytes, 30);
    assert_null(pending_oldest(&pending)->done);
    pending_pop_oldest(&pending);
    assert_int_equal(pending_untold(&pending)->index, 3);
    pending_pop_newest(&pending);
    assert_null(pending_untold(&pending));
    pending_push(&pending, &(struct pending_proposal){.index = 3, .bytes = 1, .done = ignore});
    assert_int_equal(pending_untold(&pending)->index, 3);
    pending_pop_newest(&pending);
    pending_pop_newest(&pending);
    assert_null(pending_untold(&pending));
    assert_int_equal(pending.bytes, 0);
    pending_finish(&pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clients_are_refused_when_the_inbox_is_full_but_peers_never),
        cmocka_unit_test(test_a_take_ends_at_its_deadline_and_earlier_for_a_durable_write),
        cmocka_unit_test(test_what_many_threads_put_comes_out_once_and_in_each_ones_order),
        cmocka_unit_test(test_pending_proposals_leave_from_both_ends_in_log_order),
        cmocka_unit_test(test_a_proposal_whose_client_was_told_still_counts_until_it_is_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
