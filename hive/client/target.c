/* Where is the cluster? What the user said, what the environment says, what runs on this machine: in that
 * order. */
#include <errno.h>

#include "client/token.h"
#include "hive/address.h"
#include "hive/api.h"
#include "hive/ledger.h"
#include "hive/memory.h"

#define TARGET_SEPARATORS ", \t\n"

static int add_address(struct hive_target *target, const char *source, const char *text,
                       struct hive_error *error)
{
    struct hive_address address;
    int result = hive_address_parse(text, &address, error);
    if (!result && !address.port)
        result = hive_error_set(error, -EINVAL, "'%.200s' has no port that one could call", text);
    if (result)
        return hive_error_prefix(error, result, "%s", source);
    target->addresses = hive_realloc(target->addresses, target->count + 1, sizeof *target->addresses);
    hive_address_format(&address, target->addresses[target->count++]);
    return 0;
}

static int take_list(struct hive_target *target, const struct hive_strings *list, struct hive_error *error)
{
    int result = 0;
    for (size_t i = 0; i < list->count && !result; i++)
        result = add_address(target, "--connect", list->items[i], error);
    return result;
}

static int take_environment(struct hive_target *target, const char *list, struct hive_error *error)
{
    int result = 0;
    char *copy = hive_strdup(list), *rest;
    for (char *text = strtok_r(copy, TARGET_SEPARATORS, &rest); text && !result;
         text = strtok_r(NULL, TARGET_SEPARATORS, &rest))
        result = add_address(target, "$HIVE_CONNECT", text, error);
    free(copy);
    if (!result && !target->count)
        result =
            hive_error_set(error, -EINVAL, "$HIVE_CONNECT holds no address: write HOST:PORT, or unset it");
    return result;
}

/* The queens of the ledger: those that run first, since one that hangs or is gone costs time. */
static int take_queens(struct hive_target *target, const struct hive_ledger *ledger, struct hive_error *error)
{
    int result = 0;
    for (int running = 1; running >= 0; running--)
        for (size_t i = 0; i < ledger->node_count && !result; i++) {
            const struct hive_ledger_node *node = &ledger->nodes[i];
            if (node->role == HIVE_ROLE_QUEEN && (node->state == HIVE_NODE_RUNNING) == running)
                result = add_address(target, ledger->name, node->address, error);
        }
    if (!result && !target->count)
        result = hive_error_set(error, -ENOENT, "the cluster '%s' has no queens", ledger->name);
    return result;
}

static int load_running(const char *cluster, struct hive_ledger *ledger, struct hive_error *error)
{
    if (!cluster || !*cluster)
        return hive_ledger_find_running(ledger, error);
    int result = hive_ledger_load(cluster, ledger, error);
    if (result || hive_ledger_is_running(ledger))
        return result;
    hive_ledger_finish(ledger);
    return hive_error_set(error, -ENOENT, "the cluster '%s' does not run: start it with 'launcher --name %s'",
                          cluster, cluster);
}

/* Addresses (unless there are some already) and token of a local cluster. */
static int take_ledger(struct hive_target *target, const char *cluster, struct hive_error *error)
{
    struct hive_ledger ledger;
    int result = load_running(cluster, &ledger, error);
    if (result)
        return result;
    if (!target->count)
        result = take_queens(target, &ledger, error);
    if (!result) {
        result = hive_ledger_token(&ledger, target->token, error);
        if (result == -ENOENT) /* a cluster without a token is a cluster too */
            result = 0;
    }
    hive_ledger_finish(&ledger);
    return result;
}

int hive_target_find(const struct hive_strings *connect, const char *cluster, struct hive_target *target,
                     struct hive_error *error)
{
    *target = (struct hive_target){0};
    const char *environment = getenv("HIVE_CONNECT");
    bool is_named = cluster && *cluster;
    int result = 0;
    if (connect && connect->count)
        result = take_list(target, connect, error);
    else if (!is_named && environment && *environment)
        result = take_environment(target, environment, error);

    if (!result)
        result = target->count && !is_named ? hive_token_of_environment(target->token, error)
                                            : take_ledger(target, cluster, error);
    if (result)
        hive_target_finish(target);
    return result;
}

void hive_target_finish(struct hive_target *target)
{
    free(target->addresses);
    *target = (struct hive_target){0};
}
