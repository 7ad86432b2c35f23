// conduit.hpp: what tools throw, what errors become, and that nothing is freed twice or never.

#include <conduit.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <unistd.h>
#include <vector>

#define CHECK(holds) \
  do { \
    if (!(holds)) { \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds); \
      _exit(1); \
    } \
  } while (0)

static std::atomic<int> alive{0};

// Counts how many copies of a tool there are.
struct counted {
  counted() { alive++; }
  counted(const counted &) { alive++; }
  ~counted() { alive--; }
};

static const std::string_view CONFIG =
    R"({"policy": {"allow": ["*"]}, "languages": ["typescript"], "max_executions": 1})";
static const std::string CATCH_IT = "try { return await tools.host.tool({}) } catch (error) { return error.message }";

static std::string request(const std::string &code) { return R"({"language": "typescript", "code": ")" + code + "\"}"; }

static std::string value_with(conduit::tool tool) {
  conduit::builder builder(CONFIG);
  const conduit::runtime runtime = builder.add_tool(R"({"name": "tool"})", std::move(tool)).build();
  return std::string(runtime.execute(request(CATCH_IT)).value());
}

template <typename F>
static conduit_status thrown(F function) {
  try {
    function();
  } catch (const conduit::error &error) {
    CHECK(*error.what() && error.json().find("\"code\"") != std::string::npos);
    return error.status();
  }
  return CONDUIT_STATUS_OK;
}

static void tools() {
  counted held;
  CHECK(value_with([held](std::string_view) { return "[1, 2]"; }) == "[1,2]");
  CHECK(value_with([](std::string_view arguments) { return std::string(arguments); }) == "{}");
  const auto throws = [](const char *what) {
    return [what](std::string_view) -> std::string { throw std::runtime_error(what); };
  };
  CHECK(value_with(throws("no such city")) == "\"no such city\"");
  CHECK(value_with(throws("\xff")).find("UTF-8") != std::string::npos);
  CHECK(value_with([](std::string_view) -> std::string { throw 7; }).find("no std::exception") != std::string::npos);
  CHECK(value_with([](std::string_view) { return "{"; }).find("not JSON") != std::string::npos);
}

static void errors() {
  CHECK(thrown([] { conduit::builder builder("{"); }) == CONDUIT_STATUS_INVALID_CONFIG);
  CHECK(thrown([] { conduit::builder::from_file("/no/such/file"); }) == CONDUIT_STATUS_INVALID_CONFIG);
  counted held;
  conduit::builder builder(CONFIG);
  const auto tool = [held](std::string_view) { return "1"; };
  CHECK(thrown([&] { builder.add_tool("{", tool); }) == CONDUIT_STATUS_INVALID_CONFIG);
  const conduit::runtime runtime = builder.build();
  CHECK(thrown([&] { builder.build(); }) == CONDUIT_STATUS_INVALID_REQUEST);
  CHECK(thrown([&] { builder.add_tool(R"({"name": "x"})", tool); }) == CONDUIT_STATUS_INVALID_REQUEST);
  CHECK(thrown([&] { runtime.execute("{}"); }) == CONDUIT_STATUS_INVALID_REQUEST);
  CHECK(thrown([&] { runtime.spawn("{}", [held](std::string_view) {}); }) == CONDUIT_STATUS_INVALID_REQUEST);
  CHECK(thrown([&] { runtime.declarations("cobol"); }) == CONDUIT_STATUS_INVALID_REQUEST);
  CHECK(runtime.tools() == "[]" && runtime.search_tools("x").find("\"tools\":[]") != std::string::npos);
  CHECK(runtime.describe_tools("[\"a.b\"]").find("not_found") != std::string::npos && runtime.check() == "[]");
  CHECK(runtime.declarations("typescript").size() > 0);
  runtime.shutdown();
  CHECK(thrown([&] { runtime.execute(request("1")); }) == CONDUIT_STATUS_SHUT_DOWN);
}

static void executions() {
  std::string seen;
  const conduit::runtime runtime = conduit::builder(CONFIG).build();
  {
    const conduit::execution execution =
        runtime.spawn(request("console.log(1); return 2"), [&](std::string_view event) { seen += event; });
    CHECK(!execution.id().empty() && execution.join().value() == "2");
    CHECK(thrown([&] { execution.join(); }) == CONDUIT_STATUS_INVALID_REQUEST);
  }
  conduit::execution endless = runtime.spawn(request("while (true) {}"));
  endless.cancel();
  CHECK(endless.join().outcome() == CONDUIT_OUTCOME_CANCELLED);
  // Destroying one ends its program, and leaves its place to the next.
  { const conduit::execution dropped = runtime.spawn(request("while (true) {}")); }
  CHECK(runtime.execute(request("return 3")).value() == "3");
}

int main() {
  alarm(300);
  tools();
  errors();
  executions();
  while (alive > 0) std::this_thread::yield();
  return 0;
}
