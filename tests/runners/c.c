/* The conformance runner of the C library: a case a line in, how it ended a line out. tests/conformance/README.md has the tools.
 *
 * Values go through as the texts that they are, so that no number is rounded; cJSON reads only the texts in them. */

#define _GNU_SOURCE
#include <conduit.h>

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const conduit_str NONE = {NULL, 0};

static conduit_str str(const char *text) { return (conduit_str){text, strlen(text)}; }

static bool is(conduit_str text, const char *other) {
  return text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
}

/* Raw JSON. */

static const char *blank(const char *at, const char *end) {
  while (at < end && strchr(" \t\r\n", *at)) at++;
  return at;
}

/* The end of the value that begins at `at`, of JSON that is well formed. */
static const char *value_end(const char *at, const char *end) {
  int depth = 0;
  bool quoted = false;
  for (; at < end; at++) {
    if (quoted) {
      if (*at == '\\') at++;
      else if (*at == '"') quoted = false;
    } else if (*at == '"') {
      quoted = true;
    } else if (*at == '{' || *at == '[') {
      depth++;
    } else if (*at == '}' || *at == ']') {
      if (--depth < 0) return at;
    } else if (depth == 0 && (*at == ',' || *at == ':')) {
      return at;
    }
  }
  return end;
}

/* The member `name` of an object as it is written; no text when there is none or it is null. */
static conduit_str member(conduit_str object, const char *name) {
  const char *end = object.ptr + object.len, *at = blank(object.ptr, end);
  if (at == end || *at != '{') return NONE;
  for (at = blank(at + 1, end); at < end && *at == '"';) {
    const char *key = at + 1, *colon = value_end(at, end);
    const char *value = blank(colon + 1, end), *after = value_end(value, end);
    if ((size_t)(colon - key) > strlen(name) && strncmp(key, name, strlen(name)) == 0 && key[strlen(name)] == '"') {
      conduit_str found = {value, (size_t)(after - value)};
      return is(found, "null") ? NONE : found;
    }
    at = after < end && *after == ',' ? blank(after + 1, end) : end;
  }
  return NONE;
}

/* The text that a JSON string means; the caller frees it. NULL when it is no string. */
static char *meant(conduit_str json) {
  cJSON *value = json.ptr ? cJSON_ParseWithLength(json.ptr, json.len) : NULL;
  char *text = cJSON_IsString(value) ? strdup(value->valuestring) : NULL;
  cJSON_Delete(value);
  return text;
}

static long long whole(conduit_str json) { return json.ptr ? strtoll(json.ptr, NULL, 10) : 0; }

/* The tools. */

enum { MOST_UNANSWERED = 1000 };

/* What the tools of one case share. */
typedef struct {
  atomic_int owners;
  atomic_int calls, asleep, peak;
  atomic_int unanswered;
  conduit_call *never[MOST_UNANSWERED];
} shared;

/* Answers what `never` has left: the case is over, so it is too late. */
static void release(void *userdata) {
  shared *all = userdata;
  if (atomic_fetch_sub(&all->owners, 1) > 1) return;
  for (int i = 0; i < all->unanswered; i++) conduit_call_reply(all->never[i], NONE, NULL);
  free(all);
}

static void reply(conduit_call *call, const char *before, conduit_str value, const char *after) {
  char *text;
  if (!value.ptr) value = str("null");
  int len = asprintf(&text, "%s%.*s%s", before, (int)value.len, value.ptr, after);
  if (len < 0) abort();
  conduit_call_reply(call, (conduit_str){text, (size_t)len}, NULL);
  free(text);
}

typedef struct {
  shared *all;
  conduit_call *call;
} sleeper;

static void *sleep_then_reply(void *argument) {
  sleeper *it = argument;
  struct timespec now, end;
  conduit_str ms = member(conduit_call_arguments(it->call), "ms");
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_sec += whole(ms) / 1000;
  end.tv_nsec += whole(ms) % 1000 * 1000000;
  for (;;) {
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long left = (end.tv_sec - now.tv_sec) * 1000000000LL + end.tv_nsec - now.tv_nsec;
    if (left <= 0 || conduit_call_is_cancelled(it->call)) break;
    nanosleep(&(struct timespec){0, left < 5000000 ? (long)left : 5000000}, NULL);
  }
  atomic_fetch_sub(&it->all->asleep, 1);
  reply(it->call, "", ms, "");
  release(it->all);
  free(it);
  return NULL;
}

static void tool_sleep(void *userdata, conduit_call *call) {
  shared *all = userdata;
  int asleep = atomic_fetch_add(&all->asleep, 1) + 1, peak = all->peak;
  while (asleep > peak && !atomic_compare_exchange_weak(&all->peak, &peak, asleep)) {}
  atomic_fetch_add(&all->owners, 1);
  sleeper *it = malloc(sizeof *it);
  *it = (sleeper){all, call};
  pthread_t thread;
  if (pthread_create(&thread, NULL, sleep_then_reply, it)) abort();
  pthread_detach(thread);
}

static void tool_count(void *userdata, conduit_call *call) {
  shared *all = userdata;
  char text[64];
  snprintf(text, sizeof text, "{\"calls\": %d, \"peak\": %d}", atomic_fetch_add(&all->calls, 1) + 1, all->peak);
  conduit_call_reply(call, str(text), NULL);
}

static void tool_never(void *userdata, conduit_call *call) {
  shared *all = userdata;
  int place = atomic_fetch_add(&all->unanswered, 1);
  if (place >= MOST_UNANSWERED) abort();
  all->never[place] = call;
}

static void tool_echo(void *userdata, conduit_call *call) {
  (void)userdata;
  reply(call, "", member(conduit_call_arguments(call), "value"), "");
}

static void tool_add(void *userdata, conduit_call *call) {
  (void)userdata;
  conduit_str arguments = conduit_call_arguments(call);
  char sum[32];
  snprintf(sum, sizeof sum, "%lld", whole(member(arguments, "a")) + whole(member(arguments, "b")));
  reply(call, "{\"sum\": ", str(sum), "}");
}

static void tool_fail(void *userdata, conduit_call *call) {
  (void)userdata;
  conduit_str json = member(conduit_call_arguments(call), "message");
  char *message = meant(json), *content;
  if (asprintf(&content, "[{\"type\": \"text\", \"text\": %.*s}]", (int)json.len, json.ptr) < 0) abort();
  conduit_call_fail(call, str(message), str(content), NULL);
  free(content);
  free(message);
}

static void tool_text(void *userdata, conduit_call *call) {
  (void)userdata;
  reply(call, "", member(conduit_call_arguments(call), "text"), "");
}

static void tool_big(void *userdata, conduit_call *call) {
  (void)userdata;
  size_t bytes = (size_t)whole(member(conduit_call_arguments(call), "bytes"));
  char *text = malloc(bytes + 2);
  memset(text, 'x', bytes + 2);
  text[0] = text[bytes + 1] = '"';
  conduit_call_reply(call, (conduit_str){text, bytes + 2}, NULL);
  free(text);
}

static void tool_invoice(void *userdata, conduit_call *call) {
  (void)userdata;
  reply(call, "{\"id\": ", member(conduit_call_arguments(call), "id"), "}");
}

static void tool_class(void *userdata, conduit_call *call) {
  (void)userdata;
  reply(call, "{\"x\": ", member(conduit_call_arguments(call), "x"), "}");
}

static void tool_arguments(void *userdata, conduit_call *call) {
  (void)userdata;
  reply(call, "", conduit_call_arguments(call), "");
}

static void tool_secret(void *userdata, conduit_call *call) {
  (void)userdata;
  conduit_call_reply(call, str("\"secret\""), NULL);
}

typedef struct {
  const char *upstream, *name, *properties, *required, *more;
  conduit_tool_fn function;
} tool;

#define INTEGER "{\"type\": \"integer\"}"
#define TEXT "{\"type\": \"string\"}"

static const tool TOOLS[] = {
    {"test", "echo", "\"value\": {}", "", "", tool_echo},
    {"test", "add", "\"a\": " INTEGER ", \"b\": " INTEGER, "\"a\", \"b\"",
     ", \"outputSchema\": {\"type\": \"object\", \"properties\": {\"sum\": " INTEGER "}, \"required\": [\"sum\"]}",
     tool_add},
    {"test", "text", "\"text\": " TEXT, "\"text\"", "", tool_text},
    {"test", "big", "\"bytes\": " INTEGER, "\"bytes\"", "", tool_big},
    {"test", "get-invoice", "\"id\": " TEXT, "\"id\"", "", tool_invoice},
    {"test", "class", "\"x\": " INTEGER, "", "", tool_class},
    {"test", "no_schema", NULL, "", "", tool_arguments},
    {"test", "never", "", "", "", tool_never},
    {"test", "fail", "\"message\": " TEXT, "\"message\"", "", tool_fail},
    {"test", "sleep", "\"ms\": " INTEGER, "\"ms\"", "", tool_sleep},
    {"test", "count", "", "", "", tool_count},
    {"other", "secret", "", "", "", tool_secret},
};

static conduit_status add_tools(conduit_builder *builder, conduit_error **error) {
  shared *all = calloc(1, sizeof *all);
  conduit_status status = CONDUIT_STATUS_OK;
  all->owners = 1;
  for (size_t i = 0; status == CONDUIT_STATUS_OK && i < sizeof TOOLS / sizeof *TOOLS; i++) {
    const tool *it = &TOOLS[i];
    char *schema = NULL, *definition;
    const char *object = ", \"inputSchema\": {\"type\": \"object\", \"properties\": {%s}, \"required\": [%s]}";
    const char *whole = "{\"upstream\": \"%s\", \"name\": \"%s\", \"description\": \"The tool %s of the cases.\"%s%s}";
    if (it->properties && asprintf(&schema, object, it->properties, it->required) < 0) abort();
    const char *input = schema ? schema : "";
    if (asprintf(&definition, whole, it->upstream, it->name, it->name, input, it->more) < 0) abort();
    atomic_fetch_add(&all->owners, 1);
    status = conduit_builder_add_tool(builder, str(definition), it->function, all, release, error);
    free(schema);
    free(definition);
  }
  release(all);
  return status;
}

/* Events. */

/* Waits for a text that a program prints. Two own it: who waits, and the library. */
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int owners;
  char *text;
  bool seen, ended;
} watch;

static watch *watch_new(const char *text) {
  watch *it = calloc(1, sizeof *it);
  pthread_mutex_init(&it->lock, NULL);
  pthread_cond_init(&it->changed, NULL);
  it->owners = 2;
  it->text = strdup(text);
  return it;
}

static void watch_release(void *userdata) {
  watch *it = userdata;
  pthread_mutex_lock(&it->lock);
  bool is_last = --it->owners == 0;
  pthread_mutex_unlock(&it->lock);
  if (!is_last) return;
  free(it->text);
  free(it);
}

static void on_event(void *userdata, conduit_str event) {
  watch *it = userdata;
  bool is_stdout = event.ptr && is(member(event, "event"), "\"stdout\"");
  char *text = is_stdout ? meant(member(event, "text")) : NULL;
  pthread_mutex_lock(&it->lock);
  it->seen |= text && strstr(text, it->text);
  it->ended |= !event.ptr;
  pthread_cond_signal(&it->changed);
  pthread_mutex_unlock(&it->lock);
  free(text);
}

/* Starts a program, and waits until it has printed something that contains `text`. */
static conduit_status spawn_until(const conduit_runtime *runtime, conduit_str request, const char *text,
                                  conduit_execution **out, conduit_error **error) {
  watch *it = watch_new(text);
  conduit_status status = conduit_runtime_spawn(runtime, request, on_event, it, watch_release, out, error);
  pthread_mutex_lock(&it->lock);
  while (status == CONDUIT_STATUS_OK && !it->seen && !it->ended) pthread_cond_wait(&it->changed, &it->lock);
  if (status == CONDUIT_STATUS_OK && !it->seen) {
    fprintf(stderr, "the program ended without printing `%s`\n", text);
    abort();
  }
  pthread_mutex_unlock(&it->lock);
  watch_release(it);
  return status;
}

/* Cases. */

static conduit_status run(const conduit_runtime *runtime, conduit_str job, conduit_result **result,
                          conduit_error **error) {
  conduit_execution *beside = NULL, *execution = NULL;
  conduit_str beside_request = member(job, "beside"), request = member(job, "request");
  conduit_status status = CONDUIT_STATUS_OK;
  if (beside_request.ptr) status = spawn_until(runtime, beside_request, "", &beside, error);
  bool shut_down = is(member(job, "shut_down"), "true");
  if (status == CONDUIT_STATUS_OK && shut_down) status = conduit_runtime_shutdown(runtime, error);
  char *cancel_at = meant(member(job, "cancel_at"));
  if (status == CONDUIT_STATUS_OK && cancel_at) {
    status = spawn_until(runtime, request, cancel_at, &execution, error);
    conduit_execution_cancel(execution);
    if (status == CONDUIT_STATUS_OK) status = conduit_execution_join(execution, result, error);
  } else if (status == CONDUIT_STATUS_OK) {
    status = conduit_runtime_execute(runtime, request, result, error);
  }
  free(cancel_at);
  conduit_execution_free(execution);
  conduit_execution_free(beside);
  return status;
}

static void print(const char *key, conduit_str json) { printf("{\"%s\": %.*s}\n", key, (int)json.len, json.ptr); }

int main(void) {
  char *line = NULL;
  size_t capacity = 0;
  ssize_t len;
  while ((len = getline(&line, &capacity, stdin)) > 0) {
    conduit_str job = {line, (size_t)len};
    conduit_builder *builder = NULL;
    conduit_runtime *runtime = NULL;
    conduit_result *result = NULL;
    conduit_error *error = NULL;
    conduit_status status = conduit_builder_new(member(job, "config"), &builder, &error);
    if (status == CONDUIT_STATUS_OK) status = add_tools(builder, &error);
    if (status == CONDUIT_STATUS_OK) status = conduit_builder_build(builder, &runtime, &error);
    if (status == CONDUIT_STATUS_OK) status = run(runtime, job, &result, &error);
    if (status == CONDUIT_STATUS_OK) print("result", conduit_result_json(result));
    else print("error", conduit_error_json(error));
    fflush(stdout);
    conduit_result_free(result);
    conduit_error_free(error);
    conduit_runtime_free(runtime);
  }
  free(line);
  return 0;
}
