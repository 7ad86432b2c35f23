/* What the programs of this folder share. Each ends with 0 when all holds; one that hangs is killed by its alarm. */
#ifndef CHECK_H
#define CHECK_H

#define _GNU_SOURCE
#include <conduit.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 300 };

#define CHECK(holds) \
  do { \
    if (!(holds)) { \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds); \
      _exit(1); \
    } \
  } while (0)

/* For a function that must succeed; `error` is in scope. */
#define OK(call) \
  do { \
    if ((call) != CONDUIT_STATUS_OK) { \
      conduit_str text = conduit_error_message(error); \
      fprintf(stderr, "%s:%d: %s: %.*s\n", __FILE__, __LINE__, #call, (int)text.len, text.ptr); \
      _exit(1); \
    } \
  } while (0)

static const conduit_str NONE = {NULL, 0};

static inline conduit_str str(const char *text) { return (conduit_str){text, strlen(text)}; }

static inline bool is(conduit_str text, const char *other) {
  return text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
}

static inline bool has(conduit_str text, const char *part) {
  return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static inline bool under_valgrind(void) {
  const char *tool = getenv("CONDUIT_TEST_TOOL");
  return tool && strcmp(tool, "valgrind") == 0;
}

/* A number that threads wait for. */
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int count;
} counter;

#define COUNTER {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

static inline void count_up(counter *it) {
  pthread_mutex_lock(&it->lock);
  it->count++;
  pthread_cond_broadcast(&it->changed);
  pthread_mutex_unlock(&it->lock);
}

static inline void wait_for(counter *it, int count) {
  pthread_mutex_lock(&it->lock);
  while (it->count < count) pthread_cond_wait(&it->changed, &it->lock);
  pthread_mutex_unlock(&it->lock);
}

static inline int count_of(counter *it) {
  pthread_mutex_lock(&it->lock);
  int count = it->count;
  pthread_mutex_unlock(&it->lock);
  return count;
}

/* What was handed over together with a function, and how much of it was freed. */
static counter handed = COUNTER, given_back = COUNTER;

static inline void give_back(void *userdata) {
  (void)userdata;
  count_up(&given_back);
}

static inline void *hand_over(void *userdata) {
  count_up(&handed);
  return userdata;
}

/* A runtime with one tool, `host.tool`; `function` may be NULL. `more` are further keys of the config. */
static inline conduit_runtime *new_runtime(const char *more, conduit_tool_fn function, void *userdata) {
  conduit_builder *builder = NULL;
  conduit_runtime *runtime = NULL;
  conduit_error *error = NULL;
  char config[256];
  snprintf(config, sizeof config, "{\"policy\": {\"allow\": [\"*\"]}, \"languages\": [\"typescript\"], %s}", more);
  OK(conduit_builder_new(str(config), &builder, &error));
  if (function) {
    conduit_str definition = str("{\"name\": \"tool\"}");
    OK(conduit_builder_add_tool(builder, definition, function, hand_over(userdata), give_back, &error));
  }
  OK(conduit_builder_build(builder, &runtime, &error));
  return runtime;
}

#define ONE "\"max_executions\": 1"

/* Runs a program of TypeScript, whose text needs no escapes; its value must be `expected`. */
static inline void gives(const conduit_runtime *runtime, const char *code, const char *expected) {
  conduit_result *result = NULL;
  conduit_error *error = NULL;
  char request[1024];
  snprintf(request, sizeof request, "{\"language\": \"typescript\", \"code\": \"%s\"}", code);
  OK(conduit_runtime_execute(runtime, str(request), &result, &error));
  conduit_str value = conduit_result_value(result), json = conduit_result_json(result);
  if (conduit_result_outcome(result) != CONDUIT_OUTCOME_COMPLETED || !is(value, expected)) {
    fprintf(stderr, "%s: expected %s: %.*s\n", code, expected, (int)json.len, json.ptr);
    _exit(1);
  }
  conduit_result_free(result);
}

#endif
