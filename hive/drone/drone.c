/* The drone: its registrar and its tasks, under one name and one secret. */
#include "drone/drone.h"

#include "drone/registrar.h"
#include "hive/encoding.h"
#include "hive/json.h"
#include "hive/limits.h"
#include "hive/memory.h"
#include "hive/random.h"

#define SECRET_DIGITS 64 /* hexadecimal: 256 bits, beyond guessing */

struct drone {
    char name[HIVE_NAME_BYTES];
    int capacity;
    bool is_token; /* the credential is the cluster's token, else this process's own secret */
    char credential[HIVE_TOKEN_BYTES]; /* what a queen shows to give tasks */
    struct registrar *registrar;
    struct workload *workload;
};

struct drone *drone_create(const struct drone_config *config)
{
    struct drone *drone = hive_calloc(1, sizeof *drone);
    if (config->name)
        snprintf(drone->name, sizeof drone->name, "%s", config->name);
    else
        hive_drone_name(config->address, drone->name);
    drone->capacity = config->capacity;
    drone->is_token = config->token != NULL;
    if (drone->is_token)
        snprintf(drone->credential, sizeof drone->credential, "%s", config->token);
    else
        hive_random_hex(drone->credential, SECRET_DIGITS);
    drone->workload = workload_create(config->capacity, HIVE_DRONE_OUTCOMES);
    drone->registrar = registrar_create(&(struct registrar_config){
        .address = config->address,
        .name = drone->name,
        .queens = config->queens,
        .capacity = config->capacity,
        .token = config->token,
        .secret = drone->is_token ? NULL : drone->credential,
        .register_ms = config->register_ms,
        .faults = config->faults,
    });
    return drone;
}

int drone_start(struct drone *drone, struct hive_error *error)
{
    int code = workload_start(drone->workload, error);
    return code ? code : registrar_start(drone->registrar, error);
}

void drone_stop(struct drone *drone)
{
    registrar_stop(drone->registrar);
    workload_stop(drone->workload);
}

void drone_destroy(struct drone *drone)
{
    if (!drone)
        return;
    registrar_destroy(drone->registrar);
    workload_destroy(drone->workload);
    free(drone);
}

const char *drone_name(const struct drone *drone)
{
    return drone->name;
}

bool drone_is_ready(struct drone *drone)
{
    char queen[HIVE_ADDRESS_BYTES];
    return registrar_queen(drone->registrar, queen);
}

bool drone_is_authorized(const struct drone *drone, const char *credential)
{
    return hive_equal_constant_time(drone->credential, credential);
}

void drone_health_json(struct drone *drone, struct hive_buffer *json)
{
    char queen[HIVE_ADDRESS_BYTES];
    hive_buffer_append_text(json, ",\"queen\":");
    if (registrar_queen(drone->registrar, queen))
        hive_json_append_string(json, queen, strlen(queen));
    else
        hive_buffer_append_text(json, "null");
    hive_buffer_format(json, ",\"capacity\":%d", drone->capacity);
    workload_health_json(drone->workload, json);
}

void drone_do_task(struct drone *drone, struct task_order *order, task_reply *reply, void *context)
{
    workload_submit(drone->workload, order, reply, context);
}
