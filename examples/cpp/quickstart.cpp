// Runs a program in each language, which calls a tool of this one.
//
//   c++ -std=c++17 quickstart.cpp $(pkg-config --cflags --libs conduit) -o quickstart

#include <conduit.hpp>

#include <iostream>
#include <stdexcept>

static bool run(const conduit::runtime &runtime, std::string_view request) {
  const conduit::result result = runtime.execute(request);
  // A program that throws or breaks a limit is a result too: its JSON says what happened.
  const bool completed = result.outcome() == CONDUIT_OUTCOME_COMPLETED;
  std::cout << result.out() << "value: " << (completed ? result.value() : result.json()) << "\n";
  return completed;
}

int main() try {
  // A real tool reads its arguments with its JSON library; they fit the schema.
  const auto weather = [](std::string_view arguments) -> std::string {
    if (arguments.find("Atlantis") != arguments.npos) throw std::runtime_error("there is no such city");
    return R"({"celsius": 21})";
  };
  conduit::builder builder(R"({"policy": {"allow": ["host.*"]}})");
  builder.add_tool(R"({
    "name": "weather",
    "description": "The weather in a city.",
    "inputSchema": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}
  })", weather);
  const conduit::runtime runtime = builder.build();

  bool completed = run(runtime, R"({"language": "typescript", "code":
    "const { celsius } = await tools.host.weather({ city: 'Oslo' });\nconsole.log(`Oslo: ${celsius} degrees`);)"
    R"(\nreturn celsius * 2;"})");
  completed &= run(runtime, R"({"language": "python", "code":
    "try:\n    await tools.host.weather(city='Atlantis')\nexcept ToolError as error:\n    print(error))"
    R"(\nreturn 'caught'"})");
  return completed ? 0 : 1;
} catch (const conduit::error &error) {
  std::cerr << "error " << error.status() << ": " << error.what() << "\n";
  return 1;
}
