/* What one watcher is sent, and in which order: server-sent events, put together from the changes of keys and,
 * where those have been forgotten, from a listing that is read page by page while changes go on. No thread, clock or
 * socket: a feed is used by one thread at a time. */
#ifndef HTTP_WATCH_FEED_H
#define HTTP_WATCH_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hive/buffer.h"
#include "queen/watch.h"

/* What the feed needs to go on. */
enum watch_feed_need {
    WATCH_FEED_EVENTS, /* watch_feed_take */
    WATCH_FEED_PAGE,   /* a page of the listing, of the keys behind `cursor` */
};

struct watch_feed {
    enum watch_feed_need need;
    uint64_t after; /* the client knows everything up to here; while listing: of the keys up to `cursor` */
    bool is_listing;
    struct hive_buffer cursor; /* listing: the last key that was sent; empty: none yet */
    /* A page that must wait until the keys before it were brought to its index. */
    bool has_page, is_last_page;
    uint64_t page_index;
    struct hive_buffer page, page_cursor;
    struct hive_buffer text; /* for the client */
};

/* A new watch, of all that happens behind `index`; one that goes on behind an event; one that begins with a
 * listing. */
void watch_feed_start(struct watch_feed *feed, uint64_t index);
void watch_feed_resume(struct watch_feed *feed, uint64_t after);
void watch_feed_list(struct watch_feed *feed);
void watch_feed_finish(struct watch_feed *feed);

/* For need EVENTS: takes what the hub has for `watcher`, or some of it. False: there is nothing more now, and the watcher
 * is woken when there is (or there is text enough already). Where the hub has forgotten what would come, everything is listed anew. */
bool watch_feed_take(struct watch_feed *feed, struct watch_hub *hub, struct watcher *watcher);

/* For need PAGE: one entry after the other, in byte order of the keys and behind `cursor`, until this returns false
 * (that one was taken, too), as the machine was at `index`. */
bool watch_feed_entry(struct watch_feed *feed, const struct machine_kv *entry);
void watch_feed_page_end(struct watch_feed *feed, uint64_t index, bool is_last);

/* Nothing has happened for a while: a sign of life, with the place from which to go on. */
void watch_feed_alive(struct watch_feed *feed);

#endif
