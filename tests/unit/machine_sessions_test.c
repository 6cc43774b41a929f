/* Exactly once: a command that is sent again under its idempotency key happens once, and is told what the first was told; until the
 * key is forgotten, at the same index on every queen. */
#include "unit/machine_apply.h"

#include "hive/memory.h"
#include "unit/machine_load.h"

#define NOW 1000000

static struct machine_command put_command(const char *key, const char *value, const char *name,
                                          int64_t time_ms)
{
    return (struct machine_command){.type = MACHINE_KV_PUT,
                                    .time_ms = time_ms,
                                    .key = bytes_of(key),
                                    .value = bytes_of(value),
                                    .idempotency_key = bytes_of(name)};
}

static struct machine_result put(struct machine *machine, const char *key, const char *value,
                                 const char *name, int64_t time_ms)
{
    return apply(machine, put_command(key, value, name, time_ms));
}

/* Time passes, from one to just before another, as it does where now and then something is written. */
static void pass(struct machine *machine, int64_t from_ms, int64_t to_ms)
{
    while ((from_ms += HIVE_SESSION_STEP_MS) < to_ms)
        put(machine, "time", "", "", from_ms);
}

static uint64_t version_of(const struct machine *machine, const char *key)
{
    struct machine_kv entry;
    return machine_kv_get(machine, bytes_of(key), &entry) ? entry.version : 0;
}

static void assert_same_but_replayed(struct machine_result first, struct machine_result again)
{
    assert_false(first.replayed);
    assert_true(again.replayed);
    assert_int_equal(again.status, first.status);
    assert_int_equal(again.type, first.type);
    assert_int_equal(again.created, first.created);
    assert_int_equal(again.index, first.index);
    assert_int_equal(again.task, first.task);
    assert_int_equal(again.attempt, first.attempt);
}

static void test_the_same_command_again_is_told_the_first_result(void **state)
{
    (void)state;
    struct machine *machine = machine_create();

    struct machine_result first = put(machine, "a", "1", "k", NOW);
    assert_true(first.created);
    put(machine, "a", "2", "", NOW + 1);
    assert_same_but_replayed(first, put(machine, "a", "1", "k", NOW + 2));
    assert_same_but_replayed(first, put(machine, "a", "1", "k", NOW - 5)); /* by another clock */
    assert_int_equal(version_of(machine, "a"), 2);
    assert_int_equal(machine_session_count(machine), 1);
    assert_int_equal(machine_applied_index(machine), 4);
    machine_destroy(machine);
}

static void test_every_type_of_command_is_remembered(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct machine_command commands[] = {
        {.type = MACHINE_KV_PUT, .key = bytes_of("a"), .value = bytes_of("1")},
        {.type = MACHINE_KV_DELETE, .key = bytes_of("a")},
        {.type = MACHINE_DRONE_REGISTER, .drone = bytes_of("h:1"), .name = bytes_of("n"), .capacity = 2},
        {.type = MACHINE_TASK_SUBMIT, .text = bytes_of("text")},
        {.type = MACHINE_TASK_ASSIGN, .task = 7, .drone = bytes_of("h:1")},
        {.type = MACHINE_TASK_UPDATE,
         .task = 7,
         .attempt = 1,
         .drone = bytes_of("h:1"),
         .state = MACHINE_TASK_RUNNING},
        {.type = MACHINE_DRONE_REMOVE, .drone = bytes_of("h:1")},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char name[8];
        snprintf(name, sizeof name, "k%zu", i);
        commands[i].time_ms = NOW;
        commands[i].idempotency_key = bytes_of(name);
        struct machine_result first = apply(machine, commands[i]);
        assert_int_equal(first.status, MACHINE_OK);
        size_t count = machine_session_count(machine);
        assert_same_but_replayed(first, apply(machine, commands[i]));
        assert_int_equal(machine_session_count(machine), count);
    }
    assert_int_equal(machine_task_counts(machine).lost, 1);
    assert_int_equal(machine_session_count(machine), 7);
    machine_destroy(machine);
}

/* What was refused for good is remembered, too: who is told of a conflict must not find out later that it was done. */
static void test_a_conflict_is_remembered(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct machine_command command = put_command("a", "1", "k", NOW);
    command.condition = MACHINE_IF_EXISTS;

    struct machine_result first = apply(machine, command);
    assert_int_equal(first.status, MACHINE_CONFLICT);
    put(machine, "a", "2", "", NOW);
    assert_same_but_replayed(first, apply(machine, command));
    struct machine_command remove = {
        .type = MACHINE_KV_DELETE, .time_ms = NOW, .key = bytes_of("b"), .idempotency_key = bytes_of("l")};
    first = apply(machine, remove);
    assert_int_equal(first.status, MACHINE_NOT_FOUND);
    put(machine, "b", "2", "", NOW);
    assert_same_but_replayed(first, apply(machine, remove));
    assert_int_equal(version_of(machine, "b"), 1);
    machine_destroy(machine);
}

static void test_another_command_under_the_same_key_is_refused(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct machine_command condition = put_command("a", "1", "k", NOW);
    condition.condition = MACHINE_IF_EXISTS;
    const struct machine_command others[] = {
        put_command("a", "2", "k", NOW),
        put_command("b", "1", "k", NOW),
        put_command("a1", "", "k", NOW),
        condition,
        {.type = MACHINE_KV_DELETE, .time_ms = NOW, .key = bytes_of("a"), .idempotency_key = bytes_of("k")},
    };

    struct machine_result first = put(machine, "a", "1", "k", NOW);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct machine_result result = apply(machine, others[i]);
        assert_int_equal(result.status, MACHINE_KEY_REUSED);
        assert_int_equal(result.type, others[i].type);
        assert_false(result.replayed || result.created);
        assert_int_equal(result.index, 0);
    }
    assert_int_equal(version_of(machine, "a"), 1);
    assert_int_equal(machine_kv_count(machine), 1);
    assert_same_but_replayed(first, put(machine, "a", "1", "k", NOW)); /* that one still holds */
    /* Other keys are other keys, also where one begins with the other. */
    assert_false(put(machine, "a", "1", "k2", NOW).replayed);
    assert_false(put(machine, "a", "1", "K", NOW).replayed);
    assert_int_equal(machine_session_count(machine), 3);
    machine_destroy(machine);
}

static void test_what_found_everything_full_may_try_again(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    char address[16];
    for (int i = 0; i < HIVE_DRONES; i++) {
        snprintf(address, sizeof address, "h:%d", i);
        register_drone(machine, address);
    }
    struct machine_command command = {.type = MACHINE_DRONE_REGISTER,
                                      .time_ms = NOW,
                                      .drone = bytes_of("new:1"),
                                      .name = bytes_of("n"),
                                      .idempotency_key = bytes_of("k")};
    assert_int_equal(apply(machine, command).status, MACHINE_FULL);
    assert_int_equal(machine_session_count(machine), 0);
    remove_drone(machine, "h:7");
    struct machine_result result = apply(machine, command);
    assert_int_equal(result.status, MACHINE_OK);
    assert_true(result.created && !result.replayed);
    machine_destroy(machine);
}

static void test_what_cannot_be_decoded_is_not_remembered(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct machine_command command = put_command("a", "1", "k", NOW);
    struct hive_buffer bytes = {0};
    struct machine_result result;

    machine_command_encode(&command, &bytes);
    machine_apply(machine, 1, bytes.data, bytes.size - 1, &result);
    assert_int_equal(result.status, MACHINE_INVALID);
    assert_int_equal(machine_session_count(machine), 0);
    assert_int_equal(machine_time_ms(machine), 0); /* nor is its time believed */
    machine_apply(machine, 2, bytes.data, bytes.size, &result);
    assert_int_equal(result.status, MACHINE_OK);
    assert_false(result.replayed);
    hive_buffer_finish(&bytes);
    machine_destroy(machine);
}

static void test_time_passes_by_the_latest_stamp(void **state)
{
    (void)state;
    struct machine *machine = machine_create();

    assert_int_equal(machine_time_ms(machine), 0);
    put(machine, "a", "1", "", -5);
    put(machine, "a", "1", "", INT64_MIN);
    assert_int_equal(machine_time_ms(machine), 0);
    put(machine, "a", "1", "", NOW);
    assert_int_equal(machine_time_ms(machine), HIVE_SESSION_STEP_MS);
    /* Threads and leaders whose clocks nearly agree: their disorder adds up to nothing. */
    for (int i = 0; i < 1000; i++) {
        put(machine, "a", "1", "", NOW + 7);
        put(machine, "a", "1", "", NOW + 7 - (i % 2 ? 5 : HIVE_SESSION_STEP_MS));
    }
    assert_int_equal(machine_time_ms(machine), HIVE_SESSION_STEP_MS + 7);
    machine_destroy(machine);
}

/* One leader's clock is a year ahead, or a minute. While it leads and afterwards time goes on as it should, whatever it said. */
static void test_a_clock_far_ahead_makes_nobody_forget(void **state)
{
    static const int64_t jumps_ms[] = {60 * 1000, (int64_t)365 * 24 * 3600 * 1000, INT64_MAX - 2 * NOW};
    (void)state;
    for (size_t i = 0; i < sizeof jumps_ms / sizeof jumps_ms[0]; i++) {
        int64_t jump_ms = jumps_ms[i];
        struct machine *machine = machine_create();
        put(machine, "now", "", "", NOW);
        struct machine_result first = put(machine, "a", "1", "k", NOW);
        assert_same_but_replayed(first, put(machine, "a", "1", "k", NOW + jump_ms));
        assert_int_equal(machine_time_ms(machine), 2 * HIVE_SESSION_STEP_MS);
        put(machine, "b", "1", "", NOW + jump_ms + 1000); /* its seconds are seconds */
        assert_int_equal(machine_time_ms(machine), 2 * HIVE_SESSION_STEP_MS + 1000);

        /* A good clock again, and a queen that got it all as a dump. */
        struct machine *copy = copy_of(machine);
        put(machine, "b", "1", "", NOW + 1000);
        put(copy, "b", "1", "", NOW + 1000);
        assert_int_equal(machine_time_ms(machine), 2 * HIVE_SESSION_STEP_MS + 1000);
        put(machine, "b", "1", "", NOW + 3000);
        put(copy, "b", "1", "", NOW + 3000);
        assert_int_equal(machine_time_ms(machine), 2 * HIVE_SESSION_STEP_MS + 3000);
        assert_true(machine_digest(copy) == machine_digest(machine));
        machine_destroy(copy);

        int64_t end_ms = NOW + HIVE_SESSION_MS - HIVE_SESSION_STEP_MS;
        pass(machine, NOW + 3000, end_ms - 1);
        assert_true(put(machine, "a", "1", "k", end_ms - 1).replayed);
        assert_false(put(machine, "a", "1", "k", end_ms).replayed); /* and it does expire */
        machine_destroy(machine);
    }
}

/* Nothing is written for a day. Keys of before live longer for that, but not for ever. */
static void test_after_a_long_silence_keys_still_expire(void **state)
{
    (void)state;
    const int64_t day_ms = (int64_t)24 * 3600 * 1000;
    struct machine *machine = machine_create();
    put(machine, "a", "1", "k", NOW);
    assert_true(put(machine, "a", "1", "k", NOW + day_ms).replayed);
    for (int days = 2; days < HIVE_SESSION_MS / HIVE_SESSION_STEP_MS; days++)
        put(machine, "b", "", "", NOW + days * day_ms);
    assert_int_equal(machine_session_count(machine), 1);
    put(machine, "b", "", "", NOW + 1000 * day_ms);
    assert_int_equal(machine_session_count(machine), 0);
    machine_destroy(machine);
}

static void test_a_key_is_forgotten_after_its_time_and_not_before(void **state)
{
    (void)state;
    for (int early = 0; early <= 1; early++) {
        struct machine *machine = machine_create();
        put(machine, "now", "", "", NOW);
        /* By a clock that is behind: it counts from the machine's time. */
        struct machine_result first = put(machine, "a", "1", "k", NOW - 400);
        pass(machine, NOW, NOW + HIVE_SESSION_MS - early);
        struct machine_result again = put(machine, "a", "1", "k", NOW + HIVE_SESSION_MS - early);
        if (early)
            assert_same_but_replayed(first, again);
        else
            assert_true(!again.replayed && again.index > first.index);
        assert_int_equal(version_of(machine, "a"), early ? 1 : 2);
        assert_int_equal(machine_session_count(machine), 1);
        machine_destroy(machine);
    }
}

/* A session that was asked for again lives no longer for that: its time is that of the first. */
static void test_a_replay_does_not_prolong_a_session(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    put(machine, "a", "1", "k", NOW);
    pass(machine, NOW, NOW + HIVE_SESSION_MS - 1);
    assert_true(put(machine, "a", "1", "k", NOW + HIVE_SESSION_MS - 1).replayed);
    assert_false(put(machine, "a", "1", "k", NOW + HIVE_SESSION_MS).replayed);
    machine_destroy(machine);
}

/* Commands without a key let sessions expire, too; but never many at once, and those that are left are gone all the same. */
static void test_the_expired_go_a_few_at_a_time(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct machine *machine = machine_create();
    char name[16];

    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "k%d", i);
        put(machine, "a", "1", name, NOW + i / 100);
    }
    assert_int_equal(machine_session_count(machine), COUNT);
    pass(machine, NOW + 9, NOW + HIVE_SESSION_MS);
    /* To the millisecond, also for those whose turn to be removed is far. */
    assert_true(put(machine, "a", "1", "k999", NOW + HIVE_SESSION_MS + 8).replayed);
    assert_false(put(machine, "a", "1", "k998", NOW + HIVE_SESSION_MS + 9).replayed);
    put(machine, "b", "", "", NOW + HIVE_SESSION_MS + 100);
    size_t left = machine_session_count(machine);
    assert_in_range(left, COUNT - 3 * 16, COUNT - 2);
    /* One that has expired, but is still there, in the middle. */
    assert_false(put(machine, "a", "1", "k500", NOW + HIVE_SESSION_MS + 100).replayed);
    assert_true(put(machine, "a", "1", "k500", NOW + HIVE_SESSION_MS + 100).replayed);
    assert_int_equal(put(machine, "a", "other", "k501", NOW + HIVE_SESSION_MS + 100).status, MACHINE_OK);
    for (int i = 0; i < COUNT; i++) {
        size_t before = machine_session_count(machine);
        put(machine, "b", "", "", NOW + HIVE_SESSION_MS + 100);
        assert_true(before - machine_session_count(machine) <= 16);
    }
    assert_int_equal(machine_session_count(machine), 3);
    machine_destroy(machine);
}

static void fill(struct machine *machine, int64_t time_ms)
{
    char name[16];
    struct machine_command command = put_command("a", "1", "", time_ms);
    while (machine_session_count(machine) < HIVE_SESSIONS) {
        snprintf(name, sizeof name, "f%zu", machine_session_count(machine));
        command.idempotency_key = bytes_of(name);
        assert_int_equal(apply(machine, command).status, MACHINE_OK);
    }
}

static void test_a_full_table_forgets_the_oldest_but_not_before_the_floor(void **state)
{
    (void)state;
    struct machine *machine = machine_create();

    fill(machine, NOW);
    uint64_t version = version_of(machine, "a");
    pass(machine, NOW, NOW + HIVE_SESSION_FLOOR_MS - 1);
    assert_int_equal(put(machine, "a", "1", "new", NOW + HIVE_SESSION_FLOOR_MS - 1).status, MACHINE_FULL);
    assert_int_equal(version_of(machine, "a"), version); /* not applied */
    assert_true(put(machine, "a", "1", "f0", NOW).replayed);
    assert_int_equal(put(machine, "a", "2", "f0", NOW).status, MACHINE_KEY_REUSED);
    assert_int_equal(put(machine, "a", "1", "", NOW).status, MACHINE_OK); /* who needs no session, … */

    assert_int_equal(put(machine, "a", "1", "new", NOW + HIVE_SESSION_FLOOR_MS).status, MACHINE_OK);
    assert_int_equal(machine_session_count(machine), HIVE_SESSIONS);
    assert_true(put(machine, "a", "1", "f1", NOW).replayed);
    assert_true(put(machine, "a", "1", "new", NOW).replayed);
    assert_false(put(machine, "a", "1", "f0", NOW).replayed); /* the oldest went; and now the next */
    assert_false(put(machine, "a", "1", "f1", NOW).replayed);

    /* Also where the table is full again when it is loaded. */
    struct machine *copy = copy_of(machine);
    assert_true(machine_digest(copy) == machine_digest(machine));
    assert_true(put(copy, "a", "1", "f4", NOW).replayed);
    assert_int_equal(put(copy, "a", "1", "newer", NOW).status, MACHINE_OK);
    assert_int_equal(machine_session_count(copy), HIVE_SESSIONS);
    machine_destroy(copy);

    machine_destroy(machine);
}

static void test_keys_are_known_after_a_dump_and_a_load(void **state)
{
    (void)state;
    struct machine *machine = machine_create();
    struct machine_result first = put(machine, "a", "1", "k", NOW);
    put(machine, "a", "2", "l", NOW + 1000);
    uint64_t submitted = apply(machine, (struct machine_command){.type = MACHINE_TASK_SUBMIT,
                                                                 .time_ms = NOW + 2000,
                                                                 .text = bytes_of("t"),
                                                                 .idempotency_key = bytes_of("m")})
                             .task;

    struct machine *copy = copy_of(machine);
    machine_destroy(machine);
    assert_same_but_replayed(first, put(copy, "a", "1", "k", NOW));
    assert_int_equal(put(copy, "a", "3", "l", NOW).status, MACHINE_KEY_REUSED);
    struct machine_result again = apply(copy, (struct machine_command){.type = MACHINE_TASK_SUBMIT,
                                                                       .time_ms = NOW,
                                                                       .text = bytes_of("t"),
                                                                       .idempotency_key = bytes_of("m")});
    assert_true(again.replayed && again.task == submitted);
    /* And forgotten at the same times. */
    pass(copy, NOW + 2000, NOW + HIVE_SESSION_MS);
    assert_false(put(copy, "a", "1", "k", NOW + HIVE_SESSION_MS).replayed);
    assert_true(put(copy, "a", "2", "l", NOW + HIVE_SESSION_MS + 999).replayed);
    assert_false(put(copy, "a", "2", "l", NOW + HIVE_SESSION_MS + 1000).replayed);
    machine_destroy(copy);
}

/* Rows that are forgotten while a dump is taken stand in it before those that were older than they, and lived longer. */
static void test_the_order_of_a_dump_does_not_matter(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    struct machine *machine = machine_create();
    struct hive_buffer dump = {0};
    char name[16];

    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "k%d", i);
        put(machine, "a", "1", name, NOW + i);
    }
    pass(machine, NOW + COUNT - 1, NOW + HIVE_SESSION_MS);
    uint64_t before = machine_digest(machine);
    machine_dump_begin(machine);
    assert_false(put(machine, "a", "1", "k30", NOW + HIVE_SESSION_MS + 30).replayed);
    assert_int_equal(machine_session_count(machine), COUNT - 8);
    while (machine_dump_next(machine, &dump, 1 << 20))
        ;
    struct machine *copy = load_dump(&dump);
    assert_true(machine_digest(copy) == before);
    /* The oldest go first there, too. */
    put(machine, "b", "", "", NOW + HIVE_SESSION_MS + 30);
    for (int i = 0; i < 2; i++)
        put(copy, "a", "1", i ? "" : "k30", NOW + HIVE_SESSION_MS + 30);
    assert_int_equal(machine_session_count(copy), machine_session_count(machine));
    assert_true(put(copy, "a", "1", "k39", NOW + HIVE_SESSION_MS + 30).replayed);
    hive_buffer_finish(&dump);
    machine_destroy(copy);
    machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_command_again_is_told_the_first_result),
        cmocka_unit_test(test_every_type_of_command_is_remembered),
        cmocka_unit_test(test_a_conflict_is_remembered),
        cmocka_unit_test(test_another_command_under_the_same_key_is_refused),
        cmocka_unit_test(test_what_found_everything_full_may_try_again),
        cmocka_unit_test(test_what_cannot_be_decoded_is_not_remembered),
        cmocka_unit_test(test_time_passes_by_the_latest_stamp),
        cmocka_unit_test(test_a_clock_far_ahead_makes_nobody_forget),
        cmocka_unit_test(test_after_a_long_silence_keys_still_expire),
        cmocka_unit_test(test_a_key_is_forgotten_after_its_time_and_not_before),
        cmocka_unit_test(test_a_replay_does_not_prolong_a_session),
        cmocka_unit_test(test_the_expired_go_a_few_at_a_time),
        cmocka_unit_test(test_a_full_table_forgets_the_oldest_but_not_before_the_floor),
        cmocka_unit_test(test_keys_are_known_after_a_dump_and_a_load),
        cmocka_unit_test(test_the_order_of_a_dump_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
