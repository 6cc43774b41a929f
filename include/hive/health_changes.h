/* What changed between two /healthz answers of a node, as JSON: for those who keep many of them. Pure. */
#ifndef HIVE_HEALTH_CHANGES_H
#define HIVE_HEALTH_CHANGES_H

#include <cjson/cJSON.h>

#include "hive/api.h"

/* The fields of `now` that differ from those of `before`, under the API's names, and those that no answer may lack; a list
 * is there whole where anything of it differs. The caller owns the object. */
cJSON *hive_health_changes(const struct hive_health *before, const struct hive_health *now);

/* The other way round: what `changes` names is changed in `health`, the rest stays. 0, or -EINVAL naming the field; `health`
 * can be used and finished then, too. */
int hive_health_merge(const cJSON *changes, struct hive_health *health, struct hive_error *error);

/* A deep copy; release with hive_health_finish. */
void hive_health_copy(const struct hive_health *health, struct hive_health *copy);

/* The lists of a struct hive_health whose elements are plain bytes (all but `running_tasks`), for who copies or packs them.
 * Ends with a zeroed one. */
struct hive_health_list {
    size_t items, count; /* where the pointer and the count are in the struct */
    size_t bytes;        /* of an element */
};
extern const struct hive_health_list hive_health_lists[];

#endif
