/* `launcher chaos`: hurts a cluster on purpose, while clients use it, and says whether they noticed more than delays. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>

#include "chaos_clients.h"
#include "chaos_plan.h"
#include "chaos_strike.h"
#include "chaos_verdict.h"
#include "chaos_watch.h"
#include "command.h"
#include "hive/clock.h"
#include "hive/json.h"
#include "hive/memory.h"
#include "hive/random.h"
#include "own_cluster.h"

#define OWN_QUEENS    5
#define DEFAULT_FOR   60000
#define DEFAULT_EVERY 3000
#define RECOVER_MS    60000 /* for all queens to be back when all faults are over */
#define LOOK_MS       50
#define RETRY_MS      500
#define TEXT_COLUMNS  40
#define SEED_MAX      (INT64_C(1) << 53) /* that JSON can tell */
#define ALL_KINDS     ((1U << CHAOS_KINDS) - 1)
#define LINK_KINDS    (1U << CHAOS_CUT | 1U << CHAOS_DELAY | 1U << CHAOS_LOSE)
#define FREE_KINDS    (1U << CHAOS_DELAY | 1U << CHAOS_LOSE | 1U << CHAOS_TRANSFER) /* they take nobody away */

struct chaos_options {
    const char *cluster;
    int64_t for_ms, every_ms, seed;
    struct hive_strings kinds;
    bool is_harsh, is_json;
};

#define AT(field) offsetof(struct chaos_options, field)
const struct hive_option chaos_options[] = {
    {"for", 0, HIVE_OPTION_MS, AT(for_ms), .argument = "TIME", .min = 1000, .max = INT64_C(86400000),
     .help = "How long; default 60s"},
    {"every", 0, HIVE_OPTION_MS, AT(every_ms), .argument = "TIME", .min = 200, .max = 3600000,
     .help = "A fault about every so often; default 3s"},
    {"kinds", 'k', HIVE_OPTION_LIST, AT(kinds), .argument = "KIND",
     .help = "What happens: kill, pause, stop, wipe, cut, delay, lose, transfer; default: all"},
    {"seed", 's', HIVE_OPTION_INT, AT(seed), .argument = "N", .min = 0, .max = SEED_MAX,
     .help = "The same seed draws the same faults; default: another one each time, which is told"},
    {"harsh", 0, HIVE_OPTION_FLAG, AT(is_harsh),
     .help = "More queens than a minority may be away at once, so that nobody can be served for a while"},
    {"cluster", 'c', HIVE_OPTION_STRING, AT(cluster), .argument = "NAME", .completion = "cluster",
     .help =
         "Which cluster; default: the only one that runs, or, where none does, one of 5 queens of its own"},
    {"json", 'j', HIVE_OPTION_FLAG, AT(is_json),
     .help = "Print the verdict as one JSON object, and what happens on standard error"},
    {0},
};

struct chaos {
    const struct chaos_options *options;
    FILE *out; /* for what happens */
    struct lesson_stage stage;
    struct own_cluster own;
    struct hive_ledger ledger;
    struct hive_target target;
    struct chaos_wish wish;
    struct chaos_plan plan;
    char (*names)[HIVE_NAME_BYTES];
    struct chaos_watch *watch;
    struct chaos_clients *clients;
    int64_t began_ms;
};

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

static int fail(enum hive_exit status, const struct hive_error *error)
{
    fflush(stdout);
    fprintf(stderr, "launcher: %s\n", error->message);
    return status;
}

static void say(void *context, const char *text)
{
    struct chaos *chaos = context;
    int leader = chaos_watch_leader(chaos->watch);
    int wider = 0; /* a byte that is not a character of its own */
    for (const char *at = text; *at; at++)
        wider += ((unsigned char)*at & 0xc0) == 0x80;
    fprintf(chaos->out, "%6.1fs  %-*s %6zu acknowledged, leader %s\n",
            (double)(hive_clock_monotonic_ms() - chaos->began_ms) / 1000, TEXT_COLUMNS + wider, text,
            chaos_clients_acknowledged(chaos->clients), leader < 0 ? "-" : chaos->names[leader]);
    fflush(chaos->out);
}

/* ---- the cluster ---- */

/* 0, or an exit status after saying why. */
static int find_cluster(struct chaos *chaos)
{
    struct hive_error error = {0};
    const struct own_cluster_wish wish = {.purpose = "this chaos", .queens = OWN_QUEENS};
    int result = chaos->options->cluster ? hive_ledger_load(chaos->options->cluster, &chaos->ledger, &error)
                                         : hive_ledger_find_running(&chaos->ledger, &error);
    if (!result && !hive_ledger_is_running(&chaos->ledger))
        result = hive_error_set(&error, -ESRCH, "cluster %s does not run: start it with 'launcher --name %s'",
                                chaos->ledger.name, chaos->ledger.name);
    if (result == -ENOENT && !chaos->options->cluster) {
        fprintf(chaos->out, "starting %d queens …\n", OWN_QUEENS);
        fflush(chaos->out);
        result = own_cluster_start(&chaos->own, &wish, &chaos->stage, &error);
        if (!result)
            result = hive_ledger_load(chaos->own.name, &chaos->ledger, &error);
    }
    if (!result)
        result = hive_target_find(NULL, chaos->ledger.name, &chaos->target, &error);
    return result ? fail(result == -EEXIST ? HIVE_EXIT_USAGE : HIVE_EXIT_UNAVAILABLE, &error) : 0;
}

static void take_queens(struct chaos *chaos)
{
    chaos->names = hive_calloc(chaos->ledger.node_count + 1, sizeof *chaos->names);
    for (size_t i = 0; i < chaos->ledger.node_count; i++) {
        const struct hive_ledger_node *node = &chaos->ledger.nodes[i];
        if (node->role != HIVE_ROLE_QUEEN)
            continue;
        if (node->state != HIVE_NODE_RUNNING)
            chaos->wish.gone |= UINT64_C(1) << chaos->wish.queens;
        memcpy(chaos->names[chaos->wish.queens++], node->name, sizeof *chaos->names);
    }
}

/* 0, or an exit status after saying why. */
static int make_plan(struct chaos *chaos)
{
    const struct chaos_options *options = chaos->options;
    struct hive_error error = {0};
    unsigned kinds = ALL_KINDS;
    if (options->kinds.count)
        chaos_kinds_parse(&options->kinds, &kinds, NULL);
    take_queens(chaos);
    chaos->wish.for_ms = options->for_ms;
    chaos->wish.every_ms = options->every_ms;
    chaos->wish.is_harsh = options->is_harsh;
    chaos->wish.seed = options->seed >= 0 ? (uint64_t)options->seed : hive_random_below(UINT32_MAX);
    if (!chaos->ledger.can_fault) {
        if (options->kinds.count && kinds & LINK_KINDS) {
            hive_error_set(&error, -EINVAL,
                           "cluster %s was started with --no-faults: no cut, delay or lose there",
                           chaos->ledger.name);
            return fail(HIVE_EXIT_USAGE, &error);
        }
        kinds &= ~LINK_KINDS;
    }
    if (chaos_plan_spare(&chaos->wish) == 0)
        kinds &= FREE_KINDS;
    if (chaos->wish.queens < 2)
        kinds &= ~FREE_KINDS;
    if (!kinds) {
        hive_error_set(
            &error, -EINVAL,
            "nothing of this can be done to %zu queen%s that would leave a majority: 'launcher add queen' "
            "adds more, --harsh does it all the same",
            chaos->wish.queens, chaos->wish.queens == 1 ? "" : "s");
        return fail(HIVE_EXIT_USAGE, &error);
    }
    chaos->wish.kinds = kinds;
    chaos_plan_make(&chaos->plan, &chaos->wish);
    return 0;
}

/* ---- the run ---- */

static void sleep_until(int64_t until_ms)
{
    int64_t left_ms;
    while (!is_interrupted && (left_ms = until_ms - hive_clock_monotonic_ms()) > 0)
        poll(NULL, 0, (int)(left_ms < LOOK_MS ? left_ms : LOOK_MS));
}

static void strike(struct chaos *chaos, struct chaos_course *course)
{
    const struct chaos_stage stage = {.ledger = &chaos->ledger,
                                      .target = &chaos->target,
                                      .watch = chaos->watch,
                                      .names = chaos->names,
                                      .queens = chaos->wish.queens,
                                      .spare = chaos_plan_spare(&chaos->wish),
                                      .gone = chaos->wish.gone,
                                      .began_ms = chaos->began_ms,
                                      .fault_count = chaos->plan.count,
                                      .say = say,
                                      .context = chaos};
    struct chaos_strikes *strikes = chaos_strikes_create(&stage);
    for (size_t i = 0; i < chaos->plan.count; i++) {
        sleep_until(chaos->began_ms + chaos->plan.faults[i].at_ms);
        if (is_interrupted)
            break;
        course->skipped += !chaos_strike(strikes, &chaos->plan.faults[i]);
    }
    sleep_until(chaos->began_ms + chaos->wish.for_ms);
    chaos_strikes_end(strikes);
    for (int kind = 0; kind < CHAOS_KINDS; kind++)
        course->faults[kind] = chaos_strikes_count(strikes, (enum chaos_kind)kind);
    chaos_strikes_finish(strikes);
}

/* All is made whole, and asked once more. */
static void recover(struct chaos *chaos, struct chaos_evidence *evidence, struct hive_buffer *trouble)
{
    int64_t began_ms = hive_clock_monotonic_ms(), until_ms = began_ms + RECOVER_MS, asked_ms;
    struct hive_error error = {0};
    bool is_running = hive_ledger_is_running(&chaos->ledger);
    if (!is_running)
        until_ms = began_ms; /* its nodes went with their launcher, and nobody brings them back */
    say(chaos, "all faults end: what do the queens say?");
    bool is_restored;
    while (!(is_restored = chaos_restore(&chaos->ledger, &error)) &&
           hive_clock_monotonic_ms() < until_ms - RECOVER_MS / 2)
        poll(NULL, 0, RETRY_MS);
    chaos_clients_stop(chaos->clients);
    bool is_answered = chaos_clients_conclude(chaos->clients, until_ms);
    asked_ms = hive_clock_unix_ms();
    bool is_whole;
    while (!(is_whole = chaos_watch_is_whole(chaos->watch, asked_ms)) && hive_clock_monotonic_ms() < until_ms)
        poll(NULL, 0, LOOK_MS);
    evidence->recovered_ms = hive_clock_monotonic_ms() - began_ms;
    evidence->has_recovered = is_answered && is_whole;
    if (!is_running)
        hive_buffer_format(trouble, "the launcher of %s (process %d) is gone", chaos->ledger.name,
                           (int)chaos->ledger.launcher.pid);
    else if (!is_restored && !evidence->has_recovered)
        hive_buffer_append_text(trouble, error.message);
    else if (!is_whole)
        chaos_watch_describe(chaos->watch, asked_ms, trouble);
    else if (!is_answered)
        hive_buffer_format(trouble, "not all keys could be read within %d s", RECOVER_MS / 1000);
    evidence->trouble = trouble->data ? trouble->data : "";
}

static int conclude(struct chaos *chaos, const struct chaos_evidence *evidence,
                    const struct chaos_course *course)
{
    struct chaos_verdict verdict;
    chaos_verdict_make(&verdict, evidence);
    if (chaos->options->is_json) {
        char *json = hive_json_print_and_delete(chaos_verdict_json(&verdict, evidence, course));
        puts(json);
        free(json);
    } else {
        struct hive_buffer text = {0};
        chaos_verdict_describe(&verdict, evidence, course, &text);
        fputs(text.data, stdout);
        hive_buffer_finish(&text);
    }
    fflush(stdout);
    if (verdict.status == HIVE_EXIT_OK && !chaos->own.launcher.pid)
        chaos_clients_clean_up(chaos->clients);
    int status = verdict.status;
    chaos_verdict_finish(&verdict);
    return status;
}

static int run(struct chaos *chaos)
{
    struct chaos_course course = {.cluster = chaos->ledger.name,
                                  .plan = &chaos->plan,
                                  .queens = chaos->wish.queens,
                                  .names = chaos->names,
                                  .seed = chaos->wish.seed};
    struct chaos_sight sight;
    struct chaos_evidence evidence = {.sight = &sight};
    struct hive_buffer trouble = {0};
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    fprintf(chaos->out,
            "chaos on cluster %s: %zu queens, %.0f s, seed %" PRIu64 " (watch it: hivetop --cluster %s)\n",
            chaos->ledger.name, chaos->wish.queens, (double)chaos->wish.for_ms / 1000, chaos->wish.seed,
            chaos->ledger.name);
    fflush(chaos->out);
    int64_t from_ms = hive_clock_unix_ms();
    chaos->began_ms = hive_clock_monotonic_ms();
    chaos->watch = chaos_watch_start(&chaos->ledger);
    chaos->clients = chaos_clients_start(&chaos->target, chaos->wish.seed);
    strike(chaos, &course);
    course.ran_ms = hive_clock_monotonic_ms() - chaos->began_ms;
    recover(chaos, &evidence, &trouble);
    chaos_watch_sum_up(chaos->watch, from_ms, from_ms + course.ran_ms, &sight);
    evidence.history = chaos_clients_history(chaos->clients);
    evidence.keys = chaos_clients_keys(chaos->clients);
    int status = conclude(chaos, &evidence, &course);
    hive_buffer_finish(&sight.difference);
    hive_buffer_finish(&trouble);
    chaos_clients_finish(chaos->clients);
    chaos_watch_end(chaos->watch);
    return status;
}

int chaos_run(const struct hive_command *command, int argc, char **argv)
{
    struct chaos_options options = {.for_ms = DEFAULT_FOR, .every_ms = DEFAULT_EVERY, .seed = -1};
    struct hive_error error = {0};
    unsigned kinds;
    int result = hive_options_parse(command, argc, argv, &options, NULL, &error);
    if (!result) /* before a cluster is started */
        result = chaos_kinds_parse(&options.kinds, &kinds, &error);
    if (result) {
        hive_strings_finish(&options.kinds);
        return result < 0 ? hive_options_usage_error(command, &error) : HIVE_EXIT_OK;
    }
    struct chaos chaos = {.options = &options, .out = options.is_json ? stderr : stdout};
    int status = find_cluster(&chaos);
    if (!status)
        status = make_plan(&chaos);
    if (!status)
        status = run(&chaos);
    chaos_plan_finish(&chaos.plan);
    free(chaos.names);
    hive_target_finish(&chaos.target);
    hive_ledger_finish(&chaos.ledger);
    lesson_stage_close(&chaos.stage);
    own_cluster_end(&chaos.own);
    hive_strings_finish(&options.kinds);
    return status;
}
