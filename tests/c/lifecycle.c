/* C05 and forks: what is made is gone again, many threads at once, and a child of this process. */

#include "check.h"

#include <dirent.h>
#include <sys/wait.h>

static int entries(const char *folder) {
  DIR *opened = opendir(folder);
  CHECK(opened);
  int count = 0;
  while (readdir(opened)) count++;
  closedir(opened);
  return count;
}

/* Threads end a moment after what they belonged to; the alarm ends a test in which they do not. */
static void wait_for_base(int descriptors, int threads) {
  while (entries("/proc/self/task") > threads) sched_yield();
  while (entries("/proc/self/fd") > descriptors) sched_yield();
}

static void adds(void *userdata, conduit_call *call) {
  (void)userdata;
  conduit_str arguments = conduit_call_arguments(call);
  CHECK(conduit_call_reply(call, arguments, NULL) == CONDUIT_STATUS_OK);
}

static void created_and_freed(void) {
  int rounds = under_valgrind() ? 20 : 1000, descriptors = 0, threads = 0;
  for (int round = 0; round <= rounds; round++) {
    conduit_runtime *runtime = new_runtime(ONE, adds, NULL);
    if (round % 50 == 0) gives(runtime, "return (await tools.host.tool({x: 1})).x", "1");
    conduit_runtime_free(runtime);
    if (round == 0) {
      /* What the process keeps: threads that the library has once. */
      wait_for(&given_back, count_of(&handed));
      runtime = new_runtime(ONE, NULL, NULL);
      descriptors = entries("/proc/self/fd");
      threads = entries("/proc/self/task");
      conduit_runtime_free(runtime);
    }
  }
  wait_for(&given_back, count_of(&handed));
  wait_for_base(descriptors, threads);
}

static conduit_runtime *shared;
static int per_thread;

static void runs(const conduit_runtime *runtime, long number) {
  char code[128], expected[32];
  for (int i = 0; i < per_thread; i++) {
    snprintf(code, sizeof code, "return (await tools.host.tool({x: %ld})).x + %d", number * 1000, i);
    snprintf(expected, sizeof expected, "%ld", number * 1000 + i);
    gives(runtime, code, expected);
  }
}

static void *on_the_shared_one(void *number) {
  runs(shared, (long)number);
  return NULL;
}

static void *on_one_of_its_own(void *number) {
  conduit_runtime *runtime = new_runtime(ONE, adds, NULL);
  runs(runtime, (long)number);
  conduit_runtime_free(runtime);
  return NULL;
}

static void *frees_it(void *number) {
  (void)number;
  conduit_runtime_free(shared);
  return NULL;
}

static void *until_it_is_freed(void *number) {
  conduit_str request = str("{\"language\": \"typescript\", \"code\": \"1\"}");
  conduit_status status = CONDUIT_STATUS_OK;
  conduit_result *result = NULL;
  while ((status = conduit_runtime_execute(shared, request, &result, NULL)) == CONDUIT_STATUS_OK) {
    conduit_result_free(result);
  }
  CHECK(status == CONDUIT_STATUS_SHUT_DOWN || status == CONDUIT_STATUS_INVALID_REQUEST);
  (void)number;
  return NULL;
}

enum { MOST_THREADS = 64 };

static void on_threads(int count, void *(*body)(void *), void *(*meanwhile)(void *)) {
  pthread_t threads[MOST_THREADS], other;
  for (long i = 0; i < count; i++) CHECK(pthread_create(&threads[i], NULL, body, (void *)i) == 0);
  if (meanwhile) CHECK(pthread_create(&other, NULL, meanwhile, NULL) == 0 && pthread_join(other, NULL) == 0);
  for (int i = 0; i < count; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

static void many_threads(void) {
  int count = under_valgrind() ? 8 : MOST_THREADS;
  per_thread = under_valgrind() ? 2 : 20;
  shared = new_runtime("\"max_executions\": 4", adds, NULL);
  on_threads(count, on_the_shared_one, NULL);
  conduit_runtime_free(shared);
  per_thread = 2;
  /* Each runtime reserves 36 GiB of addresses; valgrind has room for few of them. */
  on_threads(under_valgrind() ? 2 : count, on_one_of_its_own, NULL);
  shared = new_runtime("\"max_executions\": 4", adds, NULL);
  on_threads(under_valgrind() ? 4 : 16, until_it_is_freed, frees_it);
}

static void in_the_child(conduit_runtime *of_parent, conduit_execution *running) {
  conduit_text *text = NULL;
  conduit_result *result = NULL;
  conduit_str request = str("{\"language\": \"typescript\", \"code\": \"1\"}");
  CHECK(conduit_runtime_execute(of_parent, request, &result, NULL) == CONDUIT_STATUS_SHUT_DOWN);
  CHECK(conduit_runtime_check(of_parent, &text, NULL) == CONDUIT_STATUS_SHUT_DOWN);
  CHECK(conduit_runtime_shutdown(of_parent, NULL) == CONDUIT_STATUS_SHUT_DOWN);
  CHECK(conduit_execution_join(running, &result, NULL) == CONDUIT_STATUS_SHUT_DOWN);
  conduit_execution_free(running);
  conduit_runtime_free(of_parent);
  /* A runtime of its own works, and its limits hold. */
  conduit_runtime *own = new_runtime(ONE, adds, NULL);
  gives(own, "return (await tools.host.tool({x: 5})).x", "5");
  conduit_error *error = NULL;
  request = str("{\"language\": \"typescript\", \"code\": \"while (true) {}\", \"limits\": {\"cpu_time_ms\": 100}}");
  OK(conduit_runtime_execute(own, request, &result, &error));
  CHECK(has(conduit_result_json(result), "\"limit\":\"cpu_time\""));
  conduit_result_free(result);
  conduit_runtime_free(own);
}

static counter calls = COUNTER;
static conduit_call *kept;
static int forked;

static void keeps(void *userdata, conduit_call *call) {
  (void)userdata;
  kept = call;
  count_up(&calls);
}

static void forks(void) {
  conduit_runtime *runtime = new_runtime("\"max_executions\": 2", keeps, NULL);
  conduit_execution *running = NULL;
  conduit_result *result = NULL;
  conduit_error *error = NULL;
  conduit_str request = str("{\"language\": \"typescript\", \"code\": \"return await tools.host.tool({})\"}");
  OK(conduit_runtime_spawn(runtime, request, NULL, NULL, NULL, &running, &error));
  wait_for(&calls, ++forked);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    alarm(PATIENCE_SECONDS);
    in_the_child(runtime, running);
    /* What the parent's threads hold is lost here, which is no leak of ours: valgrind does not count after an exec. */
    if (under_valgrind()) execl("/bin/true", "true", (char *)NULL);
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(conduit_call_reply(kept, str("7"), NULL) == CONDUIT_STATUS_OK);
  OK(conduit_execution_join(running, &result, &error));
  CHECK(is(conduit_result_value(result), "7"));
  conduit_result_free(result);
  conduit_execution_free(running);
  conduit_runtime_free(runtime);
}

static void in_worker_processes(void) {
  /* Valgrind has no landlock. */
  const char *config = under_valgrind() ? ONE ", \"isolation\": \"process\""
                                        : ONE ", \"isolation\": \"process\", \"confinement\": \"require\"";
  conduit_runtime *runtime = new_runtime(config, adds, NULL);
  for (int i = 0; i < 3; i++) gives(runtime, "return (await tools.host.tool({x: 6})).x + 1", "7");
  conduit_runtime_free(runtime);
}

int main(void) {
  alarm(PATIENCE_SECONDS);
  in_worker_processes();
  forks();
  created_and_freed();
  many_threads();
  forks();
  wait_for(&given_back, count_of(&handed));
  return 0;
}
