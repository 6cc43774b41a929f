/* Which faults a run has differs from run to run (some kinds are left out altogether), since faults can hide each other: a group that is
 * always cut in two never gets to install a snapshot. What a fault hits is decided when it happens, from numbers that were drawn with
 * the schedule, so that leaving others out changes as little as possible. */
#include "sim/faults.h"

#include "hive/memory.h"
#include "sim/members.h"
#include "sim/network.h"
#include "sim/trace.h"

#define QUICK_US (2 * MS)

/* X(name, weight, longest duration in ms) */
#define FAULTS(X)                                                                                            \
    X(crash, 12, 4000)                                                                                       \
    X(power_loss, 8, 4000)                                                                                   \
    X(crash_in_disk, 10, 2000)                                                                               \
    X(all_lose_power, 2, 1000)                                                                               \
    X(wipe, 4, 1000)                                                                                         \
    X(pause, 8, 3000)                                                                                        \
    X(stall_disk, 5, 3000)                                                                                   \
    X(slow_disk, 4, 5000)                                                                                    \
    X(fail_disk, 4, 0)                                                                                       \
    X(clock, 4, 0)                                                                                           \
    X(split, 6, 5000)                                                                                        \
    X(isolate, 6, 5000)                                                                                      \
    X(one_way, 5, 5000)                                                                                      \
    X(cut_link, 6, 5000)                                                                                     \
    X(storm, 5, 4000)                                                                                        \
    X(add, 6, 0)                                                                                             \
    X(remove, 5, 0)                                                                                          \
    X(promote, 3, 0)                                                                                         \
    X(transfer, 5, 0)                                                                                        \
    X(snapshot, 4, 0)                                                                                        \
    X(leader_gone, 2, 0)

struct fault;
typedef void fault_begin(struct world *world, struct fault *fault);
typedef void fault_end(struct world *world, struct fault *fault);

#define X(name, weight, duration_ms) static fault_begin begin_##name;
FAULTS(X)
#undef X

static const struct {
    const char *name;
    unsigned weight;
    int64_t duration_ms;
    fault_begin *begin;
} kinds[] = {
#define X(name, weight, duration_ms) {#name, weight, duration_ms, begin_##name},
    FAULTS(X)
#undef X
};
#define KINDS (sizeof kinds / sizeof kinds[0])

struct fault {
    size_t number, kind;
    int64_t at_us, duration_us;
    uint64_t draw[3];
    fault_end *end;              /* set where it began and is to end */
    unsigned node;               /* whom it hit; 0: nobody */
    uint16_t cut[SIM_NODES + 1]; /* links that it cut: bits of [from] */
};

struct faults {
    size_t count;
    struct fault faults[SIM_MOST_FAULTS];
};

size_t faults_count(const struct faults *faults)
{
    return faults->count;
}

/* ---- whom it hits ---- */

static bool is_up(const struct node *node)
{
    return node->state == NODE_UP && !node->is_paused;
}

static bool is_used(const struct node *node)
{
    return node->state != NODE_ABSENT && node->id;
}

/* The leader, once in a while; else any that fits. NULL: there is none. */
static struct node *pick(struct world *world, struct fault *fault, bool (*fits)(const struct node *node))
{
    struct node *leader = world_leader(world);
    struct node *found = (fault->draw[0] & 3) == 0 && leader && fits(leader) ? leader : NULL;
    unsigned first = (unsigned)((fault->draw[0] >> 8) % SIM_NODES);
    for (unsigned i = 0; i < SIM_NODES && !found; i++) {
        struct node *node = &world->nodes[(first + i) % SIM_NODES + 1];
        if (fits(node))
            found = node;
    }
    fault->node = found ? found->number : 0;
    trace_fault(world, fault->number, "%s%s%s", kinds[fault->kind].name, found ? " " : "",
                found ? found->address : "");
    return found;
}

/* ---- processes and disks ---- */

static void start_again(struct world *world, unsigned number, uint64_t life, void *argument)
{
    (void)argument;
    struct node *node = &world->nodes[number];
    if (node->state == NODE_DOWN && node->life == life)
        node_start(node);
}

static void start_after(struct node *node, int64_t delay_us)
{
    struct sim_event event = {
        .at_us = node->world->now_us + delay_us,
        .run = start_again,
        .number = node->life,
        .node = node->number,
    };
    sim_events_add(&node->world->events, &event);
}

void faults_crashed(struct node *node, enum crash_kind kind)
{
    struct world *world = node->world;
    node_crash(node, kind);
    start_after(node, sim_random_skewed(&world->node_random, 1 * MS, (world->is_healed ? 100 : 2000) * MS));
}

static void begin_crash(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, is_up);
    if (!node)
        return;
    node_crash(node, CRASH_PROCESS);
    start_after(node, fault->duration_us);
}

static void begin_power_loss(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, is_up);
    if (!node)
        return;
    node_crash(node, CRASH_POWER);
    start_after(node, fault->duration_us);
}

static void begin_all_lose_power(struct world *world, struct fault *fault)
{
    trace_fault(world, fault->number, "all lose power");
    for (unsigned i = 1; i <= SIM_NODES; i++) {
        if (world->nodes[i].state != NODE_UP)
            continue;
        node_crash(&world->nodes[i], CRASH_POWER);
        start_after(&world->nodes[i], (int64_t)(fault->draw[0] >> i) % fault->duration_us + 1);
    }
}

/* In the middle of one of the next calls, whatever that is; where it is down, when it starts. */
static void begin_crash_in_disk(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, is_used);
    if (!node)
        return;
    node->disk_crash = fault->draw[1] & 1 ? CRASH_POWER : CRASH_PROCESS;
    if (node->state == NODE_UP && (fault->draw[1] & 6) == 0) { /* while it recovers */
        node_crash(node, CRASH_POWER);
        start_after(node, fault->duration_us);
    }
    sim_disk_crash_after(node->disk, 1 + fault->draw[2] % 12);
}

static void begin_fail_disk(struct world *world, struct fault *fault)
{
    static const int errors[] = {-5 /* EIO */, -28 /* ENOSPC */};
    struct node *node = pick(world, fault, is_used);
    if (node)
        sim_disk_fail_after(node->disk, 1 + fault->draw[2] % 12, errors[fault->draw[1] & 1]);
}

static bool can_be_wiped(const struct node *node)
{
    return is_used(node) && node->world->founding.count > 0 && members_can_lose(node->world, node->id);
}

static void begin_wipe(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, can_be_wiped);
    if (!node)
        return;
    node_crash(node, CRASH_POWER);
    node_wipe(node);
    node->wants_to_join = true;
    node->is_learner = false;
    start_after(node, fault->duration_us);
}

static void end_pause(struct world *world, struct fault *fault)
{
    node_pause(&world->nodes[fault->node], false);
}

static void begin_pause(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, is_up);
    if (!node)
        return;
    world->coverage.counts[COVER_PAUSES]++;
    node_pause(node, true);
    fault->end = end_pause;
}

static void begin_stall_disk(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, is_up);
    if (!node)
        return;
    world->coverage.counts[COVER_STALLS]++;
    node->stalled_until_us = world->now_us + fault->duration_us;
}

static void end_slow_disk(struct world *world, struct fault *fault)
{
    world->nodes[fault->node].slow_factor = 1;
}

static void begin_slow_disk(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, is_up);
    if (!node)
        return;
    node->slow_factor = 2 + (int64_t)(fault->draw[1] % 40);
    fault->end = end_slow_disk;
}

static void begin_clock(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, is_up);
    int64_t most_ppm = (int64_t)world->config.drift_per_mille * 1000;
    if (!node)
        return;
    sim_clock_set_rate(&node->clock, world->now_us,
                       1000000 - most_ppm + (int64_t)(fault->draw[1] % (uint64_t)(2 * most_ppm + 1)));
    node_after_step(node);
}

/* ---- the network ---- */

static void end_cut(struct world *world, struct fault *fault)
{
    trace_fault(world, fault->number, "heals");
    for (unsigned from = 1; from <= SIM_NODES; from++) {
        for (unsigned to = 1; to <= SIM_NODES; to++)
            world->cut[from][to] -= (fault->cut[from] >> to) & 1;
    }
}

static void cut(struct world *world, struct fault *fault, unsigned from, unsigned to)
{
    if (from == to || (fault->cut[from] >> to & 1))
        return;
    fault->cut[from] |= (uint16_t)(1u << to);
    world->cut[from][to]++;
    fault->end = end_cut;
}

static void begin_split(struct world *world, struct fault *fault)
{
    trace_fault(world, fault->number, "split %03x", (unsigned)fault->draw[1] & 0x3fe);
    world->coverage.counts[COVER_PARTITIONS]++;
    for (unsigned from = 1; from <= SIM_NODES; from++) {
        for (unsigned to = 1; to <= SIM_NODES; to++) {
            if (((fault->draw[1] >> from) ^ (fault->draw[1] >> to)) & 1)
                cut(world, fault, from, to);
        }
    }
}

static void cut_off(struct world *world, struct fault *fault, bool out, bool in)
{
    const struct node *node = pick(world, fault, is_used);
    for (unsigned i = 1; i <= SIM_NODES && node; i++) {
        if (out)
            cut(world, fault, node->number, i);
        if (in)
            cut(world, fault, i, node->number);
    }
    world->coverage.counts[COVER_PARTITIONS]++;
}

static void begin_isolate(struct world *world, struct fault *fault)
{
    cut_off(world, fault, true, true);
}

static void begin_one_way(struct world *world, struct fault *fault)
{
    cut_off(world, fault, fault->draw[1] & 1, !(fault->draw[1] & 1));
}

/* From one node to one or a few others: some see it and some do not. */
static void begin_cut_link(struct world *world, struct fault *fault)
{
    const struct node *node = pick(world, fault, is_used);
    uint64_t others = fault->draw[1] & (fault->draw[2] | 1u << (1 + fault->draw[2] % SIM_NODES));
    for (unsigned i = 1; i <= SIM_NODES && node; i++) {
        if (others >> i & 1) {
            cut(world, fault, node->number, i);
            if (fault->draw[2] >> 60 & 3)
                cut(world, fault, i, node->number);
        }
    }
    world->coverage.counts[COVER_PARTITIONS]++;
}

static void end_storm(struct world *world, struct fault *fault)
{
    (void)fault;
    world->drop_per_mille = world->config.drop_per_mille;
    world->delay_most_us = world->config.delay_most_us;
}

static void begin_storm(struct world *world, struct fault *fault)
{
    trace_fault(world, fault->number, "storm");
    world->drop_per_mille = (unsigned)(fault->draw[1] % 400);
    world->delay_most_us = world->config.delay_most_us * (1 + (int64_t)(fault->draw[2] % 20));
    fault->end = end_storm;
}

/* ---- members ---- */

static bool can_be_added(const struct node *node)
{
    if (node->world->founding.count == 0)
        return false;
    if (node->state == NODE_ABSENT)
        return node->number > node->world->config.founders;
    return node->state == NODE_UP && node->standing == RAFT_STANDING_REMOVED &&
           members_can_lose(node->world, node->id);
}

static void begin_add(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, can_be_added);
    if (!node)
        return;
    if (node->state == NODE_UP) { /* that was removed: it comes back as another one */
        node_crash(node, CRASH_PROCESS);
        node_wipe(node);
    }
    node->wants_to_join = true;
    node->is_learner = (fault->draw[1] & 3) == 0;
    node_start(node);
}

static void begin_remove(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, is_used);
    if (!node)
        return;
    node->wants_to_join = false;
    members_ask(world, MEMBERS_REMOVE, node);
}

static bool is_learner(const struct node *node)
{
    return is_used(node) && node->standing == RAFT_STANDING_LEARNER;
}

static void begin_promote(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, is_learner);
    if (node)
        members_ask(world, MEMBERS_PROMOTE, node);
}

static void begin_transfer(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, is_used);
    members_ask(world, MEMBERS_TRANSFER, fault->draw[1] & 1 ? node : NULL);
}

static void begin_snapshot(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, is_up);
    if (!node)
        return;
    replica_snapshot(node->replica, node_now_ms(node));
    node_after_step(node);
}

/* A false alarm: elections are safe whenever they are. */
static void begin_leader_gone(struct world *world, struct fault *fault)
{
    struct node *node = pick(world, fault, is_up);
    raft_id leader = node ? raft_leader(replica_raft(node->replica)) : 0;
    if (!leader || leader == node->id)
        return;
    replica_leader_gone(node->replica, node_now_ms(node), leader);
    node_after_step(node);
}

/* ---- the schedule ---- */

static void end(struct world *world, unsigned number, uint64_t fault_number, void *argument)
{
    (void)number;
    (void)argument;
    struct fault *fault = &world->faults->faults[fault_number];
    if (fault->end)
        fault->end(world, fault);
    fault->end = NULL;
}

static void begin(struct world *world, unsigned number, uint64_t fault_number, void *argument)
{
    (void)number;
    (void)argument;
    struct fault *fault = &world->faults->faults[fault_number];
    if (world->is_healed)
        return;
    kinds[fault->kind].begin(world, fault);
    struct sim_event event = {
        .at_us = world->now_us + fault->duration_us, .run = end, .number = fault_number};
    if (fault->end)
        sim_events_add(&world->events, &event);
}

static size_t draw_kind(struct sim_random *random, const unsigned *weights)
{
    unsigned sum = 0;
    for (size_t i = 0; i < KINDS; i++)
        sum += weights[i];
    unsigned at = (unsigned)sim_random_below(random, sum);
    size_t kind = 0;
    while (at >= weights[kind])
        at -= weights[kind++];
    return kind;
}

struct faults *faults_create(struct world *world, const bool *kept, size_t kept_count)
{
    static const int64_t pauses_ms[] = {300, 1000, 2500, 6000};
    struct sim_random random = sim_random_stream(world->seed, 2);
    struct faults *faults = hive_calloc(1, sizeof *faults);
    unsigned weights[KINDS];
    for (size_t i = 0; i < KINDS; i++)
        weights[i] = sim_random_chance(&random, 650) ? kinds[i].weight * 8 : i == 0;
    int64_t pause_us = pauses_ms[sim_random_below(&random, 4)] * MS;
    int64_t at_us = sim_random_between(&random, 0, 2000 * MS);
    while (at_us < world->config.faults_ms * MS && faults->count < SIM_MOST_FAULTS) {
        struct fault *fault = &faults->faults[faults->count];
        *fault = (struct fault){.number = faults->count, .kind = draw_kind(&random, weights), .at_us = at_us};
        fault->duration_us = sim_random_skewed(&random, 1 * MS, (kinds[fault->kind].duration_ms + 1) * MS);
        for (size_t i = 0; i < 3; i++)
            fault->draw[i] = sim_random_next(&random);
        struct sim_event event = {.at_us = at_us, .run = begin, .number = fault->number};
        if (!kept || (fault->number < kept_count && kept[fault->number]))
            sim_events_add(&world->events, &event);
        faults->count++;
        at_us += sim_random_skewed(&random, 1 * MS, 2 * pause_us);
    }
    return faults;
}

void faults_destroy(struct faults *faults)
{
    free(faults);
}

void faults_heal(struct world *world)
{
    world->is_healed = true;
    world->drop_per_mille = 0;
    /* Whoever was kept busy by slow links alone has to get through what has gathered. */
    int64_t quick_us = world->config.delay_least_us + QUICK_US;
    world->delay_most_us = world->config.delay_most_us < quick_us ? world->config.delay_most_us : quick_us;
    memset(world->cut, 0, sizeof world->cut);
    for (size_t i = 0; i < world->faults->count; i++)
        world->faults->faults[i].end = NULL;
    for (unsigned i = 1; i <= SIM_NODES; i++) {
        struct node *node = &world->nodes[i];
        node_pause(node, false);
        node->stalled_until_us = 0;
        node->slow_factor = 1;
        if (node->disk)
            node->disk->crash_at = node->disk->fail_at = 0;
        if (node->state == NODE_DOWN)
            start_after(node, 1 * MS);
    }
}
