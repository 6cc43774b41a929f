/* Drones, as they make themselves known and as clients see them. */
#include <errno.h>
#include <inttypes.h>

#include "hive/address.h"
#include "hive/encoding.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "http/answer.h"
#include "http/handlers.h"

/* A registration under way. Texts are the document's. */
struct registration {
    struct hive_request *request;
    struct node *node;
    cJSON *json;
    const char *address, *version, *secret;
    char name[HIVE_NAME_BYTES];
    int64_t capacity;
    struct machine_bytes idempotency_key; /* the request's */
};

static void finish(struct registration *registration)
{
    cJSON_Delete(registration->json);
    free(registration);
}

static int parse(struct registration *registration, struct hive_error *error)
{
    const cJSON *json = registration->json;
    const char *name = "";
    struct hive_address address;
    registration->version = registration->secret = "";
    registration->capacity = 1;
    if (hive_json_string(json, "address", &registration->address, error) ||
        hive_json_string(json, "name", &name, error) == -EINVAL ||
        hive_json_string(json, "version", &registration->version, error) == -EINVAL ||
        hive_json_string(json, "secret", &registration->secret, error) == -EINVAL ||
        hive_json_int(json, "capacity", 1, HIVE_DRONE_CAPACITY, &registration->capacity, error) == -EINVAL)
        return -EINVAL;
    if (hive_address_parse(registration->address, &address, error))
        return hive_error_prefix(error, -EINVAL, "\"address\"");
    if (address.port == 0)
        return hive_error_set(error, -EINVAL,
                              "\"address\" must have the port that the drone listens on, not 0");
    if (*name && !hive_is_name(name))
        return hive_error_set(error, -EINVAL,
                              "\"name\" must be of up to %d letters, digits, '.', '_' and '-'",
                              HIVE_NAME_BYTES - 1);
    if (strlen(registration->version) >= HIVE_NAME_BYTES || strlen(registration->secret) >= HIVE_TOKEN_BYTES)
        return hive_error_set(error, -EINVAL, "\"version\" or \"secret\" is too long");
    if (*name)
        snprintf(registration->name, sizeof registration->name, "%s", name);
    else
        hive_drone_name(registration->address, registration->name);
    return 0;
}

static void reply_registered(struct registration *registration)
{
    struct hive_buffer json = {0};
    hive_buffer_format(&json, "{\"result\":\"OK\",\"name\":\"%s\",\"queen\":\"%s\"}", registration->name,
                       registration->node->address);
    hive_request_reply_json(registration->request, 200, &json);
}

static void on_applied(const struct queen_answer *answer, void *context)
{
    struct registration *registration = context;
    if (!answer_unless_applied(registration->request, answer)) {
        if (answer->result->status == MACHINE_OK)
            reply_registered(registration);
        else
            answer_full(registration->request, HIVE_DRONES,
                        "drones are registered, which is the most: stop some first");
    }
    finish(registration);
}

static bool is_registered(const struct registration *registration, const struct machine *machine)
{
    struct machine_drone drone;
    return machine_drone_get(machine, registration->address, &drone) &&
           !strcmp(drone.name, registration->name) && !strcmp(drone.version, registration->version) &&
           drone.capacity == registration->capacity &&
           (!*registration->secret || !strcmp(drone.secret, registration->secret));
}

static struct machine_bytes bytes_of(const char *text)
{
    return (struct machine_bytes){.data = text, .size = strlen(text)};
}

/* Drones renew their registration all the time: where nothing changed, nothing is written, and an
 * Idempotency-Key is not used up. */
static void on_machine(const struct queen_answer *answer, void *context)
{
    struct registration *registration = context;
    if (answer_unless_done(registration->request, answer)) {
        finish(registration);
        return;
    }
    if (is_registered(registration, answer->machine)) {
        reply_registered(registration);
        finish(registration);
        return;
    }
    struct machine_command command = {
        .type = MACHINE_DRONE_REGISTER,
        .drone = bytes_of(registration->address),
        .name = bytes_of(registration->name),
        .version = bytes_of(registration->version),
        .secret = bytes_of(registration->secret),
        .capacity = (uint32_t)registration->capacity,
        .idempotency_key = registration->idempotency_key,
    };
    queen_propose(registration->node->queen, &command, on_applied, registration);
}

void handle_register(struct hive_request *request, void *context)
{
    struct node *node = context;
    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    struct hive_error error;
    if (answer_if_drone(request, node))
        return;
    struct registration *registration = hive_calloc(1, sizeof *registration);
    registration->request = request;
    registration->node = node;
    registration->json = hive_json_parse_object(body, bytes, &error);
    if (!registration->json || parse(registration, &error)) {
        hive_request_reply_problem(request, 400, "bad-request", "%s", error.message);
        finish(registration);
        return;
    }
    if (!answer_idempotency_key(request, &registration->idempotency_key)) {
        finish(registration);
        return;
    }
    queen_read(node->queen, false, on_machine, registration);
}

/* A listing of the machine's drones, with what the leader knows of their lives. */
struct listing {
    struct hive_buffer json;
    struct queen *queen;
};

static bool add_drone(const struct machine_drone *drone, void *context)
{
    struct listing *listing = context;
    struct hive_buffer *json = &listing->json;
    struct queen_drone life = {0};
    queen_find_drone(listing->queen, drone->address, &life);
    if (json->data[json->size - 1] != '[')
        hive_buffer_append_text(json, ",");
    hive_buffer_append_text(json, "{\"address\":");
    hive_json_append_string(json, drone->address, strlen(drone->address));
    hive_buffer_append_text(json, ",\"name\":");
    hive_json_append_string(json, drone->name, strlen(drone->name));
    hive_buffer_append_text(json, ",\"version\":");
    hive_json_append_string(json, drone->version, strlen(drone->version));
    hive_buffer_format(json,
                       ",\"state\":\"%s\",\"last_seen_ms\":%" PRId64 ",\"running\":%d,\"assigned\":%" PRIu32
                       ",\"capacity\":%" PRIu32 ",\"registered_at_ms\":%" PRId64 "}",
                       hive_drone_state_names[life.is_suspect ? HIVE_DRONE_SUSPECT : HIVE_DRONE_HEALTHY],
                       life.last_seen_ms, life.running, drone->task_count, drone->capacity,
                       drone->registered_at_ms);
    return true;
}

static void on_list(const struct queen_answer *answer, void *context)
{
    struct registration *ask = context;
    if (!answer_unless_done(ask->request, answer)) {
        struct listing listing = {.queen = ask->node->queen};
        hive_buffer_append_text(&listing.json, "{\"drones\":[");
        machine_drone_each(answer->machine, add_drone, &listing);
        hive_buffer_append_text(&listing.json, "]}");
        hive_request_reply_json(ask->request, 200, &listing.json);
    }
    finish(ask);
}

void handle_list_drones(struct hive_request *request, void *context)
{
    struct node *node = context;
    bool stale;
    if (answer_if_drone(request, node) || !answer_reads_stale(request, &stale))
        return;
    struct registration *ask = hive_calloc(1, sizeof *ask);
    ask->request = request;
    ask->node = node;
    queen_read(node->queen, stale, on_list, ask);
}
