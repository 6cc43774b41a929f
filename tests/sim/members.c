/* How queens become a group and stay one, as queen/founding.c and an operator do it; and the care that is taken that what the faults
 * destroy can be lost: a group whose voters' disks are gone for the most part is gone too, which is not a bug. */
#include "sim/members.h"

#include "hive/memory.h"
#include "sim/checks.h"
#include "sim/network.h"
#include "sim/trace.h"

#define WATCH_US (250 * MS)

/* A configuration that is or was in force somewhere, short. */
struct known_configuration {
    raft_index index;
    size_t count;
    struct {
        raft_id id;
        bool is_voter;
    } members[2 * SIM_NODES];
};

/* ---- who may be lost ---- */

static bool is_same(const struct known_configuration *one, const struct known_configuration *other)
{
    if (one->index != other->index || one->count != other->count)
        return false;
    for (size_t i = 0; i < one->count; i++) {
        if (one->members[i].id != other->members[i].id ||
            one->members[i].is_voter != other->members[i].is_voter)
            return false;
    }
    return true;
}

static void shorten(const struct raft_configuration *configuration, struct known_configuration *known)
{
    *known = (struct known_configuration){.index = configuration->index};
    for (size_t i = 0; i < configuration->count && i < 2 * SIM_NODES; i++) {
        known->members[i].id = configuration->members[i].id;
        known->members[i].is_voter = configuration->members[i].kind == RAFT_MEMBER_VOTER;
        known->count++;
    }
}

void members_note(struct world *world, const struct raft_configuration *configuration)
{
    struct known_configuration known;
    shorten(configuration, &known);
    for (size_t i = 0; i < world->known_count; i++) {
        if (is_same(&world->known[i], &known))
            return;
    }
    if (world->known_count == world->known_capacity) {
        world->known_capacity = world->known_capacity ? world->known_capacity * 2 : 16;
        world->known = hive_realloc(world->known, world->known_capacity, sizeof *world->known);
    }
    world->known[world->known_count++] = known;
}

/* More voters have their disks than members have not: even if every one that is gone were a voter, the others are a majority. */
static bool outlives(const struct world *world, const struct known_configuration *known, raft_id dead)
{
    size_t alive = 0, gone = 0;
    for (size_t i = 0; i < known->count; i++) {
        raft_id id = known->members[i].id;
        bool is_gone = id == dead || world_is_dead(world, id);
        gone += is_gone;
        alive += !is_gone && known->members[i].is_voter;
    }
    return alive > gone;
}

bool members_can_lose(struct world *world, raft_id dead)
{
    raft_index in_force = checks_configuration_index(world);
    for (size_t i = 0; i < world->known_count; i++) {
        if (world->known[i].index >= in_force && !outlives(world, &world->known[i], dead))
            return false;
    }
    return world->known_count > 0;
}

/* ---- changes ---- */

struct change_call {
    struct world *world;
    unsigned node;
    enum members_request request;
    unsigned target;
    raft_id target_id;
};

static void on_changed(const struct queen_answer *answer, void *context)
{
    struct change_call *call = context;
    struct coverage *coverage = &call->world->coverage;
    static const char *const outcomes[] = {"done",        "not the leader", "discarded", "unknown",
                                           "unconfirmed", "busy",           "stopping",  "refused"};
    static const char *const requests[] = {"adding", "promoting", "removing", "handing over to"};
    if (call->request == MEMBERS_TRANSFER)
        coverage->counts[answer->outcome == QUEEN_DONE ? COVER_TRANSFERS : COVER_TRANSFERS_FAILED]++;
    if (call->request == MEMBERS_ADD && answer->outcome == QUEEN_DONE)
        coverage->counts[COVER_JOINS]++;
    trace_event(call->world, &call->world->nodes[call->node], "%s %s: %s", requests[call->request],
                call->world->nodes[call->target].address, outcomes[answer->outcome]);
    free(call);
}

/* What the members would be after a removal, for the guard alone. */
static bool may_remove(struct world *world, const struct raft *raft, raft_id id)
{
    struct known_configuration known, after = {0};
    shorten(raft_configuration(raft), &known);
    for (size_t i = 0; i < known.count; i++) {
        if (known.members[i].id != id)
            after.members[after.count++] = known.members[i];
    }
    return outlives(world, &after, 0);
}

static void change(struct node *node, struct change_call *call, enum raft_change_type type)
{
    const struct node *target = &node->world->nodes[call->target];
    struct raft_change change = {.type = type};
    change.member.id = target->id;
    change.member.kind = target->is_learner ? RAFT_MEMBER_LEARNER : RAFT_MEMBER_JOINING;
    snprintf(change.member.address, sizeof change.member.address, "%s", target->address);
    replica_change(node->replica, node_now_ms(node), &change, on_changed, call);
}

static void reach_leader(struct world *world, unsigned number, uint64_t unused, void *argument)
{
    (void)unused;
    struct node *node = &world->nodes[number];
    struct change_call *call = (struct change_call *)hive_memdup(argument, sizeof *call);
    free(argument);
    const struct node *target = &world->nodes[call->target];
    const struct raft *raft = node->state == NODE_UP ? replica_raft(node->replica) : NULL;
    bool is_possible =
        raft && (call->request == MEMBERS_TRANSFER || (target->id && target->id == call->target_id));
    if (is_possible && call->request == MEMBERS_REMOVE)
        is_possible = may_remove(world, raft, target->id);
    if (!is_possible) {
        free(call);
        return;
    }
    call->node = number;
    switch (call->request) {
    case MEMBERS_ADD:
        change(node, call, RAFT_CHANGE_ADD);
        break;
    case MEMBERS_PROMOTE:
        change(node, call, RAFT_CHANGE_PROMOTE);
        break;
    case MEMBERS_REMOVE:
        change(node, call, RAFT_CHANGE_REMOVE);
        break;
    case MEMBERS_TRANSFER:
        replica_transfer(node->replica, node_now_ms(node), target->number ? target->id : 0, on_changed, call);
        break;
    }
    node_after_step(node);
}

/* Whom somebody that is asked takes for the leader. */
static struct node *find_leader(struct world *world)
{
    unsigned first = (unsigned)sim_random_below(&world->member_random, SIM_NODES);
    for (unsigned i = 0; i < SIM_NODES; i++) {
        struct node *node = &world->nodes[(first + i) % SIM_NODES + 1];
        raft_id leader =
            node->state == NODE_UP && !node->is_paused ? raft_leader(replica_raft(node->replica)) : 0;
        if (leader)
            return world_node_of(world, leader);
    }
    return NULL;
}

void members_ask(struct world *world, enum members_request request, struct node *target)
{
    struct node *leader = find_leader(world);
    if (!leader || (target && !target->is_paused && !network_passes(world, target->number, leader->number)))
        return;
    struct change_call *call = hive_malloc(sizeof *call);
    *call = (struct change_call){.world = world,
                                 .request = request,
                                 .target = target ? target->number : 0,
                                 .target_id = target ? target->id : 0};
    struct sim_event event = {
        .at_us = world->now_us + network_delay_us(world),
        .run = reach_leader,
        .argument = call,
        .node = leader->number,
        .owns_argument = true,
    };
    sim_events_add(&world->events, &event);
}

/* ---- beginnings ---- */

/* A founder knows what the group is founded with when it has seen all the others. */
static bool founders_are_known(struct world *world)
{
    if (world->founding.count > 0)
        return true;
    for (unsigned i = 1; i <= world->config.founders; i++) {
        if (world->nodes[i].id == 0)
            return false;
    }
    for (unsigned i = 1; i <= world->config.founders; i++) {
        struct raft_member *member = &world->founding.members[world->founding.count++];
        member->id = world->nodes[i].id;
        member->kind = RAFT_MEMBER_VOTER;
        memcpy(member->address, world->nodes[i].address, sizeof member->address);
    }
    members_note(world, &world->founding);
    return true;
}

static void found(struct node *node)
{
    struct world *world = node->world;
    struct hive_error error = {0};
    if (raft_configuration(replica_raft(node->replica))->count > 0) {
        node->has_founding = true; /* the group's log says who belongs to it */
        return;
    }
    if (store_set_founding(node->store, &world->founding, &error) < 0) {
        if (!node->disk->is_dead && node->disk->failures == node->seen_failures)
            world_fail(world, "%s cannot found its group: %s", node->address, error.message);
        return;
    }
    node->has_founding = true;
    replica_bootstrap(node->replica, node_now_ms(node), &world->founding);
}

/* By a change that is committed: another one may be rolled back, and then nobody would take her in. */
static bool is_member(const struct node *node)
{
    const struct raft *raft = replica_raft(node->replica);
    const struct raft_configuration *members = raft_configuration(raft);
    return raft_configuration_find(members, node->id) && members->index <= raft_commit_index(raft);
}

static void watch(struct world *world, unsigned number, uint64_t unused, void *argument)
{
    (void)unused;
    (void)argument;
    struct node *node = &world->nodes[number];
    bool is_known = founders_are_known(world);
    if (is_known && !node->has_founding && raft_configuration_find(&world->founding, node->id))
        found(node);
    else if (is_known && node->wants_to_join && !is_member(node))
        members_ask(world, MEMBERS_ADD, node);
    members_watch(node);
    node_after_step(node);
}

void members_watch(struct node *node)
{
    struct world *world = node->world;
    struct sim_event event = {
        .at_us = world->now_us + sim_random_between(&world->member_random, 1, WATCH_US),
        .run = watch,
        .life = node->life,
        .node = node->number,
    };
    sim_events_add(&world->events, &event);
}
