/* kill -9 at any moment, many times in a row: nothing that was acknowledged is missing, and nothing is there
 * that was never written. */
#include "unit/store_model.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "hive/clock.h"

#define ROUNDS       40
#define SEGMENT      8192
#define ENTRIES_MAX  400 /* then the log is cut to its first entry, and grows again */
#define ENTRIES_TERM 16  /* entries of one term */

/* What the child acknowledges. The log is a function of it: entries 1 to `last`, and a new term with each
 * batch. */
struct acknowledged {
    raft_index last;
    raft_term term;
};

static struct raft_entry entry_at(raft_index index)
{
    static char data[200];
    memset(data, (int)(index % 251), sizeof data);
    return (struct raft_entry){.index = index,
                               .term = 1 + index / ENTRIES_TERM,
                               .type = RAFT_ENTRY_COMMAND,
                               .data = data,
                               .bytes = index % sizeof data};
}

/* Appends and tells, until it is killed. */
static void child(const char *directory, int pipe)
{
    struct store_config config = {.directory = directory, .segment_bytes = SEGMENT};
    struct store_recovery found;
    struct hive_buffer batch = {0};
    struct store *store;
    if (store_open(&config, &store, &found, NULL) < 0)
        _exit(1);
    struct acknowledged state = {.last = found.entry_count, .term = found.term};
    for (;;) {
        hive_buffer_clear(&batch);
        if (state.last >= ENTRIES_MAX) {
            store_encode_truncate(&batch, 2);
            state.last = 1;
        }
        for (uint64_t entries = 1 + state.term % 5; entries; entries--) {
            struct raft_entry entry = entry_at(++state.last);
            store_encode_entry(&batch, &entry);
        }
        state.term++;
        store_encode_hard_state(&batch, state.term, 1 + state.term % 3);
        if (store_write(store, batch.data, batch.size, NULL) < 0 ||
            write(pipe, &state, sizeof state) != sizeof state)
            _exit(1);
    }
}

/* Lets a child live for so long after its first acknowledgement; gives the last one that it sent. */
static struct acknowledged run_and_kill(const char *directory, int64_t life_us)
{
    int ends[2];
    struct acknowledged state;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(directory, ends[1]);
    }
    assert_true(pid > 0);
    close(ends[1]);
    assert_int_equal(read(ends[0], &state, sizeof state), sizeof state); /* it is up and writing */
    int64_t kill_at_us = hive_clock_monotonic_us() + life_us;
    struct pollfd poll_for = {.fd = ends[0], .events = POLLIN};
    for (int64_t left_us = life_us; left_us > 0; left_us = kill_at_us - hive_clock_monotonic_us())
        if (ppoll(&poll_for, 1, &(struct timespec){.tv_nsec = left_us * 1000}, NULL) == 1)
            assert_int_equal(read(ends[0], &state, sizeof state), sizeof state);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    while (read(ends[0], &state, sizeof state) ==
           sizeof state) /* acknowledged, though nobody had listened yet */
        ;
    close(ends[0]);
    return state;
}

static void test_nothing_acknowledged_is_missing_after_kill_9(void **state)
{
    char *directory = temporary_directory();
    (void)state;
    make_directory(directory);
    random_state ^= (uint64_t)hive_clock_monotonic_us();
    for (int round = 0; round < ROUNDS; round++) {
        struct acknowledged last = run_and_kill(directory, 1 + (int64_t)random_below(15000));
        struct store_recovery found;
        store_close(open_store_on(&disk_system, directory, SEGMENT, &found));
        /* The write that was under way may be there or not. */
        assert_true(found.term == last.term || found.term == last.term + 1);
        assert_int_equal(found.voted_for, 1 + found.term % 3);
        if (found.term == last.term)
            assert_int_equal(found.entry_count, last.last);
        else
            assert_int_equal(found.entry_count,
                             (last.last >= ENTRIES_MAX ? 1 : last.last) + 1 + last.term % 5);
        for (size_t i = 0; i < found.entry_count; i++) {
            struct raft_entry entry = entry_at(i + 1);
            assert_int_equal(found.entries[i].index, entry.index);
            assert_int_equal(found.entries[i].term, entry.term);
            assert_int_equal(found.entries[i].bytes, entry.bytes);
            if (entry.bytes)
                assert_memory_equal(found.entries[i].data, entry.data, entry.bytes);
        }
        store_recovery_finish(&found);
    }
    remove_directory(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_acknowledged_is_missing_after_kill_9),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
