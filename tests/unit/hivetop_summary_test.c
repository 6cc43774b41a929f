/* The header's numbers: who counts for a majority, and what is last known where nobody answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hivetop/summary.h"
#include "tests/unit/hivetop_fixture.h"

static void set_kind(struct model *model, size_t peer, const char *kind)
{
    snprintf(model->nodes[0]->health.peers[peer].kind, sizeof model->nodes[0]->health.peers[peer].kind, "%s",
             kind);
}

static void only_voters_count_for_a_majority(void **state)
{
    (void)state;
    struct model model;
    struct summary summary;
    fixture_calm(&model, 5, 0); /* q1 leads; its peers are q2 to q5 */
    summary_of(&model, &summary);
    assert_int_equal(summary.queens, 5);
    assert_int_equal(summary.queens_up, 5);
    assert_int_equal(summary.spare, 2);
    set_kind(&model, 2, "learner");
    set_kind(&model, 3, "joining");
    summary_of(&model, &summary);
    assert_int_equal(summary.queens, 3);
    assert_int_equal(summary.queens_up, 3);
    assert_int_equal(summary.spare, 1);
    model_take_failure(&model, model.nodes[3], -ECONNREFUSED, "connection refused"); /* q4, a learner */
    summary_of(&model, &summary);
    assert_int_equal(summary.spare, 1);
    model_finish(&model);
}

static void set_heard(struct model *model, size_t peer, int64_t ms_ago)
{
    model->nodes[0]->health.peers[peer].last_ack_ms = ms_ago < 0 ? 0 : model->unix_ms - ms_ago;
}

static void who_is_cut_off_from_the_leader_does_not_count_as_up(void **state)
{
    (void)state;
    struct model model;
    struct summary summary;
    fixture_calm(&model, 5, 0); /* q1 leads; all answer us */
    for (size_t i = 0; i < 4; i++)
        set_heard(&model, i, 60);
    summary_of(&model, &summary);
    assert_int_equal(summary.queens_up, 5);
    set_heard(&model, 1, SUMMARY_CONTACT_MS);
    set_heard(&model, 2, SUMMARY_CONTACT_MS - 1);
    summary_of(&model, &summary);
    assert_int_equal(summary.queens_up, 4);
    assert_int_equal(summary.spare, 1);
    /* One that it has never heard of counts as long as it has just begun to lead. */
    struct hive_health *leader = &model.nodes[0]->health;
    leader->transitions = hive_realloc(leader->transitions, 1, sizeof *leader->transitions);
    leader->transition_count = 1;
    leader->transitions[0] =
        (struct hive_transition){.time_ms = model.unix_ms - 100, .term = 3, .state = HIVE_RAFT_LEADER};
    set_heard(&model, 3, -1);
    summary_of(&model, &summary);
    assert_int_equal(summary.queens_up, 4);
    leader->transitions[0].time_ms = model.unix_ms - SUMMARY_CONTACT_MS;
    summary_of(&model, &summary);
    assert_int_equal(summary.queens_up, 3);
    assert_int_equal(summary.spare, 0);
    /* An old answer of the leader says nothing about now: what it said then counts. */
    model_set_time(&model, model.now_ms + 5000, model.unix_ms + 5000);
    summary_of(&model, &summary);
    assert_int_equal(summary.queens_up, 3);
    model_finish(&model);
}

static void without_a_leader_everybody_counts_who_does_not_say_otherwise(void **state)
{
    (void)state;
    struct model model;
    struct summary summary;
    fixture_calm(&model, 5, 0);
    model_take_failure(&model, model.nodes[0], -ECONNREFUSED, "connection refused");
    snprintf(model.nodes[4]->health.standing, sizeof model.nodes[4]->health.standing, "learner");
    snprintf(model.nodes[3]->health.standing, sizeof model.nodes[3]->health.standing, "removed");
    summary_of(&model, &summary);
    assert_null(summary.leader);
    assert_int_equal(summary.queens, 3);
    assert_int_equal(summary.queens_up, 2);
    assert_int_equal(summary.spare, 0);
    model_finish(&model);
}

static void what_nobody_confirms_is_old(void **state)
{
    (void)state;
    struct model model;
    struct summary summary;
    fixture_calm(&model, 3, 0);
    summary_of(&model, &summary);
    assert_false(summary.is_old);
    for (size_t i = 0; i < 3; i++)
        model_take_failure(&model, model.nodes[i], -ECONNREFUSED, "connection refused");
    summary_of(&model, &summary);
    assert_true(summary.is_old);
    assert_int_equal(summary.term, 3);
    assert_int_equal(summary.commit, 20);
    assert_int_equal(summary.spare, -2);
    model_finish(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_voters_count_for_a_majority),
        cmocka_unit_test(who_is_cut_off_from_the_leader_does_not_count_as_up),
        cmocka_unit_test(without_a_leader_everybody_counts_who_does_not_say_otherwise),
        cmocka_unit_test(what_nobody_confirms_is_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
