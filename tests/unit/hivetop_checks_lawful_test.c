/* What looks like broken consensus and is lawful: restarts, wiped disks, other groups at the same addresses. One false alarm would make
 * all alarms worthless. What is to be found: hivetop_checks_test.c. */
#include "tests/unit/hivetop_checks_scene.h"

#define SAME  "1a2b3c4d5e6f7081"
#define OTHER "3c4d00000000ffff"

static void a_restart_forgets_the_commit_index(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 2, .commit = 90210, .snapshot = 90000);
    SAYS(&model, .number = 2, .commit = 90000, .snapshot = 90000, .process = 1);
    SAYS(&model, .number = 2, .commit = 90001, .snapshot = 90000, .process = 1);
    SAYS(&model, .number = 2, .commit = 90000, .snapshot = 90000, .process = 2);
    assert_nothing_found(&model);
    model_finish(&model);
}

/* A term that was killed on its way to the disk bound nobody: no vote and no acknowledgement had left. */
static void a_restart_may_forget_a_term_that_was_not_on_the_disk(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 2, .term = 15, .durable_term = 14, .state = HIVE_RAFT_CANDIDATE);
    SAYS(&model, .number = 2, .term = 14, .process = 1);
    assert_nothing_found(&model);
    model_finish(&model);
}

/* It says neither pid nor start, as a simulated one does. */
static void one_that_names_no_process_may_be_another_one_each_time(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 2, .has_no_process = true, .commit = 500);
    SAYS(&model, .number = 2, .has_no_process = true, .commit = 400);
    assert_nothing_found(&model);
    model_finish(&model);
}

/* An emptied directory is another queen, at the same address. */
static void a_wiped_queen_begins_anew(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 2, .term = 15, .commit = 90210, .snapshot = 90000);
    SAYS(&model, .number = 2, .id = "new", .term = 1, .commit = 1, .group = "");
    SAYS(&model, .number = 2, .id = "new", .term = 15, .commit = 90211);
    assert_nothing_found(&model);
    model_finish(&model);
}

/* All directories were emptied, and the same addresses found a group anew: the same indexes and terms come again. */
static void a_group_that_is_founded_anew_is_another_one(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 1, .state = HIVE_RAFT_LEADER, .term = 1, .digests = {{16, 1, SAME}, {2, 1, SAME}});
    SAYS(&model, .number = 2, .term = 1, .digests = {{16, 1, SAME}, {2, 1, SAME}});
    /* q2 is asked before q1 is known to be another one. */
    SAYS(&model, .number = 2, .id = "new-2", .group = ANOTHER, .state = HIVE_RAFT_LEADER, .term = 1,
         .digests = {{16, 1, OTHER}, {2, 1, OTHER}});
    SAYS(&model, .number = 1, .state = HIVE_RAFT_LEADER, .term = 1, .digests = {{16, 1, SAME}, {2, 1, SAME}});
    SAYS(&model, .number = 1, .id = "new-1", .group = ANOTHER, .term = 1, .digests = {{16, 1, OTHER}});
    assert_nothing_found(&model);
    assert_int_equal(model.checks.compared, 3);
    assert_int_equal(model.checks.leaders, 2);
    model_finish(&model);
}

/* Terms go on from the backup's, and so may come again. */
static void a_restored_group_is_another_one(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 1, .state = HIVE_RAFT_LEADER, .term = 15, .digests = {{90210, 15, SAME}});
    SAYS(&model, .number = 2, .id = "restored", .group = ANOTHER, .state = HIVE_RAFT_LEADER, .term = 15,
         .applied = 448818242250000, .digests = {{448818242250000, 14, OTHER}});
    assert_nothing_found(&model);
    model_finish(&model);
}

static void who_is_of_no_group_yet_is_not_compared(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 1, .state = HIVE_RAFT_LEADER, .digests = {{1, 3, SAME}});
    SAYS(&model, .number = 2, .group = "", .state = HIVE_RAFT_LEADER, .digests = {{1, 3, OTHER}});
    SAYS(&model, .number = 3, .group = "no hash", .state = HIVE_RAFT_LEADER, .digests = {{1, 3, OTHER}});
    SAYS(&model, .number = 4, .digests = {{1, 3, "no hash"}});
    SAYS(&model, .number = 5, .has_no_id = true, .state = HIVE_RAFT_LEADER, .digests = {{1, 3, OTHER}});
    assert_nothing_found(&model);
    model_finish(&model);
}

static void leaders_that_follow_each_other_are_fine(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 1, .state = HIVE_RAFT_LEADER, .term = 4);
    SAYS(&model, .number = 2, .state = HIVE_RAFT_LEADER, .term = 5); /* q1 was paused, and does not know */
    SAYS(&model, .number = 1, .state = HIVE_RAFT_LEADER, .term = 4);
    SAYS(&model, .number = 1, .term = 5);
    SAYS(&model, .number = 1, .state = HIVE_RAFT_LEADER, .term = 6,
         .transitions = {
             {1, 4, HIVE_RAFT_LEADER, ""}, {2, 5, HIVE_RAFT_FOLLOWER, ""}, {3, 6, HIVE_RAFT_LEADER, ""}});
    assert_nothing_found(&model);
    assert_int_equal(model.checks.leaders, 3);
    model_finish(&model);
}

/* Answers of two queens are not of one moment: one may know much more than the other. */
static void queens_that_are_far_apart_are_fine(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    SAYS(&model, .number = 1, .applied = 90000, .digests = {{90000, 3, SAME}});
    SAYS(&model, .number = 2, .applied = 10, .digests = {{10, 2, OTHER}});
    SAYS(&model, .number = 2, .applied = 90000, .digests = {{90000, 3, SAME}}); /* by a snapshot */
    assert_nothing_found(&model);
    assert_true(checks_holds(&model.checks));
    model_finish(&model);
}

/* More queens than are remembered have come and gone: a place that is another's now has nothing of the one before. */
static void those_who_are_long_gone_are_forgotten(void **state)
{
    (void)state;
    struct model model;
    open_model(&model);
    for (int i = 0; i < 3 * CHECKS_MEMBERS; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", 1000 + i);
        SAYS(&model, .number = 1, .digests = {{100, 3, SAME}});
        SAYS(&model, .number = 2, .id = id, .term = 300 - (uint64_t)i, .applied = 1000 - (uint64_t)i,
             .state = HIVE_RAFT_LEADER, .digests = {{1000 - (uint64_t)i, 3, SAME}});
    }
    assert_nothing_found(&model);
    SAYS(&model, .number = 1, .digests = {{100, 3, SAME}});
    SAYS(&model, .number = 3, .digests = {{100, 3, SAME}});
    assert_int_equal(model.checks.compared, 1);
    /* What one of them said is no evidence against who has the place now. */
    uint64_t gone = 3 * CHECKS_MEMBERS - 100;
    SAYS(&model, .number = 3, .state = HIVE_RAFT_LEADER, .term = 300 - gone, .process = 1, .durable_term = 3);
    SAYS(&model, .number = 4, .applied = 1000 - gone, .digests = {{1000 - gone, 3, OTHER}});
    assert_nothing_found(&model);
    model_finish(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_forgets_the_commit_index),
        cmocka_unit_test(a_restart_may_forget_a_term_that_was_not_on_the_disk),
        cmocka_unit_test(one_that_names_no_process_may_be_another_one_each_time),
        cmocka_unit_test(a_wiped_queen_begins_anew),
        cmocka_unit_test(a_group_that_is_founded_anew_is_another_one),
        cmocka_unit_test(a_restored_group_is_another_one),
        cmocka_unit_test(who_is_of_no_group_yet_is_not_compared),
        cmocka_unit_test(leaders_that_follow_each_other_are_fine),
        cmocka_unit_test(queens_that_are_far_apart_are_fine),
        cmocka_unit_test(those_who_are_long_gone_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
