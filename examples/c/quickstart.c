/* Runs a program in each language, which calls a tool of this one.
 *
 *   cc quickstart.c $(pkg-config --cflags --libs conduit libcjson) -o quickstart */

#include <conduit.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

/* A text that is written out. */
#define STR(text) ((conduit_str){text, sizeof text - 1})

static int failed(conduit_error *error) {
  conduit_str message = conduit_error_message(error);
  fprintf(stderr, "error %d: %.*s\n", conduit_error_status(error), (int)message.len, message.ptr);
  conduit_error_free(error);
  return 1;
}

/* The tool. Its arguments fit the schema in main; any JSON library reads them. */
static void weather(void *userdata, conduit_call *call) {
  conduit_str json = conduit_call_arguments(call);
  cJSON *arguments = cJSON_ParseWithLength(json.ptr, json.len);
  const char *city = cJSON_GetStringValue(cJSON_GetObjectItem(arguments, "city"));
  if (city && strcmp(city, userdata) == 0) {
    conduit_call_reply(call, STR("{\"celsius\": 21}"), NULL);
  } else {
    conduit_call_fail(call, STR("there is no such city"), (conduit_str){NULL, 0}, NULL);
  }
  cJSON_Delete(arguments);
}

static int run(const conduit_runtime *runtime, conduit_str request) {
  conduit_result *result;
  conduit_error *error = NULL;
  if (conduit_runtime_execute(runtime, request, &result, &error)) return failed(error);

  /* A program that throws or breaks a limit is a result too: its JSON says what happened. */
  bool completed = conduit_result_outcome(result) == CONDUIT_OUTCOME_COMPLETED;
  conduit_str shown = completed ? conduit_result_value(result) : conduit_result_json(result);
  conduit_str out = conduit_result_stdout(result);
  printf("%.*svalue: %.*s\n", (int)out.len, out.ptr, (int)shown.len, shown.ptr);
  conduit_result_free(result);
  return completed ? 0 : 1;
}

int main(void) {
  conduit_builder *builder;
  conduit_runtime *runtime;
  conduit_error *error = NULL;
  if (conduit_builder_new(STR("{\"policy\": {\"allow\": [\"host.*\"]}}"), &builder, &error)) return failed(error);
  if (conduit_builder_add_tool(builder,
                               STR("{\"name\": \"weather\", \"description\": \"The weather in a city.\","
                                   " \"inputSchema\": {\"type\": \"object\", \"required\": [\"city\"],"
                                   "                 \"properties\": {\"city\": {\"type\": \"string\"}}}}"),
                               weather, "Oslo", NULL, &error)) {
    conduit_builder_free(builder);
    return failed(error);
  }
  if (conduit_builder_build(builder, &runtime, &error)) return failed(error);

  int status = run(runtime, STR("{\"language\": \"typescript\", \"code\": \""
                                "const { celsius } = await tools.host.weather({ city: 'Oslo' });\\n"
                                "console.log(`Oslo: ${celsius} degrees`);\\n"
                                "return celsius * 2;\"}"));
  status |= run(runtime, STR("{\"language\": \"python\", \"code\": \""
                             "try:\\n"
                             "    await tools.host.weather(city='Atlantis')\\n"
                             "except ToolError as error:\\n"
                             "    print(error)\\n"
                             "return 'caught'\"}"));
  conduit_runtime_free(runtime);
  return status;
}
