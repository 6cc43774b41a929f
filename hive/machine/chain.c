/* The chain of hashes over the log: what lets somebody who watches queens see that they have applied the same entries, at the price of
 * a few bytes. It goes over the entries and not over the tables: those who disagree do so for good, from the first entry on. */
#include <assert.h>

#include "machine/bytes.h"
#include "machine/tables.h"

void machine_chain_take(struct machine *machine, const struct machine_entry *entry)
{
    struct machine_chain *chain = &machine->chain;

    assert(entry->index == chain->index + 1 || chain->index == 0);
    chain->index = entry->index;
    chain->hash = bytes_hash_number(chain->hash, entry->index);
    chain->hash = bytes_hash_number(chain->hash, entry->term);
    chain->hash = bytes_hash_number(chain->hash, (uint64_t)entry->type);
    chain->hash = bytes_hash(chain->hash, entry->data, entry->bytes);
    if (chain->group == 0 && entry->is_configuration)
        chain->group = chain->hash;
}

void machine_chain_stands_at(struct machine *machine, uint64_t index)
{
    struct machine_chain *chain = &machine->chain;

    if (chain->index == index)
        return;
    chain->index = index;
    chain->hash = bytes_hash_number(chain->hash, index);
    chain->group = bytes_hash_number(chain->group, index);
}

struct machine_chain machine_chain(const struct machine *machine)
{
    return machine->chain;
}
