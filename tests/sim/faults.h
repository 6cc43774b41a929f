/* The nemesis: a schedule of faults that the seed generates up front, each with a number, so that any of them can be left out. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "sim/world.h"

#define SIM_MOST_FAULTS 512 /* of one run */

/* Draws the schedule, and puts those under way that are kept (all where `kept` is NULL). */
struct faults *faults_create(struct world *world, const bool *kept, size_t kept_count);
void faults_destroy(struct faults *faults);
size_t faults_count(const struct faults *faults);

/* A node's process ends, for whatever reason; it will be started again. */
void faults_crashed(struct node *node, enum crash_kind kind);

/* All is well from now on. */
void faults_heal(struct world *world);

#endif
