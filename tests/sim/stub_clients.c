#include "sim/clients.h"
#include "hive/memory.h"
#include "sim/world.h"
struct client { struct clients *all; unsigned target; bool busy; uint64_t n; };
struct clients { struct world *world; bool stopped; struct client c[16]; };
static void go(struct world *world, void *context);
static void answered(struct world *world, const struct sim_answer *answer, void *context)
{
    struct client *c = context;
    c->busy = false;
    if (answer->outcome == SIM_DONE) world->coverage.counts[COVER_WRITES]++;
    if (answer->outcome == SIM_UNKNOWN) world->coverage.counts[COVER_UNKNOWN]++;
    if (answer->outcome != SIM_DONE) c->target = answer->hint ? answer->hint : 1 + (unsigned)sim_random_below(&world->client_random, SIM_NODES);
    world_after(world, sim_random_between(&world->client_random, 0, world->config.think_ms * MS), go, c);
}
static void go(struct world *world, void *context)
{
    struct client *c = context;
    if (c->all->stopped) return;
    char key[16], id[32];
    snprintf(key, sizeof key, "k%u", (unsigned)sim_random_below(&world->client_random, 10));
    snprintf(id, sizeof id, "id-%p-%u", (void*)0, (unsigned)++c->n);
    struct machine_command command = {.type = MACHINE_KV_PUT, .key = {key, strlen(key)}, .value = {id, strlen(id)}};
    c->busy = true;
    if (c->n % 3) world_write(world, c->target, &command, answered, c);
    else world_read(world, c->target, command.key, false, answered, c);
}
struct clients *clients_create(struct world *world)
{
    struct clients *all = hive_calloc(1, sizeof *all);
    all->world = world;
    for (unsigned i = 0; i < world->config.client_count; i++) { all->c[i].all = all; all->c[i].target = 1; go(world, &all->c[i]); }
    return all;
}
void clients_destroy(struct clients *clients) { free(clients); }
void clients_stop(struct clients *clients) { clients->stopped = true; }
bool clients_are_idle(const struct clients *clients) { for (int i = 0; i < 16; i++) if (clients->c[i].busy) return false; return true; }
void clients_read_all(struct clients *clients) { (void)clients; }
void clients_check(struct clients *clients) { (void)clients; }
