/* The simulator: one seed with its trace, or many seeds across cores. */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "hive/options.h"
#include "sim/campaign.h"
#include "sim/faults.h"

struct options {
    int64_t seed, runs, first_seed, jobs, founders, most_failures, milliseconds;
    const char *trace, *kept;
    bool messages, shrinks, no_shrink, is_quiet;
};

#define NUMBER(field, least, most)                                                                           \
    .type = HIVE_OPTION_INT, .offset = offsetof(struct options, field), .argument = "N", .min = least,       \
    .max = most
#define FLAG(field) .type = HIVE_OPTION_FLAG, .offset = offsetof(struct options, field)

static const struct hive_option options_table[] = {
    {.name = "seed", NUMBER(seed, 0, INT64_MAX), .help = "Run this seed", .group = "One run"},
    {.name = "trace",
     .type = HIVE_OPTION_STRING,
     .offset = offsetof(struct options, trace),
     .argument = "FILE",
     .help = "Tell what happens (- for standard output)",
     .group = "One run",
     .completion = "file"},
    {.name = "messages", FLAG(messages), .help = "… and every message", .group = "One run"},
    {.name = "keep-faults",
     .type = HIVE_OPTION_STRING,
     .offset = offsetof(struct options, kept),
     .argument = "LIST",
     .help = "Only these faults of the seed, as in 0,3,7-9 (or none)",
     .group = "One run"},
    {.name = "milliseconds",
     NUMBER(milliseconds, 1, INT64_MAX),
     .help = "How long there are faults",
     .group = "One run"},
    {.name = "shrink",
     FLAG(shrinks),
     .help = "Find fewer faults with which it fails in the same way",
     .group = "One run"},
    {.name = "runs", NUMBER(runs, 1, INT64_MAX), .help = "Run so many seeds", .group = "Many runs"},
    {.name = "first-seed",
     NUMBER(first_seed, 0, INT64_MAX),
     .help = "… from this one on (1)",
     .group = "Many runs"},
    {.name = "jobs",
     NUMBER(jobs, 1, 1024),
     .help = "Runs at a time (the number of cores)",
     .group = "Many runs"},
    {.name = "most-failures",
     NUMBER(most_failures, 1, UINT32_MAX),
     .help = "Give up after so many (5)",
     .group = "Many runs"},
    {.name = "no-shrink",
     FLAG(no_shrink),
     .help = "Do not shrink the first that failed",
     .group = "Many runs"},
    {.name = "quiet", FLAG(is_quiet), .help = "No table", .group = "Many runs"},
    {.name = "founders",
     NUMBER(founders, 1, SIM_NODES),
     .help = "So many queens found the group (as the seed says)"},
    {0},
};

static const struct hive_command simulator = {
    .name = "simulator",
    .summary = "Run whole clusters in virtual time",
    .synopsis = "",
    .options = options_table,
};

/* False where it is no list of faults. */
static bool parse_kept(const char *text, bool *kept)
{
    const char *at = text;
    if (strcmp(text, "none") == 0)
        return true;
    while (*at) {
        char *end;
        uint64_t first = strtoull(at, &end, 10), last = first;
        if (*end == '-')
            last = strtoull(end + 1, &end, 10);
        if (end == at || (*end && *end != ',') || last >= SIM_MOST_FAULTS)
            return false;
        for (; first <= last; first++)
            kept[first] = true;
        at = *end ? end + 1 : end;
    }
    return true;
}

static void run_one(const struct world_options *world)
{
    struct world_result result;
    campaign_catch_aborts();
    world_run(world, &result);
    printf("seed %" PRIu64 ": %zu faults, %.3f virtual seconds, %" PRIu64 " steps, digest %016" PRIx64 "\n",
           world->seed, result.fault_count, (double)result.virtual_us / 1e6, result.steps, result.digest);
}

static int run_many(const struct options *options)
{
    struct campaign_options campaign = {
        .first_seed = (uint64_t)options->first_seed,
        .runs = (uint64_t)options->runs,
        .jobs = (unsigned)options->jobs,
        .founders = (unsigned)options->founders,
        .most_failures = (unsigned)options->most_failures,
        .shrinks = !options->no_shrink,
        .is_quiet = options->is_quiet,
    };
    return campaign_run(&campaign);
}

int main(int argc, char **argv)
{
    static bool kept[SIM_MOST_FAULTS];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct options options = {.seed = -1, .first_seed = 1, .jobs = cores > 0 ? cores : 1, .most_failures = 5};
    struct hive_error error = {0};
    int code = hive_options_parse(&simulator, argc, argv, &options, NULL, &error);
    if (code > 0)
        return HIVE_EXIT_OK;
    if (!code && (options.seed >= 0) == (options.runs > 0))
        code = hive_error_set(&error, -EINVAL, "give either --seed or --runs");
    if (!code && options.kept && !parse_kept(options.kept, kept))
        code = hive_error_set(&error, -EINVAL, "%s is no list of faults", options.kept);
    if (code)
        return hive_options_usage_error(&simulator, &error);
    if (options.runs > 0)
        return run_many(&options);
    struct world_options world = {
        .seed = (uint64_t)options.seed,
        .faults_ms = options.milliseconds,
        .founders = (unsigned)options.founders,
        .kept = options.kept ? kept : NULL,
        .kept_count = SIM_MOST_FAULTS,
        .trace_path = options.trace,
        .trace_messages = options.messages,
    };
    if (options.shrinks)
        shrink_run(world.seed);
    else
        run_one(&world);
    return 0;
}
