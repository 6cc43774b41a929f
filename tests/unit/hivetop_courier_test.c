/* What changes something goes out as the user meant it: actions that name their process, orders about links and nodes, tasks
 * and the leadership to who leads. The other side is a real server in this program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/hivetop_fake.h"

static void an_action_names_its_process_to_the_launcher(void **state)
{
    (void)state;
    char directory[] = "/tmp/hivetop-test-XXXXXX";
    struct fake node, launcher;
    struct app app;
    assert_non_null(mkdtemp(directory));
    char *path = hive_format("%s/control.sock", directory);
    fake_start(&node, NULL);
    fake_start(&launcher, path);
    const char *addresses[] = {node.address};
    open_app(&app, addresses, 1, path, 100);
    run_until_condition(&app, &node, CONDITION_UP);

    struct action action = {.kind = ACTION_KILL, .process = {.pid = 4711, .started_at = 123456}};
    snprintf(action.node, sizeof action.node, "q1");
    courier_act(&app.courier, &action);
    assert_true(app.poller.hurry_until_ms > app.model.now_ms);
    app.poller.hurry_until_ms = 0;
    run_until_status(&app, "q1 killed");
    assert_string_equal(what_it_saw(&launcher).target, "/nodes/q1/kill");
    assert_string_equal(what_it_saw(&launcher).body, "{\"pid\":4711,\"started_at\":123456}");
    assert_true(app.poller.hurry_until_ms > app.model.now_ms);
    assert_string_equal(app.model.events.items[app.model.events.count - 1].text,
                        "q1 killed by you (pid 4711)");

    fake_answer(&launcher, 409, "q1 runs as pid 4712 now");
    courier_act(&app.courier, &action);
    run_until_status(&app, "q1 was not killed: q1 runs as pid 4712 now");

    action = (struct action){.kind = ACTION_RESTART,
                             .node = "q1"}; /* it did not run: any process of that name would do */
    fake_answer(&launcher, 200, NULL);
    courier_act(&app.courier, &action);
    run_until_status(&app, "q1 restarted");
    assert_string_equal(what_it_saw(&launcher).target, "/nodes/q1/restart");
    assert_string_equal(what_it_saw(&launcher).body, "");

    fake_stop(&launcher);
    courier_act(&app.courier, &action);
    run_until_status(&app, "q1 was not restarted: no word from the launcher: ");
    app_close(&app, NULL);
    fake_stop(&node);
    assert_int_equal(hive_file_remove_tree(directory, NULL), 0);
    free(path);
}

static void a_task_follows_redirects_within_the_cluster_only(void **state)
{
    (void)state;
    struct fake old_leader, new_leader, stranger;
    struct app app;
    fake_start(&old_leader, NULL);
    fake_start(&new_leader, NULL);
    fake_start(&stranger, NULL);
    const char *addresses[] = {old_leader.address, new_leader.address};
    open_app(&app, addresses, 2, NULL, 100);
    snprintf(app.source.token, sizeof app.source.token, "secret");
    run_until_condition(&app, &old_leader, CONDITION_UP);
    run_until_condition(&app, &new_leader, CONDITION_UP);
    model_node(&app.model, old_leader.address)->health.term = 9; /* it is asked first */

    fake_redirect(&old_leader, &new_leader);
    courier_submit(&app.courier, "say \"h\xc3\xa9llo\"");
    run_until_status(&app, "task-7 submitted");
    assert_int_equal(what_it_saw(&old_leader).posted, 1);
    assert_string_equal(what_it_saw(&new_leader).body, "{\"text\":\"say \\\"h\xc3\xa9llo\\\"\"}");
    assert_string_equal(what_it_saw(&new_leader).authorization, "Bearer secret");

    model_node(&app.model, old_leader.address)->health.term = 9;
    fake_redirect(&old_leader, &stranger);
    courier_submit(&app.courier, "for whom?");
    run_until_status(&app, "the task was not submitted: ");
    assert_int_equal(what_it_saw(&stranger).posted, 0);

    fake_answer(&old_leader, 503, "wait for a leader");
    model_node(&app.model, old_leader.address)->health.term = 9;
    courier_submit(&app.courier, "now?");
    run_until_status(&app, "the task was not submitted: wait for a leader");
    app_close(&app, NULL);
    fake_stop(&old_leader);
    fake_stop(&new_leader);
    fake_stop(&stranger);
}

static void without_a_leader_no_task_goes_out(void **state)
{
    (void)state;
    struct fake node;
    struct app app;
    fake_start(&node, NULL);
    const char *addresses[] = {node.address};
    open_app(&app, addresses, 1, NULL, 100);
    courier_submit(&app.courier, "too early");
    assert_non_null(strstr(app.ui.status, "no leader takes tasks right now"));
    assert_int_equal(hive_http_client_pending(app.client), 0);
    app_close(&app, NULL);
    fake_stop(&node);
}

static void one_person_cannot_set_off_more_than_a_few_things_at_once(void **state)
{
    (void)state;
    struct app app;
    const char *addresses[] = {"127.0.0.1:1"};
    open_app(&app, addresses, 1, "/nowhere/control.sock", 100);
    struct action action = {.kind = ACTION_KILL, .node = "q1", .process = {.pid = 4711, .started_at = 1}};
    for (int i = 0; i < 2 * COURIER_AT_ONCE; i++)
        courier_act(&app.courier, &action);
    assert_int_equal(hive_http_client_pending(app.client), COURIER_AT_ONCE);
    assert_non_null(strstr(app.ui.status, "too much is under way"));
    app_close(&app, NULL); /* with all of them open */
}

/* A dashboard with one node, and a launcher at a socket. */
struct desk {
    char directory[32];
    struct fake node, launcher;
    struct app app;
};

static void open_desk(struct desk *desk)
{
    snprintf(desk->directory, sizeof desk->directory, "/tmp/hivetop-test-XXXXXX");
    assert_non_null(mkdtemp(desk->directory));
    char *path = hive_format("%s/control.sock", desk->directory);
    fake_start(&desk->node, NULL);
    fake_start(&desk->launcher, path);
    const char *addresses[] = {desk->node.address};
    open_app(&desk->app, addresses, 1, path, 100);
    run_until_condition(&desk->app, &desk->node, CONDITION_UP);
    free(path);
}

static void close_desk(struct desk *desk)
{
    app_close(&desk->app, NULL);
    fake_stop(&desk->node);
    fake_stop(&desk->launcher);
    assert_int_equal(hive_file_remove_tree(desk->directory, NULL), 0);
}

static const char *last_event(const struct app *app)
{
    return app->model.events.items[app->model.events.count - 1].text;
}

static void links_are_cut_and_healed_by_the_launcher(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk);
    struct action action = {.kind = ACTION_CUT, .node = "q1", .other = "q2"};
    courier_act(&desk.app.courier, &action);
    run_until_status(&desk.app, "the link q1 - q2 cut");
    assert_string_equal(what_it_saw(&desk.launcher).target, "/links");
    assert_string_equal(what_it_saw(&desk.launcher).body, "{\"kind\":\"cut\",\"from\":\"q1\",\"to\":\"q2\"}");
    assert_string_equal(last_event(&desk.app), "the link q1 - q2 cut by you");

    fake_answer(&desk.launcher, 409, "it takes no faults");
    courier_act(&desk.app.courier, &action);
    run_until_status(&desk.app, "the link q1 - q2 was not cut: it takes no faults");

    fake_answer(&desk.launcher, 200, NULL);
    action.kind = ACTION_HEAL;
    courier_act(&desk.app.courier, &action);
    run_until_status(&desk.app, "the link q1 - q2 healed");
    assert_string_equal(what_it_saw(&desk.launcher).target, "/links?from=q1&to=q2");
    close_desk(&desk);
}

static void a_node_that_was_added_is_named_by_the_launcher(void **state)
{
    (void)state;
    struct desk desk;
    open_desk(&desk);
    struct action action = {.kind = ACTION_ADD_QUEEN};
    courier_act(&desk.app.courier, &action);
    run_until_status(&desk.app, "q6 added");
    assert_string_equal(what_it_saw(&desk.launcher).target, "/nodes");
    assert_string_equal(what_it_saw(&desk.launcher).body, "{\"role\":\"queen\",\"count\":1}");
    assert_string_equal(last_event(&desk.app), "q6 added by you");
    action.kind = ACTION_ADD_DRONE;
    fake_answer(&desk.launcher, 409, "the group is full");
    courier_act(&desk.app.courier, &action);
    run_until_status(&desk.app, "a drone was not added: the group is full");
    assert_string_equal(what_it_saw(&desk.launcher).body, "{\"role\":\"drone\",\"count\":1}");
    close_desk(&desk);
}

static void the_leadership_is_handed_over_by_who_leads(void **state)
{
    (void)state;
    struct fake old_leader, new_leader;
    struct app app;
    fake_start(&old_leader, NULL);
    fake_start(&new_leader, NULL);
    const char *addresses[] = {old_leader.address, new_leader.address};
    open_app(&app, addresses, 2, NULL, 60000); /* nobody is asked anew meanwhile */
    snprintf(app.source.token, sizeof app.source.token, "secret");
    run_until_condition(&app, &old_leader, CONDITION_UP);
    run_until_condition(&app, &new_leader, CONDITION_UP);
    model_node(&app.model, old_leader.address)->health.term = 9;
    char location[HIVE_ADDRESS_BYTES + 64];
    snprintf(location, sizeof location, "http://%s/members/7/transfer", new_leader.address);
    fake_answer(&old_leader, 307, location);

    struct action action = {.kind = ACTION_TRANSFER, .node = "q2", .member = "7"};
    courier_act(&app.courier, &action);
    run_until_status(&app, "q2 made the leader");
    assert_int_equal(what_it_saw(&old_leader).posted, 1);
    assert_string_equal(what_it_saw(&new_leader).target, "/members/7/transfer");
    assert_string_equal(what_it_saw(&new_leader).authorization, "Bearer secret");
    assert_string_equal(last_event(&app), "q2 made the leader by you");
    app_close(&app, NULL);
    fake_stop(&old_leader);
    fake_stop(&new_leader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_action_names_its_process_to_the_launcher),
        cmocka_unit_test(a_task_follows_redirects_within_the_cluster_only),
        cmocka_unit_test(without_a_leader_no_task_goes_out),
        cmocka_unit_test(one_person_cannot_set_off_more_than_a_few_things_at_once),
        cmocka_unit_test(links_are_cut_and_healed_by_the_launcher),
        cmocka_unit_test(a_node_that_was_added_is_named_by_the_launcher),
        cmocka_unit_test(the_leadership_is_handed_over_by_who_leads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
