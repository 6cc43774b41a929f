/* How a listing is consistent although it is read page by page, with writes between the pages.
 *
 * One rule holds all the time: of the keys up to `cursor`, the client has been told everything up to the index
 * `after`, and of the others nothing. A page extends the first part, but it was read later, at `page_index`. So
 * before its entries are sent, the part that is known already is brought to that index, too: by the changes in
 * between, of keys up to `cursor` only; those of later keys are in the pages to come. Behind the last page the
 * rule says: everything up to `after`, and that is the id of `listed`. No id is sent before, because a client
 * could not go on from there: it would know some keys only.
 *
 * No index needs to be kept for each page, and a listing that takes long needs no more of the ring of changes
 * than what happens while one page is sent. */
#include "http/watch_feed.h"

#include <errno.h>
#include <inttypes.h>

#include "http/answer.h"

/* The text that is put together at a time, at least one event. */
#define TEXT_BYTES (64 * 1024)
/* A page is made on the consensus thread: it is small. */
#define PAGE_BYTES (128 * 1024)

void watch_feed_start(struct watch_feed *feed, uint64_t index)
{
    *feed = (struct watch_feed){.need = WATCH_FEED_EVENTS, .after = index};
    hive_buffer_format(&feed->text, "event: start\nid: %" PRIu64 "\ndata: {\"index\":%" PRIu64 "}\n\n", index,
                       index);
}

void watch_feed_resume(struct watch_feed *feed, uint64_t after)
{
    *feed = (struct watch_feed){.need = WATCH_FEED_EVENTS, .after = after};
    hive_buffer_append_text(&feed->text,
                            ": going on\n\n"); /* proxies and clients see that somebody is there */
}

void watch_feed_list(struct watch_feed *feed)
{
    *feed = (struct watch_feed){.need = WATCH_FEED_PAGE, .is_listing = true};
}

void watch_feed_finish(struct watch_feed *feed)
{
    hive_buffer_finish(&feed->cursor);
    hive_buffer_finish(&feed->page);
    hive_buffer_finish(&feed->page_cursor);
    hive_buffer_finish(&feed->text);
}

/* Whether `key` comes before or is the last key that was sent. */
static bool is_listed(const struct watch_feed *feed, struct machine_bytes key)
{
    size_t shorter = key.size < feed->cursor.size ? key.size : feed->cursor.size;
    int order = shorter ? memcmp(key.data, feed->cursor.data, shorter) : 0;
    return order < 0 || (order == 0 && key.size <= feed->cursor.size);
}

/* Takes one that the hub gave; false: not now (enough text is there, or it comes after the page that waits). */
static bool add_event(const struct watch_event *event, void *context)
{
    struct watch_feed *feed = context;
    if (feed->is_listing && event->index > feed->page_index)
        return false;
    if (feed->is_listing && !is_listed(feed, event->key))
        return true;
    if (feed->text.size >= TEXT_BYTES)
        return false;
    struct hive_buffer *text = &feed->text;
    hive_buffer_format(text, "event: %s\n", event->type == WATCH_PUT ? "put" : "delete");
    if (!feed->is_listing)
        hive_buffer_format(text, "id: %" PRIu64 "\n", event->index);
    hive_buffer_append_text(text, "data: {");
    answer_append_bytes(text, "key", event->key);
    if (event->type == WATCH_PUT) {
        hive_buffer_append_text(text, ",");
        answer_append_bytes(text, "value", event->value);
    }
    hive_buffer_format(text, ",\"index\":%" PRIu64, event->index);
    if (event->type == WATCH_PUT)
        hive_buffer_append_text(text, event->created ? ",\"created\":true" : ",\"created\":false");
    hive_buffer_append_text(text, "}\n\n");
    return true;
}

/* The keys before the page are as of its index: sends the page. */
static void send_page(struct watch_feed *feed)
{
    hive_buffer_append(&feed->text, feed->page.data, feed->page.size);
    hive_buffer_finish(&feed->page);
    hive_buffer_finish(&feed->cursor);
    feed->cursor = feed->page_cursor;
    feed->page_cursor = (struct hive_buffer){0};
    feed->after = feed->page_index;
    feed->has_page = false;
    feed->need = WATCH_FEED_PAGE;
    if (!feed->is_last_page)
        return;
    feed->need = WATCH_FEED_EVENTS;
    feed->is_listing = false;
    hive_buffer_finish(&feed->cursor);
    hive_buffer_format(&feed->text, "event: listed\nid: %" PRIu64 "\ndata: {\"index\":%" PRIu64 "}\n\n",
                       feed->after, feed->after);
}

static void list_anew(struct watch_feed *feed, uint64_t oldest)
{
    struct hive_buffer text = feed->text;
    feed->text = (struct hive_buffer){0};
    watch_feed_finish(feed);
    watch_feed_list(feed);
    feed->text = text;
    hive_buffer_format(&feed->text, "event: too-old\ndata: {\"oldest\":%" PRIu64 "}\n\n", oldest);
}

bool watch_feed_take(struct watch_feed *feed, struct watch_hub *hub, struct watcher *watcher)
{
    uint64_t before = feed->after, seen;
    int result = watch_hub_read(hub, watcher, before, add_event, feed, &seen);
    if (result == -EAGAIN)
        return false;
    if (result == -ESTALE) {
        list_anew(feed, seen);
        return true;
    }
    feed->after = seen;
    if (feed->has_page && seen >= feed->page_index)
        send_page(feed);
    else if (feed->has_page && seen == before)
        /* The hub has not been told of the page's index yet: the watcher is woken when it has. */
        return watch_hub_read(hub, watcher, feed->page_index, add_event, feed, &seen) != -EAGAIN;
    return feed->after != before;
}

bool watch_feed_entry(struct watch_feed *feed, const struct machine_kv *entry)
{
    struct hive_buffer *page = &feed->page;
    hive_buffer_append_text(page, "event: entry\ndata: {");
    answer_append_bytes(page, "key", entry->key);
    hive_buffer_append_text(page, ",");
    answer_append_bytes(page, "value", entry->value);
    hive_buffer_format(page, ",\"index\":%" PRIu64 ",\"version\":%" PRIu64 "}\n\n", entry->modified_index,
                       entry->version);
    hive_buffer_clear(&feed->page_cursor);
    hive_buffer_append(&feed->page_cursor, entry->key.data, entry->key.size);
    return page->size < PAGE_BYTES;
}

void watch_feed_page_end(struct watch_feed *feed, uint64_t index, bool is_last)
{
    feed->has_page = true;
    feed->page_index = index;
    feed->is_last_page = is_last;
    feed->need = WATCH_FEED_EVENTS;
    if (!feed->cursor.size || feed->after >= index)
        send_page(feed);
}

void watch_feed_alive(struct watch_feed *feed)
{
    hive_buffer_append_text(&feed->text, ": alive\n");
    if (!feed->is_listing)
        hive_buffer_format(&feed->text, "id: %" PRIu64 "\n", feed->after);
    hive_buffer_append_text(&feed->text, "\n");
}
