/* A program that a model wrote calls a function of this one. */
#include <conduit.h>
#include <stdio.h>

#define STR(text) ((conduit_str){text, sizeof text - 1})

static void weather(void *userdata, conduit_call *call) {
  (void)userdata;
  conduit_call_reply(call, STR("{\"city\": \"Oslo\", \"celsius\": 21}"), NULL);
}

int main(void) {
  conduit_builder *builder = NULL;
  conduit_runtime *runtime = NULL;
  conduit_result *result = NULL;
  conduit_error *error = NULL;
  if (conduit_builder_new(STR("{\"policy\": {\"allow\": [\"host.*\"]}}"), &builder, &error) ||
      conduit_builder_add_tool(builder, STR("{\"name\": \"weather\"}"), weather, NULL, NULL, &error) ||
      conduit_builder_build(builder, &runtime, &error) ||
      conduit_runtime_execute(runtime, STR("{\"language\": \"typescript\", \"code\": \""
        "const { city, celsius } = await tools.host.weather({ city: 'Oslo' });"
        "`${celsius} °C in ${city}`\"}"), &result, &error)) {
    conduit_str message = conduit_error_message(error);
    fprintf(stderr, "%.*s\n", (int)message.len, message.ptr);
    return 1;
  }
  conduit_str value = conduit_result_value(result);
  printf("%s: %.*s\n", conduit_result_outcome(result) == CONDUIT_OUTCOME_COMPLETED ? "completed" : "not completed",
         (int)value.len, value.ptr);
  conduit_result_free(result);
  conduit_runtime_free(runtime);
  return 0;
}
