/* How a run ends: when all faults are over, the group must be as good as new, and within a time that is known beforehand: it has a
 * leader and commits; all of its members come to the same state; and what clients saw on the way was as it had to be. */
#include "sim/checks.h"
#include "sim/clients.h"
#include "sim/faults.h"
#include "sim/trace.h"

/* From the end of all faults: some elections, and the longest that a stuck request or stream is waited for. */
#define RECOVER_MS(world) (8000 + 30 * (world)->config.raft.election_timeout_max_ms)
#define CATCH_UP_MS       60000
#define CLIENTS_MS        60000

static void run_until(struct world *world, bool (*is_done)(struct world *world), int64_t limit_ms,
                      const char *what)
{
    int64_t until_us = world->now_us + limit_ms * MS;
    while (!is_done(world)) {
        if (!world_step(world, until_us))
            world_fail(world, "liveness: %s within %lld ms after the faults", what, (long long)limit_ms);
    }
}

/* ---- a leader, and a write ---- */

static void probe(struct world *world, void *context);

static void on_probed(struct world *world, const struct sim_answer *answer, void *context)
{
    (void)context;
    if (answer->outcome == SIM_DONE)
        world->is_probed = true;
    else
        world_after(world, 20 * MS, probe, NULL);
}

static void probe(struct world *world, void *context)
{
    (void)context;
    struct node *leader = world_leader(world);
    struct machine_command command = {
        .type = MACHINE_KV_PUT,
        .key = {.data = "probe", .size = 5},
        .value = {.data = "1", .size = 1},
    };
    if (leader)
        world_write(world, leader->number, &command, on_probed, NULL);
    else
        world_after(world, 20 * MS, probe, NULL);
}

static bool is_probed(struct world *world)
{
    return world->is_probed;
}

/* ---- all the same ---- */

/* Every queen that should be one of the group is, has all that is committed, and nothing is left to change. */
static bool has_converged(struct world *world)
{
    struct node *leader = world_leader(world);
    if (!leader)
        return false;
    const struct raft *raft = replica_raft(leader->replica);
    const struct raft_configuration *members = raft_configuration(raft);
    if (raft_commit_index(raft) != raft_last_index(raft))
        return false;
    for (size_t i = 0; i < members->count; i++) {
        struct node *node = world_node_of(world, members->members[i].id);
        if (world_is_dead(world, members->members[i].id))
            continue; /* nobody removed it yet; nor will it come back */
        if (node->id != members->members[i].id || node->state != NODE_UP ||
            members->members[i].kind == RAFT_MEMBER_JOINING ||
            replica_applied(node->replica) != raft_commit_index(raft))
            return false;
    }
    for (unsigned i = 1; i <= SIM_NODES; i++) {
        const struct node *node = &world->nodes[i];
        if (node->wants_to_join && node->state != NODE_ABSENT && !raft_configuration_find(members, node->id))
            return false;
    }
    return true;
}

static bool clients_are_done(struct world *world)
{
    return clients_are_idle(world->clients);
}

void ending_run(struct world *world)
{
    trace_event(world, NULL, "all faults are over");
    faults_heal(world);
    probe(world, NULL);
    run_until(world, is_probed, RECOVER_MS(world), "no write was committed");
    clients_stop(world->clients);
    run_until(world, clients_are_done, CLIENTS_MS, "clients were not answered");
    run_until(world, has_converged, CATCH_UP_MS, "not all members came to the same state");
    clients_read_all(world->clients);
    run_until(world, clients_are_done, CLIENTS_MS, "clients could not read");
    run_until(world, has_converged, CATCH_UP_MS, "not all members stayed in the same state");
    const struct raft_configuration *members = raft_configuration(replica_raft(world_leader(world)->replica));
    for (size_t i = 0; i < members->count; i++) {
        if (!world_is_dead(world, members->members[i].id))
            checks_machine(world_node_of(world, members->members[i].id));
    }
    clients_check(world->clients);
}
