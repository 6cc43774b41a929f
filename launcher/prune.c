/* `launcher prune`: what clusters left that run no more. Data that somebody kept on purpose goes only when it was asked
 * for twice. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"

#include "cluster.h"
#include "hive/file.h"
#include "hive/ledger.h"
#include "hive/memory.h"
#include "stale.h"

struct prune {
    bool has_all, is_sure;
};

const struct hive_option prune_options[] = {
    {"all", 'a', HIVE_OPTION_FLAG, offsetof(struct prune, has_all),
     .help = "Also clusters that were kept under a name and do not run, with their data"},
    {"yes", 'y', HIVE_OPTION_FLAG, offsetof(struct prune, is_sure),
     .help = "Do not ask before data is removed"},
    {0},
};

struct candidates {
    struct hive_ledger *ledgers; /* owned; of a damaged one the name and the directory are known */
    size_t count, kept;
};

static void add(struct candidates *candidates, struct hive_ledger *ledger, bool is_kept)
{
    candidates->ledgers =
        hive_realloc(candidates->ledgers, candidates->count + 1, sizeof *candidates->ledgers);
    candidates->ledgers[candidates->count++] = *ledger;
    candidates->kept += is_kept;
}

static enum hive_exit fail(enum hive_exit status, const struct hive_error *error)
{
    fprintf(stderr, "launcher: %s\n", error->message);
    return status;
}

/* A cluster that was named on the command line. */
static enum hive_exit take_named(struct candidates *candidates, const char *name)
{
    struct hive_ledger ledger;
    struct hive_error error = {0};
    int result = hive_ledger_load(name, &ledger, &error);
    if (result == -EINVAL) { /* damaged: that it is to go is why it was named */
        char *state = hive_file_state_directory(&error);
        ledger = (struct hive_ledger){.directory = hive_format("%s/%s", state, name), .keep = true};
        snprintf(ledger.name, sizeof ledger.name, "%s", name);
        free(state);
    } else if (result) {
        return fail(result == -ENOENT ? HIVE_EXIT_NOT_FOUND : HIVE_EXIT_FAILED, &error);
    } else if (hive_ledger_is_running(&ledger)) {
        hive_error_set(&error, -EBUSY, "cluster %s runs: end it first with 'launcher stop --cluster %s'",
                       name, name);
        hive_ledger_finish(&ledger);
        return fail(HIVE_EXIT_CONFLICT, &error);
    }
    add(candidates, &ledger, ledger.keep);
    return HIVE_EXIT_OK;
}

/* All that do not run; those that were kept where they are asked for. */
static enum hive_exit take_all(struct candidates *candidates, bool has_kept)
{
    char **names = NULL;
    size_t count = 0;
    struct hive_error error = {0};
    if (hive_ledger_names(&names, &count, &error))
        return fail(HIVE_EXIT_FAILED, &error);
    for (size_t i = 0; i < count; i++) {
        struct hive_ledger ledger;
        if (hive_ledger_load(names[i], &ledger, &error))
            fprintf(stderr, "launcher: %s\n", error.message);
        else if (!hive_ledger_is_running(&ledger) && (has_kept || !ledger.keep))
            add(candidates, &ledger, ledger.keep);
        else
            hive_ledger_finish(&ledger);
        free(names[i]);
    }
    free(names);
    return HIVE_EXIT_OK;
}

/* Asks whether data may go. */
static enum hive_exit ask(const struct candidates *candidates)
{
    char answer[16] = "";
    for (size_t i = 0; i < candidates->count; i++)
        if (candidates->ledgers[i].keep)
            printf("%s was kept, with its data: %s\n", candidates->ledgers[i].name,
                   candidates->ledgers[i].directory);
    if (!isatty(STDIN_FILENO)) {
        fprintf(stderr, "launcher: there is nobody to ask: say --yes to remove them\n");
        return HIVE_EXIT_USAGE;
    }
    printf("Remove %s, for good? [y/N] ", candidates->kept == 1 ? "it" : "them");
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
        return HIVE_EXIT_OK;
    printf("nothing was removed\n");
    return HIVE_EXIT_FAILED;
}

static enum hive_exit remove_all(const struct candidates *candidates)
{
    enum hive_exit status = HIVE_EXIT_OK;
    struct hive_error error = {0};
    int gate = cluster_take_gate(&error);
    if (gate < 0)
        return fail(HIVE_EXIT_FAILED, &error);
    for (size_t i = 0; i < candidates->count; i++) {
        const struct hive_ledger *ledger = &candidates->ledgers[i];
        if (stale_remove(ledger, &error))
            status = fail(HIVE_EXIT_FAILED, &error);
        else
            printf("removed %s (%s)\n", ledger->name, ledger->directory);
    }
    size_t fragments = 0;
    if (stale_remove_fragments(&fragments, &error))
        status = fail(HIVE_EXIT_FAILED, &error);
    else if (candidates->count == 0 && fragments == 0)
        printf("there is nothing to remove\n");
    close(gate);
    return status;
}

int prune_run(const struct hive_command *command, int argc, char **argv)
{
    struct prune prune = {0};
    struct hive_strings names = {0};
    struct hive_error error = {0};
    struct candidates candidates = {0};
    enum hive_exit status = HIVE_EXIT_OK;
    int result = hive_options_parse(command, argc, argv, &prune, &names, &error);
    if (result)
        return result < 0 ? hive_options_usage_error(command, &error) : HIVE_EXIT_OK;
    for (size_t i = 0; i < names.count && status == HIVE_EXIT_OK; i++)
        status = take_named(&candidates, names.items[i]);
    if (status == HIVE_EXIT_OK && names.count == 0)
        status = take_all(&candidates, prune.has_all);
    if (status == HIVE_EXIT_OK && candidates.kept > 0 && !prune.is_sure)
        status = ask(&candidates);
    if (status == HIVE_EXIT_OK)
        status = remove_all(&candidates);
    for (size_t i = 0; i < candidates.count; i++)
        hive_ledger_finish(&candidates.ledgers[i]);
    free(candidates.ledgers);
    hive_strings_finish(&names);
    return status;
}
