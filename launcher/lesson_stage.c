/* A lesson's words are few and look everything up when they are asked: what was true at the last step may not be true any more. */
#include "lesson_stage.h"

#include <errno.h>

#include "hive/http_client.h"
#include "hive/json.h"
#include "hive/memory.h"

#define LOOK_MS    400  /* a healthy node answers within a few; a paused one is not asked at all */
#define WRITE_MS   1500 /* at one node alone: it may be cut off, and never answer */
#define CALL_MS    10000
#define SAID_BYTES 40
#define EMPTY      ""
#define DIFFERENT  "different"

/* ---- looking ---- */

static void forget(struct lesson_stage *stage)
{
    for (size_t i = 0; i < stage->ledger.node_count && stage->healths; i++)
        cJSON_Delete(stage->healths[i]);
    free(stage->healths);
    stage->healths = NULL;
    hive_ledger_finish(&stage->ledger);
}

static void take_health(struct hive_http_response *response, void *context)
{
    cJSON **health = context;
    if (response->status == 200 && response->body.data)
        *health = hive_json_parse_object(response->body.data, response->body.size, NULL);
}

static int load(struct lesson_stage *stage, struct hive_error *error)
{
    forget(stage);
    int result = hive_ledger_load(stage->cluster, &stage->ledger, error);
    if (!result && !hive_ledger_is_running(&stage->ledger))
        result = hive_error_set(error, -ENOENT, "cluster %s has ended", stage->cluster);
    stage->healths = hive_calloc(stage->ledger.node_count + 1, sizeof *stage->healths);
    return result;
}

int lesson_stage_open(struct lesson_stage *stage, const char *cluster, struct hive_error *error)
{
    *stage = (struct lesson_stage){0};
    snprintf(stage->cluster, sizeof stage->cluster, "%s", cluster);
    return load(stage, error);
}

void lesson_stage_close(struct lesson_stage *stage)
{
    forget(stage);
    for (size_t i = 0; i < stage->variable_count; i++) {
        free(stage->variables[i].name);
        free(stage->variables[i].value);
    }
    free(stage->variables);
    *stage = (struct lesson_stage){0};
}

void lesson_stage_look(struct lesson_stage *stage)
{
    if (load(stage, NULL))
        return;
    struct hive_http_client *client = hive_http_client_create();
    for (size_t i = 0; i < stage->ledger.node_count; i++) {
        const struct hive_ledger_node *node = &stage->ledger.nodes[i];
        if (node->process.pid <= 0 || hive_process_is_stopped(node->process))
            continue;
        char url[HIVE_ADDRESS_BYTES + 32];
        snprintf(url, sizeof url, "http://%s/healthz", node->address);
        const struct hive_http_request request = {
            .method = "GET", .url = url, .timeout_ms = LOOK_MS, .response_bytes = 4 << 20};
        hive_http_client_start(client, &request, take_health, &stage->healths[i]);
    }
    while (hive_http_client_pending(client))
        hive_http_client_wait(client, NULL, 0, LOOK_MS);
    hive_http_client_destroy(client);
}

/* ---- variables ---- */

void lesson_stage_let(struct lesson_stage *stage, const char *name, const char *value)
{
    size_t i = 0;
    while (i < stage->variable_count && strcmp(stage->variables[i].name, name) != 0)
        i++;
    if (i == stage->variable_count) {
        stage->variables = hive_realloc(stage->variables, ++stage->variable_count, sizeof *stage->variables);
        stage->variables[i].name = hive_strdup(name);
    } else {
        free(stage->variables[i].value);
    }
    stage->variables[i].value = hive_strdup(value);
}

static const char *variable(const struct lesson_stage *stage, const char *name, size_t bytes)
{
    for (size_t i = 0; i < stage->variable_count; i++)
        if (strlen(stage->variables[i].name) == bytes && strncmp(stage->variables[i].name, name, bytes) == 0)
            return stage->variables[i].value;
    return EMPTY;
}

/* ---- values ---- */

static bool is_queen(const struct lesson_stage *stage, size_t i)
{
    return stage->ledger.nodes[i].role == HIVE_ROLE_QUEEN && stage->healths[i];
}

/* FIELD of a health, a path of names: "log.commit". */
static void append_field(const struct lesson_stage *stage, const cJSON *health, const char *path,
                         struct hive_buffer *value)
{
    while (health && *path) {
        size_t bytes = strcspn(path, ".");
        char *name = hive_format("%.*s", (int)bytes, path);
        health = cJSON_GetObjectItemCaseSensitive(health, name);
        free(name);
        path += bytes + (path[bytes] == '.');
    }
    if (!health || cJSON_IsNull(health))
        return;
    if (cJSON_IsString(health)) {
        const char *text = health->valuestring;
        for (size_t i = 0; i < stage->ledger.node_count; i++)
            if (strcmp(stage->ledger.nodes[i].address, text) == 0)
                text = stage->ledger.nodes[i].name;
        hive_buffer_append_text(value, text);
        return;
    }
    char *text = cJSON_PrintUnformatted(health);
    hive_buffer_append_text(value, text);
    free(text);
}

static double number_of(const struct lesson_stage *stage, size_t i, const char *path)
{
    struct hive_buffer value = {0};
    append_field(stage, stage->healths[i], path, &value);
    double number = value.size ? strtod(value.data, NULL) : -1;
    hive_buffer_finish(&value);
    return number;
}

static bool says(const struct lesson_stage *stage, size_t i, const char *path, const char *wanted)
{
    struct hive_buffer value = {0};
    append_field(stage, stage->healths[i], path, &value);
    bool is_said = value.size && strcmp(value.data, wanted) == 0;
    hive_buffer_finish(&value);
    return is_said;
}

static const char *leader(const struct lesson_stage *stage)
{
    const char *name = EMPTY;
    double newest = -1;
    for (size_t i = 0; i < stage->ledger.node_count; i++) {
        if (!is_queen(stage, i) || !says(stage, i, "raft_state", "LEADER") ||
            number_of(stage, i, "term") <= newest)
            continue;
        newest = number_of(stage, i, "term");
        name = stage->ledger.nodes[i].name;
    }
    return name;
}

static size_t count_queens(const struct lesson_stage *stage, const char *path, const char *wanted)
{
    size_t count = 0;
    for (size_t i = 0; i < stage->ledger.node_count; i++)
        count += is_queen(stage, i) && (!path || says(stage, i, path, wanted));
    return count;
}

/* The name of the N-th queen that answers and does not lead. */
static void append_follower(const struct lesson_stage *stage, long number, struct hive_buffer *value)
{
    const char *first = leader(stage);
    for (size_t i = 0; i < stage->ledger.node_count; i++)
        if (is_queen(stage, i) && strcmp(stage->ledger.nodes[i].name, first) != 0 && --number == 0)
            hive_buffer_append_text(value, stage->ledger.nodes[i].name);
}

/* The smallest or largest of a number; nobody says one: nothing. */
static void append_extreme(const struct lesson_stage *stage, const char *path, int sign,
                           struct hive_buffer *value)
{
    double extreme = -1;
    for (size_t i = 0; i < stage->ledger.node_count; i++) {
        double number = is_queen(stage, i) ? number_of(stage, i, path) : -1;
        if (number >= 0 && (extreme < 0 || number * sign > extreme * sign))
            extreme = number;
    }
    if (extreme >= 0)
        hive_buffer_format(value, "%.0f", extreme);
}

static void append_common(const struct lesson_stage *stage, const char *path, struct hive_buffer *value)
{
    bool is_first = true;
    for (size_t i = 0; i < stage->ledger.node_count; i++) {
        struct hive_buffer own = {0};
        if (!is_queen(stage, i))
            continue;
        append_field(stage, stage->healths[i], path, &own);
        if (is_first)
            hive_buffer_append(value, own.data, own.size);
        bool is_same =
            own.size == value->size && (own.size == 0 || memcmp(own.data, value->data, own.size) == 0);
        hive_buffer_finish(&own);
        is_first = false;
        if (!is_same) {
            hive_buffer_clear(value);
            hive_buffer_append_text(value, DIFFERENT);
            return;
        }
    }
}

static struct hive_target target_of(struct lesson_stage *stage)
{
    struct hive_target target = {0};
    hive_target_find(&(struct hive_strings){0}, stage->cluster, &target, NULL);
    return target;
}

static void append_from_cluster(struct lesson_stage *stage, const char *key, struct hive_buffer *value)
{
    struct hive_target target = target_of(stage);
    struct hive_buffer path = {0};
    struct hive_answer answer = {0};
    hive_buffer_append_text(&path, "/kv/");
    hive_path_append(&path, key);
    const struct hive_call call = {
        .method = "GET", .path = path.data, .timeout_ms = CALL_MS, .is_idempotent = true};
    if (hive_call(&target, &call, &answer, NULL) == HIVE_EXIT_OK)
        hive_buffer_append(value, answer.body.data, answer.body.size);
    hive_answer_finish(&answer);
    hive_buffer_finish(&path);
    hive_target_finish(&target);
}

static void append_from_node(const struct hive_ledger_node *node, const char *key, const char *query,
                             struct hive_buffer *value)
{
    struct hive_buffer url = {0};
    struct hive_http_reply reply = {0};
    hive_buffer_format(&url, "http://%s/kv/", node->address);
    hive_path_append(&url, key);
    hive_buffer_append_text(&url, query);
    const struct hive_http_request request = {.method = "GET", .url = url.data, .timeout_ms = LOOK_MS};
    if (hive_http_call(&request, &reply, NULL) == 0 && reply.status == 200)
        hive_buffer_append(value, reply.body.data, reply.body.size);
    hive_http_reply_finish(&reply);
    hive_buffer_finish(&url);
}

/* NODE.FIELD; false where that is no node. */
static bool append_of_node(struct lesson_stage *stage, const char *word, struct hive_buffer *value)
{
    size_t bytes = strcspn(word, ".");
    const char *name = strncmp(word, "leader.", 7) == 0 ? leader(stage) : word, *field = word + bytes;
    size_t name_bytes = name == word ? bytes : strlen(name);
    if (*field++ != '.')
        return false;
    for (size_t i = 0; i < stage->ledger.node_count; i++) {
        const struct hive_ledger_node *node = &stage->ledger.nodes[i];
        if (strlen(node->name) != name_bytes || strncmp(node->name, name, name_bytes) != 0)
            continue;
        if (strcmp(field, "up") == 0)
            hive_buffer_append_text(value, stage->healths[i] ? "yes" : "no");
        else if (strncmp(field, "kv.", 3) == 0)
            append_from_node(node, field + 3, "?consistency=stale", value);
        else if (strncmp(field, "read.", 5) == 0)
            append_from_node(node, field + 5, "", value);
        else
            append_field(stage, stage->healths[i], field, value);
        return true;
    }
    return name != word; /* "leader", and there is none */
}

void lesson_stage_value(struct lesson_stage *stage, const char *word, struct hive_buffer *value)
{
    hive_buffer_clear(value);
    hive_buffer_append_text(value, EMPTY);
    if (word[0] == '$') {
        size_t bytes = strcspn(word + 1, ".");
        const char *meant = variable(stage, word + 1, bytes), *rest = word + 1 + bytes;
        char *whole = hive_format("%s%s", meant, rest);
        if (!*rest || !append_of_node(stage, whole, value))
            hive_buffer_append_text(value, whole);
        free(whole);
    } else if (strcmp(word, "leader") == 0) {
        hive_buffer_append_text(value, leader(stage));
    } else if (strncmp(word, "follower.", 9) == 0) {
        append_follower(stage, strtol(word + 9, NULL, 10), value);
    } else if (strcmp(word, "leaders") == 0) {
        hive_buffer_format(value, "%zu", count_queens(stage, "raft_state", "LEADER"));
    } else if (strcmp(word, "up") == 0) {
        hive_buffer_format(value, "%zu", count_queens(stage, NULL, NULL));
    } else if (strcmp(word, "term") == 0) {
        append_extreme(stage, "term", 1, value);
    } else if (strncmp(word, "min.", 4) == 0 || strncmp(word, "max.", 4) == 0) {
        append_extreme(stage, word + 4, word[1] == 'a' ? 1 : -1, value);
    } else if (strncmp(word, "all.", 4) == 0) {
        append_common(stage, word + 4, value);
    } else if (strncmp(word, "kv.", 3) == 0) {
        append_from_cluster(stage, word + 3, value);
    } else if (!append_of_node(stage, word, value)) {
        hive_buffer_append_text(value, word);
    }
}

/* ---- conditions ---- */

enum { IS, IS_NOT, HAS, LESS, LESS_OR_EQUAL, MORE, MORE_OR_EQUAL, OPERATORS };
static const char *const operators[OPERATORS] = {"is", "is-not", "has", "<", "<=", ">", ">="};

static bool compare(const char *left, int operation, const char *right)
{
    char *left_end, *right_end;
    double left_number = strtod(left, &left_end), right_number = strtod(right, &right_end);
    bool are_numbers = *left && *right && !*left_end && !*right_end;
    switch (operation) {
    case IS:
        return strcmp(left, right) == 0;
    case IS_NOT:
        return strcmp(left, right) != 0;
    case HAS:
        return strstr(left, right) != NULL;
    case LESS:
        return are_numbers && left_number < right_number;
    case LESS_OR_EQUAL:
        return are_numbers && left_number <= right_number;
    case MORE:
        return are_numbers && left_number > right_number;
    default:
        return are_numbers && left_number >= right_number;
    }
}

/* "q3.term is 4": what a word is called, with names put in, and its value, where that says more; long ones are cut short. */
static void append_said(struct lesson_stage *stage, const char *word, const struct hive_buffer *value,
                        struct hive_buffer *said)
{
    const char *path = word[0] == '$' ? word + strcspn(word, ".") : EMPTY;
    char *named = *path ? hive_format("%s%s", variable(stage, word + 1, (size_t)(path - word) - 1), path)
                        : hive_strdup(word[0] == '$' ? word + 1 : word);
    if (value->size == 0 || strcmp(word, value->data) != 0)
        hive_buffer_format(said, "%s%s is %.*s%s", said->size ? ", " : "", named, SAID_BYTES,
                           value->size ? value->data : "nothing", value->size > SAID_BYTES ? "…" : "");
    free(named);
}

int lesson_stage_holds(struct lesson_stage *stage, const struct hive_strings *words, bool *holds,
                       struct hive_buffer *said, struct hive_error *error)
{
    struct hive_buffer left = {0}, right = {0};
    int operation = 0;
    while (words->count == 3 && operation < OPERATORS && strcmp(operators[operation], words->items[1]) != 0)
        operation++;
    if ((words->count != 1 && words->count != 3) || operation == OPERATORS)
        return hive_error_set(
            error, -EINVAL,
            "a condition is one word, or two with is, is-not, has, <, <=, > or >= between them");
    lesson_stage_look(stage);
    lesson_stage_value(stage, words->items[0], &left);
    hive_buffer_clear(said);
    if (words->count == 1) {
        *holds = left.size && strcmp(left.data, "0") != 0 && strcmp(left.data, "no") != 0;
        append_said(stage, words->items[0], &left, said);
    } else {
        lesson_stage_value(stage, words->items[2], &right);
        *holds = compare(left.data, operation, right.data);
        bool is_asked_of_all =
            strcmp(words->items[0], "leader") == 0 || strncmp(words->items[0], "all.", 4) == 0;
        if (operation == IS_NOT && !left.size && is_asked_of_all)
            *holds = false; /* something else is the case, this means: silence is no answer */
        append_said(stage, words->items[0], &left, said);
        append_said(stage, words->items[2], &right, said);
    }
    hive_buffer_finish(&left);
    hive_buffer_finish(&right);
    return 0;
}

/* ---- writing ---- */

static int put_at(struct lesson_stage *stage, const struct hive_ledger_node *node, const char *key,
                  const char *value)
{
    struct hive_buffer url = {0};
    struct hive_http_reply reply = {0};
    char token[HIVE_TOKEN_BYTES] = "";
    hive_ledger_token(&stage->ledger, token, NULL);
    hive_buffer_format(&url, "http://%s/kv/", node->address);
    hive_path_append(&url, key);
    const struct hive_http_request request = {.method = "PUT",
                                              .url = url.data,
                                              .token = token[0] ? token : NULL,
                                              .body = value,
                                              .body_bytes = strlen(value),
                                              .timeout_ms = WRITE_MS};
    int status = hive_http_call(&request, &reply, NULL) == 0 ? reply.status : 0;
    hive_http_reply_finish(&reply);
    hive_buffer_finish(&url);
    return status;
}

static int put_through_cluster(struct lesson_stage *stage, const char *key, const char *value)
{
    struct hive_target target = target_of(stage);
    struct hive_buffer path = {0};
    struct hive_answer answer = {0};
    hive_buffer_append_text(&path, "/kv/");
    hive_path_append(&path, key);
    const struct hive_call call = {.method = "PUT",
                                   .path = path.data,
                                   .body = value,
                                   .body_bytes = strlen(value),
                                   .timeout_ms = CALL_MS,
                                   .is_keyed = true};
    hive_call(&target, &call, &answer, NULL);
    int status = answer.status;
    hive_answer_finish(&answer);
    hive_buffer_finish(&path);
    hive_target_finish(&target);
    return status;
}

void lesson_stage_put(struct lesson_stage *stage, const char *key, const char *value, const char *node)
{
    char text[16] = "none";
    lesson_stage_look(stage);
    const struct hive_ledger_node *found = node ? hive_ledger_node(&stage->ledger, node) : NULL;
    int status = found ? put_at(stage, found, key, value) : node ? 0 : put_through_cluster(stage, key, value);
    if (status)
        snprintf(text, sizeof text, "%d", status == 201 || status == 204 ? 200 : status);
    lesson_stage_let(stage, "answer", text);
}
