/* C04: functions of the host that fail, hang, answer twice, late, never or from elsewhere, or turn on the library itself. */

#include "check.h"

static conduit_call *kept;
static counter entered = COUNTER, leave = COUNTER;

static conduit_status reply(conduit_call *call, const char *json) { return conduit_call_reply(call, str(json), NULL); }

#define CALL_IT "return await tools.host.tool({})"
#define CATCH_IT \
  "try { return await tools.host.tool({}) } catch (error) { return [error.code, error.message, error.content] }"
#define ROOM "\"max_executions\": 2"

/* A program that calls the tool and runs into its deadline, which leaves valgrind the time to get to the call. */
static conduit_result *short_run(const conduit_runtime *runtime) {
  conduit_result *result = NULL;
  conduit_error *error = NULL;
  char request[256];
  snprintf(request, sizeof request,
           "{\"language\": \"typescript\", \"code\": \"" CALL_IT "\", \"limits\": {\"wall_time_ms\": %d}}",
           under_valgrind() ? 5000 : 300);
  OK(conduit_runtime_execute(runtime, str(request), &result, &error));
  CHECK(conduit_result_outcome(result) == CONDUIT_OUTCOME_LIMIT_EXCEEDED);
  CHECK(has(conduit_result_json(result), "\"limit\":\"wall_time\""));
  return result;
}

static void fails(void *userdata, conduit_call *call) {
  (void)userdata;
  CHECK(is(conduit_call_tool(call), "host.tool") && is(conduit_call_arguments(call), "{}"));
  CHECK(conduit_call_execution(call).len == 32);
  CHECK(!conduit_call_is_cancelled(call));
  CHECK(conduit_call_fail(call, str("no such city"), str("{\"near\": [\"Oslo\"]}"), NULL) == CONDUIT_STATUS_OK);
}

static void twice(void *userdata, conduit_call *call) {
  (void)userdata;
  CHECK(reply(call, "{") == CONDUIT_STATUS_INVALID_REQUEST); /* No JSON: still to be answered. */
  CHECK(reply(call, "1") == CONDUIT_STATUS_OK);
  CHECK(reply(call, "2") == CONDUIT_STATUS_INVALID_REQUEST);
  CHECK(conduit_call_fail(call, str("x"), NONE, NULL) == CONDUIT_STATUS_INVALID_REQUEST);
  CHECK(!conduit_call_tool(call).ptr);
}

static void nothing(void *userdata, conduit_call *call) {
  (void)userdata;
  CHECK(conduit_call_reply(call, NONE, NULL) == CONDUIT_STATUS_OK);
}

static void keeps(void *userdata, conduit_call *call) {
  (void)userdata;
  kept = call;
  count_up(&entered);
}

static void hangs(void *userdata, conduit_call *call) {
  keeps(userdata, call);
  wait_for(&leave, 1);
  CHECK(conduit_call_is_cancelled(call));
  CHECK(reply(call, "1") == CONDUIT_STATUS_CANCELLED);
  CHECK(reply(call, "1") == CONDUIT_STATUS_INVALID_REQUEST);
  count_up(&entered);
}

static void *answer_elsewhere(void *call) {
  CHECK(reply(call, "\"elsewhere\"") == CONDUIT_STATUS_OK);
  return NULL;
}

static void elsewhere(void *userdata, conduit_call *call) {
  pthread_t *thread = userdata;
  CHECK(pthread_create(thread, NULL, answer_elsewhere, call) == 0);
}

static void answers(void) {
  pthread_t thread;
  conduit_runtime *runtime = new_runtime(ONE, fails, NULL);
  gives(runtime, CATCH_IT, "[\"tool_failed\",\"no such city\",{\"near\":[\"Oslo\"]}]");
  conduit_runtime_free(runtime);
  runtime = new_runtime(ONE, twice, NULL);
  gives(runtime, CALL_IT, "1");
  conduit_runtime_free(runtime);
  runtime = new_runtime(ONE, nothing, NULL);
  gives(runtime, "return [await tools.host.tool({})]", "[null]");
  conduit_runtime_free(runtime);
  runtime = new_runtime(ONE, elsewhere, &thread);
  gives(runtime, CALL_IT, "\"elsewhere\"");
  CHECK(pthread_join(thread, NULL) == 0);
  conduit_runtime_free(runtime);
}

/* The run ends at its deadline, whatever the function does; the answer is then too late. */
static void late(void) {
  conduit_runtime *runtime = new_runtime(ONE, hangs, NULL);
  conduit_result_free(short_run(runtime));
  count_up(&leave);
  wait_for(&entered, 2);
  conduit_runtime_free(runtime);

  runtime = new_runtime(ONE, keeps, NULL);
  conduit_result_free(short_run(runtime));
  CHECK(conduit_call_is_cancelled(kept) && is(conduit_call_tool(kept), "host.tool"));
  gives(runtime, "return 1", "1");
  CHECK(reply(kept, "1") == CONDUIT_STATUS_CANCELLED);
  /* One that is never answered holds up nothing, and may be answered when even its runtime is gone. */
  conduit_result_free(short_run(runtime));
  conduit_runtime_free(runtime);
  CHECK(conduit_call_is_cancelled(kept));
  CHECK(conduit_call_fail(kept, str("late"), NONE, NULL) == CONDUIT_STATUS_CANCELLED);
}

static conduit_runtime *of_tool;

static void reenters(void *userdata, conduit_call *call) {
  (void)userdata;
  conduit_text *text = NULL;
  conduit_error *error = NULL;
  gives(of_tool, "return 'inner'", "\"inner\"");
  OK(conduit_runtime_tools(of_tool, NONE, &text, &error));
  conduit_text_free(text);
  OK(conduit_runtime_check(of_tool, &text, &error));
  conduit_text_free(text);
  CHECK(reply(call, "\"outer\"") == CONDUIT_STATUS_OK);
}

static void reenters_a_full_one(void *userdata, conduit_call *call) {
  (void)userdata;
  conduit_result *result = NULL;
  conduit_str request = str("{\"language\": \"typescript\", \"code\": \"1\"}");
  conduit_status status = conduit_runtime_execute(of_tool, request, &result, NULL);
  CHECK(status == CONDUIT_STATUS_BUSY && !result);
  CHECK(reply(call, "\"busy\"") == CONDUIT_STATUS_OK);
}

static void makes_another(void *userdata, conduit_call *call) {
  (void)userdata;
  conduit_runtime *other = new_runtime(ONE, fails, NULL);
  gives(other, "return 'other'", "\"other\"");
  conduit_runtime_free(other);
  CHECK(reply(call, "1") == CONDUIT_STATUS_OK);
}

static void frees_the_runtime(void *userdata, conduit_call *call) {
  (void)userdata;
  conduit_runtime_free(of_tool);
  CHECK(conduit_runtime_shutdown(of_tool, NULL) == CONDUIT_STATUS_INVALID_REQUEST);
  CHECK(conduit_call_is_cancelled(call));
  CHECK(reply(call, "1") == CONDUIT_STATUS_CANCELLED);
  count_up(&entered);
}

static void the_library_itself(void) {
  of_tool = new_runtime(ROOM, reenters, NULL);
  gives(of_tool, CALL_IT, "\"outer\"");
  conduit_runtime_free(of_tool);
  of_tool = new_runtime(ONE ", \"max_queue\": 0", reenters_a_full_one, NULL);
  gives(of_tool, CALL_IT, "\"busy\"");
  conduit_runtime_free(of_tool);
  of_tool = new_runtime(ONE, makes_another, NULL);
  gives(of_tool, CALL_IT, "1");
  conduit_runtime_free(of_tool);

  of_tool = new_runtime(ONE, frees_the_runtime, NULL);
  conduit_result *result = NULL;
  conduit_error *error = NULL;
  int before = count_of(&entered);
  conduit_str request = str("{\"language\": \"typescript\", \"code\": \"" CALL_IT "\"}");
  OK(conduit_runtime_execute(of_tool, request, &result, &error));
  CHECK(conduit_result_outcome(result) == CONDUIT_OUTCOME_CANCELLED);
  conduit_result_free(result);
  wait_for(&entered, before + 1);
}

/* Events. */

typedef struct {
  counter started, last;
  conduit_execution *execution;
  char seen[512];
} listener;

static void hear(void *userdata, conduit_str event) {
  listener *it = userdata;
  CHECK(count_of(&it->last) == 0);
  if (!event.ptr) {
    CHECK(event.len == 0);
    count_up(&it->last);
    return;
  }
  size_t len = strlen(it->seen);
  snprintf(it->seen + len, sizeof it->seen - len, "%.*s\n", (int)event.len, event.ptr);
}

static void free_in_event(void *userdata, conduit_str event) {
  listener *it = userdata;
  wait_for(&it->started, 1);
  conduit_execution_free(it->execution);
  conduit_execution_free(it->execution);
  CHECK(!conduit_execution_id(it->execution).ptr);
  if (!event.ptr) count_up(&it->last);
}

static void events(void) {
  conduit_runtime *runtime = new_runtime(ONE, NULL, NULL);
  conduit_error *error = NULL;
  conduit_result *result = NULL;
  listener heard = {COUNTER, COUNTER, NULL, ""};
  conduit_str request = str("{\"language\": \"typescript\", \"code\": \"for (const i of [1, 2, 3]) { console.log(i); "
                            "console.error(-i) }\"}");
  OK(conduit_runtime_spawn(runtime, request, hear, hand_over(&heard), give_back, &heard.execution, &error));
  OK(conduit_execution_join(heard.execution, &result, &error));
  CHECK(conduit_execution_join(heard.execution, &result, NULL) == CONDUIT_STATUS_INVALID_REQUEST);
  conduit_execution_cancel(heard.execution);
  CHECK(has(conduit_result_json(result), "\"status\":\"completed\""));
  conduit_str id = conduit_execution_id(heard.execution);
  CHECK(id.len > 0 && memmem(conduit_result_json(result).ptr, conduit_result_json(result).len, id.ptr, id.len));
  wait_for(&heard.last, 1);
  const char *expected = "{\"event\":\"stdout\",\"text\":\"1\\n\"}\n{\"event\":\"stderr\",\"text\":\"-1\\n\"}\n"
             "{\"event\":\"stdout\",\"text\":\"2\\n\"}\n{\"event\":\"stderr\",\"text\":\"-2\\n\"}\n"
             "{\"event\":\"stdout\",\"text\":\"3\\n\"}\n{\"event\":\"stderr\",\"text\":\"-3\\n\"}\n";
  if (strcmp(heard.seen, expected) != 0) fprintf(stderr, "%s", heard.seen);
  CHECK(strcmp(heard.seen, expected) == 0);
  conduit_result_free(result);
  conduit_execution_free(heard.execution);

  listener freeing = {COUNTER, COUNTER, NULL, ""};
  request = str("{\"language\": \"typescript\", \"code\": \"console.log(1); while (true) {}\"}");
  conduit_execution **place = &freeing.execution;
  OK(conduit_runtime_spawn(runtime, request, free_in_event, hand_over(&freeing), give_back, place, &error));
  count_up(&freeing.started);
  wait_for(&freeing.last, 1);
  gives(runtime, "return 'free again'", "\"free again\"");
  conduit_runtime_free(runtime);
}

int main(void) {
  alarm(PATIENCE_SECONDS);
  answers();
  late();
  the_library_itself();
  events();
  wait_for(&given_back, count_of(&handed));
  CHECK(count_of(&given_back) == count_of(&handed));
  return 0;
}
