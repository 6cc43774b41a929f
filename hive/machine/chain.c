/* The chain of hashes over the log: what lets somebody who watches queens see that they have applied the same entries, at the price of
 * a few bytes. It goes over the entries and not over the tables: those who disagree do so for good, from the first entry on. */
#include <assert.h>
#include <endian.h>

#include "machine/bytes.h"
#include "machine/tables.h"

static uint64_t word_at(const unsigned char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

/* As bytes_hash, in four lanes, which a processor works on at the same time: every byte of every command goes through here. Each step of a
 * lane can be undone, so no two texts of which one word differs collide. */
static uint64_t hash_command(uint64_t hash, const void *data, size_t bytes)
{
    enum { STRIDE = 32 };
    uint64_t a = hash, b = hash + 1, c = hash + 2, d = hash + 3;
    const unsigned char *at = data;
    size_t left = bytes;

    for (; left >= STRIDE; at += STRIDE, left -= STRIDE) {
        a = bytes_hash_number(a, word_at(at));
        b = bytes_hash_number(b, word_at(at + 8));
        c = bytes_hash_number(c, word_at(at + 16));
        d = bytes_hash_number(d, word_at(at + 24));
    }
    if (left < bytes) /* else the lanes are as good as equal, and their sum is of no worth */
        hash = bytes_hash_number(bytes_hash_number(bytes_hash_number(a, b), c), d);
    return bytes_hash(bytes_hash_number(hash, bytes), at, left);
}

void machine_chain_take(struct machine *machine, const struct machine_entry *entry)
{
    struct machine_chain *chain = &machine->chain;

    assert(entry->index == chain->index + 1 || chain->index == 0);
    chain->index = entry->index;
    chain->hash = bytes_hash_number(chain->hash, entry->index);
    chain->hash = bytes_hash_number(chain->hash, entry->term);
    chain->hash = bytes_hash_number(chain->hash, (uint64_t)entry->type);
    chain->hash = hash_command(chain->hash, entry->data, entry->bytes);
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
