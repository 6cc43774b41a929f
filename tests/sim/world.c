/* A run: what the seed makes of it, its beginning, the loop, and the end. */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <unistd.h>

#include "hive/memory.h"
#include "sim/checks.h"
#include "sim/clients.h"
#include "sim/faults.h"
#include "sim/network.h"
#include "sim/trace.h"

#define MOST_STEPS 20000000 /* of one run; more is a world that runs in place */

/* ---- identities ---- */

struct node *world_node_of(struct world *world, raft_id id)
{
    for (unsigned i = 1; i <= SIM_NODES; i++) {
        if (world->nodes[i].id == id)
            return &world->nodes[i];
    }
    for (size_t i = 0; i < world->identity_count; i++) {
        if (world->identities[i].id == id)
            return &world->nodes[world->identities[i].node];
    }
    return NULL;
}

bool world_is_dead(const struct world *world, raft_id id)
{
    for (size_t i = 0; i < world->identity_count; i++) {
        if (world->identities[i].id == id)
            return world->identities[i].is_dead;
    }
    return true;
}

void world_identify(struct node *node, raft_id id)
{
    struct world *world = node->world;
    if (node->id == id)
        return;
    if (node->id)
        world_fail(world, "%s recovered another id than it had", node->address);
    node->id = id;
    world->identities = hive_realloc(world->identities, world->identity_count + 1, sizeof *world->identities);
    world->identities[world->identity_count++] = (struct identity){.id = id, .node = node->number};
}

void world_forget_identity(struct node *node)
{
    struct world *world = node->world;
    for (size_t i = 0; i < world->identity_count; i++) {
        if (world->identities[i].id == node->id)
            world->identities[i].is_dead = true;
    }
    node->id = 0;
}

struct node *world_leader(struct world *world)
{
    struct node *leader = NULL;
    for (unsigned i = 1; i <= SIM_NODES; i++) {
        struct node *node = &world->nodes[i];
        if (node->state == NODE_UP && node->role == RAFT_LEADER && (!leader || node->term > leader->term))
            leader = node;
    }
    return leader;
}

/* ---- what a run is made of ---- */

static int64_t one_of(struct sim_random *random, const int64_t *values, size_t count)
{
    return values[sim_random_below(random, count)];
}
#define ONE_OF(random, ...)                                                                                  \
    one_of(random, (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static void draw_raft(struct sim_random *random, struct raft_config *raft)
{
    int64_t election_ms = ONE_OF(random, 150, 150, 150, 50, 300, 1000);
    *raft = (struct raft_config){
        .election_timeout_min_ms = election_ms,
        .election_timeout_max_ms =
            election_ms * ONE_OF(random, 2, 2, 2, 3) - ONE_OF(random, 0, 0, election_ms / 2),
        .heartbeat_ms = election_ms / ONE_OF(random, 3, 3, 5, 2),
        .batch_entries = (size_t)ONE_OF(random, 1, 3, 16, 1024, 1024),
        .batch_bytes = (size_t)ONE_OF(random, 1, 300, 4096, 2 * 1024 * 1024),
        .inflight_appends = (size_t)ONE_OF(random, 1, 2, 8, 64),
        .disk_stall_ms = ONE_OF(random, 0, 2, 5) * election_ms,
        .pre_vote = true,
        .check_quorum = true,
        .read_lease = sim_random_chance(random, 200),
        .clock_drift_percent = 10,
    };
}

void world_draw(uint64_t seed, struct world_config *config)
{
    struct sim_random stream = sim_random_stream(seed, 1), *random = &stream;
    *config = (struct world_config){0};
    config->founders = (unsigned)ONE_OF(random, 1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7);
    config->faults_ms = ONE_OF(random, 10, 20, 30, 40) * 1000;
    draw_raft(random, &config->raft);
    int64_t election_ms = config->raft.election_timeout_min_ms;
    config->request_timeout_ms = ONE_OF(random, 500, 2000, 3000);
    config->rpc_timeout_ms = ONE_OF(random, 200, 1000, 2000);
    config->snapshot_entries = (uint64_t)ONE_OF(random, 0, 20, 60, 60, 200, 1000);
    config->snapshot_bytes = (uint64_t)ONE_OF(random, 0, 0, 3000, 20000);
    config->trailing_entries = (uint64_t)ONE_OF(random, 0, 1, 10, 100, 1000);
    config->segment_bytes = (size_t)ONE_OF(random, 512, 2048, 8192, 65536);
    config->piece_bytes = (size_t)ONE_OF(random, 100, 1000, 8192);
    config->chunk_bytes = (size_t)ONE_OF(random, 700, 2000, 4096);
    config->disk_least_us = ONE_OF(random, 20, 100, 500);
    config->disk_most_us = config->disk_least_us + ONE_OF(random, 100, 2000, 20000);
    config->delay_least_us = ONE_OF(random, 20, 200, 1000);
    config->delay_most_us = config->delay_least_us + election_ms * ONE_OF(random, 2, 20, 60, 150);
    config->drop_per_mille = (unsigned)ONE_OF(random, 0, 0, 2, 10, 50);
    config->duplicate_per_mille = (unsigned)ONE_OF(random, 0, 2, 20);
    config->noticed_per_mille = (unsigned)ONE_OF(random, 0, 500, 1000);
    config->reorder_per_mille = (unsigned)ONE_OF(random, 0, 10, 100, 1000);
    if (config->reorder_per_mille == 1000) /* a window that arrives in any order is sent again and again */
        config->raft.inflight_appends = config->raft.inflight_appends < 4 ? config->raft.inflight_appends : 4;
    config->client_count = (unsigned)ONE_OF(random, 1, 2, 3, 5, 8);
    config->key_count = (unsigned)ONE_OF(random, 1, 2, 3, 6);
    config->think_ms = ONE_OF(random, 20, 100, 300);
    /* Two clocks of which one is as much too fast as the other is too slow differ by less than 10 %: what a lease may assume. */
    config->drift_per_mille = config->raft.read_lease ? 45 : (unsigned)ONE_OF(random, 0, 1, 50, 300);
}

/* ---- life ---- */

static void make_node(struct world *world, unsigned number)
{
    struct node *node = &world->nodes[number];
    int64_t most_ppm = (int64_t)world->config.drift_per_mille * 1000;
    node->world = world;
    node->number = number;
    node->slow_factor = 1;
    snprintf(node->address, sizeof node->address, "queen-%u:1", number);
    node->disk = sim_disk_create(sim_random_stream(sim_random_next(&world->disk_random), number));
    node->members = hive_calloc(1, sizeof *node->members);
    node->clock = (struct sim_clock){
        .own_us = sim_random_between(&world->node_random, 0, 1000000 * MS),
        .rate_ppm = 1000000 + sim_random_between(&world->node_random, -most_ppm, most_ppm),
        .unix_ms = 1700000000000 + sim_random_between(&world->node_random, -2000, 2000),
    };
    /* One that shows the wrong hour, or the wrong year: what expires by the leaders' clocks must not care. */
    if (sim_random_below(&world->node_random, 8) == 0)
        node->clock.unix_ms += sim_random_between(&world->node_random, -500, 500) * 3600 * 1000;
    node->clock.unix_ms -= node->clock.own_us / 1000;
    LIST_INIT(&node->rpcs);
}

static void start_founder(struct world *world, unsigned number, uint64_t unused, void *argument)
{
    (void)unused;
    (void)argument;
    node_start(&world->nodes[number]);
}

static void begin(struct world *world, const struct world_options *options)
{
    world->seed = options->seed;
    world_draw(options->seed, &world->config);
    if (options->faults_ms)
        world->config.faults_ms = options->faults_ms;
    if (options->founders)
        world->config.founders = options->founders;
    world->network_random = sim_random_stream(world->seed, 3);
    world->disk_random = sim_random_stream(world->seed, 4);
    world->node_random = sim_random_stream(world->seed, 5);
    world->client_random = sim_random_stream(world->seed, 6);
    world->member_random = sim_random_stream(world->seed, 7);
    world->drop_per_mille = world->config.drop_per_mille;
    world->delay_most_us = world->config.delay_most_us;
    world->coverage.counts[COVER_LEASE_RUNS] += world->config.raft.read_lease;
    LIST_INIT(&world->packets);
    LIST_INIT(&world->calls);
    if (options->trace_path)
        world->trace = trace_open(options->trace_path, options->trace_messages);
    trace_header(world);
    for (unsigned i = 1; i <= SIM_NODES; i++)
        make_node(world, i);
    world->checks = checks_create();
    for (unsigned i = 1; i <= world->config.founders; i++) {
        struct sim_event event = {
            .at_us = sim_random_between(&world->node_random, 0, 500 * MS), .run = start_founder, .node = i};
        sim_events_add(&world->events, &event);
    }
    world->faults = faults_create(world, options->kept, options->kept_count);
    world->clients = clients_create(world);
}

static void finish(struct world *world)
{
    trace_close(world->trace); /* what comes is not part of the run */
    world->trace = NULL;
    for (unsigned i = 1; i <= SIM_NODES; i++) {
        struct node *node = &world->nodes[i];
        node_crash(node, CRASH_PROCESS);
        sim_disk_destroy(node->disk);
        sim_event_list_finish(&node->deferred);
        hive_buffer_finish(&node->gathered);
        hive_buffer_finish(&node->writing);
        free(node->members);
        free(node->members_before);
    }
    clients_destroy(world->clients);
    faults_destroy(world->faults);
    checks_destroy(world->checks);
    calls_destroy(world);
    network_destroy(world);
    sim_events_finish(&world->events);
    free(world->identities);
    free(world->known);
    free(world);
}

/* The next thing happens. False: nothing does before `until_us`, which is now the time. */
bool world_step(struct world *world, int64_t until_us)
{
    if (world->events.count == 0 || world->events.heap[0].at_us > until_us) {
        world->now_us = until_us;
        return false;
    }
    struct sim_event event = sim_events_take(&world->events);
    struct node *node = &world->nodes[event.node];
    assert(event.at_us >= world->now_us);
    world->now_us = event.at_us;
    if (event.life && (event.life != node->life || node->state != NODE_UP)) {
        if (event.owns_argument)
            free(event.argument);
        return true;
    }
    if (event.node && node->is_paused) {
        sim_event_list_add(&node->deferred, &event);
        return true;
    }
    event.run(world, event.node, event.number, event.argument);
    if (++world->steps > MOST_STEPS)
        world_fail(world, "the world runs in place");
    return true;
}

static struct world *running; /* for world_fail_assert: the one world of this process */

void world_run(const struct world_options *options, struct world_result *result)
{
    struct world *world = hive_calloc(1, sizeof *world);
    running = world;
    begin(world, options);
    while (world_step(world, world->config.faults_ms * MS))
        ;
    ending_run(world);
    uint64_t digest = sim_hash_number(checks_digest(world), world->steps);
    digest = sim_hash_number(digest, world->events.order);
    *result = (struct world_result){
        .virtual_us = world->now_us,
        .steps = world->steps,
        .digest = sim_hash_number(digest, sim_random_next(&world->network_random)),
        .fault_count = faults_count(world->faults),
        .coverage = world->coverage,
    };
    trace_end(world, "all is well");
    running = NULL;
    finish(world);
}

void world_fail(struct world *world, const char *format, ...)
{
    char message[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    trace_end(world, message);
    trace_close(world->trace);
    fflush(stdout);
    fprintf(stderr, "seed %" PRIu64 ", after %.3f s: %s\n", world->seed, (double)world->now_us / 1e6,
            message);
    _exit(1);
}

struct world *world_running(void)
{
    return running;
}
