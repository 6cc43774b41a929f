/* Plays transcripts; see the header. Each command is a function; the table at the end is their list. Nodes are numbers from 1; a
 * packet is named FROM>TO and its type, `*` stands for any. */
#include "lib/transcript.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "hive/memory.h"

#define WORDS 24

struct transcript {
    struct raft_network *network;
    struct hive_buffer *out;
    raft_index commits[RAFT_NETWORK_NODES + 1]; /* as last printed */
    char *words[WORDS];                         /* of the command, [0] is its name */
    size_t count;
    const char *line; /* the command as written, for complaints */
};

static void wrong(const struct transcript *play, const char *what)
{
    fprintf(stderr, "%.*s", (int)play->out->size, play->out->data ? play->out->data : "");
    fail_msg("transcript: \"%s\": %s", play->line, what);
    abort();
}

static void say(struct transcript *play, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct transcript *play, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    hive_buffer_append_text(play->out, "  ");
    hive_buffer_vformat(play->out, format, arguments);
    hive_buffer_append_text(play->out, "\n");
    va_end(arguments);
}

static uint64_t number_of(const struct transcript *play, const char *text)
{
    char *end;
    uint64_t number = strtoull(text, &end, 10);
    if (end == text || *end)
        wrong(play, "a number is expected");
    return number;
}

static uint64_t number_at(const struct transcript *play, size_t place)
{
    if (place >= play->count)
        wrong(play, "an argument is missing");
    return number_of(play, play->words[place]);
}

static raft_id node_at(const struct transcript *play, size_t place)
{
    uint64_t id = number_at(play, place);
    if (id < 1 || id > play->network->node_count)
        wrong(play, "there is no such node");
    return id;
}

/* The number behind NAME= among the words, or `otherwise`. */
static uint64_t option(const struct transcript *play, const char *name, uint64_t otherwise)
{
    size_t length = strlen(name);
    for (size_t i = 1; i < play->count; i++)
        if (strncmp(play->words[i], name, length) == 0 && play->words[i][length] == '=')
            return number_of(play, play->words[i] + length + 1);
    return otherwise;
}

static bool has_word(const struct transcript *play, const char *word)
{
    for (size_t i = 1; i < play->count; i++)
        if (strcmp(play->words[i], word) == 0)
            return true;
    return false;
}

static void on_step(struct raft_network *network, raft_id id, const struct raft_event *event,
                    const struct raft_update *update, void *context)
{
    struct transcript *play = context;
    (void)network;
    transcript_print_step(play->out, id, event, update, play->commits[id]);
    play->commits[id] = update->commit_index;
}

/* ---- the group ---- */

/* group N [founders=N] [no-pre-vote] [no-check-quorum] [batch=ENTRIES] */
static void do_group(struct transcript *play)
{
    struct raft_network_config config = {
        .nodes = number_at(play, 1),
        .founders = option(play, "founders", 0),
        .no_pre_vote = has_word(play, "no-pre-vote"),
        .no_check_quorum = has_word(play, "no-check-quorum"),
        .batch_entries = option(play, "batch", 0),
    };
    if (play->network)
        raft_network_destroy(play->network);
    memset(play->commits, 0, sizeof play->commits);
    play->network = raft_network_create(&config);
    play->network->observe = on_step;
    play->network->observer = play;
}

/* disk NODE TERM,TERM,… [term=T] [vote=NODE] */
static void do_disk(struct transcript *play)
{
    if (play->count < 3)
        wrong(play, "the terms of the log are missing");
    char *terms = hive_strdup(play->words[2]);
    for (char *at = terms; *at; at++)
        *at = *at == ',' ? ' ' : *at;
    raft_network_write_disk(play->network, node_at(play, 1), terms, option(play, "term", 0),
                            option(play, "vote", 0));
    free(terms);
}

/* start [NODE…] */
static void do_start(struct transcript *play)
{
    for (size_t i = 1; i < play->count; i++)
        raft_network_start(play->network, node_at(play, i));
    if (play->count == 1)
        raft_network_start_all(play->network);
    memset(play->commits, 0, sizeof play->commits);
    for (raft_id id = 1; id <= play->network->node_count; id++)
        if (play->network->nodes[id].raft)
            play->commits[id] = raft_commit_index(play->network->nodes[id].raft);
}

/* crash NODE [records=N]: so many records of what was not durable reach its disk */
static void do_crash(struct transcript *play)
{
    raft_network_crash(play->network, node_at(play, 1), option(play, "records", 0));
}

/* logs: terms and commit index of every node that is up */
static void do_logs(struct transcript *play)
{
    for (raft_id id = 1; id <= play->network->node_count; id++) {
        const struct raft *raft = play->network->nodes[id].raft;
        if (!raft)
            continue;
        struct hive_buffer text = {0};
        hive_buffer_format(&text, "%" PRIu64 ":", id);
        if (raft_first_index(raft) > 1)
            hive_buffer_format(&text, " (snapshot up to %" PRIu64 ")", raft_first_index(raft) - 1);
        for (raft_index i = raft_first_index(raft); i <= raft_last_index(raft); i++)
            hive_buffer_format(&text, " %" PRIu64, raft_entry_at(raft, i)->term);
        say(play, "%s  commit %" PRIu64, text.data, raft_commit_index(raft));
        hive_buffer_finish(&text);
    }
}

/* roles: role, term, vote and leader of every node that is up */
static void do_roles(struct transcript *play)
{
    for (raft_id id = 1; id <= play->network->node_count; id++) {
        const struct raft *raft = play->network->nodes[id].raft;
        if (raft)
            say(play, "%" PRIu64 ": %s t%" PRIu64 " vote %" PRIu64 " leader %" PRIu64, id,
                (const char *const[]){"FOLLOWER", "CANDIDATE", "LEADER"}[raft_role(raft)],
                raft_current_term(raft), raft_voted_for(raft), raft_leader(raft));
    }
}

/* peers NODE: what a leader knows of the others */
static void do_peers(struct transcript *play)
{
    struct raft_peer_status peers[HIVE_QUEENS];
    size_t count = raft_peers(play->network->nodes[node_at(play, 1)].raft, peers, HIVE_QUEENS);
    for (size_t i = 0; i < count; i++)
        say(play, "%" PRIu64 ": match %" PRIu64 " next %" PRIu64 " %s", peers[i].id, peers[i].match,
            peers[i].next, (const char *const[]){"probe", "replicate", "snapshot"}[peers[i].state]);
}

/* ---- time ---- */

/* pass MS: all clocks go on; nothing is delivered, and only `tick` lets a node look at its clock */
static void do_pass(struct transcript *play)
{
    play->network->now_ms += (int64_t)number_at(play, 1);
}

static void do_tick(struct transcript *play)
{
    raft_network_tick(play->network, node_at(play, 1));
}

/* time-out NODE: its clock alone runs to its next deadline */
static void do_time_out(struct transcript *play)
{
    struct raft_node *node = &play->network->nodes[node_at(play, 1)];
    if (node->deadline_ms > play->network->now_ms + node->clock_ms)
        node->clock_ms = node->deadline_ms - play->network->now_ms;
    raft_network_tick(play->network, node->config.id);
}

/* due NODE: when it wants its next tick */
static void do_due(struct transcript *play)
{
    const struct raft_node *node = &play->network->nodes[node_at(play, 1)];
    say(play, "%" PRIu64 " is due in %" PRId64 " ms", node->config.id,
        node->deadline_ms - play->network->now_ms - node->clock_ms);
}

/* elect NODE: its clock runs and everything arrives, until it leads. Not printed, but for the end. */
static void do_elect(struct transcript *play)
{
    raft_id id = node_at(play, 1);
    play->network->observe = NULL;
    raft_network_elect(play->network, id);
    play->network->observe = on_step;
    for (raft_id other = 1; other <= play->network->node_count; other++)
        if (play->network->nodes[other].raft)
            play->commits[other] = raft_commit_index(play->network->nodes[other].raft);
    say(play, "%" PRIu64 " leads t%" PRIu64, id, raft_current_term(play->network->nodes[id].raft));
}

/* ---- packets and disks ---- */

static bool packet_fits(const struct transcript *play, const struct raft_packet *packet)
{
    char link[32];
    snprintf(link, sizeof link, "%" PRIu64 ">%" PRIu64, packet->message.from, packet->message.to);
    bool link_fits = play->count < 2 || strcmp(play->words[1], "*") == 0 || strcmp(play->words[1], link) == 0;
    return link_fits && (play->count < 3 || strcmp(play->words[2], "*") == 0 ||
                         strcmp(play->words[2], transcript_message_name(packet->message.type)) == 0);
}

static struct raft_packet *find_packet(const struct transcript *play)
{
    struct raft_packet *packet = play->network->packets;
    while (packet && !packet_fits(play, packet))
        packet = packet->next;
    return packet;
}

static void deliver_or_lose(struct transcript *play, struct raft_packet *packet)
{
    const struct raft_message *message = &packet->message;
    bool arrives = play->network->nodes[message->to].raft && !play->network->cut[message->from][message->to];
    struct hive_buffer text = {0};
    transcript_print_message(&text, message);
    hive_buffer_format(play->out, "%s %s\n", arrives ? "->" : "-x", text.data);
    hive_buffer_finish(&text);
    if (arrives)
        raft_network_deliver(play->network, packet);
    else
        raft_network_drop(play->network, packet);
}

/* deliver [FROM>TO|* [TYPE|*]]: the oldest such packet arrives (over a cut link: is lost) */
static void do_deliver(struct transcript *play)
{
    struct raft_packet *packet = find_packet(play);
    if (!packet)
        wrong(play, "no such packet is under way");
    deliver_or_lose(play, packet);
}

/* settle [FROM>TO|* [TYPE|*]]: such packets arrive and disks finish, until nothing is left to do */
static void do_settle(struct transcript *play)
{
    for (int rounds = 0; rounds < 10000; rounds++) {
        struct raft_packet *packet;
        bool has_moved = false;
        for (raft_id id = 1; id <= play->network->node_count; id++) {
            struct raft_node *node = &play->network->nodes[id];
            if (node->raft && node->disk.write_count > 0 && !node->disk_held) {
                raft_network_complete_all(play->network, id);
                has_moved = true;
            }
        }
        if (!has_moved && (packet = find_packet(play))) {
            deliver_or_lose(play, packet);
            has_moved = true;
        }
        if (!has_moved)
            return;
    }
    wrong(play, "the nodes never stop talking");
}

/* drop [FROM>TO|* [TYPE|*]]: all such packets are lost */
static void do_drop(struct transcript *play)
{
    struct raft_packet *packet;
    while ((packet = find_packet(play)))
        raft_network_drop(play->network, packet);
}

/* duplicate FROM>TO [TYPE]: a second copy of the oldest, behind all others */
static void do_duplicate(struct transcript *play)
{
    struct raft_packet *packet = find_packet(play);
    if (!packet)
        wrong(play, "no such packet is under way");
    raft_network_duplicate(play->network, packet);
}

/* hold NODE [off], complete NODE [WRITE]: its disk finishes writes only when told to; it finishes them (up to WRITE) */
static void do_hold(struct transcript *play)
{
    play->network->nodes[node_at(play, 1)].disk_held = !has_word(play, "off");
}

static void do_complete(struct transcript *play)
{
    raft_network_complete(play->network, node_at(play, 1), play->count > 2 ? number_at(play, 2) : UINT64_MAX);
}

/* cut A B, one-way A B (what A sends to B is lost), isolate A, heal */
static void do_cut(struct transcript *play)
{
    raft_network_cut(play->network, node_at(play, 1), node_at(play, 2), true);
}

static void do_one_way(struct transcript *play)
{
    play->network->cut[node_at(play, 1)][node_at(play, 2)] = true;
}

static void do_isolate(struct transcript *play)
{
    raft_network_isolate(play->network, node_at(play, 1), true);
}

static void do_heal(struct transcript *play)
{
    raft_network_heal(play->network);
}

/* ---- requests ---- */

/* propose NODE TEXT */
static void do_propose(struct transcript *play)
{
    if (play->count < 3)
        wrong(play, "the text is missing");
    raft_network_propose(play->network, node_at(play, 1), play->words[2]);
}

/* read NODE NUMBER */
static void do_read(struct transcript *play)
{
    raft_network_read(play->network, node_at(play, 1), number_at(play, 2));
}

/* transfer NODE TO */
static void do_transfer(struct transcript *play)
{
    raft_network_transfer(play->network, node_at(play, 1), number_at(play, 2));
}

/* leader-gone NODE LEADER */
static void do_leader_gone(struct transcript *play)
{
    raft_network_leader_gone(play->network, node_at(play, 1), number_at(play, 2));
}

/* unreachable NODE PEER: it learns that what it sent there was lost */
static void do_unreachable(struct transcript *play)
{
    raft_network_step(play->network, node_at(play, 1),
                      (struct raft_event){.type = RAFT_EVENT_UNREACHABLE, .peer = number_at(play, 2)});
}

/* add NODE MEMBER, learner NODE MEMBER, promote NODE MEMBER, remove NODE MEMBER */
static void change(struct transcript *play, enum raft_change_type type, enum raft_member_kind kind)
{
    raft_network_change(play->network, node_at(play, 1), type, number_at(play, 2), kind);
}

static void do_add(struct transcript *play)
{
    change(play, RAFT_CHANGE_ADD, RAFT_MEMBER_JOINING);
}

static void do_learner(struct transcript *play)
{
    change(play, RAFT_CHANGE_ADD, RAFT_MEMBER_LEARNER);
}

static void do_promote(struct transcript *play)
{
    change(play, RAFT_CHANGE_PROMOTE, RAFT_MEMBER_VOTER);
}

static void do_remove(struct transcript *play)
{
    change(play, RAFT_CHANGE_REMOVE, RAFT_MEMBER_VOTER);
}

/* compact NODE INDEX: a snapshot up to there is durable, and the log before it goes */
static void do_compact(struct transcript *play)
{
    raft_index index = number_at(play, 2);
    if (!raft_network_snapshot(play->network, node_at(play, 1), index, index + 1))
        wrong(play, "no snapshot can be taken there");
}

static const struct {
    const char *name;
    void (*run)(struct transcript *play);
} commands[] = {
    {"add", do_add},
    {"compact", do_compact},
    {"complete", do_complete},
    {"crash", do_crash},
    {"cut", do_cut},
    {"deliver", do_deliver},
    {"disk", do_disk},
    {"drop", do_drop},
    {"duplicate", do_duplicate},
    {"due", do_due},
    {"elect", do_elect},
    {"group", do_group},
    {"heal", do_heal},
    {"hold", do_hold},
    {"isolate", do_isolate},
    {"leader-gone", do_leader_gone},
    {"learner", do_learner},
    {"logs", do_logs},
    {"one-way", do_one_way},
    {"pass", do_pass},
    {"peers", do_peers},
    {"promote", do_promote},
    {"propose", do_propose},
    {"read", do_read},
    {"remove", do_remove},
    {"roles", do_roles},
    {"settle", do_settle},
    {"start", do_start},
    {"tick", do_tick},
    {"time-out", do_time_out},
    {"transfer", do_transfer},
    {"unreachable", do_unreachable},
};

static void run_command(struct transcript *play, const char *line)
{
    char *copy = hive_strdup(line), *rest = copy;
    play->line = line;
    play->count = 0;
    for (char *word; (word = strsep(&rest, " ")) && play->count < WORDS;)
        if (*word)
            play->words[play->count++] = word;
    size_t i = 0;
    while (i < sizeof commands / sizeof *commands && strcmp(commands[i].name, play->words[0]) != 0)
        i++;
    if (i == sizeof commands / sizeof *commands)
        wrong(play, "there is no such command");
    if (!play->network && commands[i].run != do_group)
        wrong(play, "the first command must be \"group\"");
    commands[i].run(play);
    free(copy);
}

/* ---- the file ---- */

void transcript_play(const char *script, struct hive_buffer *played)
{
    struct transcript play = {0};
    struct hive_buffer happened = {0};
    char *copy = hive_strdup(script), *rest = copy;
    bool in_output = false;
    play.out = &happened;
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (!rest && !*line)
            break; /* behind the last end of line */
        if (in_output && *line)
            continue; /* what happened when it was recorded */
        if (strcmp(line, "----") == 0) {
            in_output = true;
            hive_buffer_append_text(played, "----\n");
            hive_buffer_append(played, happened.data, happened.size);
            hive_buffer_clear(&happened);
            continue;
        }
        in_output = false;
        hive_buffer_format(played, "%s\n", line);
        if (*line && *line != '#')
            run_command(&play, line);
    }
    if (play.network)
        raft_network_destroy(play.network);
    hive_buffer_finish(&happened);
    free(copy);
}
