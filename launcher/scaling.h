/* Orders that change who is in the cluster: add, remove, and wipe (which makes a queen another member). */
#ifndef LAUNCHER_SCALING_H
#define LAUNCHER_SCALING_H

#include "errand.h"

void scaling_advance(struct supervisor *supervisor, struct errand *errand, int64_t now_ms);
void scaling_settle(struct supervisor *supervisor, struct errand *errand, int64_t now_ms);

#endif
