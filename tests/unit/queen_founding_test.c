/* Founding a group at run time: those who are started together agree, those who come late or with another disk do not harm. */
#include "queen_founding_scene.h"

#include "hive/file.h"

static void a_queen_alone_founds_at_once(void **state)
{
    (void)state;
    start(&queens[0], NULL, NULL, false);
    AWAIT(queens[0].foundings == 1);
    await_reason(&queens[0], NULL);
    assert_int_equal(queens[0].founded.count, 1);
    assert_int_equal(queens[0].founded.members[0].id, 10);
    assert_string_equal(queens[0].founded.members[0].address, queens[0].address);
}

static void queens_started_together_found_one_group_fast(void **state)
{
    (void)state;
    int64_t start_ms = hive_clock_monotonic_ms();
    for (size_t i = 0; i < QUEENS; i++)
        start_founder(i, QUEENS - 1);
    for (size_t i = 0; i < QUEENS; i++)
        AWAIT(queens[i].founded.count == QUEENS);
    int64_t took_ms = hive_clock_monotonic_ms() - start_ms;
    assert_true(took_ms < 900); /* a few milliseconds, where the machine is idle */
    for (size_t i = 0; i < QUEENS; i++) {
        await_reason(&queens[i], NULL);
        assert_int_equal(queens[i].foundings, 1);
        assert_true(group_is_same(&queens[i].founded, &queens[0].founded));
        assert_int_equal(queens[i].founded.members[i].id, 10 + i);
    }
}

static void a_missing_queen_is_waited_for_and_named(void **state)
{
    (void)state;
    close_queen(&queens[2]);
    for (size_t i = 0; i < 2; i++)
        start_founder(i, 2);
    char refused[HIVE_ADDRESS_BYTES + 32];
    snprintf(refused, sizeof refused, "%s (connection refused)", queens[2].address);
    await_reason(&queens[0], refused);
    await_reason(&queens[1], refused);
    char reason[HIVE_ERROR_BYTES];
    assert_true(founding_reason(queens[0].founding, reason));
    assert_null(strstr(reason, queens[1].address));
    AWAIT(queens[0].asked > 20); /* through many rounds */
    assert_int_equal(queens[0].foundings + queens[1].foundings, 0);

    open_queen(&queens[2]);
    start_founder(2, 2);
    for (size_t i = 0; i < 3; i++)
        AWAIT(queens[i].founded.count == 3);
    assert_true(group_is_same(&queens[0].founded, &queens[2].founded));
    assert_true(group_is_same(&queens[1].founded, &queens[2].founded));
    await_reason(&queens[0], NULL);
}

/* Once, although she asks again and again, and only where it lasts. */
static void whom_she_waits_for_is_logged_once(void **state)
{
    (void)state;
    char path[] = "/tmp/hive-founding-test-XXXXXX";
    int file = mkstemp(path), terminal = dup(STDERR_FILENO);
    struct hive_buffer log = {0};
    assert_true(file >= 0 && terminal >= 0);
    dup2(file, STDERR_FILENO);
    close_queen(&queens[1]);
    start_founder(0, 2);
    int64_t give_up_ms = hive_clock_monotonic_ms() + PATIENCE_MS;
    while ((!log.size || !strstr(log.data, "waits for")) && hive_clock_monotonic_ms() < give_up_ms) {
        hive_buffer_finish(&log);
        assert_int_equal(hive_file_read(path, 65536, &log, NULL), 0);
        usleep(10 * 1000);
    }
    int asked;
    UNDER_LOCK(asked = queens[2].asked);
    assert_true(asked > 10);
    AWAIT(queens[2].asked > asked + 10);
    founding_stop(queens[0].founding);
    dup2(terminal, STDERR_FILENO);
    close(terminal);
    hive_buffer_finish(&log);
    assert_int_equal(hive_file_read(path, 65536, &log, NULL), 0);
    char *line = strstr(log.data, "waits for");
    assert_non_null(line);
    assert_non_null(strstr(line, queens[1].address));
    assert_null(strstr(line + 1, "waits for"));
    hive_buffer_finish(&log);
    close(file);
    unlink(path);
}

static void nonsense_is_waited_out_like_silence(void **state)
{
    (void)state;
    queens[1].behaviour = TALKS_NONSENSE;
    queens[2].behaviour = IS_A_DRONE;
    start_founder(0, 2);
    await_reason(&queens[0], "that is no answer of a queen");
    await_reason(&queens[0], "this node is a drone");
    assert_int_equal(queens[0].foundings, 0);
    UNDER_LOCK(queens[1].behaviour = queens[2].behaviour = ANSWERS);
    AWAIT(queens[0].founded.count == 3);
}

static void a_late_founder_takes_over_what_the_others_founded(void **state)
{
    (void)state;
    make_group(0, 2);
    queens[2].founded.count = queens[2].members.count = 0;
    queens[2].status.standing = RAFT_STANDING_NONE;
    close_queen(&queens[1]); /* one of them is enough */
    start_founder(2, 2);
    AWAIT(queens[2].foundings == 1);
    assert_true(group_is_same(&queens[2].founded, &queens[0].founded));
    await_reason(&queens[2], NULL);
    assert_int_equal(queens[0].posts, 0);
}

/* ---- the second round ---- */

static void has_founded_without_her(struct queen *queen)
{
    queen->founded = (struct raft_configuration){.count = 2};
    queen->founded.members[0] = (struct raft_member){.id = queen->status.id, .kind = RAFT_MEMBER_VOTER};
    snprintf(queen->founded.members[0].address, HIVE_ADDRESS_BYTES, "%s", queen->address);
    /* … but with the disk that she had before. */
    queen->founded.members[1] = (struct raft_member){.id = 77, .kind = RAFT_MEMBER_VOTER};
    snprintf(queen->founded.members[1].address, HIVE_ADDRESS_BYTES, "%s", queens[0].address);
    queen->members = queen->founded;
    queen->members.index = 2;
    queen->status.standing = RAFT_STANDING_VOTER;
}

static void who_founds_between_the_rounds_is_heard(void **state)
{
    (void)state;
    queens[1].asks_left = 1;
    queens[1].then = has_founded_without_her;
    start_founder(0, 1);
    AWAIT(queens[1].posts == 1);
    assert_int_equal(queens[0].foundings, 0);
}

static void has_another_disk(struct queen *queen)
{
    become(queen, 99);
}

static void a_disk_emptied_between_the_rounds_is_noticed(void **state)
{
    (void)state;
    queens[2].asks_left = 1;
    queens[2].then = has_another_disk;
    start_founder(0, 2);
    AWAIT(queens[0].foundings == 1);
    assert_int_equal(queens[2].asked, 3);
    assert_non_null(raft_configuration_find(&queens[0].founded, 99));
    assert_null(raft_configuration_find(&queens[0].founded, 12));
}

/* Two rounds in a row: what was seen before a round in which somebody was silent is not good any more. */
static void falls_silent(struct queen *queen)
{
    queen->behaviour = TALKS_NONSENSE;
}

static void a_round_with_a_silence_begins_anew(void **state)
{
    (void)state;
    queens[1].asks_left = 1;
    queens[1].then = falls_silent;
    start_founder(0, 1);
    await_reason(&queens[0], "that is no answer of a queen");
    int asked;
    UNDER_LOCK(asked = queens[1].asked; queens[1].behaviour = ANSWERS);
    AWAIT(queens[0].foundings == 1);
    assert_true(queens[1].asked >= asked + 2);
}

/* ---- aliases ---- */

static void an_alias_of_herself_does_not_make_her_wait(void **state)
{
    (void)state;
    char alias[32];
    snprintf(alias, sizeof alias, "localhost:%d", queens[0].port);
    const char *items[] = {alias, queens[1].address};
    struct hive_strings list = {.items = items, .count = 2};
    start(&queens[0], &list, NULL, false);
    AWAIT(queens[0].founded.count == 2);
    await_reason(&queens[0], NULL);
}

static void a_stranger_with_her_address_is_told(void **state)
{
    (void)state;
    snprintf(queens[1].address, sizeof queens[1].address, "%s", queens[0].address);
    char by_port[32];
    snprintf(by_port, sizeof by_port, "127.0.0.1:%d", queens[1].port);
    const char *items[] = {by_port};
    struct hive_strings list = {.items = items, .count = 1};
    start(&queens[0], &list, NULL, false);
    await_reason(&queens[0], "give each an address of her own");
    assert_int_equal(queens[0].foundings, 0);
}

/* ---- the disk ---- */

/* The leader that was founded elsewhere called first: then there is a log already, and its word counts. */
static void a_leader_that_was_quicker_ends_the_founding(void **state)
{
    (void)state;
    queens[0].found_error = -EEXIST;
    start_founder(0, 1);
    AWAIT(queens[0].foundings > 0);
    await_reason(&queens[0], "there is a log already");
    UNDER_LOCK(make_group(1, 1));
    make_member(&queens[0], &queens[1]);
    await_reason(&queens[0], NULL);
    founding_stop(queens[0].founding);
    assert_int_equal(queens[0].founded.count, 0);
}

static void who_has_a_group_asks_nobody(void **state)
{
    (void)state;
    make_group(0, 2);
    start_founder(0, 2);
    queens[3].status.standing = RAFT_STANDING_REMOVED;
    start_founder(3, 2);
    char reason[HIVE_ERROR_BYTES];
    assert_false(founding_reason(queens[0].founding, reason));
    assert_string_equal(reason, "");
    assert_false(founding_reason(queens[3].founding, reason));
    founding_stop(queens[0].founding);
    founding_stop(queens[3].founding);
    for (size_t i = 0; i < QUEENS; i++)
        assert_int_equal(queens[i].asked + queens[i].posts + queens[i].foundings, 0);
    assert_false(founding_reason(NULL, reason));
}

static void stopping_waits_for_nobody(void **state)
{
    (void)state;
    queens[1].behaviour = HANGS;
    start_founder(0, 1);
    AWAIT(queens[1].asked == 1);
    int64_t start_ms = hive_clock_monotonic_ms();
    founding_stop(queens[0].founding);
    founding_stop(queens[0].founding);
    assert_true(hive_clock_monotonic_ms() - start_ms < 500);
    assert_int_equal(queens[0].foundings, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_queen_alone_founds_at_once),
        TEST(queens_started_together_found_one_group_fast),
        TEST(a_missing_queen_is_waited_for_and_named),
        TEST(whom_she_waits_for_is_logged_once),
        TEST(nonsense_is_waited_out_like_silence),
        TEST(a_late_founder_takes_over_what_the_others_founded),
        TEST(who_founds_between_the_rounds_is_heard),
        TEST(a_disk_emptied_between_the_rounds_is_noticed),
        TEST(a_round_with_a_silence_begins_anew),
        TEST(an_alias_of_herself_does_not_make_her_wait),
        TEST(a_stranger_with_her_address_is_told),
        TEST(a_leader_that_was_quicker_ends_the_founding),
        TEST(who_has_a_group_asks_nobody),
        TEST(stopping_waits_for_nobody),
    };
    return cmocka_run_group_tests_name("queen_founding", tests, NULL, NULL);
}
