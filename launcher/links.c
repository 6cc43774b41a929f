/* The launcher keeps the rules, because nodes forget theirs with each restart, and because names stay while addresses
 * and processes come and go. */
#include "links.h"

#include "hive/json.h"
#include "hive/memory.h"

void links_finish(struct links *links)
{
    free(links->items);
    *links = (struct links){0};
}

static bool is_between(const struct link *link, const char *from, const char *to)
{
    return (!from || strcmp(link->from, from) == 0) && (!to || strcmp(link->to, to) == 0);
}

const struct link *links_find(const struct links *links, const char *from, const char *to)
{
    for (size_t i = 0; i < links->count; i++)
        if (is_between(&links->items[i], from, to))
            return &links->items[i];
    return NULL;
}

bool links_heal(struct links *links, const char *from, const char *to)
{
    size_t kept = 0;
    for (size_t i = 0; i < links->count; i++)
        if (!is_between(&links->items[i], from, to))
            links->items[kept++] = links->items[i];
    bool was_there = kept < links->count;
    links->count = kept;
    return was_there;
}

bool links_change(struct links *links, const char *from, const char *to, const struct link_change *change)
{
    struct link *link = (struct link *)links_find(links, from, to);
    if (!link) {
        if (links->count == LINKS_MAX)
            return false;
        links->items = hive_realloc(links->items, links->count + 1, sizeof *links->items);
        link = &links->items[links->count++];
        *link = (struct link){0};
        snprintf(link->from, sizeof link->from, "%s", from);
        snprintf(link->to, sizeof link->to, "%s", to);
    }
    if (change->kind == LINK_CUT) {
        link->is_cut = true;
    } else if (change->kind == LINK_DELAY) {
        link->delay_ms = change->delay_ms;
        link->jitter_ms = change->jitter_ms;
    } else {
        link->loss_percent = change->loss_percent;
    }
    if (!link->is_cut && !link->delay_ms && !link->jitter_ms && link->loss_percent <= 0)
        links_heal(links, from, to);
    return true;
}

void links_append_faults(struct hive_buffer *json, const struct links *links,
                         const struct hive_ledger *ledger, const char *from)
{
    const char *comma = "";
    hive_buffer_append_text(json, "{\"rules\":[");
    for (size_t i = 0; i < links->count; i++) {
        const struct link *link = &links->items[i];
        const struct hive_ledger_node *to = hive_ledger_node(ledger, link->to);
        if (strcmp(link->from, from) != 0 || !to)
            continue;
        hive_buffer_format(json, "%s{\"to\":", comma);
        hive_json_append_string(json, to->address, strlen(to->address));
        hive_buffer_format(json, ",\"cut\":%s,\"delay_ms\":%lld,\"jitter_ms\":%lld,\"loss_percent\":%g}",
                           link->is_cut ? "true" : "false", (long long)link->delay_ms,
                           (long long)link->jitter_ms, link->loss_percent);
        comma = ",";
    }
    hive_buffer_append_text(json, "]}");
}
