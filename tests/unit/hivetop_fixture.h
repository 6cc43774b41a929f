/* Clusters for the dashboard's tests, made without any network: every answer, failure and order is handed to
 * the model as the poller would do it. */
#ifndef TESTS_HIVETOP_FIXTURE_H
#define TESTS_HIVETOP_FIXTURE_H

#include <errno.h>
#include <signal.h>

#include "hive/memory.h"
#include "hivetop/model.h"

#define FIXTURE_NOW_MS  INT64_C(100000)
#define FIXTURE_UNIX_MS INT64_C(1790000000000) /* 2026-09-21 14:13:20 UTC */
#define FIXTURE_UP_MS   INT64_C(950000)        /* so long before that the queens began */

struct fixture_transition {
    int64_t before_ms; /* how long before FIXTURE_UNIX_MS */
    uint64_t term;
    enum hive_raft_state state;
};

/* A queen's answer. Transitions end with term 0, or are all there. */
struct fixture_queen {
    enum hive_raft_state state;
    uint64_t term, last, commit, applied;
    const char *voted_for;
    long pid;
    struct fixture_transition transitions[8];
};

static inline char *fixture_address(char role, int number, char text[HIVE_ADDRESS_BYTES])
{
    snprintf(text, HIVE_ADDRESS_BYTES, "127.0.0.1:%d", (role == 'q' ? 8079 : 5000) + number);
    return text;
}

/* A running node of a ledger. */
static inline struct hive_ledger_node fixture_ledger_node(char role, int number)
{
    struct hive_ledger_node node = {
        .role = role == 'q' ? HIVE_ROLE_QUEEN : HIVE_ROLE_DRONE,
        .state = HIVE_NODE_RUNNING,
        .process = {.pid = (role == 'q' ? 4710 : 4800) + number, .started_at = 1000}};
    snprintf(node.name, sizeof node.name, "%c%d", role, number);
    fixture_address(role, number, node.address);
    return node;
}

/* The ledger of `queens` and `drones` running nodes; `nodes` must hold as many. */
static inline struct hive_ledger fixture_ledger(struct hive_ledger_node *nodes, int queens, int drones)
{
    struct hive_ledger ledger = {.name = "hive-a", .nodes = nodes, .node_count = (size_t)(queens + drones)};
    for (int i = 0; i < queens; i++)
        nodes[i] = fixture_ledger_node('q', i + 1);
    for (int i = 0; i < drones; i++)
        nodes[queens + i] = fixture_ledger_node('d', i + 1);
    return ledger;
}

static inline struct node *fixture_node(struct model *model, const char *name)
{
    struct node *node = model_node_named(model, name);
    if (!node)
        abort();
    return node;
}

/* Hands in queen NUMBER's answer, in a group of `queens`; a leader reports `drones` drones as healthy. */
static inline void fixture_answer_queen(struct model *model, int number, int queens, int drones,
                                        const struct fixture_queen *queen)
{
    struct hive_health health = {
        .ready = true,
        .mode = HIVE_MODE_QUEEN,
        .pid = queen->pid ? queen->pid : 4710 + number,
        .uptime_ms = model->unix_ms - FIXTURE_UNIX_MS + FIXTURE_UP_MS,
        .standing = "voter",
        .tasks = {.pending = 9, .assigned = 3, .running = 2, .succeeded = 4410, .failed = 3},
        .raft_state = queen->state,
        .term = queen->term,
        .log_first = 1,
        .log_last = queen->last,
        .log_commit = queen->commit,
        .log_applied = queen->applied};
    snprintf(health.version, sizeof health.version, "0.1.0");
    fixture_address('q', number, health.address);
    snprintf(health.voted_for, sizeof health.voted_for, "%s", queen->voted_for ? queen->voted_for : "");
    size_t changes = 0;
    while (changes < sizeof queen->transitions / sizeof *queen->transitions &&
           queen->transitions[changes].term)
        changes++;
    health.transitions = hive_calloc(changes + 1, sizeof *health.transitions);
    health.transitions[health.transition_count++] =
        (struct hive_transition){.time_ms = FIXTURE_UNIX_MS - FIXTURE_UP_MS,
                                 .term = (changes ? queen->transitions[0].term : queen->term) - 1,
                                 .state = HIVE_RAFT_FOLLOWER};
    for (size_t i = 0; i < changes; i++)
        health.transitions[health.transition_count++] =
            (struct hive_transition){.time_ms = FIXTURE_UNIX_MS - queen->transitions[i].before_ms,
                                     .term = queen->transitions[i].term,
                                     .state = queen->transitions[i].state};
    health.peers = hive_calloc((size_t)queens, sizeof *health.peers);
    for (int i = 1; i <= queens; i++) {
        if (i == number)
            continue;
        struct hive_peer_health *peer = &health.peers[health.peer_count++];
        fixture_address('q', i, peer->address);
        peer->has_progress = queen->state == HIVE_RAFT_LEADER;
        peer->match = queen->last;
        peer->last_ack_ms = model->unix_ms - 40;
        snprintf(peer->kind, sizeof peer->kind, "voter");
        snprintf(peer->state, sizeof peer->state, "replicate");
    }
    health.drones = hive_calloc((size_t)drones + 1, sizeof *health.drones);
    for (int i = 1; i <= drones; i++) {
        struct hive_drone_health *drone = &health.drones[health.drone_count++];
        fixture_address('d', i, drone->address);
        drone->last_seen_ms = model->unix_ms - 400;
    }
    model_take_health(model, model_node(model, health.address), &health, 800);
}

static inline void fixture_answer_drone(struct model *model, int number, int running, int64_t done,
                                        int64_t failed)
{
    struct hive_health health = {.ready = true,
                                 .mode = HIVE_MODE_DRONE,
                                 .pid = 4800 + number,
                                 .capacity = 4,
                                 .running = running,
                                 .done = done,
                                 .failed = failed};
    fixture_address('d', number, health.address);
    health.running_tasks = hive_calloc((size_t)running + 1, sizeof *health.running_tasks);
    for (int i = 0; i < running; i++)
        health.running_tasks[health.running_task_count++] = hive_format("task-%d", 100 * number + i);
    model_take_health(model, model_node(model, health.address), &health, 12300);
}

/* 5 queens and 4 drones in every state at once: q3 leads term 14, q4 was paused by the user, q5 killed by
 * him, d3 does not answer any more, d4 was killed from elsewhere and is lost to the leader. */
static inline void fixture_troubled(struct model *model)
{
    *model = (struct model){.has_launcher = true};
    model_set_time(model, FIXTURE_NOW_MS - 41000, FIXTURE_UNIX_MS - 41000);
    struct hive_ledger_node nodes[9];
    struct hive_ledger ledger = fixture_ledger(nodes, 5, 4);
    model_take_ledger(model, &ledger);

    struct fixture_queen old = {
        .state = HIVE_RAFT_FOLLOWER, .term = 13, .last = 90102, .commit = 90098, .applied = 90098};
    fixture_answer_queen(model, 5, 5, 4,
                         &(struct fixture_queen){.state = HIVE_RAFT_LEADER,
                                                 .term = 13,
                                                 .last = 90102,
                                                 .commit = 90098,
                                                 .applied = 90098,
                                                 .transitions = {{900000, 13, HIVE_RAFT_LEADER}}});
    for (int i = 1; i <= 4; i++)
        fixture_answer_queen(model, i, 5, 4, &old);
    for (int i = 1; i <= 4; i++)
        fixture_answer_drone(model, i, 0, 600 + i, 0);

    struct action kill_q5 = {.kind = ACTION_KILL, .node = "q5", .process = nodes[4].process};
    model_set_time(model, FIXTURE_NOW_MS - 40700, FIXTURE_UNIX_MS - 40700);
    model_take_action(model, &kill_q5);
    model_take_action_done(model, &kill_q5);
    nodes[4].state = HIVE_NODE_DEAD;
    nodes[4].process = (struct hive_process){0};
    nodes[4].exit_status = SIGKILL;
    model_take_ledger(model, &ledger);

    old = (struct fixture_queen){.state = HIVE_RAFT_FOLLOWER,
                                 .term = 14,
                                 .last = 90190,
                                 .commit = 90188,
                                 .applied = 90188,
                                 .voted_for = "127.0.0.1:8082"};
    model_set_time(model, FIXTURE_NOW_MS - 9500, FIXTURE_UNIX_MS - 9500);
    fixture_answer_queen(model, 4, 5, 4, &old);
    struct action pause_q4 = {.kind = ACTION_PAUSE, .node = "q4", .process = nodes[3].process};
    model_take_action(model, &pause_q4);
    model_take_action_done(model, &pause_q4);
    nodes[3].state = HIVE_NODE_PAUSED;
    model_take_ledger(model, &ledger);
    model_take_stopped(model, fixture_node(model, "q4"), true);
    nodes[8].state = HIVE_NODE_DEAD;
    nodes[8].process = (struct hive_process){0};
    nodes[8].exit_status = SIGSEGV;
    model_take_ledger(model, &ledger);

    struct fixture_queen follower = {.state = HIVE_RAFT_FOLLOWER,
                                     .term = 14,
                                     .last = 90214,
                                     .commit = 90210,
                                     .applied = 90210,
                                     .voted_for = "127.0.0.1:8082"};
    struct fixture_queen leader = {
        .state = HIVE_RAFT_LEADER,
        .term = 14,
        .last = 90210,
        .commit = 90092,
        .applied = 90092,
        .voted_for = "127.0.0.1:8082",
        .transitions = {{40450, 14, HIVE_RAFT_CANDIDATE}, {40390, 14, HIVE_RAFT_LEADER}}};
    model_set_time(model, FIXTURE_NOW_MS - 1000, FIXTURE_UNIX_MS - 1000);
    fixture_answer_queen(model, 3, 5, 4, &leader);
    model_set_time(model, FIXTURE_NOW_MS, FIXTURE_UNIX_MS);
    leader.last = 90214;
    leader.commit = 90210;
    leader.applied = 90210;
    fixture_answer_queen(model, 3, 5, 4, &leader);
    struct hive_health *health = &fixture_node(model, "q3")->health;
    health->peers[2].match = 90192; /* q4 */
    health->peers[2].last_ack_ms = FIXTURE_UNIX_MS - 9500;
    health->peers[3].match = 0; /* q5: not heard of in this term */
    health->peers[3].last_ack_ms = 0;
    snprintf(health->peers[2].state, sizeof health->peers[2].state, "probe");
    snprintf(health->peers[3].state, sizeof health->peers[3].state, "probe");
    health->drones[3].state = HIVE_DRONE_LOST;
    health->drones[3].last_seen_ms = FIXTURE_UNIX_MS - 9600;
    health->drones[2].state = HIVE_DRONE_SUSPECT;
    health->drones[2].last_seen_ms = FIXTURE_UNIX_MS - 2600;
    fixture_answer_queen(model, 1, 5, 0, &follower);
    follower.transitions[0] = (struct fixture_transition){40460, 14, HIVE_RAFT_CANDIDATE};
    follower.transitions[1] = (struct fixture_transition){40400, 14, HIVE_RAFT_FOLLOWER};
    fixture_answer_queen(model, 2, 5, 0, &follower);
    fixture_answer_drone(model, 1, 2, 812, 0);
    fixture_answer_drone(model, 2, 0, 790, 3);
    model_take_failure(model, fixture_node(model, "d3"), -ETIMEDOUT, "timed out after 375 ms");
    model_take_failure(model, fixture_node(model, "d3"), -ETIMEDOUT, "timed out after 375 ms");
}

/* A calm cluster: q1 leads term 3. */
static inline void fixture_calm(struct model *model, int queens, int drones)
{
    *model = (struct model){.has_launcher = true};
    model_set_time(model, FIXTURE_NOW_MS, FIXTURE_UNIX_MS);
    struct hive_ledger_node *nodes = hive_calloc((size_t)(queens + drones), sizeof *nodes);
    struct hive_ledger ledger = fixture_ledger(nodes, queens, drones);
    model_take_ledger(model, &ledger);
    for (int i = 1; i <= queens; i++)
        fixture_answer_queen(model, i, queens, drones,
                             &(struct fixture_queen){.state = i == 1 ? HIVE_RAFT_LEADER : HIVE_RAFT_FOLLOWER,
                                                     .term = 3,
                                                     .last = 20,
                                                     .commit = 20,
                                                     .applied = 20,
                                                     .voted_for = "127.0.0.1:8080"});
    for (int i = 1; i <= drones; i++)
        fixture_answer_drone(model, i, i % 2, 10 * i, 0);
    free(nodes);
}

/* How many events have that in their text. */
static inline int count_events(const struct model *model, const char *text)
{
    int count = 0;
    for (size_t i = 0; i < model->events.count; i++)
        count += strstr(model->events.items[i].text, text) != NULL;
    return count;
}

static inline void assert_note(const struct node *node, const char *wanted)
{
    char note[256];
    condition_note(node, note, sizeof note);
    assert_string_equal(note, wanted);
}

static const struct fixture_queen follower = {
    .state = HIVE_RAFT_FOLLOWER, .term = 3, .last = 20, .commit = 20, .applied = 20};

#endif
