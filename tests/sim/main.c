/* The simulator: one seed with its trace, or many seeds across cores. */
#include <getopt.h>
#include <inttypes.h>
#include <unistd.h>

#include "hive/memory.h"
#include "sim/campaign.h"
#include "sim/faults.h"

static const char usage[] = "usage: simulator --seed N [--trace FILE|-] [--messages] [--founders N] "
                            "[--keep-faults 0,3,7-9|none] [--milliseconds N] "
                            "[--shrink]\n"
                            "       simulator --runs N [--first-seed N] [--jobs N] [--founders N] "
                            "[--most-failures N] [--no-shrink] [--quiet]\n";

struct options {
    bool has_seed, shrinks;
    struct world_options world;
    struct campaign_options campaign;
    bool kept[SIM_MOST_FAULTS];
};

static void fail(const char *what, const char *text)
{
    fprintf(stderr, "%s: %s\n%s", what, text, usage);
    exit(2);
}

static uint64_t number_of(const char *text)
{
    char *end;
    uint64_t number = strtoull(text, &end, 10);
    if (end == text || *end)
        fail("not a number", text);
    return number;
}

static void parse_kept(const char *text, bool *kept)
{
    const char *at = text;
    if (strcmp(text, "none") == 0)
        return;
    while (*at) {
        char *end;
        uint64_t first = strtoull(at, &end, 10), last = first;
        if (*end == '-')
            last = strtoull(end + 1, &end, 10);
        if (end == at || (*end && *end != ',') || last >= SIM_MOST_FAULTS)
            fail("not a list of faults", text);
        for (; first <= last; first++)
            kept[first] = true;
        at = *end ? end + 1 : end;
    }
}

static void parse(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {
        {"seed", required_argument, NULL, 's'},
        {"runs", required_argument, NULL, 'r'},
        {"first-seed", required_argument, NULL, 'f'},
        {"jobs", required_argument, NULL, 'j'},
        {"trace", required_argument, NULL, 't'},
        {"messages", no_argument, NULL, 'm'},
        {"keep-faults", required_argument, NULL, 'k'},
        {"milliseconds", required_argument, NULL, 'l'},
        {"most-failures", required_argument, NULL, 'n'},
        {"no-shrink", no_argument, NULL, 'N'},
        {"shrink", no_argument, NULL, 'S'},
        {"quiet", no_argument, NULL, 'q'},
        {"founders", required_argument, NULL, 'F'},
        {NULL, 0, NULL, 0},
    };
    int name;
    while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (name) {
        case 's':
            options->world.seed = number_of(optarg);
            options->has_seed = true;
            break;
        case 'r':
            options->campaign.runs = number_of(optarg);
            break;
        case 'f':
            options->campaign.first_seed = number_of(optarg);
            break;
        case 'j':
            options->campaign.jobs = (unsigned)number_of(optarg);
            break;
        case 't':
            options->world.trace_path = optarg;
            break;
        case 'm':
            options->world.trace_messages = true;
            break;
        case 'k':
            parse_kept(optarg, options->kept);
            options->world.kept = options->kept;
            options->world.kept_count = SIM_MOST_FAULTS;
            break;
        case 'l':
            options->world.faults_ms = (int64_t)number_of(optarg);
            break;
        case 'F':
            options->world.founders = options->campaign.founders = (unsigned)number_of(optarg);
            if (options->world.founders > SIM_NODES)
                fail("too many founders", optarg);
            break;
        case 'n':
            options->campaign.most_failures = (unsigned)number_of(optarg);
            break;
        case 'N':
            options->campaign.shrinks = false;
            break;
        case 'S':
            options->shrinks = true;
            break;
        case 'q':
            options->campaign.is_quiet = true;
            break;
        default:
            fputs(usage, stderr);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct options *options = hive_calloc(1, sizeof *options);
    options->campaign = (struct campaign_options){
        .first_seed = 1, .jobs = cores > 0 ? (unsigned)cores : 1, .most_failures = 5, .shrinks = true};
    parse(argc, argv, options);
    if (options->has_seed == (options->campaign.runs > 0) || options->campaign.jobs == 0 ||
        options->campaign.most_failures == 0)
        fail("nothing to do", "give --seed or --runs");
    int status = 0;
    if (!options->has_seed) {
        status = campaign_run(&options->campaign);
    } else if (options->shrinks) {
        shrink_run(options->world.seed);
    } else {
        struct world_result result;
        campaign_catch_aborts();
        world_run(&options->world, &result);
        printf("seed %" PRIu64 ": %zu faults, %.3f virtual seconds, %" PRIu64 " steps, digest %016" PRIx64
               "\n",
               options->world.seed, result.fault_count, (double)result.virtual_us / 1e6, result.steps,
               result.digest);
    }
    free(options);
    return status;
}
