/* The key-value table: keys in byte order, each with the log indexes of its creation and last change, which
 * are what clients compare and set by. */
#include "machine/tables.h"

#include "hive/memory.h"

struct kv_row {
    RB_ENTRY(kv_row) link;
    struct machine_kv entry; /* key and value are owned */
};

RB_HEAD(kv_tree, kv_row);

struct kv {
    struct kv_tree rows;
    size_t count;
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

static void row_remove(struct kv *kv, struct kv_row *row)
{
    RB_REMOVE(kv_tree, &kv->rows, row);
    kv->count--;
    free((void *)row->entry.key.data);
    free((void *)row->entry.value.data);
    free(row);
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
        machine_bytes_replace(&row->entry.key, command->key);
        row->entry.created_index = index;
        RB_INSERT(kv_tree, &kv->rows, row);
        kv->count++;
    }
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
