/* `launcher kill|pause|restart|resume|wipe NODE`: one request to the launcher that has the cluster, which does the
 * work. The verb of the command line is the verb of the socket, so that five sub-commands are one function. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "order.h"

#include "command.h"
#include "hive/api.h"
#include "hive/http_client.h"
#include "hive/json.h"
#include "hive/memory.h"

#define ORDER_TIMEOUT_MS 30000 /* beyond the time that the launcher itself takes at most for any order */
#define KNOCK_TIMEOUT_MS 2000  /* for what it can answer at once */

#define CLUSTER                                                                                              \
    {                                                                                                        \
        "cluster", 'c', HIVE_OPTION_STRING, offsetof(struct order, cluster),                                 \
            .argument = "NAME", .completion = "cluster",                                                     \
            .help = "Which cluster; default: the only one that runs"                                         \
    }

const struct hive_option order_options[] = {CLUSTER, {0}};

const struct hive_option order_force_options[] = {
    {"force", 'f', HIVE_OPTION_FLAG, offsetof(struct order, by_force),
     .help = "Do it although the queens lose their majority by it, or have none to agree"},
    CLUSTER,
    {0},
};

const struct hive_option order_link_options[] = {
    {"one-way", '1', HIVE_OPTION_FLAG, offsetof(struct order, is_one_way),
     .help = "Only what A sends to B: requests, and answers to B's"},
    CLUSTER,
    {0},
};

const struct hive_option order_show_options[] = {
    {"json", 'j', HIVE_OPTION_FLAG, offsetof(struct order, is_json), .help = "Print one JSON object"},
    CLUSTER,
    {0},
};

static enum hive_exit fail(enum hive_exit status, const char *text)
{
    fprintf(stderr, "launcher: %s\n", text);
    return status;
}

bool order_begin(struct order *order, const struct hive_command *command, int argc, char **argv,
                 struct hive_ledger *ledger, int *status)
{
    struct hive_error error = {0};
    *order = (struct order){0};
    *ledger = (struct hive_ledger){0};
    int result = hive_options_parse(command, argc, argv, order, &order->arguments, &error);
    if (result) {
        *status = result < 0 ? hive_options_usage_error(command, &error) : HIVE_EXIT_OK;
        return false;
    }
    result = order->cluster ? hive_ledger_load(order->cluster, ledger, &error)
                            : hive_ledger_find_running(ledger, &error);
    if (result == -ENOENT && !order->cluster) /* there is no --connect here that could help */
        hive_error_set(&error, result,
                       "no cluster runs here: 'launcher' starts one, 'launcher ps' lists what there is");
    if (!result && !hive_ledger_is_running(ledger))
        result =
            hive_error_set(&error, -ENOENT, "cluster %s does not run: start it with 'launcher --name %s'",
                           ledger->name, ledger->name);
    if (result)
        *status = fail(result == -EEXIST ? HIVE_EXIT_USAGE : HIVE_EXIT_UNAVAILABLE, error.message);
    return result == 0;
}

void order_end(struct order *order, struct hive_ledger *ledger)
{
    hive_strings_finish(&order->arguments);
    hive_ledger_finish(ledger);
}

/* What a refusal means for the one who sent the order. */
static enum hive_exit exit_of(int http_status)
{
    static const struct {
        int http_status;
        enum hive_exit status;
    } exits[] = {
        {200, HIVE_EXIT_OK},       {400, HIVE_EXIT_USAGE},       {404, HIVE_EXIT_NOT_FOUND},
        {409, HIVE_EXIT_CONFLICT}, {503, HIVE_EXIT_UNAVAILABLE}, {504, HIVE_EXIT_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++)
        if (exits[i].http_status == http_status)
            return exits[i].status;
    return HIVE_EXIT_FAILED;
}

/* One exchange over the control socket. */
static int exchange(const struct hive_ledger *ledger, const char *method, const char *path, const char *body,
                    int64_t timeout_ms, struct hive_http_reply *reply, struct hive_error *error)
{
    char *socket_path = hive_ledger_path(ledger, "control.sock");
    char *url = hive_format("http://launcher%s", path);
    const struct hive_http_request request = {
        .method = method,
        .url = url,
        .unix_socket = socket_path,
        .content_type = body ? "application/json" : NULL,
        .body = body,
        .body_bytes = body ? strlen(body) : 0,
        .timeout_ms = timeout_ms,
    };
    int result = hive_http_call(&request, reply, error);
    free(url);
    free(socket_path);
    return result;
}

/* Is anybody there? Connecting tells nothing: the kernel takes calls for a process that is stopped. */
static int knock(const struct hive_ledger *ledger, struct hive_error *error)
{
    struct hive_http_reply reply = {0};
    int pid = (int)ledger->launcher.pid;
    if (hive_process_is_stopped(ledger->launcher))
        return hive_error_set(
            error, -EAGAIN,
            "the launcher of cluster %s (process %d) is stopped itself: let it go on with 'kill "
            "-CONT %d', or fg in its terminal",
            ledger->name, pid, pid);
    int result = exchange(ledger, "GET", "/links", NULL, KNOCK_TIMEOUT_MS, &reply, error);
    hive_http_reply_finish(&reply);
    if (result == -ETIMEDOUT)
        hive_error_set(error, result, "the launcher of cluster %s (process %d) does not answer within %d s",
                       ledger->name, pid, KNOCK_TIMEOUT_MS / 1000);
    return result;
}

static enum hive_exit refuse(const struct hive_http_reply *reply, struct hive_error *error)
{
    const char *detail = "the launcher refuses, and does not say why";
    cJSON *problem = hive_json_parse_object(reply->body.data ? reply->body.data : "", reply->body.size, NULL);
    if (problem)
        hive_json_string(problem, "detail", &detail, NULL);
    hive_error_set(error, -EPERM, "%s", detail);
    cJSON_Delete(problem);
    return exit_of(reply->status);
}

enum hive_exit order_try(const struct hive_ledger *ledger, const char *method, const char *path,
                         const char *body, struct hive_buffer *answer, struct hive_error *error)
{
    struct hive_http_reply reply = {0};
    enum hive_exit status = HIVE_EXIT_OK;
    if (knock(ledger, error))
        return HIVE_EXIT_UNAVAILABLE;
    if (exchange(ledger, method, path, body, ORDER_TIMEOUT_MS, &reply, error))
        status = reply.was_sent ? HIVE_EXIT_UNKNOWN : HIVE_EXIT_UNAVAILABLE;
    else if (exit_of(reply.status) != HIVE_EXIT_OK)
        status = refuse(&reply, error);
    else
        hive_buffer_append(answer, reply.body.data, reply.body.size);
    hive_http_reply_finish(&reply);
    return status;
}

enum hive_exit order_call(const struct hive_ledger *ledger, const char *method, const char *path,
                          const char *body, struct hive_buffer *answer)
{
    struct hive_error error = {0};
    enum hive_exit status = order_try(ledger, method, path, body, answer, &error);
    return status == HIVE_EXIT_OK ? status : fail(status, error.message);
}

enum hive_exit order_send(const struct hive_ledger *ledger, const char *path, struct hive_buffer *answer)
{
    return order_call(ledger, "POST", path, NULL, answer);
}

void order_print_node(const struct hive_buffer *answer, const char *word)
{
    cJSON *json = hive_json_parse_object(answer->data, answer->size, NULL);
    const cJSON *object = NULL;
    const char *name = "the node", *state = "done", *target = NULL, *note = NULL;
    int64_t pid = 0, exit_status = 0;
    if (json && hive_json_object(json, "node", &object, NULL) == 0) {
        hive_json_string(object, "name", &name, NULL);
        hive_json_string(object, "state", &state, NULL);
        hive_json_int(object, "pid", 0, INT32_MAX, &pid, NULL);
        hive_json_int(object, "exit_status", 0, INT32_MAX, &exit_status, NULL);
    }
    if (strcmp(state, "stopped") == 0 && exit_status == SIGKILL)
        state = "killed";
    if (json) {
        hive_json_string(json, "target", &target, NULL);
        hive_json_string(json, "note", &note, NULL);
    }
    printf("%s", name);
    if (target)
        printf(" (%s)", target);
    printf(" is %s", word ? word : state);
    if (pid && !word)
        printf(" (pid %lld)", (long long)pid);
    puts("");
    if (note)
        fprintf(stderr, "launcher: %s\n", note);
    cJSON_Delete(json);
}

static enum hive_exit send_to_node(const struct hive_ledger *ledger, const char *node, const char *verb,
                                   bool by_force)
{
    struct hive_buffer path = {0}, answer = {0};
    hive_buffer_append_text(&path, "/nodes/");
    hive_path_append(&path, node);
    hive_buffer_format(&path, "/%s%s", verb, by_force ? "?force=1" : "");
    enum hive_exit status = order_send(ledger, path.data, &answer);
    if (status == HIVE_EXIT_OK)
        order_print_node(&answer, NULL);
    hive_buffer_finish(&path);
    hive_buffer_finish(&answer);
    return status;
}

enum hive_exit order_send_to_node(const struct hive_ledger *ledger, const char *node, const char *verb)
{
    return send_to_node(ledger, node, verb, false);
}

int order_run(const struct hive_command *command, int argc, char **argv)
{
    struct order order;
    struct hive_ledger ledger;
    int status;
    if (order_begin(&order, command, argc, argv, &ledger, &status))
        status = send_to_node(&ledger, order.arguments.items[0], command->name, order.by_force);
    order_end(&order, &ledger);
    return status;
}
