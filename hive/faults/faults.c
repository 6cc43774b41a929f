/* The table of rules: replaced as a whole now and then, asked for each message. */
#include "faults/faults.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "faults/rules.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "hive/random.h"

/* Losses are counted in millionths. */
#define WHOLE       1000000
#define ONE_PERCENT (WHOLE / 100)

#define RESENT_AFTER_MS 200 /* Linux's least retransmission timeout */
#define RESENT_MAX_MS   60000

struct faults {
    char header[sizeof FAULTS_NODE_HEADER ": " + HIVE_ADDRESS_BYTES];
    bool is_enabled;
    atomic_bool has_rules;
    pthread_mutex_t mutex;    /* guards: */
    struct hive_fault *rules; /* in byte order of the addresses */
    size_t count;
};

struct faults *faults_create(const char *address, bool is_enabled)
{
    struct faults *faults = hive_calloc(1, sizeof *faults);
    snprintf(faults->header, sizeof faults->header, FAULTS_NODE_HEADER ": %s", address);
    faults->is_enabled = is_enabled;
    pthread_mutex_init(&faults->mutex, NULL);
    return faults;
}

void faults_destroy(struct faults *faults)
{
    if (!faults)
        return;
    pthread_mutex_destroy(&faults->mutex);
    free(faults->rules);
    free(faults);
}

bool faults_is_enabled(const struct faults *faults)
{
    return faults && faults->is_enabled;
}

int faults_set(struct faults *faults, const char *json, size_t bytes, struct hive_error *error)
{
    struct hive_fault *rules;
    size_t count;
    if (!faults_is_enabled(faults))
        return hive_error_set(error, -EINVAL, "faults are not enabled here");
    int code = rules_parse(json, bytes, &rules, &count, error);
    if (code)
        return code;
    pthread_mutex_lock(&faults->mutex);
    struct hive_fault *old = faults->rules;
    bool is_new = count != faults->count || (count > 0 && memcmp(old, rules, count * sizeof *rules) != 0);
    faults->rules = rules;
    faults->count = count;
    faults->has_rules = count > 0;
    pthread_mutex_unlock(&faults->mutex);
    free(old);
    if (is_new) /* whoever pushes rules may do so time after time */
        hive_log_info("faults changed", LOG_N("rules", count));
    return 0;
}

void faults_append(struct faults *faults, struct hive_buffer *json)
{
    if (!faults) {
        hive_buffer_append_text(json, "[]");
        return;
    }
    pthread_mutex_lock(&faults->mutex);
    rules_append(faults->rules, faults->count, json);
    pthread_mutex_unlock(&faults->mutex);
}

static int compare_address(const void *key, const void *element)
{
    return strcmp(key, ((const struct hive_fault *)element)->to);
}

/* A copy of the rule for `to`; one that does nothing where there is none. */
static struct hive_fault find(struct faults *faults, const char *to)
{
    struct hive_fault found = {0};
    pthread_mutex_lock(&faults->mutex);
    const struct hive_fault *rule =
        faults->count ? bsearch(to, faults->rules, faults->count, sizeof *faults->rules, compare_address)
                      : NULL;
    if (rule)
        found = *rule;
    pthread_mutex_unlock(&faults->mutex);
    return found;
}

/* What nodes say to each other goes over TCP, which does not lose a message where a packet is lost: it sends that again after a while,
 * and after twice as long each further time (RFC 6298, section 5.5). So a lossy link is a slow one. Beyond RESENT_MAX_MS nobody waits any more. */
static int64_t lateness_ms(double loss_percent)
{
    int64_t late_ms = 0, wait_ms = RESENT_AFTER_MS;
    while (loss_percent > 0 && (double)hive_random_below(WHOLE) < loss_percent * ONE_PERCENT) {
        late_ms += wait_ms;
        wait_ms *= 2;
        if (late_ms > RESENT_MAX_MS)
            return FAULTS_LOST;
    }
    return late_ms;
}

int64_t faults_judge(struct faults *faults, const char *to)
{
    if (!faults || !faults->has_rules)
        return 0;
    struct hive_fault rule = find(faults, to);
    if (rule.cut)
        return FAULTS_LOST;
    int64_t late_ms = lateness_ms(rule.loss_percent);
    if (late_ms == FAULTS_LOST)
        return FAULTS_LOST;
    int64_t delay_ms = rule.delay_ms + late_ms;
    if (rule.jitter_ms > 0)
        delay_ms += (int64_t)hive_random_below((uint64_t)rule.jitter_ms * 2 + 1) - rule.jitter_ms;
    return delay_ms > 0 ? delay_ms : 0;
}

void faults_send(struct faults *faults, struct hive_http_client *client,
                 const struct hive_http_request *request, const char *to, hive_http_done *done, void *context)
{
    if (!faults) {
        hive_http_client_start(client, request, done, context);
        return;
    }
    size_t count = 0;
    while (request->headers && request->headers[count])
        count++;
    const char **headers = hive_calloc(count + 2, sizeof *headers);
    if (count)
        memcpy(headers, request->headers, count * sizeof *headers);
    headers[count] = faults->header;
    struct hive_http_request sent = *request;
    sent.headers = headers;
    sent.delay_ms = faults_judge(faults, to);
    hive_http_client_start(client, &sent, done, context);
    free(headers);
}
