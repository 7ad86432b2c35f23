/* C01, C02 and C10: whatever C passes, a function says that it is wrong, and touches nothing. */

#include "check.h"

#include <stdint.h>

static void *userdata_place;
static void no_event(void *userdata, conduit_str event) { (void)userdata, (void)event; }
static void no_tool(void *userdata, conduit_call *call) { (void)userdata, (void)call; }

/* Every function that can fail, as one shape; those with two texts stand here twice. */
typedef conduit_status entry(void *handle, conduit_str text, void **out, conduit_error **error);

#define ENTRY(name) static conduit_status name(void *handle, conduit_str text, void **out, conduit_error **error)
#define AS(type) ((type **)(void *)out)

ENTRY(builder_new) { return (void)handle, conduit_builder_new(text, AS(conduit_builder), error); }
ENTRY(builder_from_file) { return (void)handle, conduit_builder_from_file(text, AS(conduit_builder), error); }
ENTRY(builder_add_tool) {
  (void)out;
  return conduit_builder_add_tool(handle, text, no_tool, hand_over(&userdata_place), give_back, error);
}
ENTRY(builder_build) { return (void)text, conduit_builder_build(handle, AS(conduit_runtime), error); }
ENTRY(call_reply) { return (void)out, conduit_call_reply(handle, text, error); }
ENTRY(call_fail_message) { return (void)out, conduit_call_fail(handle, text, NONE, error); }
ENTRY(call_fail_content) { return (void)out, conduit_call_fail(handle, str("failed"), text, error); }
ENTRY(execution_join) { return (void)text, conduit_execution_join(handle, AS(conduit_result), error); }
ENTRY(runtime_execute) { return conduit_runtime_execute(handle, text, AS(conduit_result), error); }
ENTRY(runtime_spawn) {
  void *userdata = hand_over(&userdata_place);
  return conduit_runtime_spawn(handle, text, no_event, userdata, give_back, AS(conduit_execution), error);
}
ENTRY(runtime_tools) { return conduit_runtime_tools(handle, text, AS(conduit_text), error); }
ENTRY(search_query) { return conduit_runtime_search_tools(handle, text, 0, NONE, AS(conduit_text), error); }
ENTRY(search_allow) { return conduit_runtime_search_tools(handle, str("x"), 0, text, AS(conduit_text), error); }
ENTRY(describe_names) { return conduit_runtime_describe_tools(handle, text, NONE, AS(conduit_text), error); }
ENTRY(describe_allow) {
  return conduit_runtime_describe_tools(handle, str("[\"host.tool\"]"), text, AS(conduit_text), error);
}
ENTRY(declarations_language) { return conduit_runtime_declarations(handle, text, NONE, AS(conduit_text), error); }
ENTRY(declarations_allow) {
  return conduit_runtime_declarations(handle, str("python"), text, AS(conduit_text), error);
}
ENTRY(runtime_check) { return (void)text, conduit_runtime_check(handle, AS(conduit_text), error); }
ENTRY(runtime_shutdown) { return (void)text, (void)out, conduit_runtime_shutdown(handle, error); }

enum kind { BUILDER, RUNTIME, CALL, EXECUTION, RESULT, TEXT, ERROR, KINDS, NO_HANDLE };

/* What an entry takes, and what it says to a text that is no JSON, such as one with a NUL in it, and to none. */
static const struct {
  entry *function;
  enum kind kind;
  bool has_out, has_text;
  conduit_status with_nul, empty;
} ENTRIES[] = {
    {builder_new, NO_HANDLE, true, true, CONDUIT_STATUS_INVALID_CONFIG, CONDUIT_STATUS_OK},
    {builder_from_file, NO_HANDLE, true, true, CONDUIT_STATUS_INVALID_CONFIG, CONDUIT_STATUS_INVALID_CONFIG},
    {builder_add_tool, BUILDER, false, true, CONDUIT_STATUS_INVALID_CONFIG, CONDUIT_STATUS_INVALID_CONFIG},
    {builder_build, BUILDER, true, false, 0, 0},
    {call_reply, CALL, false, true, CONDUIT_STATUS_INVALID_REQUEST, -1},
    {call_fail_message, CALL, false, true, -1, -1},
    {call_fail_content, CALL, false, true, CONDUIT_STATUS_INVALID_REQUEST, -1},
    {execution_join, EXECUTION, true, false, 0, 0},
    {runtime_execute, RUNTIME, true, true, CONDUIT_STATUS_INVALID_REQUEST, CONDUIT_STATUS_INVALID_REQUEST},
    {runtime_spawn, RUNTIME, true, true, CONDUIT_STATUS_INVALID_REQUEST, CONDUIT_STATUS_INVALID_REQUEST},
    {runtime_tools, RUNTIME, true, true, CONDUIT_STATUS_INVALID_REQUEST, CONDUIT_STATUS_OK},
    {search_query, RUNTIME, true, true, CONDUIT_STATUS_OK, CONDUIT_STATUS_INVALID_REQUEST},
    {search_allow, RUNTIME, true, true, CONDUIT_STATUS_INVALID_REQUEST, CONDUIT_STATUS_OK},
    {describe_names, RUNTIME, true, true, CONDUIT_STATUS_INVALID_REQUEST, CONDUIT_STATUS_INVALID_REQUEST},
    {describe_allow, RUNTIME, true, true, CONDUIT_STATUS_INVALID_REQUEST, CONDUIT_STATUS_OK},
    {declarations_language, RUNTIME, true, true, CONDUIT_STATUS_INVALID_REQUEST, CONDUIT_STATUS_INVALID_REQUEST},
    {declarations_allow, RUNTIME, true, true, CONDUIT_STATUS_INVALID_REQUEST, CONDUIT_STATUS_OK},
    {runtime_check, RUNTIME, true, false, 0, 0},
    {runtime_shutdown, RUNTIME, false, false, 0, 0},
};

enum { COUNT = sizeof ENTRIES / sizeof *ENTRIES };

static void *live[KINDS];

static void free_any(enum kind kind, void *handle) {
  switch (kind) {
    case BUILDER: conduit_builder_free(handle); break;
    case RUNTIME: conduit_runtime_free(handle); break;
    case EXECUTION: conduit_execution_free(handle); break;
    case RESULT: conduit_result_free(handle); break;
    case TEXT: conduit_text_free(handle); break;
    case ERROR: conduit_error_free(handle); break;
    default: break;
  }
}

/* Calls an entry that must refuse with `expected`, and must not touch its out value. */
static void refuses(int at, void *handle, conduit_str text, void **out, conduit_status expected) {
  void *before = (void *)0x5a5a, *place = before;
  conduit_error *error = NULL;
  conduit_status status = ENTRIES[at].function(handle, text, out ? out : &place, &error);
  if (status != expected || place != before || conduit_error_status(error) != expected) {
    conduit_str said = conduit_error_message(error);
    fprintf(stderr, "entry %d: %d, expected %d: %.*s\n", at, status, expected, (int)said.len, said.ptr);
    _exit(1);
  }
  CHECK(conduit_error_message(error).len > 0 && has(conduit_error_json(error), "\"code\""));
  conduit_error_free(error);
  /* Without a place for the error, and with one that cannot be written. */
  char bytes[2 * sizeof(void *)];
  memset(bytes, 0x5a, sizeof bytes);
  CHECK(ENTRIES[at].function(handle, text, out ? out : &place, NULL) == expected);
  CHECK(ENTRIES[at].function(handle, text, out ? out : &place, (conduit_error **)(void *)(bytes + 1)) == expected);
  for (size_t i = 0; i < sizeof bytes; i++) CHECK(bytes[i] == 0x5a);
  CHECK(count_of(&handed) - count_of(&given_back) == 0);
}

/* Handles that are none: every getter gives its harmless value, every free does nothing. */
static void harmless(enum kind kind, void *bad) {
  if (kind != ERROR) {
    CHECK(conduit_error_status(bad) == 0 && !conduit_error_message(bad).ptr && !conduit_error_json(bad).ptr);
    conduit_error_free(bad);
  }
  if (kind != CALL) {
    CHECK(!conduit_call_tool(bad).ptr && !conduit_call_arguments(bad).ptr && conduit_call_is_cancelled(bad));
    CHECK(!conduit_call_execution(bad).ptr);
  }
  if (kind != EXECUTION) {
    CHECK(!conduit_execution_id(bad).ptr);
    conduit_execution_cancel(bad);
    conduit_execution_free(bad);
  }
  if (kind != RESULT) {
    CHECK(conduit_result_outcome(bad) == CONDUIT_OUTCOME_CANCELLED && !conduit_result_json(bad).ptr);
    CHECK(!conduit_result_value(bad).ptr && !conduit_result_stdout(bad).ptr && !conduit_result_stderr(bad).ptr);
    conduit_result_free(bad);
  }
  if (kind != TEXT) {
    CHECK(!conduit_text_str(bad).ptr);
    conduit_text_free(bad);
  }
  if (kind != BUILDER) conduit_builder_free(bad);
  if (kind != RUNTIME) conduit_runtime_free(bad);
}

/* `bad` is of `kind`, which the entries that want it do not see here. */
static void is_no_handle(enum kind kind, void *bad) {
  for (int at = 0; at < COUNT; at++) {
    if (ENTRIES[at].kind == NO_HANDLE || ENTRIES[at].kind == kind) continue;
    refuses(at, bad, str("null"), NULL, CONDUIT_STATUS_INVALID_REQUEST);
  }
  harmless(kind, bad);
}

static void bad_outs(void) {
  char bytes[2 * sizeof(void *)];
  for (int at = 0; at < COUNT; at++) {
    if (!ENTRIES[at].has_out || ENTRIES[at].function == builder_build) continue;
    void *handle = ENTRIES[at].kind == NO_HANDLE ? NULL : live[ENTRIES[at].kind];
    conduit_error *error = NULL;
    CHECK(ENTRIES[at].function(handle, NONE, NULL, &error) == CONDUIT_STATUS_INVALID_REQUEST);
    conduit_error_free(error);
    memset(bytes, 0x5a, sizeof bytes);
    refuses(at, handle, NONE, (void **)(void *)(bytes + 1), CONDUIT_STATUS_INVALID_REQUEST);
    for (size_t i = 0; i < sizeof bytes; i++) CHECK(bytes[i] == 0x5a);
  }
  /* Building uses a builder up, even so. */
  conduit_builder *builder = NULL;
  CHECK(conduit_builder_new(NONE, &builder, NULL) == CONDUIT_STATUS_OK);
  CHECK(conduit_builder_build(builder, NULL, NULL) == CONDUIT_STATUS_INVALID_REQUEST);
  is_no_handle(NO_HANDLE, builder);
}

static void bad_texts(void) {
  static const char WITH_NUL[] = "{\"language\0: 1}";
  for (int at = 0; at < COUNT; at++) {
    if (!ENTRIES[at].has_text) continue;
    void *handle = ENTRIES[at].kind == NO_HANDLE ? NULL : live[ENTRIES[at].kind];
    const conduit_str unreadable[] = {
        {NULL, 1}, {NULL, SIZE_MAX}, {"x", SIZE_MAX}, {"x", (size_t)PTRDIFF_MAX + 1}, {"\xff\xfe", 2}, {"\xc3", 1},
        {"\xed\xa0\x80", 3}, {"\xc0\x80", 2},
    };
    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++) {
      refuses(at, handle, unreadable[i], NULL, CONDUIT_STATUS_INVALID_REQUEST);
    }
    const conduit_str odd[] = {{WITH_NUL, sizeof WITH_NUL - 1}, {NULL, 0}, {"x", 0}};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
      conduit_status expected = i == 0 ? ENTRIES[at].with_nul : ENTRIES[at].empty;
      if (expected > 0) refuses(at, handle, odd[i], NULL, expected);
      if (expected != CONDUIT_STATUS_OK) continue;
      void *out = NULL;
      CHECK(ENTRIES[at].function(handle, odd[i], &out, NULL) == CONDUIT_STATUS_OK && out);
      free_any(ENTRIES[at].kind == NO_HANDLE ? BUILDER : TEXT, out);
    }
  }
}

static counter called = COUNTER;

static void hold(void *userdata, conduit_call *call) {
  (void)userdata;
  live[CALL] = call;
  count_up(&called);
}

static void after_shutdown(void) {
  conduit_error *error = NULL;
  OK(conduit_runtime_shutdown(live[RUNTIME], &error));
  OK(conduit_runtime_shutdown(live[RUNTIME], &error));
  void *out = NULL;
  conduit_str request = str("{\"language\": \"typescript\", \"code\": \"1\"}");
  CHECK(runtime_execute(live[RUNTIME], request, &out, NULL) == CONDUIT_STATUS_SHUT_DOWN && !out);
  conduit_status spawned = runtime_spawn(live[RUNTIME], request, &out, NULL);
  if (spawned == CONDUIT_STATUS_OK) {
    void *result = NULL;
    CHECK(execution_join(out, NONE, &result, NULL) == CONDUIT_STATUS_SHUT_DOWN && !result);
    conduit_execution_free(out);
  } else {
    CHECK(spawned == CONDUIT_STATUS_SHUT_DOWN);
  }
}

int main(void) {
  alarm(PATIENCE_SECONDS);
  CHECK(strcmp(conduit_version(), CONDUIT_VERSION) == 0);
  conduit_str guide = conduit_guide(str("python"));
  CHECK(guide.len > 14 && memcmp(guide.ptr, "Runs one Python", 15) == 0);
  CHECK(!conduit_guide(NONE).ptr && !conduit_guide(str("ruby")).ptr && !conduit_guide((conduit_str){NULL, 1}).ptr);
  conduit_error *error = NULL;
  conduit_str request = str("{\"language\": \"typescript\", \"code\": \"await tools.host.tool({})\"}");
  live[RUNTIME] = new_runtime(ONE, hold, NULL);
  OK(conduit_runtime_spawn(live[RUNTIME], request, NULL, NULL, NULL, (conduit_execution **)&live[EXECUTION], &error));
  wait_for(&called, 1);
  give_back(NULL); /* The tool's own is freed with the runtime, and is not counted here. */
  OK(conduit_builder_new(NONE, (conduit_builder **)&live[BUILDER], &error));
  OK(conduit_runtime_check(live[RUNTIME], (conduit_text **)&live[TEXT], &error));
  CHECK(conduit_builder_new(str("x"), (conduit_builder **)&live[RESULT], (conduit_error **)&live[ERROR]) != 0);

  void *const forged[] = {NULL, (void *)1, (void *)8, (void *)UINTPTR_MAX, (void *)0xdeadbeef, &request, stderr};
  for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) is_no_handle(NO_HANDLE, forged[i]);
  for (int kind = 0; kind < KINDS; kind++) {
    if (kind != RESULT) is_no_handle(kind, live[kind]);
  }
  bad_outs();
  bad_texts();
  CHECK(conduit_builder_add_tool(live[BUILDER], str("{\"name\": \"x\"}"), NULL, hand_over(NULL), give_back, NULL) ==
        CONDUIT_STATUS_INVALID_REQUEST);
  CHECK(count_of(&handed) == count_of(&given_back));

  OK(conduit_call_reply(live[CALL], str("1"), &error));
  OK(conduit_execution_join(live[EXECUTION], (conduit_result **)&live[RESULT], &error));
  CHECK(conduit_result_outcome(live[RESULT]) == CONDUIT_OUTCOME_COMPLETED);
  is_no_handle(RESULT, live[RESULT]);
  is_no_handle(NO_HANDLE, live[CALL]);
  after_shutdown();
  /* Freed twice, and used after that, from another handle's place too. */
  for (int kind = 0; kind < KINDS; kind++) {
    free_any(kind, live[kind]);
    free_any(kind, live[kind]);
  }
  wait_for(&given_back, count_of(&handed) + 1);
  give_back(NULL), hand_over(NULL), hand_over(NULL);
  for (int kind = 0; kind < KINDS; kind++) is_no_handle(NO_HANDLE, live[kind]);
  return 0;
}
