/* A run as a film: see trace.c for the format. Everything here does nothing where the world has no trace. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include "sim/world.h"

struct packet;

struct trace *trace_open(const char *path, bool with_messages);
void trace_close(struct trace *trace);

void trace_header(struct world *world);
void trace_step(struct node *node); /* if anything that is shown has changed */
void trace_event(struct world *world, const struct node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void trace_fault(struct world *world, size_t number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void trace_transition(struct node *node, const struct raft_transition *transition);
void trace_configuration(struct node *node, const struct raft_configuration *configuration);
void trace_message(struct world *world, const struct packet *packet, const char *what);
void trace_end(struct world *world, const char *outcome);

#endif
