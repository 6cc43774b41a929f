/* Clients of a simulated world. Each does one thing after the other: it draws what, goes to where it believes the leader to be, follows
 * hints, and where there is no answer asks again with the same idempotency key, or (some do not use keys) lives with not knowing. What all
 * of them did and saw is judged at the end. */
#include "sim/clients.h"

#include <assert.h>
#include <inttypes.h>

#include "hive/linearizable.h"
#include "hive/memory.h"
#include "sim/world.h"

#define CLIENTS_MOST  16
#define KEYS_MOST     16
#define PATIENCE_US   (20000 * MS) /* then a client gives up, whatever it knows by then */
#define RETRY_MOST_US (60 * MS)

/* A task that somebody wanted to submit. */
struct submission {
    enum hive_history_outcome outcome;
    uint64_t task; /* where it is DONE */
    unsigned found;
};

struct client {
    struct clients *all;
    unsigned number;
    unsigned target; /* where it believes the leader to be */
    bool is_busy;

    /* What it does now. */
    bool is_submission, is_keyed, is_final; /* the last: it must be done, however long that takes */
    bool may_have_happened;                 /* there was no answer to an earlier try */
    struct hive_history_op op;              /* or its number, as a submission, from 0 */
    int64_t until_us;
    uint64_t known_indexes[KEYS_MOST]; /* by key: the modification index that it saw last */
};

struct clients {
    struct world *world;
    struct hive_history history;
    struct client clients[CLIENTS_MOST];
    unsigned client_count, key_count;
    unsigned keyed_per_mille, write_per_mille;
    bool is_stopped;
    unsigned keys_to_read; /* at the end; those below */

    struct submission *submissions;
    size_t submission_count, submission_capacity;
};

static void begin(struct world *world, void *context);
static void try_it(struct world *world, void *context);

static_assert((int)HIVE_HISTORY_ALWAYS == MACHINE_ALWAYS && (int)HIVE_HISTORY_IF_INDEX == MACHINE_IF_INDEX &&
                  (int)HIVE_HISTORY_IF_ABSENT == MACHINE_IF_ABSENT &&
                  (int)HIVE_HISTORY_IF_EXISTS == MACHINE_IF_EXISTS,
              "conditions of a history are those of the log");

/* ---- what to do ---- */

static void draw_write(struct client *client, struct hive_history_op *op)
{
    struct sim_random *random = &client->all->world->client_random;
    uint64_t draw = sim_random_below(random, 100);

    op->type = draw < 80 ? HIVE_HISTORY_PUT : HIVE_HISTORY_DELETE;
    draw = sim_random_below(random, 100);
    if (draw < 50)
        return;
    op->condition = draw < 85   ? HIVE_HISTORY_IF_INDEX
                    : draw < 95 ? HIVE_HISTORY_IF_ABSENT
                                : HIVE_HISTORY_IF_EXISTS;
    op->condition_index = op->condition == HIVE_HISTORY_IF_INDEX ? client->known_indexes[op->key] : 0;
    if (op->condition == HIVE_HISTORY_IF_INDEX && !op->condition_index)
        op->condition = HIVE_HISTORY_IF_ABSENT;
}

static void draw(struct client *client)
{
    struct clients *all = client->all;
    struct sim_random *random = &all->world->client_random;

    client->is_submission = sim_random_chance(random, 40);
    client->is_keyed = sim_random_chance(random, all->keyed_per_mille);
    client->op = (struct hive_history_op){.client = client->number,
                                          .key = (unsigned)sim_random_below(random, all->key_count)};
    if (client->is_submission)
        return;
    if (sim_random_chance(random, all->write_per_mille))
        draw_write(client, &client->op);
    else if (sim_random_chance(random, 200)) {
        client->op.type = HIVE_HISTORY_STALE_READ;
        client->target = 1 + (unsigned)sim_random_below(random, SIM_NODES);
    }
}

static void note_beginning(struct client *client)
{
    struct clients *all = client->all;

    client->is_busy = true;
    client->may_have_happened = false;
    client->until_us = all->world->now_us + PATIENCE_US;
    if (!client->is_submission) {
        client->op.number = hive_history_invoke(&all->history, &client->op, all->world->now_us);
        return;
    }
    if (all->submission_count == all->submission_capacity) {
        all->submission_capacity = all->submission_capacity ? 2 * all->submission_capacity : 64;
        all->submissions = hive_realloc(all->submissions, all->submission_capacity, sizeof *all->submissions);
    }
    client->op.number = all->submission_count++;
    all->submissions[client->op.number] = (struct submission){.outcome = HIVE_HISTORY_UNKNOWN};
}

static void begin(struct world *world, void *context)
{
    struct client *client = context;
    if (client->all->is_stopped || client->is_busy)
        return;
    draw(client);
    note_beginning(client);
    try_it(world, client);
}

/* ---- what came of it ---- */

static void rest(struct client *client)
{
    struct world *world = client->all->world;
    client->is_busy = false;
    if (!client->all->is_stopped)
        world_after(world, sim_random_between(&world->client_random, 0, world->config.think_ms * MS), begin,
                    client);
}

static void read_next(struct client *client)
{
    if (!client->all->keys_to_read)
        return;
    client->is_final = true;
    client->is_submission = false;
    client->op = (struct hive_history_op){.client = client->number, .key = --client->all->keys_to_read};
    note_beginning(client);
    try_it(client->all->world, client);
}

static void note_end(struct client *client, const struct hive_history_op *answer, uint64_t task)
{
    struct clients *all = client->all;

    if (client->is_submission) {
        all->submissions[client->op.number].outcome = answer->outcome;
        all->submissions[client->op.number].task = task;
    } else {
        hive_history_return(&all->history, client->op.number, answer, all->world->now_us);
        if (answer->outcome == HIVE_HISTORY_DONE)
            client->known_indexes[client->op.key] = answer->index;
    }
    all->world->coverage.counts[COVER_UNKNOWN] += answer->outcome == HIVE_HISTORY_UNKNOWN;
    rest(client);
    read_next(client);
}

static bool is_read(const struct client *client)
{
    return !client->is_submission &&
           (client->op.type == HIVE_HISTORY_READ || client->op.type == HIVE_HISTORY_STALE_READ);
}

/* No answer, or one that says no. */
static void go_on_or_give_up(struct client *client, const struct sim_answer *answer)
{
    struct world *world = client->all->world;
    struct sim_random *random = &world->client_random;
    bool is_unknown = answer->outcome == SIM_UNKNOWN;

    if (!is_read(client))
        client->may_have_happened |= is_unknown;
    bool may_repeat =
        is_read(client) ? client->op.type == HIVE_HISTORY_READ : client->is_keyed || !is_unknown;
    bool is_late = world->now_us >= client->until_us && !client->is_final;
    if (answer->hint)
        client->target = answer->hint;
    else if (!is_unknown || sim_random_chance(random, 500))
        client->target = 1 + (unsigned)sim_random_below(random, SIM_NODES);
    if (may_repeat && !is_late) {
        world_after(world, sim_random_between(random, 0, RETRY_MOST_US), try_it, client);
        return;
    }
    bool happened_not = !is_read(client) && !client->may_have_happened;
    note_end(client,
             &(struct hive_history_op){.outcome = happened_not ? HIVE_HISTORY_REFUSED : HIVE_HISTORY_UNKNOWN},
             0);
}

static uint64_t number_in(struct world *world, const char *text, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            world_fail(world, "a value that no client wrote: '%.*s'", (int)bytes, text);
        number = 10 * number + (uint64_t)(text[i] - '0');
    }
    return number;
}

static enum hive_history_status status_of(enum machine_status status)
{
    switch (status) {
    case MACHINE_OK:
        return HIVE_HISTORY_OK;
    case MACHINE_NOT_FOUND:
        return HIVE_HISTORY_NOT_FOUND;
    case MACHINE_CONFLICT:
        return HIVE_HISTORY_CONFLICT;
    default:
        return HIVE_HISTORY_REJECTED;
    }
}

static void on_read(struct client *client, const struct sim_answer *answer)
{
    struct world *world = client->all->world;
    struct hive_history_op seen = {
        .outcome = HIVE_HISTORY_DONE, .status = HIVE_HISTORY_NOT_FOUND, .age_ms = answer->age_ms};

    if (answer->is_found) {
        seen.status = HIVE_HISTORY_OK;
        seen.index = answer->modified_index;
        seen.seen = number_in(world, answer->value, answer->value_bytes);
    }
    world->coverage.counts[COVER_READS]++;
    note_end(client, &seen, 0);
}

static void on_written(struct client *client, const struct sim_answer *answer)
{
    struct world *world = client->all->world;
    const struct machine_result *result = &answer->result;
    struct hive_history_op done = {.outcome = HIVE_HISTORY_DONE,
                                   .status = status_of(result->status),
                                   .created = result->created,
                                   .index = result->index};

    if (result->status == MACHINE_KEY_REUSED || result->status == MACHINE_INVALID)
        world_fail(world, "client %u's request was %s", client->number,
                   result->status == MACHINE_INVALID ? "invalid" : "taken for another one of the same key");
    if (result->replayed && !client->may_have_happened)
        world_fail(world, "client %u's first try was taken for a repetition", client->number);
    world->coverage.counts[COVER_WRITES]++;
    world->coverage.counts[COVER_REPLAYS] += result->replayed;
    note_end(client, &done, result->task);
}

static void on_answer(struct world *world, const struct sim_answer *answer, void *context)
{
    struct client *client = context;

    (void)world;
    bool is_full = answer->outcome == SIM_DONE && !is_read(client) && answer->result.status == MACHINE_FULL;
    if (answer->outcome != SIM_DONE || is_full)
        go_on_or_give_up(client, answer);
    else if (is_read(client))
        on_read(client, answer);
    else
        on_written(client, answer);
}

static void try_it(struct world *world, void *context)
{
    struct client *client = context;
    char key[16], value[32], name[48];
    struct machine_command command = {
        .type = client->op.type == HIVE_HISTORY_DELETE ? MACHINE_KV_DELETE : MACHINE_KV_PUT,
        .key = {key, (size_t)snprintf(key, sizeof key, "key-%u", client->op.key)},
        .value = {value, (size_t)snprintf(value, sizeof value, "%" PRIu64, client->op.number)},
        .condition = (enum machine_condition)client->op.condition,
        .condition_index = client->op.condition_index,
        .text = {value, strlen(value)},
    };

    if (is_read(client)) {
        world_read(world, client->target, command.key, client->op.type == HIVE_HISTORY_STALE_READ, on_answer,
                   client);
        return;
    }
    if (client->is_submission)
        command.type = MACHINE_TASK_SUBMIT;
    if (client->is_keyed) {
        int size = snprintf(name, sizeof name, "%s-%" PRIu64, client->is_submission ? "task" : "write",
                            client->op.number);
        command.idempotency_key = (struct machine_bytes){name, (size_t)size};
    }
    world_write(world, client->target, &command, on_answer, client);
}

/* ---- for the world ---- */

struct clients *clients_create(struct world *world)
{
    static const unsigned keyed[] = {0, 500, 1000, 1000}, writes[] = {200, 500, 800};
    struct sim_random *random = &world->client_random;
    struct clients *clients = hive_calloc(1, sizeof *clients);

    clients->world = world;
    clients->client_count =
        world->config.client_count < CLIENTS_MOST ? world->config.client_count : CLIENTS_MOST;
    clients->key_count = world->config.key_count < KEYS_MOST ? world->config.key_count : KEYS_MOST;
    clients->keyed_per_mille = keyed[sim_random_below(random, 4)];
    clients->write_per_mille = writes[sim_random_below(random, 3)];
    for (unsigned i = 0; i < clients->client_count; i++) {
        struct client *client = &clients->clients[i];
        client->all = clients;
        client->number = i;
        client->target = 1 + (unsigned)sim_random_below(random, SIM_NODES);
        rest(client);
    }
    return clients;
}

void clients_destroy(struct clients *clients)
{
    if (!clients)
        return;
    hive_history_finish(&clients->history);
    free(clients->submissions);
    free(clients);
}

void clients_stop(struct clients *clients)
{
    clients->is_stopped = true;
}

bool clients_are_idle(const struct clients *clients)
{
    for (unsigned i = 0; i < clients->client_count; i++)
        if (clients->clients[i].is_busy)
            return false;
    return true;
}

void clients_read_all(struct clients *clients)
{
    clients->is_stopped = true;
    clients->keys_to_read = clients->key_count;
    read_next(&clients->clients[0]);
}

/* ---- the verdict ---- */

static bool count_task(const struct machine_task *task, void *context)
{
    struct clients *clients = context;
    uint64_t number = number_in(clients->world, task->text.data, task->text.size);

    if (number >= clients->submission_count)
        world_fail(clients->world, "task-%" PRIu64 " was submitted by nobody", task->number);
    struct submission *submission = &clients->submissions[number];
    if (submission->outcome == HIVE_HISTORY_REFUSED)
        world_fail(clients->world, "task-%" PRIu64 " is there, but its submission was refused", task->number);
    if (submission->outcome == HIVE_HISTORY_DONE && submission->task != task->number)
        world_fail(clients->world, "task-%" PRIu64 " is there, but its client was told of task-%" PRIu64,
                   task->number, submission->task);
    if (submission->found++)
        world_fail(clients->world, "submission %" PRIu64 " happened twice: the second time as task-%" PRIu64,
                   number, task->number);
    return true;
}

static void check_tasks(struct clients *clients)
{
    const struct node *leader = world_leader(clients->world);

    if (!leader)
        world_fail(clients->world, "no leader is there to show the tasks");
    machine_task_each(replica_machine(leader->replica), 0, count_task, clients);
    for (size_t i = 0; i < clients->submission_count; i++)
        if (clients->submissions[i].outcome == HIVE_HISTORY_DONE && !clients->submissions[i].found)
            world_fail(clients->world, "task-%" PRIu64 " was lost", clients->submissions[i].task);
}

void clients_check(struct clients *clients)
{
    struct hive_buffer why = {0};

    for (unsigned key = 0; key < clients->key_count; key++) {
        enum hive_linearizable_verdict verdict = hive_linearizable_check(&clients->history, key, &why);
        bool is_fresh = hive_linearizable_check_stale(&clients->history, key,
                                                      clients->world->config.drift_per_mille, &why);
        if (verdict == HIVE_LINEARIZABLE_YES && is_fresh)
            continue;
        fprintf(stderr, "%s", why.data);
        world_fail(clients->world, "key-%u: %s", key,
                   verdict == HIVE_LINEARIZABLE_NO          ? "not linearizable"
                   : verdict == HIVE_LINEARIZABLE_UNDECIDED ? "cannot tell whether it is linearizable"
                                                            : "a stale read is not what it says");
    }
    hive_buffer_finish(&why);
    check_tasks(clients);
}
