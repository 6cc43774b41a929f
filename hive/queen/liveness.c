/* The drones' liveness: a small table beside the replicated list, kept by the leader alone and rebuilt by the
 * next one. */
#include "queen/liveness.h"

#include "hive/log.h"
#include "hive/memory.h"
#include "hive/random.h"

static void finish_drone(struct live_drone *drone)
{
    free(drone->address);
    free(drone->name);
    free(drone->secret);
}

void liveness_finish(struct liveness *liveness)
{
    for (size_t i = 0; i < liveness->count; i++)
        finish_drone(&liveness->drones[i]);
    free(liveness->drones);
    liveness->drones = NULL;
    liveness->count = 0;
}

static int compare_address(const void *key, const void *element)
{
    return strcmp(key, ((const struct live_drone *)element)->address);
}

struct live_drone *liveness_find(const struct liveness *liveness, const char *address)
{
    return liveness->count ? bsearch(address, liveness->drones, liveness->count, sizeof *liveness->drones,
                                     compare_address)
                           : NULL;
}

void liveness_update(struct liveness *liveness, const struct view *view, int64_t now_ms)
{
    struct live_drone *drones = hive_calloc(view->drone_count, sizeof *drones);
    for (size_t i = 0; i < view->drone_count; i++) {
        const struct view_drone *registered = &view->drones[i];
        const struct live_drone *known = liveness_find(liveness, registered->address);
        struct live_drone *drone = &drones[i];
        if (known)
            *drone = *known;
        if (!known || known->registered_index != registered->registered_index) {
            /* It has just registered: it was alive a moment ago, and is asked at once. */
            drone->is_suspect = !known;
            drone->is_leaving = false;
            drone->last_seen_ms = now_ms;
            drone->heartbeat_due_ms = now_ms;
        }
        drone->address = hive_strdup(registered->address);
        drone->name = hive_strdup(registered->name);
        drone->secret = hive_strdup(registered->secret);
        drone->capacity = registered->capacity;
        drone->task_count = registered->task_count;
        drone->registered_index = registered->registered_index;
    }
    liveness_finish(liveness);
    liveness->drones = drones;
    liveness->count = view->drone_count;
}

void liveness_start_leading(struct liveness *liveness, int64_t now_ms)
{
    for (size_t i = 0; i < liveness->count; i++) {
        struct live_drone *drone = &liveness->drones[i];
        drone->was_seen = false;
        drone->is_suspect = true;
        drone->is_leaving = false;
        drone->last_seen_ms = now_ms;
        drone->heartbeat_due_ms = now_ms;
    }
}

void liveness_seen(struct live_drone *drone, int running, int64_t now_ms)
{
    if (drone->was_seen && drone->is_suspect)
        hive_log_info("drone answers again", LOG_S("drone", drone->name), LOG_S("address", drone->address));
    drone->was_seen = true;
    drone->is_suspect = false;
    drone->running = running;
    drone->last_seen_ms = now_ms;
}

struct live_drone *liveness_judge(struct liveness *liveness, int64_t now_ms)
{
    struct live_drone *lost = NULL;
    for (size_t i = 0; i < liveness->count; i++) {
        struct live_drone *drone = &liveness->drones[i];
        int64_t silent_ms = now_ms - drone->last_seen_ms;
        if (!drone->is_suspect && silent_ms >= liveness->suspect_ms) {
            drone->is_suspect = true;
            hive_log_warning("drone is suspect", LOG_S("drone", drone->name),
                             LOG_S("address", drone->address), LOG_N("silent_ms", silent_ms));
        }
        if (!drone->is_leaving && silent_ms >= liveness->lost_ms)
            lost = drone;
    }
    return lost;
}

static bool has_room(const struct live_drone *drone, int64_t now_ms)
{
    return !drone->is_suspect && !drone->is_leaving && now_ms >= drone->avoid_until_ms &&
           drone->task_count < drone->capacity;
}

struct live_drone *liveness_pick(struct liveness *liveness, int64_t now_ms)
{
    size_t candidates = 0;
    for (size_t i = 0; i < liveness->count; i++)
        candidates += has_room(&liveness->drones[i], now_ms);
    if (candidates == 0)
        return NULL;
    uint64_t skip = hive_random_below(candidates);
    for (size_t i = 0; i < liveness->count; i++) {
        struct live_drone *drone = &liveness->drones[i];
        if (has_room(drone, now_ms) && skip-- == 0) {
            drone->task_count++;
            return drone;
        }
    }
    return NULL;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t liveness_due_ms(const struct liveness *liveness)
{
    int64_t due_ms = INT64_MAX;
    for (size_t i = 0; i < liveness->count; i++) {
        const struct live_drone *drone = &liveness->drones[i];
        if (!drone->is_asked)
            due_ms = earlier(due_ms, drone->heartbeat_due_ms);
        if (!drone->is_suspect)
            due_ms = earlier(due_ms, drone->last_seen_ms + liveness->suspect_ms);
        if (!drone->is_leaving)
            due_ms = earlier(due_ms, drone->last_seen_ms + liveness->lost_ms);
    }
    return due_ms;
}
