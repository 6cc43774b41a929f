/* Tasks in answers, read by the verbs that show them and by the one that waits for them. */
#include "cli/task.h"

#include "client/fields.h"

static const struct field task_fields[] = {
    {"id", FIELD_TEXT, FIELD_REQUIRED, FIELD_OF(struct cli_task, id), NULL},
    {"name", FIELD_TEXT, FIELD_OPTIONAL, FIELD_OF(struct cli_task, name), NULL},
    {"text", FIELD_STRING, FIELD_OPTIONAL, FIELD_OF(struct cli_task, text), NULL},
    {"state", FIELD_TEXT, FIELD_REQUIRED, FIELD_OF(struct cli_task, state), NULL},
    {"drone", FIELD_TEXT, FIELD_OPTIONAL, FIELD_OF(struct cli_task, drone), NULL},
    {"drone_name", FIELD_TEXT, FIELD_OPTIONAL, FIELD_OF(struct cli_task, drone_name), NULL},
    {"attempt", FIELD_INT, FIELD_OPTIONAL, FIELD_OF(struct cli_task, attempt), NULL},
    {"detail", FIELD_STRING, FIELD_OPTIONAL, FIELD_OF(struct cli_task, detail), NULL},
    {"submitted_at_ms", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct cli_task, submitted_at_ms), NULL},
    {"assigned_at_ms", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct cli_task, assigned_at_ms), NULL},
    {"finished_at_ms", FIELD_NUMBER, FIELD_OPTIONAL, FIELD_OF(struct cli_task, finished_at_ms), NULL},
    {0},
};

int cli_task_read(const cJSON *json, struct cli_task *task, struct hive_error *error)
{
    *task = (struct cli_task){0};
    return hive_fields_read(json, task_fields, task, error);
}

void cli_task_finish(struct cli_task *task)
{
    free(task->text);
    free(task->detail);
    *task = (struct cli_task){0};
}
