/* The table of drivers: what kinds of task this drone can do, found by the field of a task's JSON that asks
 * for one. */
#include "drone/driver.h"

#include <errno.h>

static const struct driver *const drivers[] = {
    &driver_text,
    NULL,
};

int driver_find(const cJSON *json, const struct driver **driver, const cJSON **spec, struct hive_error *error)
{
    for (size_t i = 0; drivers[i]; i++) {
        const cJSON *field = cJSON_GetObjectItemCaseSensitive(json, drivers[i]->name);
        if (!field)
            continue;
        *driver = drivers[i];
        *spec = field;
        return drivers[i]->check(field, error);
    }
    char known[128] = "";
    for (size_t i = 0, used = 0; drivers[i] && used < sizeof known; i++)
        used +=
            (size_t)snprintf(known + used, sizeof known - used, "%s\"%s\"", i ? ", " : "", drivers[i]->name);
    return hive_error_set(error, -EINVAL, "the task says nothing that this drone can do; give it one of: %s",
                          known);
}
