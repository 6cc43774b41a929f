/* Rules as JSON: what strangers may write, checked to the last field. A rule with a misspelt name would do less than was asked for, and
 * a lesson would then show something else than it says. */
#include "faults/rules.h"

#include <errno.h>
#include <strings.h>

#include "hive/address.h"
#include "hive/json.h"
#include "hive/limits.h"
#include "hive/memory.h"

static int check_names(const cJSON *object, const char *const *names, struct hive_error *error)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        const char *const *name = names;
        while (*name && strcmp(*name, item->string) != 0)
            name++;
        if (!*name)
            return hive_error_set(error, -EINVAL, "\"%.60s\" is not known here", item->string);
    }
    return 0;
}

/* The address in the one spelling in which nodes know each other. */
static int read_address(const cJSON *item, struct hive_fault *rule, struct hive_error *error)
{
    const char *text;
    struct hive_address address;
    if (hive_json_string(item, "to", &text, error))
        return -EINVAL;
    if (hive_address_parse(text, &address, error))
        return hive_error_prefix(error, -EINVAL, "\"to\"");
    if (address.port == 0)
        return hive_error_set(error, -EINVAL, "\"to\" must have the port that the node listens on, not 0");
    if (strcasecmp(address.host, "localhost") == 0)
        snprintf(address.host, sizeof address.host, "127.0.0.1");
    hive_address_format(&address, rule->to);
    return 0;
}

static int read_percent(const cJSON *item, struct hive_fault *rule, struct hive_error *error)
{
    const cJSON *percent = cJSON_GetObjectItemCaseSensitive(item, "loss_percent");
    if (!percent)
        return 0;
    /* Not "below 0 or above 100": that would let through what is no number at all. */
    if (!cJSON_IsNumber(percent) || !(percent->valuedouble >= 0 && percent->valuedouble <= 100))
        return hive_error_set(error, -EINVAL, "\"loss_percent\" must be a number from 0 to 100");
    rule->loss_percent = percent->valuedouble;
    return 0;
}

/* Fills what is all zeroes, so that rules can be compared as bytes. */
static int read_rule(const cJSON *item, struct hive_fault *rule, struct hive_error *error)
{
    static const char *const names[] = {"to", "cut", "delay_ms", "jitter_ms", "loss_percent", NULL};
    if (!cJSON_IsObject(item))
        return hive_error_set(error, -EINVAL, "each must be an object");
    if (check_names(item, names, error) || read_address(item, rule, error) ||
        hive_json_bool(item, "cut", &rule->cut, error) == -EINVAL ||
        hive_json_int(item, "delay_ms", 0, HIVE_FAULT_DELAY_MS, &rule->delay_ms, error) == -EINVAL ||
        hive_json_int(item, "jitter_ms", 0, HIVE_FAULT_DELAY_MS, &rule->jitter_ms, error) == -EINVAL ||
        read_percent(item, rule, error))
        return -EINVAL;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct hive_fault *)a)->to, ((const struct hive_fault *)b)->to);
}

static int read_rules(const cJSON *list, struct hive_fault *rules, size_t *count, struct hive_error *error)
{
    const cJSON *item;
    size_t read = 0;
    cJSON_ArrayForEach(item, list)
    {
        if (read_rule(item, &rules[read], error))
            return hive_error_prefix(error, -EINVAL, "rule %zu", read + 1);
        read++;
    }
    qsort(rules, read, sizeof *rules, compare);
    for (size_t i = 1; i < read; i++)
        if (strcmp(rules[i - 1].to, rules[i].to) == 0)
            return hive_error_set(error, -EINVAL, "there are two rules for %.200s: make them one",
                                  rules[i].to);
    *count = read;
    return 0;
}

static int read_document(const cJSON *document, struct hive_fault **rules, size_t *count,
                         struct hive_error *error)
{
    static const char *const names[] = {"rules", NULL};
    const cJSON *list;
    if (check_names(document, names, error) || hive_json_array(document, "rules", &list, error))
        return -EINVAL;
    size_t size = (size_t)cJSON_GetArraySize(list);
    if (size > HIVE_FAULTS)
        return hive_error_set(error, -EINVAL, "there may be %d rules at most, not %zu", HIVE_FAULTS, size);
    struct hive_fault *read = hive_calloc(size, sizeof *read);
    int code = read_rules(list, read, count, error);
    if (code)
        free(read);
    else
        *rules = read;
    return code;
}

int rules_parse(const char *json, size_t bytes, struct hive_fault **rules, size_t *count,
                struct hive_error *error)
{
    cJSON *document = hive_json_parse_object(json ? json : "", bytes, error);
    int code = document ? read_document(document, rules, count, error) : -EINVAL;
    cJSON_Delete(document);
    return code;
}

void rules_append(const struct hive_fault *rules, size_t count, struct hive_buffer *json)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "to", rules[i].to);
        cJSON_AddBoolToObject(item, "cut", rules[i].cut);
        cJSON_AddNumberToObject(item, "delay_ms", (double)rules[i].delay_ms);
        cJSON_AddNumberToObject(item, "jitter_ms", (double)rules[i].jitter_ms);
        cJSON_AddNumberToObject(item, "loss_percent", rules[i].loss_percent);
        cJSON_AddItemToArray(list, item);
    }
    char *text = hive_json_print_and_delete(list);
    hive_buffer_append_text(json, text);
    free(text);
}
