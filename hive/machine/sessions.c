/* The table of sessions: what became of the commands that had an idempotency key, so that a client which lost an answer may ask
 * again and the command still happens once (§6.3). The dissertation gives each client a session, and with it a number for each of its
 * commands; here each command names itself, so that no session needs to be opened: curl can do it.
 *
 * A result is kept for HIVE_SESSION_MS by the times that commands carry: every queen forgets at the same index. Where HIVE_SESSIONS
 * are not enough the oldest goes early, but none before HIVE_SESSION_FLOOR_MS: a retry that finds nothing would be applied a second
 * time, which is worse than telling a new client to wait. */
#include "machine/tables.h"

#include "hive/memory.h"

/* Expired ones that one command removes at most: a command adds one, so the table empties, and none has to wait for a long row of
 * them. What has expired counts as gone in any case. */
#define EXPIRE_AT_ONCE 8

struct session_row {
    RB_ENTRY(session_row) by_key, by_index;
    uint64_t dump;         /* see struct dump */
    uint64_t index;        /* of the log entry; the order in which they expire, too */
    int64_t time_ms;       /* machine_time_ms when it was applied */
    uint64_t fingerprint;  /* of the command */
    uint64_t result_index; /* the rest is struct machine_result's */
    uint64_t result_task;
    uint32_t result_attempt;
    uint8_t status, type;
    bool created;
    struct machine_bytes key; /* its bytes are behind the row */
};

RB_HEAD(key_tree, session_row);
RB_HEAD(index_tree, session_row);

struct sessions {
    struct key_tree by_key;
    struct index_tree by_index;
    size_t count;
    struct session_row *dump_next; /* the row that the walk of a dump comes to next */
};

static int key_compare(const struct session_row *a, const struct session_row *b)
{
    return machine_bytes_compare(a->key, b->key);
}

static int index_compare(const struct session_row *a, const struct session_row *b)
{
    return (a->index > b->index) - (a->index < b->index);
}

TABLE_TREE(key_tree, session_row, by_key, key_compare)
TABLE_TREE(index_tree, session_row, by_index, index_compare)

struct sessions *sessions_create(void)
{
    return hive_calloc(1, sizeof(struct sessions));
}

static void row_remove(struct sessions *sessions, struct session_row *row)
{
    if (sessions->dump_next == row)
        sessions->dump_next = RB_NEXT(index_tree, , row);
    RB_REMOVE(key_tree, &sessions->by_key, row);
    RB_REMOVE(index_tree, &sessions->by_index, row);
    sessions->count--;
    free(row);
}

void sessions_destroy(struct sessions *sessions)
{
    struct session_row *row, *next;

    RB_FOREACH_SAFE(row, index_tree, &sessions->by_index, next)
    row_remove(sessions, row);
    free(sessions);
}

static struct session_row *row_find(struct sessions *sessions, struct machine_bytes key)
{
    return RB_FIND(key_tree, &sessions->by_key, &(struct session_row){.key = key});
}

/* Neither the index nor the key is there yet. */
static struct session_row *row_add(struct sessions *sessions, uint64_t index, struct machine_bytes key)
{
    struct session_row *row = hive_calloc(1, sizeof *row + key.size);
    memcpy(row + 1, key.data, key.size);
    row->key = (struct machine_bytes){(const char *)(row + 1), key.size};
    row->index = index;
    RB_INSERT(key_tree, &sessions->by_key, row);
    RB_INSERT(index_tree, &sessions->by_index, row);
    sessions->count++;
    return row;
}

static void row_encode(const struct session_row *row, struct hive_buffer *out)
{
    size_t at = dump_row_begin(out, &sessions_table);
    bytes_put_number(out, row->index, 8);
    bytes_put_number(out, (uint64_t)row->time_ms, 8);
    bytes_put_number(out, row->fingerprint, 8);
    bytes_put_number(out, row->status, 1);
    bytes_put_number(out, row->type, 1);
    bytes_put_number(out, row->created, 1);
    bytes_put_number(out, row->result_index, 8);
    bytes_put_number(out, row->result_task, 8);
    bytes_put_number(out, row->result_attempt, 4);
    bytes_put_string(out, row->key);
    dump_row_end(out, at);
}

/* Rows never change: they come and go. */
static void row_forget(struct machine *machine, struct session_row *row)
{
    if (dump_lacks(&machine->dump, &sessions_table, &row->dump))
        row_encode(row, dump_saved(&machine->dump));
    row_remove(machine->sessions, row);
}

/* Neither time is negative, and no row is younger than the machine. */
static int64_t age_ms(const struct machine *machine, const struct session_row *row)
{
    return machine->time_ms - row->time_ms;
}

void sessions_expire(struct machine *machine)
{
    for (int i = 0; i < EXPIRE_AT_ONCE; i++) {
        struct session_row *oldest = RB_MIN(index_tree, &machine->sessions->by_index);
        if (!oldest || age_ms(machine, oldest) < HIVE_SESSION_MS)
            return;
        row_forget(machine, oldest);
    }
}

/* Whether there is no place for one more, and none may be made. */
static bool is_full(const struct machine *machine)
{
    return machine->sessions->count >= HIVE_SESSIONS &&
           age_ms(machine, RB_MIN(index_tree, &machine->sessions->by_index)) < HIVE_SESSION_FLOOR_MS;
}

bool sessions_answer(struct machine *machine, const struct machine_command *command, uint64_t fingerprint,
                     struct machine_result *result)
{
    struct session_row *row = row_find(machine->sessions, command->idempotency_key);

    if (row && age_ms(machine, row) >= HIVE_SESSION_MS) {
        row_forget(machine, row); /* its turn to be removed had not come */
        row = NULL;
    }
    if (!row) {
        if (is_full(machine))
            result->status = MACHINE_FULL;
        return result->status == MACHINE_FULL;
    }
    if (row->fingerprint != fingerprint) {
        result->status = MACHINE_KEY_REUSED;
        return true;
    }
    *result = (struct machine_result){.status = (enum machine_status)row->status,
                                      .type = (enum machine_command_type)row->type,
                                      .created = row->created,
                                      .index = row->result_index,
                                      .task = row->result_task,
                                      .attempt = row->result_attempt,
                                      .replayed = true};
    return true;
}

void sessions_keep(struct machine *machine, uint64_t index, const struct machine_command *command,
                   uint64_t fingerprint, const struct machine_result *result)
{
    struct sessions *sessions = machine->sessions;

    if (sessions->count >= HIVE_SESSIONS)
        row_forget(machine, RB_MIN(index_tree, &sessions->by_index));
    struct session_row *row = row_add(sessions, index, command->idempotency_key);
    row->dump = machine->dump.number;
    row->time_ms = machine->time_ms;
    row->fingerprint = fingerprint;
    row->status = (uint8_t)result->status;
    row->type = (uint8_t)result->type;
    row->created = result->created;
    row->result_index = result->index;
    row->result_task = result->task;
    row->result_attempt = result->attempt;
}

size_t machine_session_count(const struct machine *machine)
{
    return machine->sessions->count;
}

static void dump_begin(struct machine *machine)
{
    machine->sessions->dump_next = RB_MIN(index_tree, &machine->sessions->by_index);
}

static void dump_next(struct machine *machine, struct hive_buffer *out)
{
    struct session_row *row = machine->sessions->dump_next;
    machine->sessions->dump_next = RB_NEXT(index_tree, , row);
    if (dump_lacks(&machine->dump, &sessions_table, &row->dump))
        row_encode(row, out);
}

static const char *load(struct machine *machine, struct bytes_reader *reader)
{
    struct sessions *sessions = machine->sessions;
    struct session_row read = {0};
    struct machine_bytes key;

    read.index = bytes_get_number(reader, 8);
    read.time_ms = (int64_t)bytes_get_number(reader, 8);
    read.fingerprint = bytes_get_number(reader, 8);
    read.status = (uint8_t)bytes_get_number(reader, 1);
    read.type = (uint8_t)bytes_get_number(reader, 1);
    uint64_t created = bytes_get_number(reader, 1);
    read.result_index = bytes_get_number(reader, 8);
    read.result_task = bytes_get_number(reader, 8);
    read.result_attempt = (uint32_t)bytes_get_number(reader, 4);
    if (!bytes_get_string(reader, 1, HIVE_IDEMPOTENCY_KEY_BYTES, &key) || !machine_is_idempotency_key(key))
        return "it is no idempotency key";
    if (read.index < 1 || read.index > machine->applied_index || read.time_ms < 0 ||
        read.time_ms > machine->time_ms)
        return "its index or time is out of range";
    if (read.status > MACHINE_CONFLICT || read.type < MACHINE_KV_PUT || read.type > MACHINE_TASK_UPDATE ||
        created > 1 || read.result_index > read.index || read.result_task > read.index)
        return "its result is none";
    if (sessions->count >= HIVE_SESSIONS)
        return "there are too many";
    if (row_find(sessions, key) || RB_FIND(index_tree, &sessions->by_index, &read))
        return "it is there twice";

    struct session_row *row = row_add(sessions, read.index, key);
    row->time_ms = read.time_ms;
    row->fingerprint = read.fingerprint;
    row->status = read.status;
    row->type = read.type;
    row->created = created;
    row->result_index = read.result_index;
    row->result_task = read.result_task;
    row->result_attempt = read.result_attempt;
    return NULL;
}

static const char *load_end(struct machine *machine)
{
    struct session_row *row;
    int64_t last_ms = 0;

    RB_FOREACH(row, index_tree, &machine->sessions->by_index)
    {
        if (row->time_ms < last_ms)
            return "times fall while indexes rise";
        last_ms = row->time_ms;
    }
    return NULL;
}

static uint64_t digest(const struct machine *machine, uint64_t hash, struct hive_buffer *scratch)
{
    struct session_row *row;

    RB_FOREACH(row, index_tree, &machine->sessions->by_index)
    {
        hive_buffer_clear(scratch);
        row_encode(row, scratch);
        hash = bytes_hash(hash, scratch->data, scratch->size);
        /* And that it is found. */
        hash = bytes_hash_number(hash, row_find(machine->sessions, row->key) == row);
    }
    return bytes_hash_number(hash, machine->sessions->count);
}

const struct machine_table sessions_table = {
    "session", machine_session_count, dump_begin, dump_next, load, load_end, digest,
};
