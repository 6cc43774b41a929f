/* Carries what the user wants to those who can do it: actions on nodes to the launcher's control socket,
 * tasks to the leader. Never waits; outcomes show in the status line and among the events. One thread. */
#ifndef HIVETOP_COURIER_H
#define HIVETOP_COURIER_H

#include "action.h"
#include "hive/http_client.h"
#include "model.h"
#include "poller.h"
#include "source.h"
#include "ui.h"

#define COURIER_AT_ONCE 16 /* what one person can set off before the first of it is done */

struct parcel;

struct courier {
    struct hive_http_client *client; /* not owned, as the next four */
    const struct source *source;
    struct model *model;
    struct ui *ui;
    struct poller *poller;
    struct parcel *parcels; /* owned: COURIER_AT_ONCE */
};

void courier_init(struct courier *courier, struct hive_http_client *client, const struct source *source,
                  struct model *model, struct ui *ui, struct poller *poller);

/* After the client was destroyed. */
void courier_finish(struct courier *courier);

void courier_act(struct courier *courier, const struct action *action);

/* `text` in UTF-8. */
void courier_submit(struct courier *courier, const char *text);

#endif
