/* `launcher kill|pause|restart|resume NODE`: one request to the launcher that has the cluster, which does the
 * work. The verb of the command line is the verb of the socket, so four sub-commands are one function. */
#include <errno.h>
#include <stddef.h>

#include "order.h"

#include "command.h"
#include "hive/api.h"
#include "hive/http_client.h"
#include "hive/json.h"
#include "hive/memory.h"

#define ORDER_TIMEOUT_MS 20000 /* beyond the time that the launcher itself takes at most for any order */

const struct hive_option order_options[] = {
    {"cluster", 'c', HIVE_OPTION_STRING, offsetof(struct order, cluster), .argument = "NAME",
     .completion = "cluster", .help = "Which cluster; default: the only one that runs"},
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
        {200, HIVE_EXIT_OK},          {404, HIVE_EXIT_NOT_FOUND}, {409, HIVE_EXIT_CONFLICT},
        {503, HIVE_EXIT_UNAVAILABLE}, {504, HIVE_EXIT_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++)
        if (exits[i].http_status == http_status)
            return exits[i].status;
    return HIVE_EXIT_FAILED;
}

enum hive_exit order_send(const struct hive_ledger *ledger, const char *path, struct hive_buffer *answer)
{
    struct hive_error error = {0};
    struct hive_http_reply reply = {0};
    char *socket_path = hive_ledger_path(ledger, "control.sock");
    char *url = hive_format("http://launcher%s", path);
    const struct hive_http_request request = {
        .method = "POST",
        .url = url,
        .unix_socket = socket_path,
        .timeout_ms = ORDER_TIMEOUT_MS,
    };
    enum hive_exit status;
    if (hive_http_call(&request, &reply, &error)) {
        status = fail(reply.was_sent ? HIVE_EXIT_UNKNOWN : HIVE_EXIT_UNAVAILABLE, error.message);
    } else if ((status = exit_of(reply.status)) != HIVE_EXIT_OK) {
        const char *detail = "the launcher refuses, and does not say why";
        cJSON *problem =
            hive_json_parse_object(reply.body.data ? reply.body.data : "", reply.body.size, NULL);
        if (problem)
            hive_json_string(problem, "detail", &detail, NULL);
        fail(status, detail);
        cJSON_Delete(problem);
    } else {
        hive_buffer_append(answer, reply.body.data, reply.body.size);
    }
    hive_http_reply_finish(&reply);
    free(url);
    free(socket_path);
    return status;
}

enum hive_exit order_send_to_node(const struct hive_ledger *ledger, const char *node, const char *verb)
{
    struct hive_buffer path = {0}, answer = {0};
    hive_buffer_append_text(&path, "/nodes/");
    hive_path_append(&path, node);
    hive_buffer_format(&path, "/%s", verb);
    enum hive_exit status = order_send(ledger, path.data, &answer);
    if (status == HIVE_EXIT_OK) {
        cJSON *json = hive_json_parse_object(answer.data, answer.size, NULL);
        const cJSON *object = NULL;
        const char *state = "done";
        int64_t pid = 0;
        if (json && hive_json_object(json, "node", &object, NULL) == 0) {
            hive_json_string(object, "state", &state, NULL);
            hive_json_int(object, "pid", 0, INT32_MAX, &pid, NULL);
        }
        if (pid)
            printf("%s is %s (pid %lld)\n", node, state, (long long)pid);
        else
            printf("%s is %s\n", node, state);
        cJSON_Delete(json);
    }
    hive_buffer_finish(&path);
    hive_buffer_finish(&answer);
    return status;
}

int order_run(const struct hive_command *command, int argc, char **argv)
{
    struct order order;
    struct hive_ledger ledger;
    int status;
    if (order_begin(&order, command, argc, argv, &ledger, &status))
        status = order_send_to_node(&ledger, order.arguments.items[0], command->name);
    order_end(&order, &ledger);
    return status;
}
