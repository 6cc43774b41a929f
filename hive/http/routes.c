/* The route table: every path of the daemon, who may call it, and how much it may send. Queens and drones
 * share it, because a node of the wrong kind answers with a 400 that says where to go instead. */
#include "http/handlers.h"
#include "http/node.h"

#include "hive/limits.h"

const struct hive_route node_routes[] = {
    {"GET", "/healthz", handle_healthz, HIVE_ACCESS_ANYONE, 0,
     "How this node is: role, term, log, drones, tasks"},

    {"POST", "/request_vote", handle_request_vote, HIVE_ACCESS_TOKEN, HIVE_BODY_BYTES,
     "Raft: a candidate asks for a vote"},
    {"POST", "/append_entries", handle_append_entries, HIVE_ACCESS_TOKEN, HIVE_RPC_BODY_BYTES,
     "Raft: a leader sends entries, or its heartbeat"},
    {"POST", "/install_snapshot", handle_install_snapshot, HIVE_ACCESS_TOKEN, HIVE_RPC_BODY_BYTES,
     "Raft: a leader sends a piece of a snapshot"},
    {"POST", "/timeout_now", handle_timeout_now, HIVE_ACCESS_TOKEN, HIVE_BODY_BYTES,
     "Raft: a leader hands its office over"},

    {"GET", "/members", handle_list_members, HIVE_ACCESS_PUBLIC, 0,
     "This queen, and the group's members as it knows them"},
    {"POST", "/members", handle_add_member, HIVE_ACCESS_TOKEN, HIVE_BODY_BYTES,
     "Takes a queen into the group"},
    {"POST", "/members/ID/promote", handle_promote_member, HIVE_ACCESS_TOKEN, HIVE_BODY_BYTES,
     "Gives a member its vote"},
    {"POST", "/members/ID/transfer", handle_transfer_leadership, HIVE_ACCESS_TOKEN, HIVE_BODY_BYTES,
     "Makes a member the leader"},
    {"DELETE", "/members/ID", handle_remove_member, HIVE_ACCESS_TOKEN, 0, "Removes a queen from the group"},

    {"GET", "/faults", handle_get_faults, HIVE_ACCESS_PUBLIC, 0,
     "What this node does to what it sends to others"},
    {"PUT", "/faults", handle_put_faults, HIVE_ACCESS_TOKEN, HIVE_BODY_BYTES,
     "Lets messages to other nodes be lost or late"},

    {"POST", "/register", handle_register, HIVE_ACCESS_PUBLIC, HIVE_BODY_BYTES, "A drone makes itself known"},
    {"GET", "/drones", handle_list_drones, HIVE_ACCESS_PUBLIC, 0, "The drones"},

    {"POST", "/submit_task", handle_submit_task, HIVE_ACCESS_PUBLIC, HIVE_BODY_BYTES, "A new task"},
    {"GET", "/tasks", handle_list_tasks, HIVE_ACCESS_PUBLIC, 0, "The tasks, page by page"},
    {"GET", "/tasks/ID", handle_get_task, HIVE_ACCESS_PUBLIC, 0, "One task"},
    {"POST", "/do_task", handle_do_task, HIVE_ACCESS_ANYONE /* it asks for the drone's secret itself */,
     HIVE_BODY_BYTES, "A queen gives this drone a task"},

    {"GET", "/kv", handle_list_keys, HIVE_ACCESS_PUBLIC, 0, "The keys, page by page"},
    {"PUT", "/kv/...", handle_put_key, HIVE_ACCESS_PUBLIC, HIVE_VALUE_BYTES, "Sets a key"},
    {"GET", "/kv/...", handle_get_key, HIVE_ACCESS_PUBLIC, 0, "A key's value"},
    {"DELETE", "/kv/...", handle_delete_key, HIVE_ACCESS_PUBLIC, 0, "Removes a key"},

    {"GET", "/watch", handle_watch, HIVE_ACCESS_PUBLIC, 0, "The changes of keys, as they happen"},
    {"GET", "/snapshot", handle_get_snapshot, HIVE_ACCESS_TOKEN, 0, "A backup of the whole state"},
    {0},
};
