/* The state machine as a whole: it decodes a command, hands it to the table that it is for, and remembers how
 * far the log was applied. The tables are in kv.c, drones.c and tasks.c. */
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

struct machine *machine_create(void)
{
    struct machine *machine = hive_calloc(1, sizeof *machine);
    machine->kv = kv_create();
    machine->drones = drones_create();
    machine->tasks = tasks_create();
    return machine;
}

void machine_destroy(struct machine *machine)
{
    if (!machine)
        return;
    kv_destroy(machine->kv);
    drones_destroy(machine->drones);
    tasks_destroy(machine->tasks);
    free(machine);
}

void machine_apply(struct machine *machine, uint64_t index, const void *command, size_t bytes,
                   struct machine_result *result)
{
    struct machine_command decoded;

    assert(index > machine->applied_index);
    machine->applied_index = index;
    *result = (struct machine_result){.status = MACHINE_INVALID};
    if (machine_command_decode(command, bytes, &decoded, NULL))
        return;
    result->status = MACHINE_OK;
    result->type = decoded.type;
    apply_functions[decoded.type](machine, index, &decoded, result);
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

int machine_bytes_compare(struct machine_bytes a, struct machine_bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

struct machine_bytes machine_bytes_of(const char *text)
{
    return (struct machine_bytes){text, strlen(text)};
}

void machine_text_replace(const char **text, struct machine_bytes from)
{
    free((void *)*text);
    *text = hive_memdup(from.data, from.size);
}

void machine_bytes_replace(struct machine_bytes *bytes, struct machine_bytes from)
{
    machine_text_replace(&bytes->data, from);
    bytes->size = from.size;
}
