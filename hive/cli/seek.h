/* Finding a queen again and again, for verbs that hold on to one for long. */
#ifndef CLI_SEEK_H
#define CLI_SEEK_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/cli.h"

struct cli_seek {
    char (*addresses)[HIVE_ADDRESS_BYTES]; /* owned: of the target, and those that queens told of */
    size_t count;
    size_t turn;       /* where the next round begins to choose */
    char reason[256];  /* why the last round found nobody */
    const char *token; /* or NULL */
};

void cli_seek_begin(struct cli_seek *seek, const struct cli *cli);
void cli_seek_finish(struct cli_seek *seek);

/* From here on Ctrl-C and SIGTERM end nothing by themselves: the descriptor that is returned is readable once one has
 * come. The caller closes it. */
int cli_open_signals(void);

enum cli_wish {
    CLI_WISH_LEADER, /* the leader */
    CLI_WISH_LED,    /* any that knows a leader: what she has is of now */
    CLI_WISH_ANY,
};

/* Asks all queens that are known for their health, within a second, and chooses one: not the same as before where
 * there are several. False where there is none. */
bool cli_seek_round(struct cli_seek *seek, enum cli_wish wish, char address[HIVE_ADDRESS_BYTES]);

#endif
