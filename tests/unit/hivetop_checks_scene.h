/* Queens that say of themselves what a test wants, for the tests of the checks. */
#ifndef TESTS_HIVETOP_CHECKS_SCENE_H
#define TESTS_HIVETOP_CHECKS_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hive/memory.h"
#include "hivetop/model.h"

#define GROUP   "00000000000000aa"
#define ANOTHER "00000000000000bb"

/* One answer of queen `number`. Zeros: a follower in term 3 of GROUP, by a process of its own, whose log is as everybody's. */
struct said {
    int number;
    const char *id; /* NULL: of its number */
    int process;    /* another number is another process */
    enum hive_raft_state state;
    uint64_t term, durable_term, commit, applied, snapshot;
    const char *group;
    bool has_no_process, has_no_id;
    struct {
        uint64_t index, term;
        const char *hash;
    } digests[4];
    struct hive_transition transitions[4];
};

static inline void hear(struct model *model, struct said said)
{
    char name[HIVE_NAME_BYTES], address[HIVE_ADDRESS_BYTES];
    struct hive_health health = {.ready = true, .mode = HIVE_MODE_QUEEN, .raft_state = said.state};
    snprintf(name, sizeof name, "q%d", said.number);
    snprintf(address, sizeof address, "127.0.0.1:%d", 8079 + said.number);
    model->now_ms += 500;
    model->unix_ms += 500;
    model_add(model, HIVE_ROLE_QUEEN, address);
    struct node *node = model_node(model, address);
    node->is_supervised = true; /* it keeps its name */
    snprintf(node->name, sizeof node->name, "%s", name);
    snprintf(health.address, sizeof health.address, "%s", address);
    snprintf(health.id, sizeof health.id, "%s", said.has_no_id ? "" : said.id ? said.id : name);
    snprintf(health.log_group, sizeof health.log_group, "%s", said.group ? said.group : GROUP);
    if (!said.has_no_process) {
        health.pid = 4710 + said.number;
        health.started_at = 1000 + (uint64_t)said.process;
    }
    health.term = said.term ? said.term : 3;
    health.durable_term = said.durable_term ? said.durable_term : health.term;
    health.log_commit = said.commit ? said.commit : said.applied ? said.applied : 100;
    health.log_applied = said.applied ? said.applied : health.log_commit;
    health.log_snapshot = said.snapshot;
    health.digests = hive_calloc(4, sizeof *health.digests);
    health.transitions = hive_calloc(4, sizeof *health.transitions);
    for (size_t i = 0; i < 4; i++) {
        if (said.digests[i].index) {
            struct hive_digest *digest = &health.digests[health.digest_count++];
            *digest = (struct hive_digest){.index = said.digests[i].index,
                                           .term = said.digests[i].term ? said.digests[i].term : 3};
            snprintf(digest->hash, sizeof digest->hash, "%s", said.digests[i].hash);
        }
        if (said.transitions[i].term)
            health.transitions[health.transition_count++] = said.transitions[i];
    }
    model_take_health(model, node, &health, 800);
}

#define SAYS(model, ...) hear(model, (struct said){__VA_ARGS__})

static inline void open_model(struct model *model)
{
    *model = (struct model){.now_ms = 100000, .unix_ms = INT64_C(1790000000000)};
    snprintf(model->cluster, sizeof model->cluster, "hive-a");
}

static inline void assert_found(const struct model *model, enum checks_kind kind, const char *evidence)
{
    if (model->checks.finding_count != 1)
        fail_msg("%zu findings", model->checks.finding_count);
    assert_int_equal(model->checks.findings[0].kind, kind);
    assert_string_equal(model->checks.findings[0].text, evidence);
    assert_true(checks_is_broken(&model->checks) && !checks_holds(&model->checks));
}

static inline void assert_nothing_found(const struct model *model)
{
    if (model->checks.finding_count > 0)
        fail_msg("false alarm: %s", model->checks.findings[0].text);
}

#endif
