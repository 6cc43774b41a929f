/* The handlers of the route table, one file a resource. Their context is the struct node. */
#ifndef HTTP_HANDLERS_H
#define HTTP_HANDLERS_H

#include "hive/server.h"

void handle_healthz(struct hive_request *request, void *context);

void handle_request_vote(struct hive_request *request, void *context);
void handle_append_entries(struct hive_request *request, void *context);
void handle_install_snapshot(struct hive_request *request, void *context);
void handle_timeout_now(struct hive_request *request, void *context);

void handle_list_members(struct hive_request *request, void *context);
void handle_add_member(struct hive_request *request, void *context);
void handle_promote_member(struct hive_request *request, void *context);
void handle_transfer_leadership(struct hive_request *request, void *context);
void handle_remove_member(struct hive_request *request, void *context);

void handle_register(struct hive_request *request, void *context);
void handle_list_drones(struct hive_request *request, void *context);

void handle_get_faults(struct hive_request *request, void *context);
void handle_put_faults(struct hive_request *request, void *context);

void handle_submit_task(struct hive_request *request, void *context);
void handle_list_tasks(struct hive_request *request, void *context);
void handle_get_task(struct hive_request *request, void *context);
void handle_do_task(struct hive_request *request, void *context);

void handle_put_key(struct hive_request *request, void *context);
void handle_get_key(struct hive_request *request, void *context);
void handle_delete_key(struct hive_request *request, void *context);
void handle_list_keys(struct hive_request *request, void *context);

void handle_watch(struct hive_request *request, void *context);
void handle_get_snapshot(struct hive_request *request, void *context);

#endif
