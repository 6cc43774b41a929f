/* `launcher cut|delay|lose A B …`, `launcher heal [A [B]]`, `launcher links`. */
#include "command.h"

#include "hive/api.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "link_text.h"
#include "order.h"

/* One rule, as it is shown. */
struct shown {
    char from[HIVE_NAME_BYTES], to[HIVE_NAME_BYTES];
    char text[128];
};

static bool read_link(const cJSON *json, struct shown *shown)
{
    const char *from, *to;
    struct link link = {0};
    bool is_in_force = true;
    if (hive_json_string(json, "from", &from, NULL) || hive_json_string(json, "to", &to, NULL))
        return false;
    snprintf(shown->from, sizeof shown->from, "%s", from);
    snprintf(shown->to, sizeof shown->to, "%s", to);
    hive_json_bool(json, "cut", &link.is_cut, NULL);
    hive_json_int(json, "delay_ms", 0, INT32_MAX, &link.delay_ms, NULL);
    hive_json_int(json, "jitter_ms", 0, INT32_MAX, &link.jitter_ms, NULL);
    const cJSON *loss = cJSON_GetObjectItemCaseSensitive(json, "loss_percent");
    link.loss_percent = cJSON_IsNumber(loss) ? loss->valuedouble : 0;
    hive_json_bool(json, "in_force", &is_in_force, NULL);
    char text[96];
    link_text_format(&link, text, sizeof text);
    snprintf(shown->text, sizeof shown->text, "%s%s", text, is_in_force ? "" : "  (not in force yet)");
    return true;
}

/* The same, in the other direction. */
static bool is_mirror(const struct shown *a, const struct shown *b)
{
    return strcmp(a->from, b->to) == 0 && strcmp(a->to, b->from) == 0 && strcmp(a->text, b->text) == 0;
}

/* What happens in both directions is one line. */
static void print_table(const struct shown *shown, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t mirror = 0;
        while (mirror < count && !is_mirror(&shown[i], &shown[mirror]))
            mirror++;
        if (mirror >= i)
            printf("%-6s %s %-6s  %s\n", shown[i].from, mirror < count ? "<->" : " ->", shown[i].to,
                   shown[i].text);
    }
    if (count == 0)
        puts("all links are whole");
}

static void print_pending(const cJSON *json)
{
    const cJSON *pending = NULL, *name;
    hive_json_array(json, "pending", &pending, NULL);
    cJSON_ArrayForEach(name, pending) if (cJSON_IsString(name))
        printf("%s is down or paused: it is told when it is back\n", name->valuestring);
}

/* All links that something happens to, and who has not heard of it yet. */
static void print_links(const struct hive_buffer *answer)
{
    cJSON *json = hive_json_parse_object(answer->data, answer->size, NULL);
    const cJSON *links = NULL, *item;
    size_t count = 0;
    if (json)
        hive_json_array(json, "links", &links, NULL);
    struct shown *shown = hive_calloc((size_t)cJSON_GetArraySize(links), sizeof *shown);
    cJSON_ArrayForEach(item, links) count += read_link(item, &shown[count]);
    print_table(shown, count);
    print_pending(json);
    free(shown);
    cJSON_Delete(json);
}

static enum hive_exit call_and_print(const struct hive_ledger *ledger, const struct order *order,
                                     const char *method, const char *path, const char *body)
{
    struct hive_buffer answer = {0};
    enum hive_exit status = order_call(ledger, method, path, body, &answer);
    if (status == HIVE_EXIT_OK && order->is_json)
        puts(answer.data);
    else if (status == HIVE_EXIT_OK)
        print_links(&answer);
    hive_buffer_finish(&answer);
    return status;
}

static void append_field(struct hive_buffer *body, const char *name, const char *value)
{
    hive_buffer_format(body, ",\"%s\":", name);
    hive_json_append_string(body, value, strlen(value));
}

int link_run(const struct hive_command *command, int argc, char **argv)
{
    struct order order;
    struct hive_ledger ledger;
    struct hive_error error;
    int status;
    if (order_begin(&order, command, argc, argv, &ledger, &status)) {
        const char **words = order.arguments.items;
        struct link_change change = {.kind = LINK_CUT};
        struct hive_buffer body = {0};
        int result = 0;
        if (strcmp(command->name, "delay") == 0)
            result = link_text_parse_delay(words[2], &change, &error);
        else if (strcmp(command->name, "lose") == 0)
            result = link_text_parse_loss(words[2], &change, &error);
        hive_buffer_format(
            &body, "{\"kind\":\"%s\",\"one_way\":%s,\"delay_ms\":%lld,\"jitter_ms\":%lld,\"percent\":%g",
            command->name, order.is_one_way ? "true" : "false", (long long)change.delay_ms,
            (long long)change.jitter_ms, change.loss_percent);
        append_field(&body, "from", words[0]);
        append_field(&body, "to", words[1]);
        hive_buffer_append_text(&body, "}");
        status = result ? hive_options_usage_error(command, &error)
                        : (int)call_and_print(&ledger, &order, "POST", "/links", body.data);
        hive_buffer_finish(&body);
    }
    order_end(&order, &ledger);
    return status;
}

int heal_run(const struct hive_command *command, int argc, char **argv)
{
    struct order order;
    struct hive_ledger ledger;
    int status;
    if (order_begin(&order, command, argc, argv, &ledger, &status)) {
        struct hive_buffer path = {0};
        hive_buffer_append_text(&path, "/links");
        for (size_t i = 0; i < order.arguments.count; i++) {
            hive_buffer_append_text(&path, i ? "&to=" : "?from=");
            hive_path_append(&path, order.arguments.items[i]);
        }
        status = (int)call_and_print(&ledger, &order, "DELETE", path.data, NULL);
        hive_buffer_finish(&path);
    }
    order_end(&order, &ledger);
    return status;
}

int links_run(const struct hive_command *command, int argc, char **argv)
{
    struct order order;
    struct hive_ledger ledger;
    int status;
    if (order_begin(&order, command, argc, argv, &ledger, &status))
        status = (int)call_and_print(&ledger, &order, "GET", "/links", NULL);
    order_end(&order, &ledger);
    return status;
}
