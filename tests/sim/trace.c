/* The trace: what happened in a run, to be read by people and played back by programs (`hivetop --replay`). `hivetop --record` writes
 * the same, and some lines more (hivetop/trace.h).
 *
 * JSON, one object a line (so that a reader can begin anywhere and a file that was cut off is still good), UTF-8, in order of time.
 * Every line has "type"; all but the first have "time_ms", from the beginning of the recording, with microseconds behind the point.
 *
 *   {"type":"header","format":"hive-trace","version":1,"seed":"42","nodes":["queen-1:1",…], …}
 *       The first line. A reader refuses another format or a higher version, and skips fields and types that it does not know.
 *       "seed" and "settings" are there in simulated runs only.
 *   {"type":"health","time_ms":1.250,"node":"queen-1:1","up":true,"health":{…}}
 *       What GET /healthz of that node says from now on, where anything of it has changed: the same fields under the same names
 *       (raft_state, standing, term, leader, voted_for, log, peers; see there), those that change all the time left out.
 *       "up": false and no health: nobody answers.
 *   {"type":"event","time_ms":1.250,"node":"queen-1:1","text":"loses power"}
 *       Something happened to a node (or, without "node", to all).
 *   {"type":"fault","time_ms":1.250,"fault":7,"text":"split 0a2"}
 *       Somebody did something to the cluster. "fault": its number in the schedule, in simulated runs.
 *   {"type":"transition","time_ms":…,"node":…,"term":3,"state":"LEADER","reason":"won the election"}
 *   {"type":"members","time_ms":…,"node":…,"index":12,"members":[{"id":"…","address":"…","kind":"voter"},…]}
 *       From now on the node works with these members.
 *   {"type":"message","time_ms":…,"from":…,"to":…,"what":"leaves"|"arrives","message":"append_entries", "term":3, …}
 *       With --messages only.
 *   {"type":"end","time_ms":…,"text":"all is well"}
 *       The last line of a recording that came to its end. */
#include "sim/trace.h"

#include <inttypes.h>
#include <stdarg.h>

#include "hive/json.h"
#include "hive/memory.h"
#include "sim/network.h"

/* What is shown of a node. */
struct shown {
    bool is_up;
    enum raft_role role;
    enum raft_standing standing;
    raft_term term;
    raft_id leader, voted_for;
    raft_index first, last, commit, applied, snapshot;
};

struct trace {
    FILE *file;
    bool with_messages;
    struct hive_buffer line;
    struct shown shown[SIM_NODES + 1];
};

static const char *const standings[] = {"none", "learner", "voter", "removed"};
static const char *const message_names[] = {
    "request_vote",     "request_vote_reply",     "append_entries", "append_entries_reply",
    "install_snapshot", "install_snapshot_reply", "timeout_now",    "timeout_now_reply",
};

struct trace *trace_open(const char *path, bool with_messages)
{
    struct trace *trace = hive_calloc(1, sizeof *trace);
    trace->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    trace->with_messages = with_messages;
    if (!trace->file) {
        perror(path);
        exit(2);
    }
    return trace;
}

void trace_close(struct trace *trace)
{
    if (!trace)
        return;
    if (trace->file != stdout)
        fclose(trace->file);
    else
        fflush(stdout);
    hive_buffer_finish(&trace->line);
    free(trace);
}

static struct hive_buffer *begin_line(struct world *world, const char *type, const struct node *node)
{
    struct hive_buffer *line = &world->trace->line;
    hive_buffer_clear(line);
    hive_buffer_format(line, "{\"type\":\"%s\",\"time_ms\":%" PRId64 ".%03d", type, world->now_us / 1000,
                       (int)(world->now_us % 1000));
    if (node)
        hive_buffer_format(line, ",\"node\":\"%s\"", node->address);
    return line;
}

static void end_line(struct world *world)
{
    struct trace *trace = world->trace;
    hive_buffer_append_text(&trace->line, "}\n");
    fwrite(trace->line.data, 1, trace->line.size, trace->file);
}

static void append_text(struct hive_buffer *line, const char *name, const char *format, va_list arguments)
{
    char text[1024];
    vsnprintf(text, sizeof text, format, arguments);
    hive_buffer_format(line, ",\"%s\":", name);
    hive_json_append_string(line, text, strlen(text));
}

void trace_header(struct world *world)
{
    const struct world_config *config = &world->config;
    if (!world->trace)
        return;
    struct hive_buffer *line = &world->trace->line;
    hive_buffer_clear(line);
    hive_buffer_format(line,
                       "{\"type\":\"header\",\"format\":\"hive-trace\",\"version\":1,\"seed\":\"%" PRIu64
                       "\",\"nodes\":[",
                       world->seed);
    for (unsigned i = 1; i <= SIM_NODES; i++)
        hive_buffer_format(line, "%s\"queen-%u:1\"", i > 1 ? "," : "", i);
    hive_buffer_format(
        line,
        "],\"settings\":{\"founders\":%u,\"faults_ms\":%" PRId64 ",\"election_timeout_min_ms\":%" PRId64
        ",\"election_timeout_max_ms\":%" PRId64 ",\"heartbeat_ms\":%" PRId64
        ",\"batch_entries\":%zu,\"batch_bytes\":%zu,\"inflight_appends\":%zu,\"disk_stall_ms\":%" PRId64
        ",\"read_lease\":%s,\"snapshot_entries\":%" PRIu64 ",\"snapshot_bytes\":%" PRIu64
        ",\"trailing_entries\":%" PRIu64 ",\"segment_bytes\":%zu,\"disk_us\":[%" PRId64 ",%" PRId64
        "],\"delay_us\":[%" PRId64 ",%" PRId64
        "],\"drop_per_mille\":%u,\"duplicate_per_mille\":%u,\"reorder_per_mille\":%u"
        ",\"clients\":%u,\"keys\":%u,\"drift_per_mille\":%u}",
        config->founders, config->faults_ms, config->raft.election_timeout_min_ms,
        config->raft.election_timeout_max_ms, config->raft.heartbeat_ms, config->raft.batch_entries,
        config->raft.batch_bytes, config->raft.inflight_appends, config->raft.disk_stall_ms,
        config->raft.read_lease ? "true" : "false", config->snapshot_entries, config->snapshot_bytes,
        config->trailing_entries, config->segment_bytes, config->disk_least_us, config->disk_most_us,
        config->delay_least_us, config->delay_most_us, config->drop_per_mille, config->duplicate_per_mille,
        config->reorder_per_mille, config->client_count, config->key_count, config->drift_per_mille);
    end_line(world);
}

static void append_address(struct hive_buffer *line, const char *name, struct world *world, raft_id id)
{
    const struct node *node = id ? world_node_of(world, id) : NULL;
    hive_buffer_format(line, node ? ",\"%s\":\"%s\"" : ",\"%s\":null", name, node ? node->address : NULL);
}

/* The newest is enough here: no line is left out in which another node stands there too. */
static void append_digest(struct hive_buffer *line, struct node *node)
{
    const struct digest *digest = &replica_digests(node->replica)->last;
    struct machine_chain chain = machine_chain(replica_machine(node->replica));
    if (chain.group)
        hive_buffer_format(line, ",\"group\":\"%016" PRIx64 "\"", chain.group);
    if (digest->index > 0)
        hive_buffer_format(
            line, ",\"digests\":[{\"index\":%" PRIu64 ",\"term\":%" PRIu64 ",\"hash\":\"%016" PRIx64 "\"}]",
            digest->index, digest->term, digest->hash);
    hive_buffer_append_text(line, "}");
}

static void append_peers(struct hive_buffer *line, struct node *node)
{
    static const char *const states[] = {"probe", "replicate", "snapshot"};
    struct raft_peer_status peers[HIVE_QUEENS];
    size_t count = raft_peers(replica_raft(node->replica), peers, HIVE_QUEENS);
    hive_buffer_append_text(line, ",\"peers\":[");
    for (size_t i = 0; i < count; i++) {
        const struct node *peer = world_node_of(node->world, peers[i].id);
        hive_buffer_format(line, "%s{\"address\":\"%s\",\"kind\":\"%s\"", i > 0 ? "," : "",
                           peer ? peer->address : "", raft_member_kind_names[peers[i].kind]);
        if (node->role == RAFT_LEADER)
            hive_buffer_format(line, ",\"match\":%" PRIu64 ",\"next\":%" PRIu64 ",\"state\":\"%s\"",
                               peers[i].match, peers[i].next, states[peers[i].state]);
        hive_buffer_append_text(line, "}");
    }
    hive_buffer_append_text(line, "]");
}

static const char *state_name(enum raft_role role, enum raft_standing standing)
{
    static const char *const names[] = {"FOLLOWER", "CANDIDATE", "LEADER"};
    return standing == RAFT_STANDING_VOTER || role == RAFT_LEADER ? names[role] : "LEARNER";
}

static void write_health(struct node *node, const struct shown *now)
{
    struct world *world = node->world;
    struct hive_buffer *line = begin_line(world, "health", node);
    if (!now->is_up) {
        hive_buffer_append_text(line, ",\"up\":false");
        end_line(world);
        return;
    }
    hive_buffer_format(line,
                       ",\"up\":true,\"health\":{\"id\":\"%" PRIu64
                       "\",\"raft_state\":\"%s\",\"standing\":\"%s\",\"term\":%" PRIu64,
                       node->id, state_name(now->role, now->standing), standings[now->standing], now->term);
    append_address(line, "leader", world, now->leader);
    append_address(line, "voted_for", world, now->voted_for);
    hive_buffer_format(line,
                       ",\"log\":{\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"commit\":%" PRIu64
                       ",\"applied\":%" PRIu64 ",\"snapshot\":%" PRIu64,
                       now->first, now->last, now->commit, now->applied, now->snapshot);
    append_digest(line, node);
    append_peers(line, node);
    hive_buffer_append_text(line, "}");
    end_line(world);
}

void trace_step(struct node *node)
{
    struct trace *trace = node->world->trace;
    if (!trace)
        return;
    struct shown now;
    memset(&now, 0, sizeof now); /* it is compared byte by byte */
    now.is_up = node->state == NODE_UP && node->replica;
    if (now.is_up) {
        const struct raft *raft = replica_raft(node->replica);
        now.role = raft_role(raft);
        now.standing = raft_standing(raft);
        now.term = raft_current_term(raft);
        now.leader = raft_leader(raft);
        now.voted_for = raft_voted_for(raft);
        now.first = raft_first_index(raft);
        now.last = raft_last_index(raft);
        now.commit = raft_commit_index(raft);
        now.applied = replica_applied(node->replica);
        now.snapshot = replica_snapshot_index(node->replica);
    }
    if (memcmp(&now, &trace->shown[node->number], sizeof now) == 0)
        return;
    trace->shown[node->number] = now;
    write_health(node, &now);
}

void trace_event(struct world *world, const struct node *node, const char *format, ...)
{
    va_list arguments;
    if (!world->trace)
        return;
    va_start(arguments, format);
    append_text(begin_line(world, "event", node), "text", format, arguments);
    va_end(arguments);
    end_line(world);
}

void trace_fault(struct world *world, size_t number, const char *format, ...)
{
    va_list arguments;
    if (!world->trace)
        return;
    struct hive_buffer *line = begin_line(world, "fault", NULL);
    hive_buffer_format(line, ",\"fault\":%zu", number);
    va_start(arguments, format);
    append_text(line, "text", format, arguments);
    va_end(arguments);
    end_line(world);
}

void trace_transition(struct node *node, const struct raft_transition *transition)
{
    struct world *world = node->world;
    if (!world->trace)
        return;
    struct hive_buffer *line = begin_line(world, "transition", node);
    hive_buffer_format(line, ",\"term\":%" PRIu64 ",\"state\":\"%s\",\"reason\":\"%s\"", transition->term,
                       state_name(transition->role, RAFT_STANDING_VOTER), transition->reason);
    end_line(world);
}

void trace_configuration(struct node *node, const struct raft_configuration *configuration)
{
    struct world *world = node->world;
    if (!world->trace)
        return;
    struct hive_buffer *line = begin_line(world, "members", node);
    hive_buffer_format(line, ",\"index\":%" PRIu64 ",\"members\":[", configuration->index);
    for (size_t i = 0; i < configuration->count; i++)
        hive_buffer_format(line, "%s{\"id\":\"%" PRIu64 "\",\"address\":\"%s\",\"kind\":\"%s\"}",
                           i > 0 ? "," : "", configuration->members[i].id, configuration->members[i].address,
                           raft_member_kind_names[configuration->members[i].kind]);
    hive_buffer_append_text(line, "]");
    end_line(world);
}

void trace_message(struct world *world, const struct packet *packet, const char *what)
{
    const struct raft_message *message = &packet->message;
    if (!world->trace || !world->trace->with_messages)
        return;
    struct hive_buffer *line = begin_line(world, "message", NULL);
    hive_buffer_format(line,
                       ",\"from\":\"%s\",\"to\":\"%s\",\"what\":\"%s\",\"message\":\"%s\",\"term\":%" PRIu64,
                       world->nodes[packet->from].address, world->nodes[packet->to].address, what,
                       message_names[message->type], message->term);
    if (message->type == RAFT_APPEND_ENTRIES)
        hive_buffer_format(line, ",\"prev_log_index\":%" PRIu64 ",\"entries\":%zu,\"leader_commit\":%" PRIu64,
                           message->append_entries.prev_log_index, message->append_entries.entry_count,
                           message->append_entries.leader_commit);
    if (message->type == RAFT_APPEND_ENTRIES_REPLY)
        hive_buffer_format(line, ",\"success\":%s,\"match_index\":%" PRIu64,
                           message->append_entries_reply.success ? "true" : "false",
                           message->append_entries_reply.match_index);
    if (message->type == RAFT_REQUEST_VOTE)
        hive_buffer_format(line, ",\"pre_vote\":%s,\"last_log_index\":%" PRIu64 ",\"last_log_term\":%" PRIu64,
                           message->request_vote.pre_vote ? "true" : "false",
                           message->request_vote.last_log_index, message->request_vote.last_log_term);
    if (message->type == RAFT_REQUEST_VOTE_REPLY)
        hive_buffer_format(line, ",\"vote_granted\":%s",
                           message->request_vote_reply.vote_granted ? "true" : "false");
    end_line(world);
}

void trace_end(struct world *world, const char *outcome)
{
    if (!world->trace)
        return;
    struct hive_buffer *line = begin_line(world, "end", NULL);
    hive_buffer_append_text(line, ",\"text\":");
    hive_json_append_string(line, outcome, strlen(outcome));
    end_line(world);
}
