/* The list of nodes, kept up to date: processes come, go and change their pid while the dashboard watches. */
#include "source.h"

#include <errno.h>

#include "hive/memory.h"

static void forget_logs(struct source *source)
{
    for (size_t i = 0; i < source->log_count; i++)
        free(source->logs[i].path);
    free(source->logs);
    source->logs = NULL;
    source->log_count = 0;
}

static void take_logs(struct source *source, const struct hive_ledger *ledger)
{
    forget_logs(source);
    source->logs = hive_calloc(ledger->node_count + 1, sizeof *source->logs);
    source->log_count = ledger->node_count;
    for (size_t i = 0; i < ledger->node_count; i++) {
        memcpy(source->logs[i].node, ledger->nodes[i].name, sizeof source->logs[i].node);
        source->logs[i].path = hive_strdup(ledger->nodes[i].log_path);
    }
}

static void take(struct source *source, const struct hive_ledger *ledger, struct model *model)
{
    take_logs(source, ledger);
    source->launcher = ledger->launcher;
    model_take_ledger(model, ledger);
    model_take_launcher(model, hive_ledger_is_running(ledger));
}

static int open_ledger(struct source *source, const char *cluster, struct model *model,
                       struct hive_error *error)
{
    struct hive_ledger ledger = {0};
    int result =
        cluster ? hive_ledger_load(cluster, &ledger, error) : hive_ledger_find_running(&ledger, error);
    if (result)
        return result;
    if (!hive_ledger_is_running(&ledger)) {
        result = hive_error_set(error, -ENOENT,
                                "the cluster %s does not run: start it again with 'launcher --name %s'",
                                ledger.name, ledger.name);
        goto out;
    }
    snprintf(source->cluster, sizeof source->cluster, "%s", ledger.name);
    source->ledger_path = hive_ledger_path(&ledger, "cluster.json");
    source->control_socket = hive_ledger_path(&ledger, "control.sock");
    if (hive_ledger_token(&ledger, source->token, NULL))
        source->token[0] = '\0'; /* it may have none; only submitting would need it */
    take(source, &ledger, model);

out:
    hive_ledger_finish(&ledger);
    return result;
}

int source_open(struct source *source, const struct hive_strings *connect, const char *cluster,
                struct model *model, struct hive_error *error)
{
    *source = (struct source){0};
    const char *environment = getenv("HIVE_CONNECT");
    if (connect->count == 0 && (cluster || !environment || !environment[0]))
        return open_ledger(source, cluster, model, error);

    struct hive_target target = {0};
    int result = hive_target_find(connect, cluster, &target, error);
    if (result)
        return result;
    for (size_t i = 0; i < target.count; i++)
        model_add(model, HIVE_ROLE_QUEEN, target.addresses[i]);
    memcpy(source->token, target.token, sizeof source->token);
    hive_target_finish(&target);
    return 0;
}

void source_finish(struct source *source)
{
    free(source->ledger_path);
    free(source->control_socket);
    forget_logs(source);
    *source = (struct source){0};
}

static bool has_changed(const struct source *source, const struct stat *now)
{
    return now->st_ino != source->last.st_ino || now->st_dev != source->last.st_dev ||
           now->st_mtim.tv_sec != source->last.st_mtim.tv_sec ||
           now->st_mtim.tv_nsec != source->last.st_mtim.tv_nsec;
}

/* A ledger that cannot be read just now (its cluster ended, or it is being replaced) leaves the last picture.
 */
static void read_again(struct source *source, struct model *model)
{
    struct stat now;
    struct hive_ledger ledger = {0};
    if (stat(source->ledger_path, &now) || !has_changed(source, &now))
        return;
    if (hive_ledger_load(source->cluster, &ledger, NULL) == 0) {
        source->last = now;
        take(source, &ledger, model);
        hive_ledger_finish(&ledger);
    }
}

void source_refresh(struct source *source, struct model *model)
{
    if (!source->cluster[0])
        return;
    read_again(source, model);
    model_take_launcher(model, hive_process_is_alive(source->launcher));
    for (size_t i = 0; i < model->node_count; i++) {
        struct node *node = model->nodes[i];
        bool is_suspect = node->is_stopped || node->failures > 0 || node->state == HIVE_NODE_PAUSED;
        if (is_suspect && node->process.pid > 0)
            model_take_stopped(model, node, hive_process_is_stopped(node->process));
    }
}

size_t source_clusters(char (*names)[HIVE_NAME_BYTES], size_t capacity)
{
    char **all = NULL;
    size_t count = 0, running = 0;
    if (hive_ledger_names(&all, &count, NULL))
        return 0;
    for (size_t i = 0; i < count; i++) {
        struct hive_ledger ledger = {0};
        if (running < capacity && hive_ledger_load(all[i], &ledger, NULL) == 0) {
            if (hive_ledger_is_running(&ledger))
                snprintf(names[running++], HIVE_NAME_BYTES, "%s", ledger.name);
            hive_ledger_finish(&ledger);
        }
        free(all[i]);
    }
    free(all);
    return running;
}

const char *source_log_path(const struct source *source, const char *node)
{
    for (size_t i = 0; i < source->log_count; i++) {
        if (strcmp(source->logs[i].node, node) == 0)
            return source->logs[i].path;
    }
    return NULL;
}

const char *source_no_actions(const struct source *source, const struct model *model)
{
    if (!source->control_socket)
        return "this needs the cluster's launcher: run hivetop on its machine, without --connect";
    if (!model->has_launcher)
        return "the launcher of this cluster is gone, and with it whoever could kill, pause or restart nodes";
    return NULL;
}
