/* The way back into a model for what was kept. */
#include "feed.h"

#include "model.h"

void feed_apply(struct model *model, const struct feed *feed)
{
    switch (feed->kind) {
    case FEED_HEALTH:
        model_take_health(model, feed->node, feed->health, feed->round_trip_us);
        break;
    case FEED_FAILURE:
        model_take_failure(model, feed->node, feed->error_number, feed->text);
        break;
    case FEED_STOPPED:
        model_take_stopped(model, feed->node, feed->flag);
        break;
    case FEED_LEDGER:
        model_take_ledger(model, feed->ledger);
        break;
    case FEED_LAUNCHER:
        model_take_launcher(model, feed->flag);
        break;
    case FEED_NODE:
        model_add(model, feed->role, feed->text);
        break;
    case FEED_ACTION:
        model_take_action(model, feed->action);
        break;
    case FEED_ACTION_DONE:
        model_take_action_done(model, feed->action);
        break;
    case FEED_ACTION_FAILED:
        model_take_action_failed(model, feed->action, feed->text);
        break;
    case FEED_EVENT:
        model_take_event(model, feed->level, "%s", feed->text);
        break;
    case FEED_KINDS:
        break;
    }
}
