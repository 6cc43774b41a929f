/* Dumps that were made up by somebody who knows the format: each rule of what a machine can be is checked when it is loaded. */
#include "unit/machine_load.h"

#include "hive/memory.h"

static struct hive_buffer made;

static void number(uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        hive_buffer_append(&made, &(char){(char)(value >> 8 * i)}, 1);
}

static void text(const char *value)
{
    number(strlen(value), 4);
    hive_buffer_append_text(&made, value);
}

/* So many rows of each table; applied index 100, time 1000, stamp 2000. */
static void head(uint64_t keys, uint64_t drones, uint64_t tasks, uint64_t sessions, uint64_t succeeded)
{
    hive_buffer_clear(&made);
    hive_buffer_append(&made, "hivedump\2\0\0\0", 12);
    const uint64_t numbers[] = {100, 1000, 2000, keys, drones, tasks, sessions, succeeded, 0, 0, 0, 0, 0, 0};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        number(numbers[i], 8);
}

static size_t row(int table)
{
    number((uint64_t)table, 1);
    number(0, 4);
    return made.size;
}

static void row_ends(size_t at)
{
    size_t bytes = made.size - at;
    for (size_t i = 0; i < 4; i++)
        made.data[at - 4 + i] = (char)(bytes >> 8 * i);
}

static void key_row(const char *key, uint64_t created, uint64_t modified, uint64_t version)
{
    size_t at = row(1);
    number(created, 8);
    number(modified, 8);
    number(version, 8);
    text(key);
    text("value");
    row_ends(at);
}

static void drone_row(const char *address, const char *name, uint64_t index)
{
    size_t at = row(2);
    number(index, 8);
    number(1000, 8);
    number(4, 4);
    text(address);
    text(name);
    text("");
    text("");
    row_ends(at);
}

struct task {
    uint64_t number, end;
    int state;
    uint32_t attempt;
    const char *drone;
    uint64_t assigned_at, finished_at;
};

static void task_row(struct task task)
{
    size_t at = row(3);
    number(task.number, 8);
    number((uint64_t)task.state, 1);
    number(task.attempt, 4);
    number(1, 8);
    number(task.assigned_at, 8);
    number(task.finished_at, 8);
    number(task.end, 8);
    text("name");
    text("text");
    text(task.drone ? task.drone : "");
    text("");
    row_ends(at);
}

struct session {
    uint64_t index, time, status, type, created, result_index, result_task;
    const char *key;
};

static void session_row(struct session session)
{
    size_t at = row(4);
    number(session.index, 8);
    number(session.time, 8);
    number(77, 8);
    number(session.status, 1);
    number(session.type, 1);
    number(session.created, 1);
    number(session.result_index, 8);
    number(session.result_task, 8);
    number(0, 4);
    text(session.key);
    row_ends(at);
}

static void accepted(void)
{
    struct machine *machine = load_dump(&made);
    machine_destroy(machine);
}

/* With a message that says this. */
static void refused(const char *why)
{
    struct hive_error error;
    struct machine *machine = load_bytes(made.data, made.size, &error);
    if (machine || !strstr(error.message, why))
        fail_msg("not refused because '%s', but: '%s'", why, error.message);
}

static void one_key(const char *key, uint64_t created, uint64_t modified, uint64_t version)
{
    head(1, 0, 0, 0, 0);
    key_row(key, created, modified, version);
}

static void test_keys_are_checked(void **state)
{
    (void)state;
    one_key("k", 7, 100, 94);
    accepted();
    one_key("k", 0, 7, 1);
    refused("key 0: its indexes");
    one_key("k", 7, 6, 1);
    refused("indexes");
    one_key("k", 7, 101, 1);
    refused("indexes");
    one_key("k", 7, 7, 0);
    refused("version");
    one_key("k", 7, 7, 1);
    accepted();
    one_key("k", 7, 100, 95);
    refused("version");
    one_key("", 7, 7, 1);
    refused("length");
    char *longest = hive_calloc(1, HIVE_KEY_BYTES + 2);
    memset(longest, 'x', HIVE_KEY_BYTES);
    one_key(longest, 7, 7, 1);
    accepted();
    longest[HIVE_KEY_BYTES] = 'x';
    one_key(longest, 7, 7, 1);
    refused("length");
    free(longest);
    head(2, 0, 0, 0, 0);
    key_row("b", 1, 1, 1);
    key_row("a", 1, 1, 1); /* any order */
    accepted();
    head(2, 0, 0, 0, 0);
    key_row("a", 1, 1, 1);
    key_row("a", 2, 2, 1);
    refused("twice");
}

static void test_frames_are_checked(void **state)
{
    (void)state;
    one_key("k", 7, 7, 1);
    made.data[125]++; /* the row's size: a byte of what follows is missing */
    refused("cut short");
    hive_buffer_append_text(&made, "x");
    refused("behind its last field");
    one_key("k", 7, 7, 1);
    made.data[125]--;
    refused("length");
    one_key("k", 7, 7, 1);
    made.data[124] = 0;
    refused("table 0");
    made.data[124] = 5;
    refused("table 5");
    one_key("k", 7, 7, 1);
    made.data[128] = 1;
    refused("bytes in table 1");
    one_key("k", 7, 7, 1);
    made.data[7] = 'P';
    refused("no dump");
    one_key("k", 7, 7, 1);
    made.data[8] = 1;
    refused("format 1");
    one_key("k", 7, 7, 1);
    made.data[27] = (char)0x80; /* negative */
    refused("time is out of range");
    made.data[27] = 0x40; /* it would end soon */
    refused("time is out of range");
    made.data[27] = 0x3f;
    accepted();
    made.data[35] = (char)0x80; /* the stamp */
    refused("time is out of range");
    made.data[35] = 0x7f;
    accepted();
    head(UINT64_MAX, 1, 0, 0, 0);
    refused("so many rows");
    head(1, 1, 0, 0, 0); /* another table's row instead */
    key_row("a", 1, 1, 1);
    key_row("b", 1, 1, 1);
    refused("one more than");
    head(0, 0, 0, 0, 0);
    accepted();
    /* Nothing more is taken after an error. */
    struct machine_loader *loader = machine_load_begin();
    struct machine *machine;
    struct hive_error error;
    assert_int_equal(machine_load_feed(loader, "nonsense", 8, &error), 0);
    assert_int_equal(machine_load_feed(loader, made.data, made.size, &error), -EBADMSG);
    assert_int_equal(machine_load_feed(loader, made.data, made.size, &error), -EBADMSG);
    assert_int_equal(machine_load_end(loader, &machine, &error), -EBADMSG);
    assert_non_null(strstr(error.message, "no dump"));
    machine_load_abort(machine_load_begin());
    machine_load_abort(NULL);
}

static void test_drones_are_checked(void **state)
{
    (void)state;
    char many[16];
    static const struct {
        const char *address, *name, *why;
        uint64_t index;
    } cases[] = {
        {"h:1", "n", NULL, 100}, {"h:1", "n", "index", 101}, {"h:1", "n", "index", 0},
        {"", "n", "texts", 1},   {"h:1", "", "texts", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        head(0, 1, 0, 0, 0);
        drone_row(cases[i].address, cases[i].name, cases[i].index);
        cases[i].why ? refused(cases[i].why) : accepted();
    }
    head(0, 1, 0, 0, 0);
    drone_row("h:1", "name", 1);
    *(char *)memmem(made.data, made.size, "name", 4) = '\0'; /* what hides behind a NUL is no text */
    refused("texts");
    head(0, 2, 0, 0, 0);
    drone_row("h:1", "n", 1);
    drone_row("h:1", "n", 2);
    refused("twice");
    for (size_t count = HIVE_DRONES; count <= HIVE_DRONES + 1; count++) {
        head(0, count, 0, 0, 0);
        for (size_t i = 0; i < count; i++) {
            snprintf(many, sizeof many, "h:%zu", i);
            drone_row(many, "n", 1);
        }
        count > HIVE_DRONES ? refused("too many") : accepted();
    }
}

static void test_tasks_are_checked(void **state)
{
    (void)state;
    static const struct {
        struct task task;
        uint64_t ever;
        const char *why;
    } cases[] = {
        {{.number = 100, .state = 1}, 0, NULL},
        {{.number = 101, .state = 1}, 0, "number"},
        {{.number = 0, .state = 1}, 0, "number"},
        {{.number = 9, .state = 0}, 0, "state is unknown"},
        {{.number = 9, .state = 8}, 0, "state is unknown"},
        {{.number = 9, .state = 8, .attempt = 1, .end = 1}, 1, "state is unknown"},
        {{.number = 9, .state = 1, .end = 1}, 1, "place among"},
        {{.number = 9, .state = 4, .attempt = 1, .drone = "h:1"}, 1, "place among"},
        {{.number = 9, .state = 4, .attempt = 1, .drone = "h:1", .end = 1}, 1, NULL},
        {{.number = 9, .state = 4, .attempt = 1, .drone = "gone:1", .end = 1}, 1, NULL},
        {{.number = 9, .state = 4, .attempt = 0, .drone = "h:1", .end = 1}, 1, "never assigned"},
        {{.number = 9, .state = 4, .attempt = 1, .drone = "h:1", .end = 2}, 1, "place is not its own"},
        {{.number = 9, .state = 4, .attempt = 1, .drone = "h:1", .end = 1}, 2, "place is not its own"},
        {{.number = 9, .state = 4, .attempt = 1, .drone = "h:1", .end = 2}, 2, NULL},
        {{.number = 9, .state = 4, .attempt = 1, .drone = "h:1", .end = 1}, 0, "more have finished"},
        {{.number = 9, .state = 5, .attempt = 1, .drone = "h:1", .end = 1}, 1, "more have finished"},
        {{.number = 9, .state = 6, .attempt = 1, .drone = "h:1", .end = 1}, 1, "more have finished"},
        {{.number = 9, .state = 7, .attempt = 1, .drone = "h:1", .end = 1}, 1, "more have finished"},
        {{.number = 9, .state = 2, .attempt = 1, .drone = "h:1", .assigned_at = 5}, 0, NULL},
        {{.number = 9, .state = 2, .attempt = 0, .drone = "h:1"}, 0, "never assigned"},
        {{.number = 9, .state = 3, .attempt = 0, .drone = "h:1"}, 0, "never assigned"},
        {{.number = 9, .state = 2, .attempt = 1, .drone = "h:2"}, 0, "drone that is not there"},
        {{.number = 9, .state = 3, .attempt = 1}, 0, "drone that is not there"},
        {{.number = 9, .state = 1, .attempt = 1, .drone = "h:2"}, 0, NULL}, /* given back */
        {{.number = 9, .state = 1, .assigned_at = 5}, 0, "has not happened"},
        {{.number = 9, .state = 2, .attempt = 1, .drone = "h:1", .finished_at = 5}, 0, "has not happened"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        head(0, 1, 1, 0, cases[i].ever);
        task_row(cases[i].task); /* before its drone: the order does not matter */
        drone_row("h:1", "n", 1);
        cases[i].why ? refused(cases[i].why) : accepted();
    }
    head(0, 0, 2, 0, 0);
    task_row((struct task){.number = 9, .state = 1});
    task_row((struct task){.number = 9, .state = 1});
    refused("twice");
    head(0, 0, 2, 0, 2);
    task_row((struct task){.number = 9, .state = 4, .attempt = 1, .end = 2});
    task_row((struct task){.number = 8, .state = 4, .attempt = 1, .end = 2});
    refused("place is not its own");
    for (size_t at = 76; at <= 92; at += 8) { /* one failed, was stopped, was lost, too */
        head(0, 0, 0, 0, UINT64_MAX);
        accepted();
        made.data[at] = 1;
        refused("can be counted");
    }
}

static void test_too_many_tasks_are_refused(void **state)
{
    (void)state;
    for (uint64_t more = 0; more <= 1; more++) {
        head(0, 0, HIVE_TASKS_FINISHED + more, 0, HIVE_TASKS_FINISHED + 5);
        made.data[14] = 1; /* applied index: 65636 */
        for (uint64_t i = 1; i <= HIVE_TASKS_FINISHED + more; i++)
            task_row((struct task){.number = i, .state = 4, .attempt = 1, .end = 5 - more + i});
        more ? refused("too many") : accepted();
        head(0, 0, HIVE_TASKS_UNFINISHED + more, 0, 0);
        made.data[14] = 1;
        for (uint64_t i = 1; i <= HIVE_TASKS_UNFINISHED + more; i++)
            task_row((struct task){.number = i, .state = 1});
        more ? refused("too many") : accepted();
    }
}

static void test_sessions_are_checked(void **state)
{
    (void)state;
    static const struct {
        struct session session;
        const char *why;
    } cases[] = {
        {{100, 1000, 2, 7, 1, 100, 100, "k"}, NULL},
        {{101, 1000, 0, 1, 0, 5, 0, "k"}, "index or time"},
        {{0, 1000, 0, 1, 0, 0, 0, "k"}, "index or time"},
        {{9, 1001, 0, 1, 0, 5, 0, "k"}, "index or time"},
        {{9, UINT64_MAX, 0, 1, 0, 5, 0, "k"}, "index or time"},
        {{9, 9, 3, 1, 0, 5, 0, "k"}, "result"},
        {{9, 9, 0, 0, 0, 5, 0, "k"}, "result"},
        {{9, 9, 0, 8, 0, 5, 0, "k"}, "result"},
        {{9, 9, 0, 1, 2, 5, 0, "k"}, "result"},
        {{9, 9, 0, 1, 0, 10, 0, "k"}, "result"},
        {{9, 9, 0, 1, 0, 0, 10, "k"}, "result"},
        {{9, 9, 0, 1, 0, 9, 9, ""}, "no idempotency key"},
        {{9, 9, 0, 1, 0, 9, 9, "a\x7f"}, "no idempotency key"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        head(0, 0, 0, 1, 0);
        session_row(cases[i].session);
        cases[i].why ? refused(cases[i].why) : accepted();
    }
    for (uint64_t other = 0; other < 4; other++) {
        head(0, 0, 0, 2, 0);
        session_row((struct session){9, 9, 0, 1, 0, 9, 0, "k"});
        session_row((struct session){other & 1 ? 8 : 9, 9, 0, 1, 0, 0, 0, other & 2 ? "l" : "k"});
        other == 3 ? accepted() : refused("twice");
    }
    head(0, 0, 0, 2, 0);
    session_row((struct session){9, 9, 0, 1, 0, 9, 0, "k"});
    session_row((struct session){8, 10, 0, 1, 0, 0, 0, "l"});
    refused("times fall");
    for (uint64_t count = HIVE_SESSIONS; count <= HIVE_SESSIONS + 1; count++) {
        char key[16];
        head(0, 0, 0, count, 0);
        made.data[15] = 1; /* applied index: above 2^24 */
        for (uint64_t i = 1; i <= count; i++) {
            snprintf(key, sizeof key, "k%" PRIu64, i);
            session_row((struct session){i, 9, 0, 1, 0, 0, 0, key});
        }
        count > HIVE_SESSIONS ? refused("too many") : accepted();
    }
    hive_buffer_finish(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_checked),           cmocka_unit_test(test_frames_are_checked),
        cmocka_unit_test(test_drones_are_checked),         cmocka_unit_test(test_tasks_are_checked),
        cmocka_unit_test(test_too_many_tasks_are_refused), cmocka_unit_test(test_sessions_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
