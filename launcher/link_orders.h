/* Orders about links: cut, delay, lose, heal, and what there is. */
#ifndef LAUNCHER_LINK_ORDERS_H
#define LAUNCHER_LINK_ORDERS_H

#include "errand.h"

void link_orders_advance(struct supervisor *supervisor, struct errand *errand);
void link_orders_settle(struct supervisor *supervisor, struct errand *errand, int64_t now_ms);

#endif
