/* The key-value table: keys in byte order, each with the log indexes of its creation and last change, which
 * are what clients compare and set by. */
#include "machine/tables.h"

#include "hive/memory.h"

struct kv_row {
    RB_ENTRY(kv_row) link;
    uint64_t dump;           /* see struct dump */
    struct machine_kv entry; /* key and value are owned */
};

RB_HEAD(kv_tree, kv_row);

struct kv {
    struct kv_tree rows;
    size_t count;
    struct kv_row *dump_next; /* the row that the walk of a dump comes to next */
};

static int row_compare(const struct kv_row *a, const struct kv_row *b)
{
    return machine_bytes_compare(a->entry.key, b->entry.key);
}

TABLE_TREE(kv_tree, kv_row, link, row_compare)

struct kv *kv_create(void)
{
    return hive_calloc(1, sizeof(struct kv));
}

static void row_destroy(struct kv_row *row)
{
    free((void *)row->entry.key.data);
    free((void *)row->entry.value.data);
    free(row);
}

static void row_remove(struct kv *kv, struct kv_row *row)
{
    if (kv->dump_next == row)
        kv->dump_next = RB_NEXT(kv_tree, , row);
    RB_REMOVE(kv_tree, &kv->rows, row);
    kv->count--;
    row_destroy(row);
}

void kv_destroy(struct kv *kv)
{
    struct kv_row *row, *next;

    RB_FOREACH_SAFE(row, kv_tree, &kv->rows, next)
    row_remove(kv, row);
    free(kv);
}

static struct kv_row *row_find(struct kv *kv, struct machine_bytes key)
{
    return RB_FIND(kv_tree, &kv->rows, &(struct kv_row){.entry.key = key});
}

static void row_encode(const struct kv_row *row, struct hive_buffer *out)
{
    size_t at = dump_row_begin(out, &kv_table);
    bytes_put_number(out, row->entry.created_index, 8);
    bytes_put_number(out, row->entry.modified_index, 8);
    bytes_put_number(out, row->entry.version, 8);
    bytes_put_string(out, row->entry.key);
    bytes_put_string(out, row->entry.value);
    dump_row_end(out, at);
}

/* The row is about to change or to go: a dump gets it as it was. */
static void row_save(struct machine *machine, struct kv_row *row)
{
    if (dump_lacks(&machine->dump, &kv_table, &row->dump))
        row_encode(row, dump_saved(&machine->dump));
}

static bool condition_holds(const struct machine_command *command, const struct kv_row *row)
{
    switch (command->condition) {
    case MACHINE_IF_INDEX:
        return row && row->entry.modified_index == command->condition_index;
    case MACHINE_IF_ABSENT:
        return !row;
    case MACHINE_IF_EXISTS:
        return row;
    case MACHINE_ALWAYS:
        break;
    }
    return true;
}

/* The row of the command's key, NULL where there is none. A condition that does not hold makes the result
 * CONFLICT and tells the client what stands there. */
static struct kv_row *row_check(struct kv *kv, const struct machine_command *command,
                                struct machine_result *result)
{
    struct kv_row *row = row_find(kv, command->key);
    if (!condition_holds(command, row)) {
        result->status = MACHINE_CONFLICT;
        result->index = row ? row->entry.modified_index : 0;
    }
    return row;
}

void kv_put(struct machine *machine, uint64_t index, const struct machine_command *command,
            struct machine_result *result)
{
    struct kv *kv = machine->kv;
    struct kv_row *row = row_check(kv, command, result);

    if (result->status != MACHINE_OK)
        return;
    result->created = !row;
    result->index = index;
    if (!row) {
        row = hive_calloc(1, sizeof *row);
        row->dump = machine->dump.number;
        machine_bytes_replace(&row->entry.key, command->key);
        row->entry.created_index = index;
        RB_INSERT(kv_tree, &kv->rows, row);
        kv->count++;
    } else
        row_save(machine, row);
    machine_bytes_replace(&row->entry.value, command->value);
    row->entry.modified_index = index;
    row->entry.version++;
}

void kv_delete(struct machine *machine, uint64_t index, const struct machine_command *command,
               struct machine_result *result)
{
    struct kv_row *row = row_check(machine->kv, command, result);

    if (result->status != MACHINE_OK)
        return;
    if (!row) {
        result->status = MACHINE_NOT_FOUND;
        return;
    }
    result->index = index;
    row_save(machine, row);
    row_remove(machine->kv, row);
}

bool machine_kv_get(const struct machine *machine, struct machine_bytes key, struct machine_kv *entry)
{
    struct kv_row *row = row_find(machine->kv, key);
    if (row)
        *entry = row->entry;
    return row;
}

static bool starts_with(struct machine_bytes key, struct machine_bytes prefix)
{
    return key.size >= prefix.size && (!prefix.size || memcmp(key.data, prefix.data, prefix.size) == 0);
}

void machine_kv_each(const struct machine *machine, struct machine_bytes prefix, struct machine_bytes after,
                     bool (*visit)(const struct machine_kv *entry, void *context), void *context)
{
    /* Keys with the prefix stand together, from the prefix itself on. No key is empty: an empty `after` skips
     * none. */
    struct machine_bytes from = machine_bytes_compare(after, prefix) > 0 ? after : prefix;
    struct kv_row *row = RB_NFIND(kv_tree, &machine->kv->rows, &(struct kv_row){.entry.key = from});

    if (row && machine_bytes_compare(row->entry.key, after) == 0)
        row = RB_NEXT(kv_tree, , row);
    while (row && starts_with(row->entry.key, prefix) && visit(&row->entry, context))
        row = RB_NEXT(kv_tree, , row);
}

size_t machine_kv_count(const struct machine *machine)
{
    return machine->kv->count;
}

static void dump_begin(struct machine *machine)
{
    machine->kv->dump_next = RB_MIN(kv_tree, &machine->kv->rows);
}

static void dump_next(struct machine *machine, struct hive_buffer *out)
{
    struct kv_row *row = machine->kv->dump_next;
    machine->kv->dump_next = RB_NEXT(kv_tree, , row);
    if (dump_lacks(&machine->dump, &kv_table, &row->dump))
        row_encode(row, out);
}

static const char *load(struct machine *machine, struct bytes_reader *reader)
{
    struct machine_kv entry;

    entry.created_index = bytes_get_number(reader, 8);
    entry.modified_index = bytes_get_number(reader, 8);
    entry.version = bytes_get_number(reader, 8);
    if (!bytes_get_string(reader, 1, HIVE_KEY_BYTES, &entry.key) ||
        !bytes_get_string(reader, 0, HIVE_VALUE_BYTES, &entry.value))
        return "its key or value has a wrong length";
    if (entry.created_index < 1 || entry.created_index > entry.modified_index ||
        entry.modified_index > machine->applied_index)
        return "its indexes are out of order";
    /* Each write had an index of its own. (0 is out of range, too: one less is the greatest number.) */
    if (entry.version - 1 > entry.modified_index - entry.created_index)
        return "its version is out of range";

    struct kv_row *row = hive_calloc(1, sizeof *row);
    row->entry = entry;
    row->entry.key.data = hive_memdup(entry.key.data, entry.key.size);
    row->entry.value.data = hive_memdup(entry.value.data, entry.value.size);
    if (RB_INSERT(kv_tree, &machine->kv->rows, row)) {
        row_destroy(row);
        return "it is there twice";
    }
    machine->kv->count++;
    return NULL;
}

static const char *load_end(struct machine *machine)
{
    (void)machine;
    return NULL;
}

static uint64_t digest(const struct machine *machine, uint64_t hash, struct hive_buffer *scratch)
{
    struct kv_row *row;

    RB_FOREACH(row, kv_tree, &machine->kv->rows)
    {
        hive_buffer_clear(scratch);
        row_encode(row, scratch);
        hash = bytes_hash(hash, scratch->data, scratch->size);
    }
    return bytes_hash_number(hash, machine->kv->count);
}

const struct machine_table kv_table = {
    "key", machine_kv_count, dump_begin, dump_next, load, load_end, digest,
};
