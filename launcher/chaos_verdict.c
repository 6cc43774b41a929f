/* The judgement: each key's history, whether what was acknowledged is still there, and what the queens themselves told. */
#include "chaos_verdict.h"

#include <inttypes.h>

#include "hive/linearizable.h"
#include "hive/memory.h"

#define FINDINGS_BYTES 8192 /* enough to begin with */

static bool is_write(const struct hive_history_op *op)
{
    return op->type == HIVE_HISTORY_PUT || op->type == HIVE_HISTORY_DELETE;
}

static bool is_change(const struct hive_history_op *op, unsigned key)
{
    return op->key == key && is_write(op) && op->outcome == HIVE_HISTORY_DONE &&
           op->status == HIVE_HISTORY_OK;
}

static void count(struct chaos_verdict *verdict, const struct hive_history *history)
{
    for (uint64_t number = 1; number <= history->count; number++) {
        const struct hive_history_op *op = &history->ops[number];
        if (!is_write(op)) {
            *(op->outcome == HIVE_HISTORY_DONE ? &verdict->reads : &verdict->reads_failed) += 1;
        } else if (op->outcome == HIVE_HISTORY_UNKNOWN) {
            verdict->unknown++;
        } else if (op->outcome == HIVE_HISTORY_REFUSED) {
            verdict->refused++;
        } else {
            *(op->status == HIVE_HISTORY_OK ? &verdict->acknowledged : &verdict->declined) += 1;
        }
    }
}

static int compare_times(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

/* The longest time between two answers to writes. */
static int64_t longest_silence_ms(const struct hive_history *history)
{
    int64_t *times_us = hive_calloc(history->count + 1, sizeof *times_us), longest_us = 0;
    size_t count = 0;
    for (uint64_t number = 1; number <= history->count; number++)
        if (is_change(&history->ops[number], history->ops[number].key))
            times_us[count++] = history->ops[number].returned_us;
    qsort(times_us, count, sizeof *times_us, compare_times);
    for (size_t i = 1; i < count; i++)
        if (times_us[i] - times_us[i - 1] > longest_us)
            longest_us = times_us[i] - times_us[i - 1];
    free(times_us);
    return longest_us / 1000;
}

/* The last read of the key that was answered, or NULL. */
static const struct hive_history_op *last_read(const struct hive_history *history, unsigned key)
{
    for (uint64_t number = history->count; number > 0; number--) {
        const struct hive_history_op *op = &history->ops[number];
        if (op->key == key && op->type == HIVE_HISTORY_READ && op->outcome == HIVE_HISTORY_DONE)
            return op;
    }
    return NULL;
}

/* Acknowledged writes of this key that the last read ought to know, and does not. */
static size_t count_lost(const struct hive_history *history, unsigned key)
{
    const struct hive_history_op *read = last_read(history, key);
    uint64_t known = 0;
    size_t lost = 0;
    if (!read)
        return 0;
    bool is_gone = read->status == HIVE_HISTORY_NOT_FOUND;
    for (uint64_t number = 1; number <= history->count && is_gone; number++) {
        const struct hive_history_op *op = &history->ops[number];
        if (op->key == key && op->type == HIVE_HISTORY_DELETE && op->outcome == HIVE_HISTORY_UNKNOWN)
            return 0; /* that one may have taken it away: the history tells whether it can have */
        if (is_change(op, key) && op->type == HIVE_HISTORY_DELETE && op->index > known)
            known = op->index;
    }
    if (!is_gone)
        known = read->index;
    for (uint64_t number = 1; number <= history->count; number++) {
        const struct hive_history_op *op = &history->ops[number];
        lost += is_change(op, key) && op->index > known && op->returned < read->invoked;
    }
    return lost;
}

static void judge_key(struct chaos_verdict *verdict, const struct hive_history *history, unsigned key)
{
    struct hive_buffer why = {0};
    size_t lost = count_lost(history, key);
    enum hive_linearizable_verdict linearizable = hive_linearizable_check(history, key, &why);
    verdict->lost += lost;
    verdict->keys_wrong += linearizable == HIVE_LINEARIZABLE_NO;
    verdict->keys_undecided += linearizable == HIVE_LINEARIZABLE_UNDECIDED;
    if (verdict->findings.size < FINDINGS_BYTES) {
        if (lost)
            hive_buffer_format(&verdict->findings, "key %u: %zu acknowledged write%s not there any more\n",
                               key, lost, lost == 1 ? " is" : "s are");
        if (linearizable != HIVE_LINEARIZABLE_YES)
            hive_buffer_append(&verdict->findings, why.data, why.size);
    }
    hive_buffer_finish(&why);
}

void chaos_verdict_make(struct chaos_verdict *verdict, const struct chaos_evidence *evidence)
{
    *verdict = (struct chaos_verdict){.keys = evidence->keys};
    count(verdict, evidence->history);
    verdict->longest_ms = longest_silence_ms(evidence->history);
    for (unsigned key = 0; key < evidence->keys; key++)
        judge_key(verdict, evidence->history, key);
    if (evidence->sight->difference.size)
        hive_buffer_format(&verdict->findings, "%s\n", evidence->sight->difference.data);
    if (!evidence->has_recovered)
        hive_buffer_format(&verdict->findings, "the cluster did not recover: %s\n", evidence->trouble);
    if (verdict->findings.size && !verdict->keys_wrong && !verdict->lost &&
        !evidence->sight->difference.size && evidence->has_recovered)
        verdict->status = HIVE_EXIT_UNKNOWN;
    else
        verdict->status = verdict->findings.size ? HIVE_EXIT_FAILED : HIVE_EXIT_OK;
}

void chaos_verdict_finish(struct chaos_verdict *verdict)
{
    hive_buffer_finish(&verdict->findings);
}

/* ---- telling ---- */

static const char *headline(const struct chaos_verdict *verdict)
{
    return verdict->status == HIVE_EXIT_OK       ? "all is well"
           : verdict->status == HIVE_EXIT_FAILED ? "SOMETHING IS WRONG"
                                                 : "it cannot be decided";
}

static void describe_faults(const struct chaos_course *course, struct hive_buffer *text)
{
    size_t all = 0;
    for (int kind = 0; kind < CHAOS_KINDS; kind++)
        all += course->faults[kind];
    hive_buffer_format(text, "  faults      %zu", all);
    for (int kind = 0; kind < CHAOS_KINDS; kind++)
        if (course->faults[kind])
            hive_buffer_format(text, "%s %s %zu", (all ? ":" : ","), chaos_kind_names[kind],
                               course->faults[kind]),
                all = 0;
    if (course->skipped)
        hive_buffer_format(text, " (%zu left out: not at that moment)", course->skipped);
}

void chaos_verdict_describe(const struct chaos_verdict *verdict, const struct chaos_evidence *evidence,
                            const struct chaos_course *course, struct hive_buffer *text)
{
    const struct chaos_sight *sight = evidence->sight;
    hive_buffer_format(text, "\n%s\n", headline(verdict));
    describe_faults(course, text);
    hive_buffer_format(text, "\n  elections   %zu, terms %" PRIu64 " to %" PRIu64 "\n", sight->elections,
                       sight->first_term, sight->last_term);
    hive_buffer_format(
        text, "  leaderless  %zu time%s: p50 %" PRId64 " ms, longest %" PRId64 " ms, in all %.1f of %.1f s\n",
        sight->gaps.count, sight->gaps.count == 1 ? "" : "s", sight->gaps.p50_ms, sight->gaps.max_ms,
        (double)sight->gaps.total_ms / 1000, (double)course->ran_ms / 1000);
    hive_buffer_format(
        text,
        "  writes      %zu acknowledged, %zu unknown, %zu refused, %zu without effect; %zu lost\n"
        "  patience    at most %.1f s without an acknowledged write\n",
        verdict->acknowledged, verdict->unknown, verdict->refused, verdict->declined, verdict->lost,
        (double)verdict->longest_ms / 1000);
    hive_buffer_format(text, "  reads       %zu, and %zu without an answer\n", verdict->reads,
                       verdict->reads_failed);
    hive_buffer_format(text, "  history     %s (%u keys)\n",
                       verdict->keys_wrong       ? "NOT LINEARIZABLE"
                       : verdict->keys_undecided ? "too much to be decided"
                                                 : "linearizable",
                       verdict->keys);
    if (sight->digests_compared)
        hive_buffer_format(text, "  logs        %s (%zu digests compared)\n",
                           sight->difference.size ? "DIFFERENT" : "equal", sight->digests_compared);
    if (evidence->has_recovered)
        hive_buffer_format(text, "  recovery    %.1f s: all queens vote and agree, every key was read\n",
                           (double)evidence->recovered_ms / 1000);
    hive_buffer_append(text, verdict->findings.data, verdict->findings.size);
}

static void add_numbers(cJSON *json, const struct chaos_verdict *verdict, const struct chaos_sight *sight)
{
    cJSON_AddNumberToObject(json, "elections", (double)sight->elections);
    cJSON *terms = cJSON_AddObjectToObject(json, "terms");
    cJSON_AddNumberToObject(terms, "first", (double)sight->first_term);
    cJSON_AddNumberToObject(terms, "last", (double)sight->last_term);
    cJSON *gaps = cJSON_AddObjectToObject(json, "leaderless");
    cJSON_AddNumberToObject(gaps, "count", (double)sight->gaps.count);
    cJSON_AddNumberToObject(gaps, "p50_ms", (double)sight->gaps.p50_ms);
    cJSON_AddNumberToObject(gaps, "max_ms", (double)sight->gaps.max_ms);
    cJSON_AddNumberToObject(gaps, "total_ms", (double)sight->gaps.total_ms);
    cJSON *writes = cJSON_AddObjectToObject(json, "writes");
    cJSON_AddNumberToObject(writes, "acknowledged", (double)verdict->acknowledged);
    cJSON_AddNumberToObject(writes, "unknown", (double)verdict->unknown);
    cJSON_AddNumberToObject(writes, "refused", (double)verdict->refused);
    cJSON_AddNumberToObject(writes, "without_effect", (double)verdict->declined);
    cJSON_AddNumberToObject(writes, "longest_silence_ms", (double)verdict->longest_ms);
    cJSON_AddNumberToObject(writes, "lost", (double)verdict->lost);
    cJSON *reads = cJSON_AddObjectToObject(json, "reads");
    cJSON_AddNumberToObject(reads, "answered", (double)verdict->reads);
    cJSON_AddNumberToObject(reads, "failed", (double)verdict->reads_failed);
    cJSON_AddNumberToObject(json, "keys", verdict->keys);
    if (verdict->keys_undecided && !verdict->keys_wrong)
        cJSON_AddNullToObject(json, "linearizable");
    else
        cJSON_AddBoolToObject(json, "linearizable", verdict->keys_wrong == 0);
    if (sight->digests_compared)
        cJSON_AddBoolToObject(json, "logs_equal", !sight->difference.size);
    else
        cJSON_AddNullToObject(json, "logs_equal");
}

cJSON *chaos_verdict_json(const struct chaos_verdict *verdict, const struct chaos_evidence *evidence,
                          const struct chaos_course *course)
{
    cJSON *json = cJSON_CreateObject();
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, course->seed);
    cJSON_AddStringToObject(json, "cluster", course->cluster);
    cJSON_AddRawToObject(json, "seed", seed);
    cJSON_AddNumberToObject(json, "ran_ms", (double)course->ran_ms);
    cJSON *plan = cJSON_AddArrayToObject(json, "plan");
    for (size_t i = 0; i < course->plan->count; i++) {
        struct hive_buffer text = {0};
        cJSON *fault = cJSON_CreateObject();
        chaos_fault_describe(&course->plan->faults[i], course->names, &text);
        cJSON_AddNumberToObject(fault, "at_ms", (double)course->plan->faults[i].at_ms);
        cJSON_AddNumberToObject(fault, "until_ms", (double)course->plan->faults[i].until_ms);
        cJSON_AddStringToObject(fault, "fault", text.data);
        cJSON_AddItemToArray(plan, fault);
        hive_buffer_finish(&text);
    }
    cJSON *faults = cJSON_AddObjectToObject(json, "faults");
    for (int kind = 0; kind < CHAOS_KINDS; kind++)
        cJSON_AddNumberToObject(faults, chaos_kind_names[kind], (double)course->faults[kind]);
    cJSON_AddNumberToObject(json, "left_out", (double)course->skipped);
    add_numbers(json, verdict, evidence->sight);
    cJSON_AddBoolToObject(json, "recovered", evidence->has_recovered);
    cJSON_AddNumberToObject(json, "recovered_ms", (double)evidence->recovered_ms);
    cJSON_AddBoolToObject(json, "ok", verdict->status == HIVE_EXIT_OK);
    cJSON_AddStringToObject(json, "findings", verdict->findings.size ? verdict->findings.data : "");
    return json;
}
