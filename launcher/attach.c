/* `launcher attach NODE`: one node's log as it grows, and between its lines what becomes of the node. It only looks, so
 * Ctrl-C leaves the node alone. Without NODE it is the launcher's own terminal that is taken over: foreground.c. */
#include <stddef.h>
#include <stdlib.h>

#include "command.h"

#include "choose.h"
#include "foreground.h"
#include "log_follow.h"
#include "log_print.h"
#include "log_set.h"

struct attach {
    const char *cluster;
    int64_t lines;
};

#define AT(field) .offset = offsetof(struct attach, field)
const struct hive_option attach_options[] = {
    {"lines", 'n', HIVE_OPTION_INT, AT(lines), .argument = "N", .min = 0, .max = INT32_MAX,
     .help = "How many lines from before; default 20"},
    {"cluster", 'c', HIVE_OPTION_STRING, AT(cluster), .argument = "NAME", .completion = "cluster",
     .help = "Which cluster; default: the only one that runs"},
    {0},
};

/* What was said last about the node. */
struct attached {
    const char *name;
    char word[16];
    pid_t pid;
};

static void say(const struct attached *attached, const struct log_print *print, const char *address)
{
    printf(print->has_colour ? "\033[1m-- %s is %s" : "-- %s is %s", attached->name, attached->word);
    if (attached->pid)
        printf(" (pid %d), http://%s", (int)attached->pid, address);
    puts(print->has_colour ? "\033[0m" : "");
}

/* Says what has become of the node; false: it was removed. */
static bool note_state(struct attached *attached, const char *cluster, const struct log_print *print)
{
    struct hive_ledger now;
    if (hive_ledger_load(cluster, &now, NULL))
        return true; /* that is the cluster's end, which is noticed elsewhere */
    const struct hive_ledger_node *node = hive_ledger_node(&now, attached->name);
    const char *word = node ? choose_word(node) : "removed";
    pid_t pid = node ? node->process.pid : 0;
    if (strcmp(word, attached->word) != 0 || pid != attached->pid) {
        snprintf(attached->word, sizeof attached->word, "%s", word);
        attached->pid = pid;
        say(attached, print, node ? node->address : "");
    }
    bool is_there = node != NULL;
    hive_ledger_finish(&now);
    return is_there;
}

static void print_all(struct log_set *set, struct log_print *print, bool is_final)
{
    for (struct log_file *file; (file = log_set_next(set, is_final));)
        log_print_line(print, file);
}

static int attach_node(const struct hive_ledger *ledger, const struct hive_strings *names, int64_t lines)
{
    struct attached attached = {.name = names->items[0]};
    struct log_set set;
    struct log_print print;
    struct log_follow changes;
    if (!hive_ledger_node(ledger, attached.name)) {
        fprintf(stderr, "launcher: there is no node '%s' in cluster %s: 'launcher status' lists them\n",
                attached.name, ledger->name);
        return HIVE_EXIT_NOT_FOUND;
    }
    log_print_init(&print, false);
    log_set_init(&set, ledger, names);
    log_follow_begin(&changes, ledger);
    log_set_seek_end(&set, (size_t)lines);
    bool goes_on = true;
    do {
        print_all(&set, &print, !goes_on);
        bool is_there = !log_follow_has_new_ledger(&changes) || note_state(&attached, ledger->name, &print);
        fflush(stdout);
        if (!goes_on || !is_there || ferror(stdout))
            break;
        goes_on = log_follow_wait(&changes, -1);
        log_set_look(&set);
    } while (true);
    if (!goes_on)
        fprintf(stderr, "launcher: %s has ended\n", ledger->name);
    log_follow_end(&changes);
    log_set_finish(&set);
    return HIVE_EXIT_OK;
}

int attach_run(const struct hive_command *command, int argc, char **argv)
{
    struct attach attach = {.lines = 20};
    struct hive_strings names = {0};
    struct hive_ledger ledger = {0};
    struct hive_error error = {0};
    int result = hive_options_parse(command, argc, argv, &attach, &names, &error);
    if (result)
        return result < 0 ? hive_options_usage_error(command, &error) : HIVE_EXIT_OK;
    int status = choose_cluster(attach.cluster, &ledger);
    if (status == HIVE_EXIT_OK && !hive_ledger_is_running(&ledger)) {
        fprintf(stderr,
                "launcher: cluster %s does not run: 'launcher logs --cluster %s' shows what it said\n",
                ledger.name, ledger.name);
        status = HIVE_EXIT_UNAVAILABLE;
    }
    if (status == HIVE_EXIT_OK)
        status = names.count ? attach_node(&ledger, &names, attach.lines) : foreground_run(&ledger);
    hive_strings_finish(&names);
    hive_ledger_finish(&ledger);
    return status;
}
