/* Clients of a simulated world: they read, write, compare and set, delete and submit tasks, follow redirects, repeat what has no answer
 * under the same idempotency key, and remember it all. */
#ifndef SIM_CLIENTS_H
#define SIM_CLIENTS_H

#include <stdbool.h>

struct world;
struct clients;

/* As many as the world's configuration says, who begin at once. All they draw is from world->client_random. */
struct clients *clients_create(struct world *world);
void clients_destroy(struct clients *clients); /* NULL is fine */

/* Begin nothing new; what is under way goes on to its end, which it has within half a minute. */
void clients_stop(struct clients *clients);
/* Nothing is under way. */
bool clients_are_idle(const struct clients *clients);

/* Reads each key once more, for as long as it takes: clients_are_idle says when that is done. For a world that is healed. */
void clients_read_all(struct clients *clients);

/* Each key's history is linearizable, stale reads were as fresh as they said, and each task was submitted once where the client was
 * told so, and at most once otherwise: else world_fail. To be called when idle, after clients_read_all, while a leader is up. */
void clients_check(struct clients *clients);

#endif
