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
        cmocka_unit_test(without_a_leader_everybody_counts_who_does_not_say_otherwise),
        cmocka_unit_test(what_nobody_confirms_is_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
