/* The machine as bytes, as it was when the dump began, while it goes on changing: each row that a command is about to change or
 * remove is taken first (copy before write), and rows that come meanwhile are passed by. So a dump costs a command no more than
 * the encoding of what it changes, and the thread that owns the machine never waits for one.
 *
 * The format, version 2. Numbers are little-endian and unsigned unless said otherwise. First the head:
 *
 *     offset  bytes
 *          0      8  "hivedump"
 *          8      4  version of this format: 2
 *         12      8  applied_index
 *         20      8  time_ms, signed: machine_time_ms
 *         28      8  stamp_ms, signed: the clock of leaders by which time was last seen to pass
 *         36      8  number of rows of table 1, keys
 *         44      8  of table 2, drones
 *         52      8  of table 3, tasks
 *         60      8  of table 4, sessions
 *         68     32  4 times 8: how many tasks have ever succeeded, failed, been stopped, been lost
 *        100     24  3 times 8: the chain's index, hash and group
 *
 * Then so many rows, of all tables and in any order, and nothing after them. A row:
 *
 *          0      1  its table, from 1
 *          1      4  bytes of what follows
 *          5         its fields, without gaps:
 *
 *     keys      created_index 8, modified_index 8, version 8, key, value
 *     drones    registered_index 8, registered_at_ms 8 signed, capacity 4, address, name, version, secret
 *     tasks     number 8, state 1 (enum machine_task_state), attempt 4, submitted_at_ms 8, assigned_at_ms 8, finished_at_ms 8 (all signed),
 *               end 8 (it was the end-th task to finish, from 1; 0: it has not), name, text, drone, detail
 *     sessions  index 8 (of the log entry), time_ms 8 signed, fingerprint 8, and the result: status 1 (enum machine_status), type 1 (enum
 *               machine_command_type), created 1, index 8, task 8, attempt 4; then the idempotency key
 *
 * where keys, values and texts are 4 bytes: length; then the bytes. The lengths that may be are command.c's. A fingerprint is the hash
 * of bytes.c over the command's fields as command.c encodes them, which goes on from the command's type.
 *
 * There is no checksum: the file that a dump is kept in has one. */
#include <assert.h>
#include <endian.h>

#include "hive/memory.h"
#include "machine/dump_format.h"
#include "machine/tables.h"

/* A row that is passed costs as much as so many bytes, however small it is, and also if the dump has it. */
#define ROW_COST_BYTES 128

/* A part of what was saved is begun anew beyond so many bytes, and so many parts are swept at a time. */
#define PART_BYTES  ((size_t)64 * 1024)
#define SWEEP_PARTS 4

static size_t number_of(const struct machine_table *table)
{
    size_t number = 0;
    while (machine_tables[number] != table)
        number++;
    return number;
}

bool dump_lacks(struct dump *dump, const struct machine_table *table, uint64_t *row_dump)
{
    if (!dump->is_under_way || *row_dump == dump->number)
        return false;
    *row_dump = dump->number;
    dump->left[number_of(table)]--;
    return true;
}

/* ---- what was saved ---- */

void dump_init(struct dump *dump)
{
    TAILQ_INIT(&dump->saved);
    TAILQ_INIT(&dump->waste);
}

struct hive_buffer *dump_saved(struct dump *dump)
{
    struct dump_part *last = TAILQ_LAST(&dump->saved, dump_parts);
    if (!last || last->bytes.size >= PART_BYTES) {
        last = hive_calloc(1, sizeof *last);
        TAILQ_INSERT_TAIL(&dump->saved, last, link);
    }
    return &last->bytes;
}

static void free_first(struct dump_parts *parts)
{
    struct dump_part *first = TAILQ_FIRST(parts);
    TAILQ_REMOVE(parts, first, link);
    hive_buffer_finish(&first->bytes);
    free(first);
}

void dump_sweep(struct dump *dump)
{
    for (int i = 0; i < SWEEP_PARTS && !TAILQ_EMPTY(&dump->waste); i++)
        free_first(&dump->waste);
}

void dump_finish(struct dump *dump)
{
    TAILQ_CONCAT(&dump->waste, &dump->saved, link);
    while (!TAILQ_EMPTY(&dump->waste))
        free_first(&dump->waste);
}

/* Gives out what was saved, but not more than `bytes`: commands may have saved much since the last piece. */
static size_t give_saved(struct dump *dump, struct hive_buffer *out, size_t bytes)
{
    size_t given = 0;

    for (struct dump_part *first; given < bytes && (first = TAILQ_FIRST(&dump->saved));) {
        size_t left = first->bytes.size - dump->saved_out;
        size_t more = left < bytes - given ? left : bytes - given;
        hive_buffer_append(out, first->bytes.data + dump->saved_out, more);
        given += more;
        dump->saved_out += more;
        if (more == left) {
            free_first(&dump->saved);
            dump->saved_out = 0;
        }
    }
    return given;
}

/* ---- rows ---- */

size_t dump_row_begin(struct hive_buffer *buffer, const struct machine_table *table)
{
    bytes_put_number(buffer, number_of(table) + 1, 1);
    bytes_put_number(buffer, 0, 4); /* known at its end */
    return buffer->size;
}

void dump_row_end(struct hive_buffer *buffer, size_t at)
{
    size_t bytes = buffer->size - at;
    assert(bytes <= DUMP_ROW_BYTES_MAX);
    uint32_t little = htole32((uint32_t)bytes);
    memcpy(buffer->data + at - sizeof little, &little, sizeof little);
}

/* ---- the dump ---- */

static void put_head(const struct machine *machine, struct hive_buffer *out)
{
    struct machine_task_counts counts = machine_task_counts(machine);

    hive_buffer_append(out, DUMP_MAGIC, DUMP_MAGIC_BYTES);
    bytes_put_number(out, DUMP_VERSION, 4);
    bytes_put_number(out, machine->applied_index, 8);
    bytes_put_number(out, (uint64_t)machine->time_ms, 8);
    bytes_put_number(out, (uint64_t)machine->stamp_ms, 8);
    for (size_t i = 0; i < MACHINE_TABLES; i++)
        bytes_put_number(out, machine_tables[i]->count(machine), 8);
    bytes_put_number(out, counts.succeeded, 8);
    bytes_put_number(out, counts.failed, 8);
    bytes_put_number(out, counts.stopped, 8);
    bytes_put_number(out, counts.lost, 8);
    bytes_put_number(out, machine->chain.index, 8);
    bytes_put_number(out, machine->chain.hash, 8);
    bytes_put_number(out, machine->chain.group, 8);
}

void machine_dump_begin(struct machine *machine)
{
    struct dump *dump = &machine->dump;

    assert(!dump->is_under_way);
    dump->is_under_way = true;
    dump->number++;
    dump->table = 0;
    put_head(machine, dump_saved(dump));
    for (size_t i = 0; i < MACHINE_TABLES; i++) {
        dump->left[i] = machine_tables[i]->count(machine);
        machine_tables[i]->dump_begin(machine);
    }
}

bool machine_dump_next(struct machine *machine, struct hive_buffer *out, size_t bytes)
{
    struct dump *dump = &machine->dump;

    assert(dump->is_under_way);
    dump_sweep(dump);
    size_t cost = give_saved(dump, out, bytes ? bytes : 1);
    /* A row must not come between two pieces of a saved one. */
    if (!TAILQ_EMPTY(&dump->saved))
        return true;
    while (dump->table < MACHINE_TABLES) {
        /* New rows at the end are not walked over: commands could add them more quickly than pieces are taken. */
        if (!dump->left[dump->table]) {
            dump->table++;
            continue;
        }
        if (cost >= bytes && cost)
            return true;
        size_t before = out->size;
        machine_tables[dump->table]->dump_next(machine, out);
        cost += out->size - before > ROW_COST_BYTES ? out->size - before : ROW_COST_BYTES;
    }
    machine_dump_abort(machine); /* it is whole: the same is left to do */
    return false;
}

void machine_dump_abort(struct machine *machine)
{
    machine->dump.is_under_way = false;
    machine->dump.saved_out = 0;
    TAILQ_CONCAT(&machine->dump.waste, &machine->dump.saved, link);
}

bool machine_is_dumping(const struct machine *machine)
{
    return machine->dump.is_under_way;
}

uint64_t machine_digest(const struct machine *machine)
{
    struct hive_buffer scratch = {0};

    put_head(machine, &scratch);
    uint64_t hash = bytes_hash(0, scratch.data, scratch.size);
    for (size_t i = 0; i < MACHINE_TABLES; i++)
        hash = machine_tables[i]->digest(machine, hash, &scratch);
    hive_buffer_finish(&scratch);
    return hash;
}
