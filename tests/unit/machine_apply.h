/* Short ways to feed a machine and to look at it, for the machine's tests. */
#ifndef UNIT_MACHINE_APPLY_H
#define UNIT_MACHINE_APPLY_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "hive/buffer.h"
#include "machine/machine.h"

static inline struct machine_bytes bytes_of(const char *text)
{
    return (struct machine_bytes){text, strlen(text)};
}

/* Applies the command as the next log entry. */
static inline struct machine_result apply(struct machine *machine, struct machine_command command)
{
    struct hive_buffer buffer = {0};
    struct machine_result result;

    machine_command_encode(&command, &buffer);
    machine_apply(machine, machine_applied_index(machine) + 1, buffer.data, buffer.size, &result);
    hive_buffer_finish(&buffer);
    return result;
}

static inline struct machine_result register_drone(struct machine *machine, const char *address)
{
    return apply(machine, (struct machine_command){.type = MACHINE_DRONE_REGISTER,
                                                   .time_ms = 1000,
                                                   .drone = bytes_of(address),
                                                   .name = bytes_of("a drone"),
                                                   .capacity = 4});
}

static inline struct machine_result remove_drone(struct machine *machine, const char *address)
{
    return apply(machine, (struct machine_command){
                              .type = MACHINE_DRONE_REMOVE, .time_ms = 9000, .drone = bytes_of(address)});
}

static inline struct machine_result submit(struct machine *machine, const char *text)
{
    return apply(machine, (struct machine_command){
                              .type = MACHINE_TASK_SUBMIT, .time_ms = 2000, .text = bytes_of(text)});
}

static inline struct machine_result assign(struct machine *machine, uint64_t task, const char *address)
{
    return apply(machine,
                 (struct machine_command){
                     .type = MACHINE_TASK_ASSIGN, .time_ms = 3000, .task = task, .drone = bytes_of(address)});
}

static inline struct machine_result update(struct machine *machine, uint64_t task, const char *address,
                                           uint32_t attempt, enum machine_task_state state)
{
    return apply(machine, (struct machine_command){.type = MACHINE_TASK_UPDATE,
                                                   .time_ms = 4000,
                                                   .task = task,
                                                   .drone = bytes_of(address),
                                                   .attempt = attempt,
                                                   .state = state,
                                                   .detail = bytes_of("why")});
}

static inline struct machine_task task_of(const struct machine *machine, uint64_t number)
{
    struct machine_task task;
    assert_true(machine_task_get(machine, number, &task));
    return task;
}

static inline struct machine_drone drone_of(const struct machine *machine, const char *address)
{
    struct machine_drone drone;
    assert_true(machine_drone_get(machine, address, &drone));
    return drone;
}

#endif
