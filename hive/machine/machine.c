/* The state machine as a whole: it decodes a command, hands it to the table that it is for, and remembers how
 * far the log was applied. The tables are in kv.c, drones.c, tasks.c and sessions.c; dump.c and load.c take it all out and in. */
#include "machine/machine.h"

#include <assert.h>
#include <inttypes.h>

#include "hive/memory.h"
#include "machine/tables.h"

static machine_apply_function *const apply_functions[] = {
    [MACHINE_KV_PUT] = kv_put,
    [MACHINE_KV_DELETE] = kv_delete,
    [MACHINE_DRONE_REGISTER] = drones_register,
    [MACHINE_DRONE_REMOVE] = drones_remove,
    [MACHINE_TASK_SUBMIT] = tasks_submit,
    [MACHINE_TASK_ASSIGN] = tasks_assign,
    [MACHINE_TASK_UPDATE] = tasks_update,
};

const struct machine_table *const machine_tables[MACHINE_TABLES] = {
    &kv_table,
    &drones_table,
    &tasks_table,
    &sessions_table,
};

struct machine *machine_create(void)
{
    struct machine *machine = hive_calloc(1, sizeof *machine);
    machine->kv = kv_create();
    machine->drones = drones_create();
    machine->tasks = tasks_create();
    machine->sessions = sessions_create();
    dump_init(&machine->dump);
    return machine;
}

void machine_destroy(struct machine *machine)
{
    if (!machine)
        return;
    kv_destroy(machine->kv);
    drones_destroy(machine->drones);
    tasks_destroy(machine->tasks);
    sessions_destroy(machine->sessions);
    dump_finish(&machine->dump);
    free(machine);
}

/* The clock of what expires goes by the stamps of commands. One far ahead comes from a leader whose clock is wrong, or after a long silence:
 * both count as one step, so that no clock expires everything at once; a silence only makes keys live longer. From there it
 * goes on by the stamps that follow, also if they are far behind again. A little behind is the usual disorder of threads, and of leaders
 * whose clocks nearly agree: time waits. */
static void pass_time(struct machine *machine, int64_t stamp_ms)
{
    int64_t passed_ms = (stamp_ms > 0 ? stamp_ms : 0) - machine->stamp_ms;
    if (passed_ms > 0)
        machine->time_ms += passed_ms < HIVE_SESSION_STEP_MS ? passed_ms : HIVE_SESSION_STEP_MS;
    if (passed_ms > 0 || passed_ms < -HIVE_SESSION_STEP_MS)
        machine->stamp_ms += passed_ms;
}

void machine_apply(struct machine *machine, uint64_t index, const void *command, size_t bytes,
                   struct machine_result *result)
{
    struct machine_command decoded;
    uint64_t fingerprint = 0;

    assert(index > machine->applied_index);
    machine->applied_index = index;
    *result = (struct machine_result){.status = MACHINE_INVALID};
    if (machine_command_decode(command, bytes, &decoded, NULL))
        return;
    result->status = MACHINE_OK;
    result->type = decoded.type;
    pass_time(machine, decoded.time_ms);
    sessions_expire(machine);
    dump_sweep(&machine->dump);

    bool is_keyed = decoded.idempotency_key.size > 0;
    if (is_keyed) {
        fingerprint = machine_command_fingerprint(command, bytes);
        if (sessions_answer(machine, &decoded, fingerprint, result))
            return;
    }
    apply_functions[decoded.type](machine, index, &decoded, result);
    /* Who was told that something is full may try again with the same key. */
    if (is_keyed && result->status != MACHINE_FULL)
        sessions_keep(machine, index, &decoded, fingerprint, result);
}

int64_t machine_time_ms(const struct machine *machine)
{
    return machine->time_ms;
}

uint64_t machine_applied_index(const struct machine *machine)
{
    return machine->applied_index;
}

const char *machine_task_state_name(enum machine_task_state state)
{
    static const char *const names[] = {
        [MACHINE_TASK_PENDING] = "pending", [MACHINE_TASK_ASSIGNED] = "assigned",
        [MACHINE_TASK_RUNNING] = "running", [MACHINE_TASK_SUCCEEDED] = "succeeded",
        [MACHINE_TASK_FAILED] = "failed",   [MACHINE_TASK_STOPPED] = "stopped",
        [MACHINE_TASK_LOST] = "lost",
    };
    assert(state >= MACHINE_TASK_PENDING && state <= MACHINE_TASK_LOST);
    return names[state];
}

void machine_task_id(uint64_t number, char id[HIVE_ID_BYTES])
{
    snprintf(id, HIVE_ID_BYTES, "task-%" PRIu64, number);
}

uint64_t machine_task_number(const char *id)
{
    char again[HIVE_ID_BYTES];

    if (strncmp(id, "task-", 5) != 0)
        return 0;
    /* strtoull takes signs, spaces, zeros in front and too large numbers; none of them survive the way back.
     */
    uint64_t number = strtoull(id + 5, NULL, 10);
    machine_task_id(number, again);
    return strcmp(id, again) == 0 ? number : 0;
}
