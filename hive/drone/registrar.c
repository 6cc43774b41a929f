/* The registrar: one thread that keeps the drone registered with whoever leads the queens.
 *
 * Each round it asks the queen that took the last registration, then all that the command line names, and
 * follows their redirects, until one takes it. That is repeated every `register_ms`: a leader that knows the
 * drone writes nothing, and a new leader, or one that had given the drone up, knows it again. After a round
 * without success it tries again soon, so that a cluster that is just starting or electing is complete within
 * a second, then less often.
 *
 * Logged is what changed, once: registered with whom, and why it is not registered. */
#include "drone/registrar.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "faults/faults.h"
#include "hive/address.h"
#include "hive/buffer.h"
#include "hive/clock.h"
#include "hive/http_client.h"
#include "hive/json.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "hive/random.h"
#include "hive/version.h"

#define KEY_DIGITS   32   /* hexadecimal: 128 random bits */
#define CALL_MS      1000 /* for one answer; a leader needs a few, and a queen that is stopped gives none */
#define QUICK_MS     100  /* between rounds at first … */
#define QUICK_ROUNDS 30   /* … and for so many of them: longer than a start or an election takes */
#define QUIET_ROUNDS 5    /* so many may fail before it is worth a line: an election is no news */
#define SLOW_MS      2000 /* between rounds in the end, and where a person has to act first */

/* How a call ended, the more telling the later: a round that failed is reported as the last of its failures.
 */
enum outcome { UNREACHABLE, UNAVAILABLE, REFUSED, REDIRECTED, REGISTERED };

static const struct {
    enum hive_log_level level;
    const char *event;
} complaints[] = {
    [UNREACHABLE] = {HIVE_LOG_WARNING, "no queen answers"},
    [UNAVAILABLE] = {HIVE_LOG_WARNING, "no queen can register this drone now"},
    [REFUSED] = {HIVE_LOG_ERROR, "a queen refuses this drone"},
};

struct failure {
    enum outcome outcome;
    char queen[HIVE_ADDRESS_BYTES];
    char reason[HIVE_ERROR_BYTES];
};

struct registrar {
    char **queens; /* as configured */
    size_t queen_count;
    char *body; /* of the call; the same each time */
    char *token;
    int64_t register_ms;
    struct faults *faults; /* or NULL */

    struct hive_http_client *client; /* used by the thread alone, but for waking it */
    pthread_t thread;
    bool is_started;
    atomic_bool is_stopping;

    /* The thread's own. */
    char leader[HIVE_ADDRESS_BYTES]; /* who took the last registration; empty: nobody yet */
    bool is_answered;                /* what the call under way brought: */
    struct hive_http_reply answer;
    char failure[HIVE_ERROR_BYTES]; /* why there is no answer, where its status is 0 */
    char key_header[sizeof "Idempotency-Key: " +
                    KEY_DIGITS]; /* of the registration under way; empty: a new one */
    struct failure complaint;    /* the last one logged; outcome REGISTERED: none since the last success */

    pthread_mutex_t lock;           /* guards: */
    char queen[HIVE_ADDRESS_BYTES]; /* whom the drone is registered with; empty: nobody */
};

static char *make_body(const struct registrar_config *config)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "address", config->address);
    cJSON_AddStringToObject(json, "name", config->name);
    cJSON_AddNumberToObject(json, "capacity", config->capacity);
    cJSON_AddStringToObject(json, "version", HIVE_VERSION);
    if (config->secret)
        cJSON_AddStringToObject(json, "secret", config->secret);
    return hive_json_print_and_delete(json);
}

struct registrar *registrar_create(const struct registrar_config *config)
{
    struct registrar *registrar = hive_calloc(1, sizeof *registrar);
    registrar->queen_count = config->queens->count;
    registrar->queens = hive_calloc(config->queens->count, sizeof *registrar->queens);
    for (size_t i = 0; i < config->queens->count; i++)
        registrar->queens[i] = hive_strdup(config->queens->items[i]);
    registrar->body = make_body(config);
    registrar->token = hive_strdup(config->token);
    registrar->register_ms = config->register_ms;
    registrar->faults = config->faults;
    registrar->complaint.outcome = REGISTERED;
    pthread_mutex_init(&registrar->lock, NULL);
    return registrar;
}

void registrar_destroy(struct registrar *registrar)
{
    if (!registrar)
        return;
    registrar_stop(registrar);
    for (size_t i = 0; i < registrar->queen_count; i++)
        free(registrar->queens[i]);
    free(registrar->queens);
    free(registrar->body);
    free(registrar->token);
    pthread_mutex_destroy(&registrar->lock);
    free(registrar);
}

bool registrar_queen(struct registrar *registrar, char queen[HIVE_ADDRESS_BYTES])
{
    pthread_mutex_lock(&registrar->lock);
    memcpy(queen, registrar->queen, HIVE_ADDRESS_BYTES);
    pthread_mutex_unlock(&registrar->lock);
    return queen[0] != '\0';
}

static void set_queen(struct registrar *registrar, const char *queen)
{
    pthread_mutex_lock(&registrar->lock);
    snprintf(registrar->queen, sizeof registrar->queen, "%s", queen);
    pthread_mutex_unlock(&registrar->lock);
}

static void keep_answer(struct hive_http_response *response, void *context)
{
    struct registrar *registrar = context;
    struct hive_http_reply *answer = &registrar->answer;
    answer->status = response->status;
    answer->body = response->body;
    response->body = (struct hive_buffer){0};
    snprintf(answer->location, sizeof answer->location, "%s", response->location);
    snprintf(registrar->failure, sizeof registrar->failure, "%s", response->failure ? response->failure : "");
    registrar->is_answered = true;
}

/* The queen's address of a redirect to "http://HOST:PORT/register". */
static int redirect_target(const char *location, char address[HIVE_ADDRESS_BYTES])
{
    static const char scheme[] = "http://";
    struct hive_address parsed;
    if (strncmp(location, scheme, sizeof scheme - 1) != 0)
        return -EINVAL;
    const char *start = location + sizeof scheme - 1;
    size_t bytes = strcspn(start, "/");
    if (bytes >= HIVE_ADDRESS_BYTES)
        return -EINVAL;
    snprintf(address, HIVE_ADDRESS_BYTES, "%.*s", (int)bytes, start);
    return hive_address_parse(address, &parsed, NULL);
}

/* The text of field NAME in the answer's JSON, cut to `bytes`; empty where there is none. */
static void answer_field(const struct hive_buffer *body, const char *name, char *text, size_t bytes)
{
    const char *value = "";
    cJSON *json = hive_json_parse_object(body->data, body->size, NULL);
    if (json)
        hive_json_string(json, name, &value, NULL);
    snprintf(text, bytes, "%s", value);
    cJSON_Delete(json);
}

/* What the answer of the queen at `address` means. `next` is whom to ask instead where it REDIRECTED, or the
 * leader's own address where it REGISTERED; `reason` says why not. */
static enum outcome read_answer(const struct registrar *registrar, const char *address,
                                char next[HIVE_ADDRESS_BYTES], char reason[HIVE_ERROR_BYTES])
{
    const struct hive_http_reply *answer = &registrar->answer;
    char result[16];
    if (answer->status == 200) {
        answer_field(&answer->body, "result", result, sizeof result);
        answer_field(&answer->body, "queen", next, HIVE_ADDRESS_BYTES);
        if (strcmp(result, "OK") == 0 && next[0])
            return REGISTERED;
        snprintf(reason, HIVE_ERROR_BYTES, "%s answers, but not as a queen does; is the address right?",
                 address);
        return REFUSED;
    }
    if ((answer->status == 307 || answer->status == 308) && redirect_target(answer->location, next) == 0)
        return REDIRECTED;
    answer_field(&answer->body, "detail", reason, HIVE_ERROR_BYTES);
    if (!reason[0])
        snprintf(reason, HIVE_ERROR_BYTES, "it answers with HTTP status %d", answer->status);
    return answer->status < 500 ? REFUSED : UNAVAILABLE;
}

/* One key for all attempts at one registration: a queen whose answer was lost may have written it. */
static const char *registration_key(struct registrar *registrar)
{
    char key[KEY_DIGITS + 1];
    if (!registrar->key_header[0]) {
        hive_random_hex(key, KEY_DIGITS);
        snprintf(registrar->key_header, sizeof registrar->key_header, "Idempotency-Key: %s", key);
    }
    return registrar->key_header;
}

/* Asks the queen at `address`. */
static enum outcome ask(struct registrar *registrar, const char *address, char next[HIVE_ADDRESS_BYTES],
                        char reason[HIVE_ERROR_BYTES])
{
    char url[HIVE_ADDRESS_BYTES + 32];
    snprintf(url, sizeof url, "http://%s/register", address);
    struct hive_http_request request = {.method = "POST",
                                        .url = url,
                                        .token = registrar->token,
                                        .content_type = "application/json",
                                        .headers = (const char *const[]){registration_key(registrar), NULL},
                                        .body = registrar->body,
                                        .body_bytes = strlen(registrar->body),
                                        .timeout_ms = CALL_MS};
    registrar->is_answered = false;
    faults_send(registrar->faults, registrar->client, &request, address, keep_answer, registrar);
    while (!registrar->is_answered && !registrar->is_stopping)
        hive_http_client_wait(registrar->client, NULL, 0, CALL_MS);

    enum outcome outcome = UNREACHABLE;
    snprintf(reason, HIVE_ERROR_BYTES, "the drone is stopping");
    if (registrar->is_answered && registrar->answer.status == 0)
        snprintf(reason, HIVE_ERROR_BYTES, "%s", registrar->failure);
    else if (registrar->is_answered)
        outcome = read_answer(registrar, address, next, reason);
    if (registrar->is_answered)
        hive_buffer_finish(&registrar->answer.body);
    /* Settled: what comes next is a registration of its own, which must not get this one's old answer. */
    if (outcome == REGISTERED || outcome == REFUSED)
        registrar->key_header[0] = '\0';
    return outcome;
}

static void remember(struct registrar *registrar, const char *asked, const char *queen)
{
    char before[HIVE_ADDRESS_BYTES];
    registrar_queen(registrar, before);
    if (strcmp(before, queen) != 0)
        hive_log_info("registered", LOG_S("queen", queen));
    snprintf(registrar->leader, sizeof registrar->leader, "%s", asked);
    set_queen(registrar, queen);
    registrar->complaint.outcome = REGISTERED;
}

/* Asks the queen at `given` and whom it redirects to. True: registered; else `worst` has the reason where it
 * is the most telling of this round. */
static bool try_queen(struct registrar *registrar, const char *given, struct failure *worst)
{
    struct failure failure = {.outcome = REDIRECTED};
    char next[HIVE_ADDRESS_BYTES];
    snprintf(next, sizeof next, "%s", given);
    for (int hop = 0; failure.outcome == REDIRECTED && hop <= HIVE_REDIRECTS; hop++) {
        memcpy(failure.queen, next, sizeof failure.queen);
        failure.outcome = ask(registrar, failure.queen, next, failure.reason);
    }
    if (failure.outcome == REGISTERED) {
        remember(registrar, failure.queen, next);
        return true;
    }
    if (failure.outcome == REDIRECTED) {
        failure.outcome = UNAVAILABLE;
        snprintf(failure.reason, sizeof failure.reason, "the queens redirect to each other");
    }
    if (!worst->queen[0] || failure.outcome > worst->outcome)
        *worst = failure;
    return false;
}

/* One round over all that might take the registration. */
static bool try_all(struct registrar *registrar, struct failure *worst)
{
    char leader[HIVE_ADDRESS_BYTES];
    memcpy(leader, registrar->leader, sizeof leader);
    if (leader[0] && try_queen(registrar, leader, worst))
        return true;
    for (size_t i = 0; i < registrar->queen_count && !registrar->is_stopping; i++)
        if (strcmp(registrar->queens[i], leader) != 0 && try_queen(registrar, registrar->queens[i], worst))
            return true;
    return false;
}

/* Says why the drone is not registered, unless that was said already or may be over in a moment. */
static void complain(struct registrar *registrar, const struct failure *failure, int failed_rounds)
{
    const struct failure *last = &registrar->complaint;
    if (failure->outcome != REFUSED && failed_rounds < QUIET_ROUNDS)
        return;
    bool is_news = failure->outcome != last->outcome ||
                   (failure->outcome == REFUSED && strcmp(failure->reason, last->reason) != 0);
    if (!is_news)
        return;
    hive_log_write(
        complaints[failure->outcome].level, complaints[failure->outcome].event,
        (struct hive_log_field[]){LOG_S("queen", failure->queen), LOG_S("reason", failure->reason)}, 2);
    registrar->complaint = *failure;
}

static void pause_for(struct registrar *registrar, int64_t pause_ms)
{
    int64_t now_ms, end_ms = hive_clock_monotonic_ms() + pause_ms;
    while (!registrar->is_stopping && (now_ms = hive_clock_monotonic_ms()) < end_ms)
        hive_http_client_wait(registrar->client, NULL, 0,
                              (int)(end_ms - now_ms < CALL_MS ? end_ms - now_ms : CALL_MS));
}

static void *run(void *argument)
{
    struct registrar *registrar = argument;
    int64_t pause_ms = QUICK_MS;
    int failed_rounds = 0;
    while (!registrar->is_stopping) {
        struct failure worst = {.outcome = UNREACHABLE};
        if (try_all(registrar, &worst)) {
            failed_rounds = 0;
            pause_for(registrar, registrar->register_ms);
            continue;
        }
        if (registrar->is_stopping)
            break;
        failed_rounds++;
        set_queen(registrar, "");
        complain(registrar, &worst, failed_rounds);
        if (worst.outcome == REFUSED)
            pause_ms = SLOW_MS;
        else if (failed_rounds <= QUICK_ROUNDS)
            pause_ms = QUICK_MS;
        else
            pause_ms = pause_ms * 2 < SLOW_MS ? pause_ms * 2 : SLOW_MS;
        pause_for(registrar, pause_ms);
    }
    return NULL;
}

int registrar_start(struct registrar *registrar, struct hive_error *error)
{
    registrar->client = hive_http_client_create();
    int code = pthread_create(&registrar->thread, NULL, run, registrar);
    if (code) {
        hive_http_client_destroy(registrar->client);
        return hive_error_set(error, -code, "cannot start the registrar's thread: %s", strerror(code));
    }
    registrar->is_started = true;
    return 0;
}

void registrar_stop(struct registrar *registrar)
{
    if (!registrar->is_started)
        return;
    registrar->is_stopping = true;
    hive_http_client_wake(registrar->client);
    pthread_join(registrar->thread, NULL);
    hive_http_client_destroy(registrar->client);
    registrar->is_started = false;
    set_queen(registrar, "");
}
