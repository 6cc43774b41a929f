/* Bad weather for groups of three and five: messages are lost, doubled and reordered, links are cut one
 * way or both, nodes crash with or without their unsynced writes, stand still, and have disks that stop.
 * Meanwhile members are added, promoted and removed, disks are lost for good and their servers come back
 * as others, logs are compacted, leaders hand over, and are taken for dead. After every step of every node
 * the checks of lib/raft_network_checks.c hold; and whenever the sky clears, the group is of one mind
 * within seconds.
 *
 * A failure names its seed; RAFT_SEED=N runs that one alone, RAFT_ROUNDS=N runs so many instead of the
 * usual.
 * */
#include "unit/raft_speech.h"

enum { ROUNDS = 100, STORMS = 4, STORM_MS = 12000, ELECT_MS = 2000, CATCH_UP_MS = 20000, CLIENT_MS = 15 };

/* What the weather did over all rounds, to see that it was bad. */
static struct {
    uint64_t elections, committed, truncations, crashes, reads, steps;
    uint64_t changes, rollbacks, transfers, installs, snapshots, losses;
} total;

/* A server whose disk was lost, and the new one in its place; 0: none. The administrator mends that before
 * anything else. */
static struct {
    raft_id old, new;
} lost;
static bool is_lost[RAFT_NETWORK_NODES + 1];

static uint64_t below(struct raft_network *network, uint64_t limit)
{
    return raft_network_random_below(network, limit);
}

static raft_id any_node(struct raft_network *network)
{
    raft_id id;
    do
        id = 1 + below(network, network->node_count);
    while (is_lost[id]);
    return id;
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
        if (!network->nodes[down].raft && !is_lost[down]) {
            raft_network_start(network, down);
            return;
        }
    if (!network->nodes[id].raft)
        return;
    total.crashes++;
    bool led = id == raft_network_leader(network);
    raft_network_crash(network, id, below(network, 3) ? below(network, 8) : 0);
    for (raft_id other = 1; other <= network->node_count && led && below(network, 4); other++)
        if (network->nodes[other].raft)
            raft_network_leader_gone(network, other, id);
}

/* ---- members ---- */

static const struct raft_configuration *members_of(const struct raft_network *network, raft_id leader)
{
    return raft_configuration(network->nodes[leader].raft);
}

static size_t voters_of(const struct raft_network *network, raft_id leader)
{
    size_t voters = 0;
    for (size_t i = 0; i < members_of(network, leader)->count; i++)
        voters += members_of(network, leader)->members[i].kind == RAFT_MEMBER_VOTER;
    return voters;
}

/* A leader that has committed in its term, and no change under way: what it says of the members is so. */
static bool is_settled(const struct raft_network *network, raft_id leader)
{
    const struct raft *raft = network->nodes[leader].raft;
    const struct raft_entry *entry = raft_entry_at(raft, raft_commit_index(raft));
    return entry && entry->term == raft_current_term(raft) &&
           raft_configuration(raft)->index <= raft_commit_index(raft);
}

static void change(struct raft_network *network, raft_id leader, struct raft_change change)
{
    raft_network_step(network, leader, (struct raft_event){.type = RAFT_EVENT_CHANGE, .change = &change});
    total.changes += network->nodes[leader].status == RAFT_OK;
}

/* A disk is gone, and all that was on it; one at a time, of a group that can bear it. The server comes
 * back with another. */
static void lose_a_disk(struct raft_network *network, raft_id leader)
{
    raft_id id = any_node(network);
    if (lost.old || network->node_count == RAFT_NETWORK_NODES || voters_of(network, leader) < 3 ||
        !is_settled(network, leader) || !raft_configuration_find(members_of(network, leader), id))
        return;
    raft_network_trace(network, "the disk of node %" PRIu64 " is lost", id);
    if (network->nodes[id].raft)
        raft_network_crash(network, id, 0);
    is_lost[id] = true;
    lost.old = id;
    lost.new = raft_network_add_node(network);
    network->nodes[lost.new].clock_ms = (int64_t)below(network, 1000000);
    raft_network_start(network, lost.new);
    total.losses++;
}

static void replace_the_lost(struct raft_network *network, raft_id leader)
{
    const struct raft_member *old = raft_configuration_find(members_of(network, leader), lost.old);
    const struct raft_member *new = raft_configuration_find(members_of(network, leader), lost.new);
    if (!old && is_settled(network, leader)) {
        lost.old = lost.new = 0;
        return;
    }
    struct raft_change replacement = {.type = RAFT_CHANGE_ADD, .member = {.id = lost.new}};
    replacement.member.kind = below(network, 2) ? RAFT_MEMBER_JOINING : RAFT_MEMBER_LEARNER;
    if (old && !new) {
        memcpy(replacement.member.address, old->address, sizeof old->address);
        change(network, leader, replacement);
    }
}

static void administer(struct raft_network *network)
{
    raft_id leader = raft_network_leader(network), id = any_node(network);
    struct raft_change asked = {.member = {.id = id, .kind = RAFT_MEMBER_JOINING}};
    if (!leader || network->nodes[leader].paused_until_ms > network->now_ms)
        return;
    if (lost.old) {
        replace_the_lost(network, leader);
        return;
    }
    snprintf(asked.member.address, sizeof asked.member.address, "node-%" PRIu64, id);
    switch (below(network, 8)) {
    case 0:
        lose_a_disk(network, leader);
        break;
    case 1:
        if (voters_of(network, leader) < 3 || !is_settled(network, leader))
            break;
        asked.type = RAFT_CHANGE_REMOVE;
        change(network, leader, asked);
        break;
    case 2:
        asked.member.kind = RAFT_MEMBER_LEARNER; /* fall through */
    case 3:
    case 4:
        asked.type = RAFT_CHANGE_ADD;
        change(network, leader, asked);
        break;
    case 5:
        asked.type = RAFT_CHANGE_PROMOTE;
        change(network, leader, asked);
        break;
    case 6:
        raft_network_transfer(network, leader, below(network, 2) ? id : 0);
        break;
    default:
        if (network->nodes[id].raft)
            raft_network_leader_gone(network, id, leader); /* a mistake */
    }
}

static void take_snapshot(struct raft_network *network)
{
    raft_id id = any_node(network);
    struct raft_node *node = &network->nodes[id];
    if (!node->raft || node->paused_until_ms > network->now_ms)
        return;
    raft_index index = raft_commit_index(node->raft) - below(network, 3);
    struct raft_snapshot snapshot;
    if (below(network, 5) == 0 && raft_snapshot_at(node->raft, index, &snapshot)) {
        raft_disk_keep_snapshot(&node->disk, &snapshot); /* complete, and it ends before it knows */
        raft_network_crash(network, id, below(network, 4));
    } else if (index > below(network, 20)) {
        total.snapshots += raft_network_snapshot(network, id, index, index + 1 - below(network, 20));
    }
}

/* ---- weather ---- */

static void cut_links(struct raft_network *network)
{
    raft_id id = victim(network), other = any_node(network);
    uint64_t side;

    switch (below(network, 8)) {
    case 0: /* in two */
        side = below(network, 1ULL << network->node_count);
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

    for (uint64_t i = below(network, 4); i > 0; i--)
        administer(network);
    for (uint64_t i = below(network, 3); i > 0; i--)
        take_snapshot(network);
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

/* All members have the leader's log, committed and durable. */
static bool is_of_one_mind(const struct raft_network *network)
{
    raft_id leader = raft_network_leader(network);
    if (!leader || lost.old)
        return false;
    const struct raft_configuration *members = members_of(network, leader);
    raft_index last = raft_last_index(network->nodes[leader].raft);
    for (size_t i = 0; i < members->count; i++) {
        const struct raft *raft = network->nodes[members->members[i].id].raft;
        if (raft_leader(raft) != leader || raft_last_index(raft) != last || raft_commit_index(raft) != last ||
            raft_durable_index(raft) != last || raft_configuration(raft)->index != members->index)
            return false;
        if (members->members[i].kind == RAFT_MEMBER_JOINING)
            return false; /* it will be a voter */
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
        if (!network->nodes[id].raft && !is_lost[id])
            raft_network_start(network, id);
    }
    raft_network_run(network, ELECT_MS);
    if (!raft_network_leader(network))
        raft_network_fail(network, "no leader in fine weather");
    /* Nobody asks for anything meanwhile: what was there before must be settled without new traffic. */
    for (int64_t end_ms = network->now_ms + CATCH_UP_MS; !is_of_one_mind(network);) {
        if (network->now_ms > end_ms)
            raft_network_fail(network, "not of one mind in fine weather");
        if (lost.old && raft_network_leader(network))
            administer(network);
        raft_network_run(network, 100);
    }
    raft_id leader = raft_network_leader(network);
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
        .nodes = nodes + 2,
        .founders = nodes,
        .seed = seed,
        .read_lease = seed % 4 == 0,
        .batch_entries = 1 + seed % 5,
        .inflight_appends = 1 + seed % 4,
        .disk_stall_ms = seed % 3 * 400,
    });
    memset(&lost, 0, sizeof lost);
    memset(is_lost, 0, sizeof is_lost);
    for (raft_id id = 1; id <= network->node_count; id++)
        network->nodes[id].clock_ms = (int64_t)below(network, 1000000); /* no two clocks agree */
    raft_network_start_all(network);
    for (int i = 0; i < storms; i++) {
        storm(network);
        calm(network);
    }
    for (raft_id id = 1; id <= network->node_count; id++) {
        const struct raft_node *node = &network->nodes[id];
        total.elections += node->elections_won;
        total.reads += node->read_count;
        total.rollbacks += node->rollbacks;
        total.transfers += node->transfers;
        total.installs += node->installs;
    }
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
    print_message("# %" PRIu64 " changes, %" PRIu64 " rolled back, %" PRIu64 " disks lost, %" PRIu64
                  " transfers, %" PRIu64 " snapshots, %" PRIu64 " installed\n",
                  total.changes, total.rollbacks, total.losses, total.transfers, total.snapshots,
                  total.installs);
    if (one || rounds)
        return;
    /* Weather worth its name. */
    assert_true(total.elections > 10 * ROUNDS);
    assert_true(total.committed > 100 * ROUNDS);
    assert_true(total.truncations > ROUNDS);
    assert_true(total.crashes > 10 * ROUNDS);
    assert_true(total.changes > 5 * ROUNDS);
    assert_true(total.rollbacks > ROUNDS / 4);
    assert_true(total.losses > ROUNDS);
    assert_true(total.transfers > ROUNDS);
    assert_true(total.snapshots > 10 * ROUNDS);
    assert_true(total.installs > 5 * ROUNDS);
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
