/* Equal logs make equal machines: whatever order of allocations, addresses in memory or time of day they
 * meet. And what a machine refuses, all refuse alike. */
#include "unit/machine_random.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hive/memory.h"

static bool list_kv(const struct machine_kv *entry, void *context)
{
    hive_buffer_format(context, "kv %.*s=%.*s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", (int)entry->key.size,
                       entry->key.data, (int)entry->value.size, entry->value.data, entry->created_index,
                       entry->modified_index, entry->version);
    return true;
}

static bool list_drone(const struct machine_drone *drone, void *context)
{
    hive_buffer_format(context, "drone %s %s %s %s %u %" PRId64 " %" PRIu64 " %u\n", drone->address,
                       drone->name, drone->version, drone->secret, drone->capacity, drone->registered_at_ms,
                       drone->registered_index, drone->task_count);
    return true;
}

static bool list_task(const struct machine_task *task, void *context)
{
    hive_buffer_format(context, "task %" PRIu64 " %s %.*s %s %s %s %u %" PRId64 " %" PRId64 " %" PRId64 "\n",
                       task->number, task->name, (int)task->text.size, task->text.data,
                       machine_task_state_name(task->state), task->drone, task->detail, task->attempt,
                       task->submitted_at_ms, task->assigned_at_ms, task->finished_at_ms);
    return true;
}

static void list(const struct machine *machine, struct hive_buffer *text)
{
    struct machine_task_counts counts = machine_task_counts(machine);
    hive_buffer_clear(text);
    machine_kv_each(machine, bytes_of(""), bytes_of(""), list_kv, text);
    machine_drone_each(machine, list_drone, text);
    machine_task_each(machine, 0, list_task, text);
    hive_buffer_append_text(text, "unfinished:\n");
    machine_task_each_unfinished(machine, list_task, text);
    hive_buffer_format(text, "%zu %zu %" PRIu64 "\n", machine_kv_count(machine), machine_drone_count(machine),
                       machine_applied_index(machine));
    hive_buffer_append(text, &counts, sizeof counts);
}

static void assert_results_equal(const struct machine_result *a, const struct machine_result *b)
{
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->created, b->created);
    assert_true(a->index == b->index);
    assert_true(a->task == b->task);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->replayed, b->replayed);
}

static void test_equal_logs_make_equal_machines(void **state)
{
    (void)state;
    enum { COMMANDS = 60000 };
    struct hive_buffer command = {0}, one_text = {0}, two_text = {0};
    struct machine *one = machine_create(), *two = machine_create();
    uint64_t statuses[MACHINE_INVALID + 1] = {0}, index = 0, replayed = 0;
    struct stream stream;

    stream_start(&stream, 99);
    for (int i = 0; i < COMMANDS; i++) {
        struct machine_result one_result, two_result;
        index += 1 + stream_below(&stream, 3); /* no-ops take indexes, too */
        stream_next(&stream, index, &command);
        machine_apply(one, index, command.data, command.size, &one_result);
        /* The second one sees the bytes elsewhere, and its heap is not like the first one's. */
        void *noise = hive_malloc(1 + stream_below(&stream, 300));
        char *copy = hive_memdup(command.data, command.size);
        machine_apply(two, index, copy, command.size, &two_result);
        free(copy);
        free(noise);
        assert_results_equal(&one_result, &two_result);
        stream_remember(&stream, &one_result);
        statuses[one_result.status]++;
        replayed += one_result.replayed;
        if (i % 1000 && i != COMMANDS - 1)
            continue;
        list(one, &one_text);
        list(two, &two_text);
        assert_int_equal(one_text.size, two_text.size);
        assert_memory_equal(one_text.data, two_text.data, one_text.size);
        assert_true(machine_digest(one) == machine_digest(two));
    }
    /* The stream was worth its name: it met every outcome but a full table, and ended with all tables filled.
     */
    for (enum machine_status status = MACHINE_OK; status <= MACHINE_INVALID; status++)
        assert_true(status == MACHINE_FULL || statuses[status] > COMMANDS / 200);
    assert_true(replayed > COMMANDS / 200 && machine_session_count(one) > 50);
    assert_true(machine_kv_count(one) > 5 && machine_drone_count(one) > 1);
    assert_true(machine_task_counts(one).lost > 20 && machine_task_counts(one).running > 0);
    stream_finish(&stream);
    hive_buffer_finish(&command);
    hive_buffer_finish(&one_text);
    hive_buffer_finish(&two_text);
    machine_destroy(one);
    machine_destroy(two);
}

static bool count_task(const struct machine_task *task, void *context)
{
    uint64_t *by_state = context;
    by_state[task->state]++;
    return true;
}

static void test_task_counts_agree_with_the_tasks(void **state)
{
    (void)state;
    struct hive_buffer command = {0};
    struct machine *machine = machine_create();
    uint64_t met[MACHINE_TASK_LOST + 1] = {0};
    struct stream stream;

    stream_start(&stream, 5);
    for (uint64_t index = 1; index <= 20000; index++) {
        struct machine_result result;
        stream_next(&stream, index, &command);
        machine_apply(machine, index, command.data, command.size, &result);
        stream_remember(&stream, &result);
        if (index % 100)
            continue;
        /* Fewer have finished than are remembered, so that "ever" is what is there. */
        uint64_t by_state[MACHINE_TASK_LOST + 1] = {0};
        machine_task_each(machine, 0, count_task, by_state);
        for (enum machine_task_state s = MACHINE_TASK_PENDING; s <= MACHINE_TASK_LOST; s++)
            met[s] += by_state[s];
        struct machine_task_counts counts = machine_task_counts(machine);
        assert_int_equal(counts.pending, by_state[MACHINE_TASK_PENDING]);
        assert_int_equal(counts.assigned, by_state[MACHINE_TASK_ASSIGNED]);
        assert_int_equal(counts.running, by_state[MACHINE_TASK_RUNNING]);
        assert_int_equal(counts.succeeded, by_state[MACHINE_TASK_SUCCEEDED]);
        assert_int_equal(counts.failed, by_state[MACHINE_TASK_FAILED]);
        assert_int_equal(counts.stopped, by_state[MACHINE_TASK_STOPPED]);
        assert_int_equal(counts.lost, by_state[MACHINE_TASK_LOST]);
    }
    for (enum machine_task_state s = MACHINE_TASK_PENDING; s <= MACHINE_TASK_LOST; s++)
        assert_true(met[s] > 100);
    stream_finish(&stream);
    hive_buffer_finish(&command);
    machine_destroy(machine);
}

static void test_what_cannot_be_decoded_changes_nothing_but_the_index(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct machine_result result = {.created = true, .index = 7, .task = 7, .attempt = 7};
    struct hive_buffer before = {0}, after = {0};

    register_drone(machine, "h:1");
    list(machine, &before);
    machine_apply(machine, 9, "noise", 5, &result);
    assert_results_equal(&result, &(struct machine_result){.status = MACHINE_INVALID});
    assert_int_equal(machine_applied_index(machine), 9);
    machine_apply(machine, 10, NULL, 0, &result);
    assert_int_equal(result.status, MACHINE_INVALID);
    list(machine, &after);
    /* All but the two indexes at the end. */
    assert_memory_equal(before.data, after.data, strstr(before.data, "unfinished:") - before.data);
    assert_int_equal(machine_drone_count(machine), 1);
    hive_buffer_finish(&before);
    hive_buffer_finish(&after);
    machine_destroy(machine);
}

/* Applying an entry twice would be a bug of the caller that no client could be told about. */
static void test_an_index_that_does_not_rise_aborts(void **state)
{
    (void)state;
    for (uint64_t index = 4; index <= 6; index++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct machine_result result;
            struct machine *machine = machine_create();
            setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
            fclose(stderr);
            signal(SIGABRT, SIG_DFL);
            machine_apply(machine, 5, "", 0, &result);
            machine_apply(machine, index, "", 0, &result);
            machine_destroy(machine);
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WIFSIGNALED(status) ? WTERMSIG(status) : 0, index <= 5 ? SIGABRT : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_logs_make_equal_machines),
        cmocka_unit_test(test_task_counts_agree_with_the_tasks),
        cmocka_unit_test(test_what_cannot_be_decoded_changes_nothing_but_the_index),
        cmocka_unit_test(test_an_index_that_does_not_rise_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
