/* Transcripts: scripts for a group of consensus cores, with everything that the cores do written down below each command. A
 * transcript is a text file of blocks:
 *
 *     # comments
 *     command arguments
 *     command arguments
 *     ----
 *     what happened, line by line
 *                          (an empty line ends the block)
 *
 * Playing one runs its commands again and writes the same file anew; it passes where nothing differs. The commands are listed in
 * transcript.c, beside their functions. */
#ifndef LIB_TRANSCRIPT_H
#define LIB_TRANSCRIPT_H

#include "hive/buffer.h"
#include "lib/raft_network.h"

/* Plays `script` and appends it to `played`, with what happens now. Fails the running test where a command makes no sense. */
void transcript_play(const char *script, struct hive_buffer *played);

/* transcript_print.c: one step of one node in words, as indented lines; nothing where nothing is to be seen. */
void transcript_print_step(struct hive_buffer *out, raft_id id, const struct raft_event *event,
                           const struct raft_update *update, raft_index commit_before);
const char *transcript_message_name(enum raft_message_type type);
void transcript_print_message(struct hive_buffer *out, const struct raft_message *message);

#endif
