/* Requests of clients: they take their time there and back, and whatever may go wrong with a connection does. A client is told that
 * nothing happened only where that is certain. */
#include "hive/memory.h"
#include "sim/checks.h"
#include "sim/network.h"

#define PATIENCE_US (4000 * MS) /* of a client */
#define GATHER_US   200         /* proposals that come so close behind each other are one batch */

struct call {
    LIST_ENTRY(call) link;
    struct world *world;
    unsigned node;
    unsigned users; /* events and replicas that speak of it */
    bool is_read, is_stale, is_answered;
    struct hive_buffer bytes; /* the command, or the key */
    sim_answered *answered;
    void *context;
    struct sim_answer answer;
    struct hive_buffer value;
};

static void let_go(struct call *call)
{
    if (--call->users > 0)
        return;
    LIST_REMOVE(call, link);
    hive_buffer_finish(&call->bytes);
    hive_buffer_finish(&call->value);
    free(call);
}

void calls_destroy(struct world *world)
{
    struct call *call;
    while ((call = LIST_FIRST(&world->calls))) {
        call->users = 1;
        let_go(call);
    }
}

static void add_event(struct call *call, int64_t after_us, unsigned node, sim_run *run)
{
    struct sim_event event = {
        .at_us = call->world->now_us + after_us, .run = run, .argument = call, .node = node};
    call->users++;
    sim_events_add(&call->world->events, &event);
}

static void tell(struct world *world, unsigned number, uint64_t unused, void *argument)
{
    (void)number;
    (void)unused;
    struct call *call = argument;
    if (!call->is_answered) {
        call->is_answered = true;
        call->answer.value = call->value.data;
        call->answer.value_bytes = call->value.size;
        call->answered(world, &call->answer, call->context);
    }
    let_go(call);
}

static void lose_patience(struct world *world, unsigned number, uint64_t unused, void *argument)
{
    struct call *call = argument;
    if (!call->is_answered)
        call->answer = (struct sim_answer){.outcome = SIM_UNKNOWN};
    tell(world, number, unused, argument);
}

/* The answer goes back, if it gets there. */
static void send_back(struct call *call)
{
    struct world *world = call->world;
    if (!sim_random_chance(&world->network_random, world->drop_per_mille))
        add_event(call, network_delay_us(world), 0, tell);
}

static unsigned number_of(const char *address)
{
    return address ? (unsigned)strtoul(strchr(address, '-') + 1, NULL, 10) : 0;
}

static enum sim_outcome outcome_of(const struct queen_answer *answer, const struct call *call)
{
    switch (answer->outcome) {
    case QUEEN_DONE:
        return SIM_DONE;
    case QUEEN_UNKNOWN:
        return SIM_UNKNOWN;
    case QUEEN_STOPPING:
    case QUEEN_NOT_LEADER:
    case QUEEN_DISCARDED:
    case QUEEN_UNCONFIRMED:
    case QUEEN_BUSY:
    case QUEEN_REFUSED:
        break;
    }
    /* The answer of a process that ends does not get out. */
    return call->world->nodes[call->node].is_crashing && !call->is_read ? SIM_UNKNOWN : SIM_REFUSED;
}

static void on_done(const struct queen_answer *answer, void *context)
{
    struct call *call = context;
    struct world *world = call->world;
    call->answer.outcome = outcome_of(answer, call);
    call->answer.hint = number_of(answer->leader);
    call->answer.index = answer->index;
    call->answer.age_ms = answer->age_ms;
    if (call->answer.outcome == SIM_DONE && !call->is_read) {
        call->answer.result = *answer->result;
        checks_acknowledged(&world->nodes[call->node], answer->index);
    } else if (call->answer.outcome == SIM_DONE) {
        struct machine_kv entry;
        struct machine_bytes key = {.data = call->bytes.data, .size = call->bytes.size};
        call->answer.is_found = machine_kv_get(answer->machine, key, &entry);
        if (call->answer.is_found) {
            call->answer.modified_index = entry.modified_index;
            hive_buffer_append(&call->value, entry.value.data, entry.value.size);
        }
    }
    send_back(call);
    let_go(call);
}

/* ---- at the node ---- */

static void flush_proposals(struct node *node)
{
    size_t count = node->proposal_count;
    node->proposal_count = 0;
    if (count > 0)
        replica_propose(node->replica, node_now_ms(node), node->proposals, count);
}

void calls_crash(struct node *node)
{
    for (size_t i = 0; i < node->proposal_count; i++)
        let_go(node->proposals[i].context);
    node->proposal_count = 0;
}

static void flush(struct world *world, unsigned number, uint64_t unused, void *argument)
{
    (void)unused;
    (void)argument;
    struct node *node = &world->nodes[number];
    flush_proposals(node);
    node_after_step(node);
}

static void propose(struct node *node, struct call *call)
{
    struct machine_command command;
    struct hive_buffer stamped = {0};
    if (machine_command_decode(call->bytes.data, call->bytes.size, &command, NULL) < 0)
        world_fail(node->world, "a client sent a command that cannot be decoded");
    command.time_ms = node_unix_ms(node);
    machine_command_encode(&command, &stamped);
    hive_buffer_finish(&call->bytes);
    call->bytes = stamped;
    size_t most = sizeof node->proposals / sizeof node->proposals[0];
    if (node->proposal_count == most)
        flush_proposals(node);
    if (node->proposal_count == 0) {
        struct sim_event event = {
            .at_us = node->world->now_us + GATHER_US, .run = flush, .life = node->life, .node = node->number};
        sim_events_add(&node->world->events, &event);
    }
    node->proposals[node->proposal_count++] = (struct replica_proposal){
        .command = call->bytes.data, .bytes = call->bytes.size, .done = on_done, .context = call};
}

static void arrive(struct world *world, unsigned number, uint64_t unused, void *argument)
{
    (void)unused;
    struct call *call = argument;
    struct node *node = &world->nodes[number];
    if (node->state != NODE_UP) {
        call->answer = (struct sim_answer){.outcome = SIM_REFUSED};
        send_back(call);
        let_go(call);
        return;
    }
    /* What the event held is the replica's now. */
    if (call->is_read)
        replica_read(node->replica, node_now_ms(node), call->is_stale, on_done, call);
    else
        propose(node, call);
    node_after_step(node);
}

static void begin(struct world *world, struct call *call)
{
    LIST_INSERT_HEAD(&world->calls, call, link);
    if (!sim_random_chance(&world->network_random, world->drop_per_mille))
        add_event(call, network_delay_us(world), call->node, arrive);
    add_event(call, PATIENCE_US, 0, lose_patience);
}

void world_write(struct world *world, unsigned node, const struct machine_command *command,
                 sim_answered *answered, void *context)
{
    struct call *call = hive_malloc(sizeof *call);
    *call = (struct call){.world = world, .node = node, .answered = answered, .context = context};
    machine_command_encode(command, &call->bytes);
    begin(world, call);
}

void world_read(struct world *world, unsigned node, struct machine_bytes key, bool is_stale,
                sim_answered *answered, void *context)
{
    struct call *call = hive_malloc(sizeof *call);
    *call = (struct call){.world = world,
                          .node = node,
                          .is_read = true,
                          .is_stale = is_stale,
                          .answered = answered,
                          .context = context};
    hive_buffer_append(&call->bytes, key.data, key.size);
    begin(world, call);
}

struct timer {
    void (*call)(struct world *world, void *context);
    void *context;
};

static void ring(struct world *world, unsigned number, uint64_t unused, void *argument)
{
    (void)number;
    (void)unused;
    struct timer timer = *(struct timer *)argument;
    free(argument);
    timer.call(world, timer.context);
}

void world_after(struct world *world, int64_t delay_us, void (*call)(struct world *world, void *context),
                 void *context)
{
    struct timer *timer = hive_malloc(sizeof *timer);
    *timer = (struct timer){.call = call, .context = context};
    struct sim_event event = {
        .at_us = world->now_us + delay_us, .run = ring, .argument = timer, .owns_argument = true};
    sim_events_add(&world->events, &event);
}
