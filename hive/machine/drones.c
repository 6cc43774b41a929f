/* The table of drones: who has registered, with what capacity, and how many tasks each has. Who is alive is
 * not here: heartbeats never enter the log, the leader just removes whom it has lost. */
#include "machine/tables.h"

#include <assert.h>

#include "hive/memory.h"

struct drone_row {
    RB_ENTRY(drone_row) link;
    struct machine_bytes address; /* the bytes of drone.address */
    struct machine_drone drone;   /* all texts are owned */
};

RB_HEAD(drone_tree, drone_row);

struct drones {
    struct drone_tree rows;
    size_t count;
};

static int row_compare(const struct drone_row *a, const struct drone_row *b)
{
    return machine_bytes_compare(a->address, b->address);
}

TABLE_TREE(drone_tree, drone_row, link, row_compare)

struct drones *drones_create(void)
{
    return hive_calloc(1, sizeof(struct drones));
}

static void row_remove(struct drones *drones, struct drone_row *row)
{
    RB_REMOVE(drone_tree, &drones->rows, row);
    drones->count--;
    free((void *)row->drone.address);
    free((void *)row->drone.name);
    free((void *)row->drone.version);
    free((void *)row->drone.secret);
    free(row);
}

void drones_destroy(struct drones *drones)
{
    struct drone_row *row, *next;

    RB_FOREACH_SAFE(row, drone_tree, &drones->rows, next)
    row_remove(drones, row);
    free(drones);
}

static struct drone_row *row_find(struct drones *drones, struct machine_bytes address)
{
    return RB_FIND(drone_tree, &drones->rows, &(struct drone_row){.address = address});
}

static struct drone_row *row_add(struct drones *drones, struct machine_bytes address)
{
    struct drone_row *row = hive_calloc(1, sizeof *row);
    machine_bytes_replace(&row->address, address);
    row->drone.address = row->address.data;
    RB_INSERT(drone_tree, &drones->rows, row);
    drones->count++;
    return row;
}

void drones_register(struct machine *machine, uint64_t index, const struct machine_command *command,
                     struct machine_result *result)
{
    struct drones *drones = machine->drones;
    struct drone_row *row = row_find(drones, command->drone);

    if (!row && drones->count >= HIVE_DRONES) {
        result->status = MACHINE_FULL;
        return;
    }
    if (!row) {
        result->created = true;
        row = row_add(drones, command->drone);
    }
    machine_text_replace(&row->drone.name, command->name);
    machine_text_replace(&row->drone.version, command->version);
    /* Only the first registration has to bring the secret; who renews without one keeps it. */
    if (command->secret.size || !row->drone.secret)
        machine_text_replace(&row->drone.secret, command->secret);
    row->drone.capacity = command->capacity;
    row->drone.registered_at_ms = command->time_ms;
    row->drone.registered_index = index;
}

void drones_remove(struct machine *machine, uint64_t index, const struct machine_command *command,
                   struct machine_result *result)
{
    struct drone_row *row = row_find(machine->drones, command->drone);

    (void)index;
    if (!row) {
        result->status = MACHINE_NOT_FOUND;
        return;
    }
    tasks_release(machine->tasks, command->drone, command->time_ms);
    row_remove(machine->drones, row);
}

enum machine_status drones_add_task(struct drones *drones, struct machine_bytes address)
{
    struct drone_row *row = row_find(drones, address);
    if (!row)
        return MACHINE_NOT_FOUND;
    if (row->drone.task_count >= row->drone.capacity)
        return MACHINE_CONFLICT;
    row->drone.task_count++;
    return MACHINE_OK;
}

void drones_drop_task(struct drones *drones, struct machine_bytes address)
{
    struct drone_row *row = row_find(drones, address);
    assert(row && row->drone.task_count > 0);
    row->drone.task_count--;
}

bool machine_drone_get(const struct machine *machine, const char *address, struct machine_drone *drone)
{
    struct drone_row *row = row_find(machine->drones, machine_bytes_of(address));
    if (row)
        *drone = row->drone;
    return row;
}

void machine_drone_each(const struct machine *machine,
                        bool (*visit)(const struct machine_drone *drone, void *context), void *context)
{
    struct drone_row *row;

    RB_FOREACH(row, drone_tree, &machine->drones->rows)
    if (!visit(&row->drone, context))
        return;
}

size_t machine_drone_count(const struct machine *machine)
{
    return machine->drones->count;
}
