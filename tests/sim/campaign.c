/* Workers take seed after seed; a worker whose run fails ends, and another one goes on with the next seed. What they counted is in shared
 * memory. Only here is there a real clock, to say how fast it was. */
#include "sim/campaign.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hive/memory.h"

#define RUN_LIMIT_S 120 /* real time; more is a hang */
#define MOST_JOBS   256

struct worker {
    pid_t pid; /* 0: none */
    uint64_t seed;
    uint64_t runs, virtual_us, steps;
    struct coverage coverage;
};

struct shared {
    atomic_uint_fast64_t taken; /* runs that somebody has begun */
    struct worker workers[MOST_JOBS];
};

/* ---- one run ---- */

static void on_abort(int signal_number)
{
    const struct world *world = world_running();
    char text[160];
    int size = world
                   ? snprintf(text, sizeof text, "seed %" PRIu64 ", after %" PRId64 " ms: %s\n", world->seed,
                              world->now_us / 1000, signal_number == SIGABRT ? "aborted" : "hangs or crashed")
                   : 0;
    if (size > 0 && write(STDERR_FILENO, text, (size_t)size) < 0)
        _exit(3);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void campaign_catch_aborts(void)
{
    static const int signals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGALRM};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], on_abort);
}

bool campaign_try(const struct world_options *options, char *message, size_t message_bytes)
{
    int ends[2];
    fflush(NULL);
    if (pipe(ends) < 0)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        struct world_result result;
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        campaign_catch_aborts();
        alarm(RUN_LIMIT_S);
        world_run(options, &result);
        _exit(0);
    }
    close(ends[1]);
    size_t size = 0;
    ssize_t got;
    while (size < message_bytes - 1 && (got = read(ends[0], message + size, message_bytes - 1 - size)) > 0)
        size += (size_t)got;
    message[size] = '\0';
    close(ends[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    return status == 0;
}

/* ---- workers ---- */

static void work(struct shared *shared, struct worker *worker, const struct campaign_options *options)
{
    campaign_catch_aborts();
    for (;;) {
        uint64_t number = atomic_fetch_add(&shared->taken, 1);
        if (number >= options->runs)
            _exit(0);
        worker->seed = options->first_seed + number;
        struct world_result result;
        alarm(RUN_LIMIT_S);
        world_run(&(struct world_options){.seed = worker->seed, .founders = options->founders}, &result);
        worker->runs++;
        worker->virtual_us += (uint64_t)result.virtual_us;
        worker->steps += result.steps;
        coverage_add(&worker->coverage, &result.coverage);
    }
}

static void begin_worker(struct shared *shared, unsigned number, const struct campaign_options *options)
{
    struct worker *worker = &shared->workers[number];
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        work(shared, worker, options);
    worker->pid = pid;
}

static struct worker *worker_of(struct shared *shared, unsigned jobs, pid_t pid)
{
    for (unsigned i = 0; i < jobs; i++) {
        if (shared->workers[i].pid == pid)
            return &shared->workers[i];
    }
    return NULL;
}

/* Waits for all; the seeds that failed, in the order in which they did. */
static unsigned run_workers(struct shared *shared, unsigned jobs, const struct campaign_options *options,
                            uint64_t *failed)
{
    unsigned running = jobs, failures = 0;
    for (unsigned i = 0; i < jobs; i++)
        begin_worker(shared, i, options);
    while (running > 0) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, 0);
        struct worker *worker = pid > 0 ? worker_of(shared, jobs, pid) : NULL;
        if (!worker)
            break;
        running--;
        worker->pid = 0;
        if (status == 0)
            continue;
        failed[failures++] = worker->seed;
        if (failures == options->most_failures) {
            atomic_store(&shared->taken, options->runs); /* the others end after their run */
            break;
        }
        begin_worker(shared, (unsigned)(worker - shared->workers), options);
        running++;
    }
    while (waitpid(-1, NULL, 0) > 0)
        ;
    return failures;
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static bool report(const struct shared *shared, unsigned jobs, double wall_s, bool is_quiet)
{
    struct worker sum = {0};
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    double cpu_s = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
    for (unsigned i = 0; i < jobs; i++) {
        sum.runs += shared->workers[i].runs;
        sum.virtual_us += shared->workers[i].virtual_us;
        sum.steps += shared->workers[i].steps;
        coverage_add(&sum.coverage, &shared->workers[i].coverage);
    }
    double virtual_s = (double)sum.virtual_us / 1e6;
    printf("%" PRIu64
           " runs, %.1f virtual hours, %.1f s on %u cores: %.1f runs/s, %.0f times real time on each core, "
           "%.2f million steps/s\n",
           sum.runs, virtual_s / 3600, wall_s, jobs, (double)sum.runs / wall_s, virtual_s / cpu_s,
           (double)sum.steps / cpu_s / 1e6);
    return is_quiet ? true : coverage_print(&sum.coverage, sum.runs);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int campaign_run(const struct campaign_options *options)
{
    unsigned jobs = options->jobs < MOST_JOBS ? options->jobs : MOST_JOBS;
    jobs = jobs < options->runs ? jobs : (unsigned)options->runs;
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("mmap");
        return 2;
    }
    uint64_t *failed = hive_calloc(options->most_failures, sizeof *failed);
    double started_s = now_s();
    unsigned failures = run_workers(shared, jobs, options, failed);
    bool is_enough = report(shared, jobs, now_s() - started_s, options->is_quiet);
    for (unsigned i = 0; i < failures; i++)
        printf("FAILED: make sim SEED=%" PRIu64 "\n", failed[i]);
    if (failures > 0 && options->shrinks)
        shrink_run(failed[0]);
    if (!is_enough)
        printf("FAILED: what the runs covered is below a floor\n");
    free(failed);
    return failures > 0 || !is_enough;
}
