/* Which moment is shown: now, or one of the past, standing still or moving. What there is to see comes from the history or,
 * where a recording is played, from its file. Pure but for the file; one thread. */
#ifndef HIVETOP_REWIND_H
#define HIVETOP_REWIND_H

#include <stdbool.h>
#include <stdint.h>

#include "history.h"
#include "model.h"
#include "replay.h"
#include "ui.h"

#define REWIND_ELECTION_MS                                                                                   \
    1000 /* so long after its beginning an election is looked at: it was noticed by then */
#define REWIND_REPEAT_MS 700 /* a key that comes again so soon is held: the steps grow */
#define REWIND_FRAME_MS  100 /* between two frames while time runs */
#define REWIND_SPEED_MIN (1.0 / 16)
#define REWIND_SPEED_MAX 64.0

struct rewind {
    const struct model *live; /* not owned */
    struct history history;
    struct replay *replay; /* owned; NULL: nothing is played */
    struct history_cursor cursor;
    const struct model *shown; /* a past one; NULL: the live one */

    bool is_past;    /* the rest is valid */
    bool is_running; /* time goes on there */
    bool was_moved;  /* somebody went to where it is, rather than just froze the picture */
    double speed;
    int64_t at_ms;      /* what is shown, in the model's time */
    double rest_ms;     /* of a slow replay: less than a millisecond */
    int64_t turned_ms;  /* monotonic: when time went on last */
    int64_t pressed_ms; /* the last step, and how many came in a row */
    enum seek_kind pressed;
    int presses;
    int64_t election_ms;    /* unix: the election that was gone to last */
    int64_t election_at_ms; /* and the moment that was shown of it */
};

/* With a replay (which it takes): its beginning is shown, and runs. Without: the live model. */
void rewind_init(struct rewind *rewind, const struct model *live, struct replay *replay);
void rewind_finish(struct rewind *rewind);

/* The live model is of another cluster now, or has just been filled. */
void rewind_begin(struct rewind *rewind, struct ui *ui);

/* What is to be drawn. */
const struct model *rewind_model(const struct rewind *rewind);

/* A key: goes there, sets what the interface shows of it, and says where it cannot. */
void rewind_seek(struct rewind *rewind, struct ui *ui, enum seek_kind kind, int64_t now_ms);

/* To that moment, in the model's time. */
void rewind_go(struct rewind *rewind, struct ui *ui, int64_t at_ms);

/* Of a replay: by a factor of two. */
void rewind_change_speed(struct rewind *rewind, struct ui *ui, bool is_faster);

/* Lets time pass. True: there is something new to show. `*wait_ms` (lowered, where need be) is when to call again. */
bool rewind_turn(struct rewind *rewind, struct ui *ui, int64_t now_ms, int *wait_ms);

#endif
