/* The parts of a running dashboard, put together, and the two ways to run it. One thread. */
#ifndef HIVETOP_APP_H
#define HIVETOP_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "courier.h"
#include "hive/http_client.h"
#include "hive/options.h"
#include "logs.h"
#include "model.h"
#include "poller.h"
#include "record.h"
#include "rewind.h"
#include "source.h"
#include "tasks.h"
#include "ui.h"

struct app {
    struct hive_http_client *client;
    struct model model;
    struct source source;
    struct poller poller;
    struct courier courier;
    struct logs logs, tail;
    struct tasks tasks;
    struct ui ui;
    struct rewind rewind;  /* which moment is shown */
    struct record *record; /* owned; NULL: nothing is recorded */
    int64_t flushed_ms;    /* when what was recorded went to the file last */
    struct config config;
};

struct app_options {
    struct hive_strings connect;
    const char *cluster;  /* NULL: the one that runs */
    const char *interval; /* as it was given; NULL: the default */
    int64_t count;        /* frames; 0: no end (a print-out: one) */
    int64_t timeout_ms;   /* of a print-out, for a leader to be known */
    bool is_once, is_json;
    bool is_readonly;
    bool has_no_mouse;
    const char *record, *replay; /* files; NULL: none */
    const char *speed;           /* of the replay, as it was given; NULL: as it was */
    double speed_factor;
    int64_t at_ms;      /* of the replay: where to begin; -1: not given */
    const char *config; /* a file; NULL: the usual one */
    bool has_no_config;
};

/* Finds the cluster, or opens the recording. 0, or a negative errno and a message. */
int app_open(struct app *app, const struct app_options *options, int64_t interval_ms,
             struct hive_error *error);

/* 0, or what went wrong with the recording at its end. */
int app_close(struct app *app, struct hive_error *error);

/* Watches another cluster of this machine from now on; where it cannot, says why and goes on with this one. */
void app_switch(struct app *app, const char *cluster);

/* Begins what is due; returns how long to wait for answers, in milliseconds. */
int app_turn(struct app *app);

/* On the screen, until the user leaves it. Returns an exit status. */
int app_run_live(struct app *app, const struct app_options *options, struct hive_error *error);

/* On standard output, as text or JSON. Returns an exit status. */
int app_run_print(struct app *app, const struct app_options *options, struct hive_error *error);

#endif
