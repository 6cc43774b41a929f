/* A cluster with a past: a model that is fed as the poller would do it, minute after minute, with deaths, pauses, elections
 * and a clock that is set; and pictures of it, to be compared with what was kept. */
#ifndef TESTS_HIVETOP_PAST_H
#define TESTS_HIVETOP_PAST_H

#include "hivetop/model_json.h"
#include "hivetop/render.h"
#include "tests/unit/hivetop_fixture.h"

#define PAST_QUEENS  5
#define PAST_DRONES  3
#define PAST_STEP_MS 500

struct past {
    struct model model;
    struct hive_ledger_node nodes[PAST_QUEENS + PAST_DRONES];
    struct hive_ledger ledger;
    uint64_t log;  /* how long it is */
    uint64_t term; /* grows with each election */
    int leader, step;
};

/* All that can be seen of the model, as text. The caller frees it. */
static inline char *past_picture(const struct model *model)
{
    struct ui ui;
    struct hive_buffer picture = {0};
    static const int sizes[][2] = {{80, 24}, {170, 60}};
    for (int i = 0; i < 2; i++) {
        struct cells cells;
        ui_init(&ui, PAST_STEP_MS);
        ui.has_details = i == 1;
        render(model, &ui, sizes[i][0], sizes[i][1], true, &cells);
        cells_print(&cells, &picture);
        cells_finish(&cells);
    }
    model_json(model, &picture);
    return hive_buffer_take(&picture);
}

static inline void past_begin(struct past *past, bool has_ledger)
{
    *past = (struct past){.log = 100, .term = 3, .leader = 1};
    past->ledger = fixture_ledger(past->nodes, PAST_QUEENS, PAST_DRONES);
    model_set_time(&past->model, FIXTURE_NOW_MS, FIXTURE_UNIX_MS);
    if (has_ledger)
        model_take_ledger(&past->model, &past->ledger);
    else
        model_add(&past->model, HIVE_ROLE_QUEEN, "127.0.0.1:8080");
    model_take_launcher(&past->model, has_ledger);
}

/* What happens every now and then. */
static inline void past_turn(struct past *past)
{
    struct model *model = &past->model;
    struct action action = {.kind = ACTION_PAUSE, .node = "q5", .process = past->nodes[4].process};
    switch (past->step % 60) {
    case 7:
        past->leader = past->leader % 3 + 1;
        past->term++;
        break;
    case 20:
        model_take_action(model, &action);
        break;
    case 21:
        model_take_action_done(model, &action);
        past->nodes[4].state = HIVE_NODE_PAUSED;
        break;
    case 23:
        model_take_event(model, EVENT_INFO, "task-%d submitted by you", past->step);
        break;
    case 30:
        past->nodes[4].state = HIVE_NODE_RUNNING;
        break;
    case 40:
        past->nodes[7].state = HIVE_NODE_DEAD;
        past->nodes[7].exit_status = SIGKILL;
        break;
    case 45:
        past->nodes[7] = fixture_ledger_node('d', 3);
        past->nodes[7].process.pid += past->step;
        break;
    case 50:
        action = (struct action){.kind = ACTION_CUT, .node = "q1", .other = "q2"};
        model_take_action_failed(model, &action, "no launcher");
        break;
    default:
        return;
    }
    if (model->cluster[0])
        model_take_ledger(model, &past->ledger);
}

static inline void past_answer(struct past *past, int number)
{
    bool is_leader = number == past->leader;
    int64_t since_ms = past->model.unix_ms - FIXTURE_UNIX_MS;
    struct fixture_queen queen = {.state = is_leader ? HIVE_RAFT_LEADER : HIVE_RAFT_FOLLOWER,
                                  .term = past->term,
                                  .last = past->log,
                                  .commit = past->log - (is_leader ? 0 : 1),
                                  .applied = past->log - 1};
    if (past->step >= 7) { /* the newest election, as she tells of it */
        int64_t at_ms = (past->step - 7) / 60 * 60 * PAST_STEP_MS + 7 * PAST_STEP_MS - 120;
        queen.transitions[0] = (struct fixture_transition){-at_ms, past->term, HIVE_RAFT_CANDIDATE};
        queen.transitions[1] = (struct fixture_transition){-at_ms - 40, past->term,
                                                           is_leader ? HIVE_RAFT_LEADER : HIVE_RAFT_FOLLOWER};
    }
    assert_true(since_ms >= 0);
    fixture_answer_queen(&past->model, number, PAST_QUEENS, PAST_DRONES, &queen);
}

/* One round of polls. */
static inline void past_step(struct past *past)
{
    struct model *model = &past->model;
    int64_t jitter_ms = past->step == 100 ? 5000 : 0; /* somebody set the clock */
    model_set_time(model, model->now_ms + PAST_STEP_MS, model->unix_ms + PAST_STEP_MS + jitter_ms);
    past->log += (uint64_t)past->step % 5;
    past_turn(past);
    for (int i = 1; i <= PAST_QUEENS; i++) {
        char address[HIVE_ADDRESS_BYTES];
        struct node *node = model_node(model, fixture_address('q', i, address));
        bool is_paused = i == 5 && past->step % 60 > 21 && past->step % 60 < 30;
        if (!node)
            continue;
        if (is_paused && past->step % 60 > 23)
            model_take_failure(model, node, -ETIMEDOUT, "timed out after 375 ms");
        model_take_stopped(model, node, is_paused);
        if (!is_paused)
            past_answer(past, i);
    }
    for (int i = 1; i <= PAST_DRONES; i++) {
        char address[HIVE_ADDRESS_BYTES];
        struct node *node = model_node(model, fixture_address('d', i, address));
        bool is_dead = i == 3 && past->step % 60 >= 40 && past->step % 60 < 45;
        if (node && is_dead)
            model_take_failure(model, node, -ECONNREFUSED, "connection refused");
        else if (node)
            fixture_answer_drone(model, i, (past->step + i) % 3, past->step, past->step / 60);
    }
    past->step++;
}

#endif
