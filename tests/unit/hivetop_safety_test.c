/* What is asked before anything is done, what counts as a yes, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/hivetop_scene.h"

static void a_dialog_names_the_process_and_defaults_to_no(void **state)
{
    struct scene *scene = *state;
    press(scene, "jK");
    assert_int_equal(scene->ui.mode, UI_DIALOG);
    assert_int_equal(scene->ui.action.kind, ACTION_KILL);
    assert_string_equal(scene->ui.action.node, "q2");
    assert_int_equal(scene->ui.action.process.pid, 4712);
    assert_int_equal(scene->ui.action.process.started_at, 1000);
    assert_int_equal(press(scene, "\r"), REACTION_NONE);
    assert_int_equal(scene->ui.mode, UI_TABLES);
    assert_string_equal(scene->ui.status, "q2 was left alone");
}

static void only_yes_confirms(void **state)
{
    struct scene *scene = *state;
    for (int key = 1; key < 256; key++) {
        if (key == KEYS_CONTROL_L || key == '\t')
            continue; /* redraw, and choose the other answer: the dialog stays */
        press(scene, "K");
        unsigned reactions = ui_key(&scene->ui, &scene->model, key);
        assert_int_equal(reactions, key == 'y' || key == 'Y' ? REACTION_ACT : REACTION_NONE);
        assert_int_equal(scene->ui.mode, UI_TABLES);
    }
}

static void yes_can_be_chosen_with_the_arrows(void **state)
{
    struct scene *scene = *state;
    press(scene, "R");
    assert_int_equal(ui_key(&scene->ui, &scene->model, KEYS_RIGHT), REACTION_NONE);
    assert_int_equal(ui_key(&scene->ui, &scene->model, KEYS_ENTER), REACTION_ACT);
    press(scene, "R\t\t");
    assert_int_equal(ui_key(&scene->ui, &scene->model, KEYS_ENTER), REACTION_NONE);
}

static void yes_to_a_process_that_is_gone_does_nothing(void **state)
{
    struct scene *scene = *state;
    struct hive_ledger_node nodes[8];
    struct hive_ledger ledger = fixture_ledger(nodes, 5, 3);
    press(scene, "K");
    nodes[0].process.pid = 9999; /* restarted meanwhile */
    model_take_ledger(&scene->model, &ledger);
    assert_int_equal(press(scene, "y"), REACTION_NONE);
    assert_string_equal(scene->ui.status, "q1 is another process by now; nothing was done");

    press(scene, "K");
    nodes[0].process.started_at++; /* the same pid again, but not the same process */
    model_take_ledger(&scene->model, &ledger);
    assert_int_equal(press(scene, "y"), REACTION_NONE);
}

static void a_restart_that_was_asked_about_a_dead_node_does_not_hit_a_living_one(void **state)
{
    struct scene *scene = *state;
    struct hive_ledger_node nodes[8];
    struct hive_ledger ledger = fixture_ledger(nodes, 5, 3);
    nodes[0].state = HIVE_NODE_DEAD;
    nodes[0].process = (struct hive_process){0};
    model_take_ledger(&scene->model, &ledger);
    assert_int_equal(press(scene, "Ry"), REACTION_ACT);
    assert_int_equal(scene->ui.action.process.pid, 0);
    press(scene, "R");
    nodes[0] = fixture_ledger_node('q', 1);
    model_take_ledger(&scene->model, &ledger);
    assert_int_equal(press(scene, "y"), REACTION_NONE);
}

static void a_node_that_does_not_run_cannot_be_killed_or_paused(void **state)
{
    struct scene *scene = *state;
    struct hive_ledger_node nodes[8];
    struct hive_ledger ledger = fixture_ledger(nodes, 5, 3);
    nodes[0].state = HIVE_NODE_STOPPED;
    nodes[0].process = (struct hive_process){0};
    model_take_ledger(&scene->model, &ledger);
    press(scene, "K");
    assert_int_equal(scene->ui.mode, UI_TABLES);
    assert_string_equal(scene->ui.status, "q1 does not run; press R to start it again");
    press(scene, "P");
    assert_int_equal(scene->ui.mode, UI_TABLES);
}

static void pause_turns_to_resume_on_a_paused_node(void **state)
{
    struct scene *scene = *state;
    press(scene, "jP");
    assert_int_equal(scene->ui.action.kind, ACTION_PAUSE);
    press(scene, "n");
    model_take_stopped(&scene->model, fixture_node(&scene->model, "q2"), true);
    press(scene, "P");
    assert_int_equal(scene->ui.action.kind, ACTION_RESUME);
    assert_int_equal(press(scene, "y"), REACTION_ACT);
}

static void without_a_launcher_the_status_line_says_why_not(void **state)
{
    struct scene *scene = *state;
    scene->ui.no_actions = "nobody here could do it";
    static const char *const keys[] = {"K", "P", "R"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(press(scene, keys[i]), REACTION_NONE);
        assert_int_equal(scene->ui.mode, UI_TABLES);
        assert_string_equal(scene->ui.status, "nobody here could do it");
    }
}

/* ---- what may not be done ---- */

static const char *const changing[] = {"S", "P", "R", "K", "T", "X", "L", "A"};

static void expect_refusals(struct scene *scene, const char *word)
{
    ui_mark(&scene->ui, scene->model.nodes[0]);
    ui_mark(&scene->ui, scene->model.nodes[1]);
    for (size_t i = 0; i < sizeof changing / sizeof *changing; i++) {
        assert_int_equal(press(scene, changing[i]), REACTION_NONE);
        assert_int_equal(scene->ui.mode, UI_TABLES);
        assert_non_null(strstr(scene->ui.status, word));
    }
    assert_int_equal(press_key(scene, KEYS_F9), REACTION_NONE);
    assert_int_equal(scene->ui.mode, UI_TABLES);
    assert_non_null(strstr(scene->ui.status, word));
}

static void the_keys_that_change_something_are_known(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct key *key = keys_table; key->name; key++)
        count += key->changes;
    assert_int_equal(count, sizeof changing / sizeof *changing + 1);
    for (size_t i = 0; i < sizeof changing / sizeof *changing; i++)
        assert_true(keys_find(changing[i][0])->changes);
    assert_true(keys_find(KEYS_F9)->changes);
}

static void a_read_only_dashboard_changes_nothing(void **state)
{
    struct scene *scene = *state;
    scene->ui.is_readonly = true;
    expect_refusals(scene, "read-only");
}

static void the_past_cannot_be_changed(void **state)
{
    struct scene *scene = *state;
    scene->ui.shown_ms = FIXTURE_UNIX_MS - 60000;
    expect_refusals(scene, "you look at the past; 0 goes back");
    press(scene, ":kill node");
    assert_int_equal(press_key(scene, KEYS_ENTER), REACTION_NONE); /* nor by the palette */
    assert_int_equal(scene->ui.mode, UI_TABLES);
    scene->ui.shown_ms = 0;
    scene->ui.is_frozen = true; /* the picture may be an old one */
    press(scene, "K");
    assert_int_equal(scene->ui.mode, UI_TABLES);
    scene->ui.is_frozen = false;
    press(scene, "K");
    assert_int_equal(scene->ui.mode, UI_DIALOG);
}

/* ---- the majority ---- */

static void take_down(struct scene *scene, const char *name)
{
    model_take_failure(&scene->model, fixture_node(&scene->model, name), -ECONNREFUSED, "refused");
    assert_int_equal(fixture_node(&scene->model, name)->condition, CONDITION_DOWN);
}

static void what_costs_the_majority_wants_the_name_typed(void **state)
{
    struct scene *scene = *state;
    static const char *const keys[] = {"K", "P", "T"};
    take_down(scene, "q4");
    for (size_t i = 0; i < 3; i++) {
        press(scene, keys[i]); /* 3 of 5 stay */
        assert_false(scene->ui.needs_name);
        press(scene, "n");
    }
    take_down(scene, "q5");
    for (size_t i = 0; i < 3; i++) {
        press(scene, keys[i]);
        assert_true(scene->ui.needs_name);
        assert_int_equal(press(scene, "y"), REACTION_NONE);
        assert_int_equal(scene->ui.mode, UI_DIALOG);
        assert_int_equal(press_key(scene, KEYS_ENTER), REACTION_NONE); /* "y" is not its name */
        assert_int_equal(scene->ui.mode, UI_TABLES);
        press(scene, keys[i]);
        assert_int_equal(press(scene, "q2\r"), REACTION_NONE);
        press(scene, keys[i]);
        assert_int_equal(press_key(scene, KEYS_ENTER), REACTION_NONE);
        press(scene, keys[i]);
        press(scene, "q1");
        assert_int_equal(press_key(scene, KEYS_ESCAPE), REACTION_NONE);
        press(scene, keys[i]);
        assert_int_equal(press(scene, "q2\x7f"
                                      "1\r"),
                         REACTION_ACT);
    }
    press(scene, "G");
    press(scene, "K"); /* a drone is no part of it */
    assert_false(scene->ui.needs_name);
    press(scene, "n");
    take_down(scene, "q3"); /* what is lost already cannot be lost */
    press(scene, "gK");
    assert_false(scene->ui.needs_name);
}

static void a_learner_is_no_loss_and_no_help(void **state)
{
    struct scene *scene = *state;
    take_down(scene, "q4");
    fixture_node(&scene->model, "q5")->health.raft_state = HIVE_RAFT_LEARNER;
    press(scene, "K");
    assert_true(scene->ui.needs_name);
    press_key(scene, KEYS_ESCAPE);
    press(scene, "jjjj");
    press(scene, "K");
    assert_string_equal(scene->ui.action.node, "q5");
    assert_false(scene->ui.needs_name);
}

/* ---- links ---- */

static void allow_faults(struct scene *scene)
{
    for (size_t i = 0; i < scene->model.node_count; i++)
        scene->model.nodes[i]->health.can_fault = true;
}

static void cut(struct scene *scene, const char *from, const char *to)
{
    struct hive_health *health = &fixture_node(&scene->model, from)->health;
    health->faults = hive_realloc(health->faults, health->fault_count + 1, sizeof *health->faults);
    struct hive_fault *fault = &health->faults[health->fault_count++];
    *fault = (struct hive_fault){.cut = true};
    snprintf(fault->to, sizeof fault->to, "%s", fixture_node(&scene->model, to)->address);
}

static void a_link_is_cut_between_the_two_that_are_marked(void **state)
{
    struct scene *scene = *state;
    allow_faults(scene);
    press(scene, "X");
    assert_non_null(strstr(scene->ui.status, "mark them with the space bar (0 of 2 are)"));
    press(scene, " X");
    assert_non_null(strstr(scene->ui.status, "(1 of 2 are)"));
    assert_int_equal(scene->ui.mode, UI_TABLES);
    press(scene, "jj X");
    assert_int_equal(scene->ui.mode, UI_DIALOG);
    assert_false(scene->ui.needs_name);
    assert_true(scene_shows(scene, "Cut the link q1 - q3?"));
    assert_int_equal(press(scene, "\r"), REACTION_NONE);
    assert_string_equal(scene->ui.status, "the link q1 - q3 was left alone");
    press(scene, "X");
    assert_int_equal(press(scene, "y"), REACTION_ACT);
    assert_int_equal(scene->ui.action.kind, ACTION_CUT);
    assert_string_equal(scene->ui.action.node, "q1");
    assert_string_equal(scene->ui.action.other, "q3");
}

static void a_link_that_is_cut_can_be_healed(void **state)
{
    struct scene *scene = *state;
    allow_faults(scene);
    cut(scene, "q2", "q1"); /* one way is enough */
    press(scene, " j X");
    assert_true(scene_shows(scene, "Heal the link q1 - q2?"));
    assert_int_equal(press(scene, "y"), REACTION_ACT);
    assert_int_equal(scene->ui.action.kind, ACTION_HEAL);
}

static void nodes_without_faults_say_how_to_get_them(void **state)
{
    struct scene *scene = *state;
    press(scene, " j X");
    assert_int_equal(scene->ui.mode, UI_TABLES);
    assert_non_null(strstr(scene->ui.status, "--enable-faults"));
}

static void the_last_link_to_a_majority_wants_the_name_typed(void **state)
{
    struct scene *scene = *state;
    allow_faults(scene);
    take_down(scene, "q4");
    take_down(scene, "q5");
    cut(scene, "q1", "q2"); /* q3 alone reaches both others */
    press(scene, "jj j X");
    assert_int_equal(scene->ui.mode, UI_DIALOG);
    assert_false(scene->ui.needs_name); /* q4 is down anyway */
    press_key(scene, KEYS_ESCAPE);
    press_key(scene, KEYS_ESCAPE); /* forgets the marks */
    press(scene, "g jj X");
    assert_int_equal(scene->ui.action.kind, ACTION_CUT);
    assert_true(scene->ui.needs_name);
    assert_true(scene_shows(scene, "no queen reaches 3 of 5"));
    assert_int_equal(press(scene, "q1\r"), REACTION_ACT);
}

/* ---- leadership ---- */

static void the_leadership_goes_to_the_selected_queen(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 0; i < scene->model.queen_count; i++)
        snprintf(scene->model.nodes[i]->health.id, HIVE_NAME_BYTES, "%zu77", i + 1);
    scene->ui.no_actions = "the launcher is not needed for this";
    press(scene, "L");
    assert_non_null(strstr(scene->ui.status, "q1 leads already"));
    press(scene, "jL");
    assert_true(scene_shows(scene, "Hand the leadership to q2?"));
    assert_int_equal(press(scene, "y"), REACTION_ACT);
    assert_int_equal(scene->ui.action.kind, ACTION_TRANSFER);
    assert_string_equal(scene->ui.action.member, "277");
    press(scene, "GL");
    assert_int_equal(scene->ui.mode, UI_TABLES);
    assert_non_null(strstr(scene->ui.status, "only a queen"));
    take_down(scene, "q1");
    press(scene, "gjL");
    assert_non_null(strstr(scene->ui.status, "nobody leads"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_dialog_names_the_process_and_defaults_to_no),
        TEST(only_yes_confirms),
        TEST(yes_can_be_chosen_with_the_arrows),
        TEST(yes_to_a_process_that_is_gone_does_nothing),
        TEST(a_restart_that_was_asked_about_a_dead_node_does_not_hit_a_living_one),
        TEST(a_node_that_does_not_run_cannot_be_killed_or_paused),
        TEST(pause_turns_to_resume_on_a_paused_node),
        TEST(without_a_launcher_the_status_line_says_why_not),
        TEST(the_keys_that_change_something_are_known),
        TEST(a_read_only_dashboard_changes_nothing),
        TEST(the_past_cannot_be_changed),
        TEST(what_costs_the_majority_wants_the_name_typed),
        TEST(a_learner_is_no_loss_and_no_help),
        TEST(a_link_is_cut_between_the_two_that_are_marked),
        TEST(a_link_that_is_cut_can_be_healed),
        TEST(nodes_without_faults_say_how_to_get_them),
        TEST(the_last_link_to_a_majority_wants_the_name_typed),
        TEST(the_leadership_goes_to_the_selected_queen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
