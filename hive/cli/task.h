/* One task, as GET /tasks tells of it. */
#ifndef CLI_TASK_H
#define CLI_TASK_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "hive/error.h"
#include "hive/limits.h"

struct cli_task {
    char id[HIVE_ID_BYTES];
    char name[HIVE_NAME_BYTES];
    char *text; /* owned; NULL where there is none */
    char state[16];
    char drone[HIVE_ADDRESS_BYTES]; /* empty: none yet */
    char drone_name[HIVE_NAME_BYTES];
    int attempt;
    char *detail;                                            /* owned; what went wrong, or NULL */
    int64_t submitted_at_ms, assigned_at_ms, finished_at_ms; /* unix; 0: not yet */
};

/* 0, or -EINVAL naming the field. Release with cli_task_finish in both cases. */
int cli_task_read(const cJSON *json, struct cli_task *task, struct hive_error *error);
void cli_task_finish(struct cli_task *task);

#endif
