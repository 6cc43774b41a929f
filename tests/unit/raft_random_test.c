/* Bad weather for groups of three and five: messages are lost, doubled and reordered, links are cut one way
 * or both, nodes crash with or without their unsynced writes, stand still, and have disks that stop. After
 * every step of every node the checks of lib/raft_network_checks.c hold; and whenever the sky clears, the
 * group is of one mind within seconds.
 *
 * A failure names its seed; RAFT_SEED=N runs that one alone, RAFT_ROUNDS=N runs so many instead of the usual.
 */
#include "unit/raft_speech.h"

enum { ROUNDS = 100, STORMS = 4, STORM_MS = 12000, ELECT_MS = 2000, CATCH_UP_MS = 20000, CLIENT_MS = 15 };

/* What the weather did over all rounds, to see that it was bad. */
static struct {
    uint64_t elections, committed, truncations, crashes, reads, steps;
} total;

static uint64_t below(struct raft_network *network, uint64_t limit)
{
    return raft_network_random_below(network, limit);
}

static raft_id any_node(struct raft_network *network)
{
    return 1 + below(network, network->node_count);
}

/* One of those that are up, more often than not the leader: its troubles are everybody's. */
static raft_id victim(struct raft_network *network)
{
    raft_id leader = raft_network_leader(network);
    return leader && below(network, 3) ? leader : any_node(network);
}

static void crash_or_start(struct raft_network *network)
{
    raft_id id = victim(network);
    for (raft_id down = 1; down <= network->node_count && below(network, 4); down++)
        if (!network->nodes[down].raft) {
            raft_network_start(network, down);
            return;
        }
    if (!network->nodes[id].raft)
        return;
    total.crashes++;
    raft_network_crash(network, id, below(network, 3) ? below(network, 8) : 0);
}

static void cut_links(struct raft_network *network)
{
    raft_id id = victim(network), other = any_node(network);
    uint64_t side;

    switch (below(network, 8)) {
    case 0: /* in two */
        side = below(network, 1U << network->node_count);
        for (id = 1; id <= network->node_count; id++)
            for (other = 1; other < id; other++)
                raft_network_cut(network, id, other, (side >> (id - 1) & 1) != (side >> (other - 1) & 1));
        break;
    case 1: /* one way */
        network->cut[id][other] = true;
        break;
    case 2:
        raft_network_cut(network, id, other, true);
        break;
    case 3:
        raft_network_isolate(network, id, true);
        break;
    default:
        raft_network_heal(network);
    }
}

static void change_weather(struct raft_network *network)
{
    raft_id id = victim(network);

    switch (below(network, 7)) {
    case 0:
    case 1:
        crash_or_start(network);
        break;
    case 2:
    case 3:
        cut_links(network);
        break;
    case 4:
        network->nodes[id].paused_until_ms = network->now_ms + (int64_t)below(network, 1000);
        break;
    case 5:
        network->nodes[id].disk_held = true;
        network->nodes[any_node(network)].disk_held = false;
        network->nodes[any_node(network)].disk_held = false;
        break;
    default:
        network->drop_per_mille = (unsigned)(below(network, 3) * below(network, 150));
        network->duplicate_per_mille = (unsigned)(below(network, 2) * below(network, 300));
        network->unreachable_per_mille = (unsigned)(below(network, 3) * 500);
        network->delay_max_ms = 1 + (int64_t)below(network, 1U << below(network, 8));
        network->disk_max_ms = 1 + (int64_t)below(network, 1U << below(network, 7));
    }
}

/* Clients propose and read wherever they happen to be. */
static void bother(struct raft_network *network)
{
    raft_id leader = raft_network_leader(network),
            id = leader && below(network, 4) ? leader : any_node(network);
    char text[32];

    if (!network->nodes[id].raft || network->nodes[id].paused_until_ms > network->now_ms)
        return;
    snprintf(text, sizeof text, "%" PRIu64, below(network, 1000000000));
    for (uint64_t i = below(network, 4); i > 0; i--)
        raft_network_propose(network, id, text);
    if (below(network, 3) == 0)
        raft_network_read(network, id, network->steps); /* no two are asked in one step */
}

static void storm(struct raft_network *network)
{
    for (int64_t end_ms = network->now_ms + STORM_MS; network->now_ms < end_ms;) {
        change_weather(network);
        for (int64_t left = (int64_t)below(network, 60); left >= 0 && network->now_ms < end_ms; left--) {
            bother(network);
            raft_network_run(network, 1 + (int64_t)below(network, CLIENT_MS));
        }
    }
}

/* All have the leader's log, committed and durable. */
static bool is_of_one_mind(const struct raft_network *network)
{
    raft_id leader = raft_network_leader(network);
    if (!leader)
        return false;
    raft_index last = raft_last_index(network->nodes[leader].raft);
    for (raft_id id = 1; id <= network->node_count; id++) {
        const struct raft *raft = network->nodes[id].raft;
        if (raft_leader(raft) != leader || raft_last_index(raft) != last || raft_commit_index(raft) != last ||
            raft_durable_index(raft) != last)
            return false;
    }
    return true;
}

/* All is well again: one leader, one log, and writes and reads succeed. */
static void calm(struct raft_network *network)
{
    raft_network_trace(network, "the sky clears");
    raft_network_heal(network);
    network->drop_per_mille = network->duplicate_per_mille = 0;
    network->delay_max_ms = network->disk_max_ms = 2;
    for (raft_id id = 1; id <= network->node_count; id++) {
        network->nodes[id].disk_held = false;
        network->nodes[id].paused_until_ms = 0;
        if (!network->nodes[id].raft)
            raft_network_start(network, id);
    }
    raft_network_run(network, ELECT_MS);
    raft_id leader = raft_network_leader(network);
    if (!leader)
        raft_network_fail(network, "no leader in fine weather");
    /* Nobody asks for anything meanwhile: what was there before must be settled without new traffic. */
    for (int64_t end_ms = network->now_ms + CATCH_UP_MS; !is_of_one_mind(network);) {
        if (network->now_ms > end_ms)
            raft_network_fail(network, "not of one mind in fine weather");
        raft_network_run(network, 100);
    }
    struct raft_node *node = &network->nodes[leader];
    size_t reads = node->read_count;
    raft_index index = raft_network_propose(network, leader, "fine");
    raft_network_read(network, leader, UINT64_MAX);
    raft_network_run(network, 100);
    if (!index || raft_commit_index(node->raft) < index || node->read_count != reads + 1)
        raft_network_fail(network, "no service in fine weather");
}

static struct raft_network *live_through(size_t nodes, uint64_t seed, int storms)
{
    struct raft_network *network = raft_network_create(&(struct raft_network_config){
        .nodes = nodes,
        .seed = seed,
        .batch_entries = 1 + seed % 5,
        .inflight_appends = 1 + seed % 4,
        .disk_stall_ms = seed % 3 * 400,
    });
    for (raft_id id = 1; id <= nodes; id++)
        network->nodes[id].clock_ms = (int64_t)below(network, 1000000); /* no two clocks agree */
    raft_network_start_all(network);
    for (int i = 0; i < storms; i++) {
        storm(network);
        calm(network);
    }
    for (raft_id id = 1; id <= nodes; id++)
        total.elections += network->nodes[id].elections_won;
    for (raft_id id = 1; id <= nodes; id++)
        total.reads += network->nodes[id].read_count;
    total.committed += raft_network_committed(network);
    total.truncations += network->truncations;
    total.steps += network->steps;
    return network;
}

static void live_through_all(size_t nodes)
{
    const char *one = getenv("RAFT_SEED"), *rounds = getenv("RAFT_ROUNDS");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1, count = rounds ? strtoull(rounds, NULL, 10) : ROUNDS;

    memset(&total, 0, sizeof total);
    for (uint64_t seed = first; seed < first + (one ? 1 : count); seed++)
        raft_network_destroy(live_through(nodes, seed, STORMS));
    print_message("# %zu nodes: %" PRIu64 " steps, %" PRIu64 " elections, %" PRIu64
                  " entries committed, %" PRIu64 " reads, %" PRIu64 " truncations, %" PRIu64 " crashes\n",
                  nodes, total.steps, total.elections, total.committed, total.reads, total.truncations,
                  total.crashes);
    if (one || rounds)
        return;
    /* Weather worth its name. */
    assert_true(total.elections > 20 * ROUNDS);
    assert_true(total.committed > 100 * ROUNDS);
    assert_true(total.truncations > 3 * ROUNDS);
    assert_true(total.crashes > 10 * ROUNDS);
}

static void test_three_nodes_keep_every_promise_in_any_weather(void **state)
{
    (void)state;
    live_through_all(3);
}

static void test_five_nodes_keep_every_promise_in_any_weather(void **state)
{
    (void)state;
    live_through_all(5);
}

static void test_equal_events_give_equal_updates(void **state)
{
    (void)state;
    struct raft_network *one = live_through(5, 4711, 1), *two = live_through(5, 4711, 1);
    struct raft_network *other = live_through(5, 4712, 1);
    assert_int_equal(one->steps, two->steps);
    assert_true(one->digest == two->digest);
    assert_true(one->digest != other->digest);
    raft_network_destroy(one);
    raft_network_destroy(two);
    raft_network_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_nodes_keep_every_promise_in_any_weather),
        cmocka_unit_test(test_five_nodes_keep_every_promise_in_any_weather),
        cmocka_unit_test(test_equal_events_give_equal_updates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
