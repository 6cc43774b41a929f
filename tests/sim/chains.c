/* A node shows more than where it stands: the points that /healthz tells are compared as well. */
#include "sim/chains.h"

#include "hive/memory.h"

void chains_finish(struct chains *chains)
{
    free(chains->seen);
}

static struct machine_chain *seen_at(struct chains *chains, raft_index index)
{
    if (index >= chains->count) {
        size_t count = chains->count ? chains->count : 1024;
        while (index >= count)
            count *= 2;
        chains->seen = hive_realloc(chains->seen, count, sizeof *chains->seen);
        memset(chains->seen + chains->count, 0, (count - chains->count) * sizeof *chains->seen);
        chains->count = count;
    }
    return &chains->seen[index];
}

static void compare(struct chains *chains, struct node *node, raft_index index, uint64_t hash)
{
    struct machine_chain *seen = seen_at(chains, index);
    uint64_t group = machine_chain(replica_machine(node->replica)).group;
    if (seen->index && (seen->hash != hash || (seen->group && group && seen->group != group)))
        world_fail(
            node->world,
            "state machine safety: the log of %s up to %llu is hashed as %016llx, another one's as %016llx",
            node->address, (unsigned long long)index, (unsigned long long)hash,
            (unsigned long long)seen->hash);
    *seen = (struct machine_chain){.index = index, .hash = hash, .group = group};
}

void chains_check(struct chains *chains, struct node *node)
{
    struct digest digests[HIVE_DIGESTS];
    struct machine_chain chain = machine_chain(replica_machine(node->replica));
    bool is_known = chains->looked[node->number].life == node->life &&
                    chains->looked[node->number].index == chain.index &&
                    chains->looked[node->number].hash == chain.hash;
    if (is_known && chain.index == replica_applied(node->replica))
        return;
    chains->looked[node->number].life = node->life;
    chains->looked[node->number].index = chain.index;
    chains->looked[node->number].hash = chain.hash;
    size_t count = digests_list(replica_digests(node->replica), digests);
    if (chain.index != replica_applied(node->replica) || (chain.index && digests[0].index != chain.index))
        world_fail(node->world, "%s has applied %llu, and hashed the log up to %llu", node->address,
                   (unsigned long long)replica_applied(node->replica), (unsigned long long)chain.index);
    for (size_t i = 0; i < count; i++)
        compare(chains, node, digests[i].index, digests[i].hash);
}
