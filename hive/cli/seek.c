/* All queens are asked at once: one that hangs costs a second and no more. What they say of each other is kept, so
 * that a verb that was told of one queen finds the others when that one is gone. */
#include "cli/seek.h"

#include <signal.h>
#include <sys/signalfd.h>

#include "cli/census.h"
#include "hive/memory.h"

#define ROUND_MS 1000

static void add_address(struct cli_seek *seek, const char *address)
{
    for (size_t i = 0; i < seek->count; i++)
        if (strcmp(seek->addresses[i], address) == 0)
            return;
    seek->addresses = hive_realloc(seek->addresses, seek->count + 1, sizeof *seek->addresses);
    snprintf(seek->addresses[seek->count++], HIVE_ADDRESS_BYTES, "%s", address);
}

void cli_seek_begin(struct cli_seek *seek, const struct cli *cli)
{
    *seek = (struct cli_seek){.token = *cli->target.token ? cli->target.token : NULL};
    for (size_t i = 0; i < cli->target.count; i++)
        add_address(seek, cli->target.addresses[i]);
}

void cli_seek_finish(struct cli_seek *seek)
{
    free(seek->addresses);
    *seek = (struct cli_seek){0};
}

/* The queen of the census with this address, or NULL. */
static const struct cli_queen *find(const struct cli_census *census, const char *address)
{
    for (size_t i = 0; i < census->count; i++)
        if (strcmp(census->queens[i]->address, address) == 0)
            return census->queens[i];
    return NULL;
}

static void note_reason(struct cli_seek *seek, const struct cli_census *census)
{
    for (size_t i = 0; i < census->count; i++) {
        const struct cli_queen *queen = census->queens[i];
        if (queen->is_answered)
            snprintf(seek->reason, sizeof seek->reason, "%.200s %s", queen->address,
                     queen->is_drone ? "is no queen" : "knows no leader");
        else if (i == 0)
            snprintf(seek->reason, sizeof seek->reason, "%.100s: %.100s", queen->address, queen->failure);
    }
}

bool cli_seek_round(struct cli_seek *seek, enum cli_wish wish, char address[HIVE_ADDRESS_BYTES])
{
    struct hive_target target = {.addresses = seek->addresses, .count = seek->count};
    struct cli_census census = {0};
    cli_census_take(&target, ROUND_MS, &census);
    for (size_t i = 0; i < census.count; i++)
        if (!census.queens[i]->is_drone)
            add_address(seek, census.queens[i]->address);
    const struct cli_queen *found = NULL;
    if (wish == CLI_WISH_LEADER)
        found = cli_census_leader(&census);
    else
        for (size_t i = 0; i < seek->count && !found; i++) {
            const struct cli_queen *queen = find(&census, seek->addresses[(seek->turn + i) % seek->count]);
            if (queen && queen->is_answered && !queen->is_drone &&
                (wish == CLI_WISH_ANY || *queen->health.leader))
                found = queen;
        }
    if (found)
        snprintf(address, HIVE_ADDRESS_BYTES, "%s", found->address);
    else
        note_reason(seek, &census);
    for (size_t i = 0; found && i < seek->count; i++)
        if (strcmp(seek->addresses[i], found->address) == 0)
            seek->turn = i + 1;
    cli_census_finish(&census);
    return found != NULL;
}

int cli_open_signals(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    return signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
}
