/* The table of drones: who has registered, with what capacity, and how many tasks each has. Who is alive is
 * not here: heartbeats never enter the log, the leader just removes whom it has lost. */
#include "machine/tables.h"

#include <assert.h>

#include "hive/memory.h"

struct drone_row {
    RB_ENTRY(drone_row) link;
    uint64_t dump;                /* see struct dump */
    struct machine_bytes address; /* the bytes of drone.address */
    struct machine_drone drone;   /* all texts are owned */
};

RB_HEAD(drone_tree, drone_row);

struct drones {
    struct drone_tree rows;
    size_t count;
    struct drone_row *dump_next; /* the row that the walk of a dump comes to next */
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
    if (drones->dump_next == row)
        drones->dump_next = RB_NEXT(drone_tree, , row);
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

/* Without the count of tasks, which follows from the tasks. */
static void row_encode(const struct drone_row *row, struct hive_buffer *out)
{
    size_t at = dump_row_begin(out, &drones_table);
    bytes_put_number(out, row->drone.registered_index, 8);
    bytes_put_number(out, (uint64_t)row->drone.registered_at_ms, 8);
    bytes_put_number(out, row->drone.capacity, 4);
    bytes_put_string(out, row->address);
    bytes_put_string(out, machine_bytes_of(row->drone.name));
    bytes_put_string(out, machine_bytes_of(row->drone.version));
    bytes_put_string(out, machine_bytes_of(row->drone.secret));
    dump_row_end(out, at);
}

/* The row is about to change or to go: a dump gets it as it was. */
static void row_save(struct machine *machine, struct drone_row *row)
{
    if (dump_lacks(&machine->dump, &drones_table, &row->dump))
        row_encode(row, dump_saved(&machine->dump));
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
        row->dump = machine->dump.number;
    } else
        row_save(machine, row);
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
    row_save(machine, row);
    tasks_release(machine, command->drone, command->time_ms);
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

bool drones_load_task(struct drones *drones, struct machine_bytes address)
{
    struct drone_row *row = row_find(drones, address);
    if (row)
        row->drone.task_count++;
    return row;
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

static void dump_begin(struct machine *machine)
{
    machine->drones->dump_next = RB_MIN(drone_tree, &machine->drones->rows);
}

static void dump_next(struct machine *machine, struct hive_buffer *out)
{
    struct drone_row *row = machine->drones->dump_next;
    machine->drones->dump_next = RB_NEXT(drone_tree, , row);
    if (dump_lacks(&machine->dump, &drones_table, &row->dump))
        row_encode(row, out);
}

static const char *load(struct machine *machine, struct bytes_reader *reader)
{
    struct machine_bytes address, name, version, secret;

    uint64_t registered_index = bytes_get_number(reader, 8);
    int64_t registered_at_ms = (int64_t)bytes_get_number(reader, 8);
    uint32_t capacity = (uint32_t)bytes_get_number(reader, 4);
    if (!bytes_get_text(reader, 1, HIVE_ADDRESS_BYTES - 1, &address) ||
        !bytes_get_text(reader, 1, HIVE_NAME_BYTES - 1, &name) ||
        !bytes_get_text(reader, 0, HIVE_NAME_BYTES - 1, &version) ||
        !bytes_get_text(reader, 0, HIVE_TOKEN_BYTES - 1, &secret))
        return "one of its texts is too long, too short or no text";
    if (registered_index < 1 || registered_index > machine->applied_index)
        return "its index is out of range";
    if (machine->drones->count >= HIVE_DRONES)
        return "there are too many";
    if (row_find(machine->drones, address))
        return "it is there twice";

    struct drone_row *row = row_add(machine->drones, address);
    machine_text_replace(&row->drone.name, name);
    machine_text_replace(&row->drone.version, version);
    machine_text_replace(&row->drone.secret, secret);
    row->drone.capacity = capacity;
    row->drone.registered_at_ms = registered_at_ms;
    row->drone.registered_index = registered_index;
    return NULL;
}

static const char *load_end(struct machine *machine)
{
    (void)machine; /* the tasks have counted themselves in */
    return NULL;
}

static uint64_t digest(const struct machine *machine, uint64_t hash, struct hive_buffer *scratch)
{
    struct drone_row *row;

    RB_FOREACH(row, drone_tree, &machine->drones->rows)
    {
        hive_buffer_clear(scratch);
        row_encode(row, scratch);
        bytes_put_number(scratch, row->drone.task_count, 4);
        hash = bytes_hash(hash, scratch->data, scratch->size);
    }
    return bytes_hash_number(hash, machine->drones->count);
}

const struct machine_table drones_table = {
    "drone", machine_drone_count, dump_begin, dump_next, load, load_end, digest,
};
