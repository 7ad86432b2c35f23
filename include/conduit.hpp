/* libconduit for C++17: handles that free themselves, errors that are thrown, tools that are callables. */
#ifndef CONDUIT_HPP
#define CONDUIT_HPP

#include "conduit.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace conduit {
namespace detail {
inline conduit_str str(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view(conduit_str text) { return text.ptr ? std::string_view(text.ptr, text.len) : ""; }

template <typename T, void (*Free)(T *)>
struct free_fn {
  void operator()(T *handle) const noexcept { Free(handle); }
};
template <typename T, void (*Free)(T *)>
using handle = std::unique_ptr<T, free_fn<T, Free>>;
template <typename F>
void destroy(void *userdata) noexcept { delete static_cast<F *>(userdata); }
}  // namespace detail

/// Why something failed. `what()` is the whole text.
class error : public std::runtime_error {
 public:
  error(conduit_status status, const std::string &message, std::string json)
      : std::runtime_error(message), status_(status), json_(std::move(json)) {}

  conduit_status status() const noexcept { return status_; }
  const std::string &json() const noexcept { return json_; }

 private:
  conduit_status status_;
  std::string json_;
};

namespace detail {
/// Calls `function` with the arguments and a place for an error, and throws that error.
template <typename F, typename... Arguments>
void check(F function, Arguments... arguments) {
  conduit_error *raw = nullptr;
  const conduit_status status = function(arguments..., &raw);
  if (status == CONDUIT_STATUS_OK) return;
  handle<conduit_error, conduit_error_free> held(raw);
  throw error(status, std::string(view(conduit_error_message(raw))), std::string(view(conduit_error_json(raw))));
}

/// As `check`, for a function that gives a text.
template <typename F, typename... Arguments>
std::string text(F function, Arguments... arguments) {
  conduit_text *raw = nullptr;
  check(function, arguments..., &raw);
  handle<conduit_text, conduit_text_free> held(raw);
  return std::string(view(conduit_text_str(raw)));
}
}  // namespace detail

/// Takes a tool's arguments and gives its value, both JSON. What it throws is an error that the program can catch.
using tool = std::function<std::string(std::string_view arguments_json)>;

/// Hears events as JSON. What it throws ends the process: there is nobody to catch it.
using event_listener = std::function<void(std::string_view event_json)>;

/// What a model has to know to write a program in `language`; empty when there is no such language.
inline std::string_view guide(std::string_view language) { return detail::view(conduit_guide(detail::str(language))); }

/// How an execution ended and what it gave. Views live as long as it does.
class result {
 public:
  explicit result(conduit_result *raw) : raw_(raw) {}
  conduit_outcome outcome() const { return conduit_result_outcome(raw_.get()); }
  std::string_view json() const { return detail::view(conduit_result_json(raw_.get())); }
  std::string_view value() const { return detail::view(conduit_result_value(raw_.get())); }
  std::string_view out() const { return detail::view(conduit_result_stdout(raw_.get())); }
  std::string_view err() const { return detail::view(conduit_result_stderr(raw_.get())); }

 private:
  detail::handle<conduit_result, conduit_result_free> raw_;
};

/// A program under way. Destroying it ends the program.
class execution {
 public:
  explicit execution(conduit_execution *raw) : raw_(raw) {}
  std::string_view id() const { return detail::view(conduit_execution_id(raw_.get())); }
  void cancel() const noexcept { conduit_execution_cancel(raw_.get()); }
  /// Waits for the end, and gives the result once.
  result join() const {
    conduit_result *raw = nullptr;
    detail::check(conduit_execution_join, raw_.get(), &raw);
    return result(raw);
  }

 private:
  detail::handle<conduit_execution, conduit_execution_free> raw_;
};

/// Runs programs. All threads may share it.
class runtime {
 public:
  explicit runtime(conduit_runtime *raw) : raw_(raw) {}

  result execute(std::string_view request_json) const {
    conduit_result *raw = nullptr;
    detail::check(conduit_runtime_execute, raw_.get(), detail::str(request_json), &raw);
    return result(raw);
  }

  execution spawn(std::string_view request_json, event_listener on_event = nullptr) const {
    conduit_execution *raw = nullptr;
    const conduit_event_fn hear = [](void *userdata, conduit_str event) noexcept {
      if (event.ptr) (*static_cast<event_listener *>(userdata))(detail::view(event));
    };
    auto *held = on_event ? new event_listener(std::move(on_event)) : nullptr;
    detail::check(conduit_runtime_spawn, raw_.get(), detail::str(request_json), held ? hear : nullptr,
                  static_cast<void *>(held), detail::destroy<event_listener>, &raw);
    return execution(raw);
  }

  /// Without `allow_json` the operator's policy decides; so below.
  std::string tools(std::string_view allow_json = {}) const {
    return detail::text(conduit_runtime_tools, raw_.get(), detail::str(allow_json));
  }
  /// `limit` 0 is the library's own.
  std::string search_tools(std::string_view query, std::uint32_t limit = 0, std::string_view allow_json = {}) const {
    return detail::text(conduit_runtime_search_tools, raw_.get(), detail::str(query), limit, detail::str(allow_json));
  }
  std::string describe_tools(std::string_view names_json, std::string_view allow_json = {}) const {
    return detail::text(conduit_runtime_describe_tools, raw_.get(), detail::str(names_json), detail::str(allow_json));
  }
  std::string declarations(std::string_view language, std::string_view allow_json = {}) const {
    return detail::text(conduit_runtime_declarations, raw_.get(), detail::str(language), detail::str(allow_json));
  }
  std::string check() const { return detail::text(conduit_runtime_check, raw_.get()); }
  void shutdown() const { detail::check(conduit_runtime_shutdown, raw_.get()); }

 private:
  detail::handle<conduit_runtime, conduit_runtime_free> raw_;
};

/// A runtime in the making: `runtime r = builder(config).add_tool(definition, function).build();`
class builder {
 public:
  explicit builder(std::string_view config_json = {}) { begin(conduit_builder_new, config_json); }
  static builder from_file(std::string_view path) {
    builder made{nullptr};
    made.begin(conduit_builder_from_file, path);
    return made;
  }

  builder &add_tool(std::string_view definition_json, tool function) {
    conduit_tool_fn run = [](void *held, conduit_call *call) noexcept { answer(*static_cast<tool *>(held), call); };
    void *held = new tool(std::move(function));
    detail::check(conduit_builder_add_tool, raw_.get(), detail::str(definition_json), run, held, detail::destroy<tool>);
    return *this;
  }

  /// Uses the builder up.
  runtime build() {
    conduit_runtime *raw = nullptr;
    detail::check(conduit_builder_build, raw_.release(), &raw);
    return runtime(raw);
  }

 private:
  explicit builder(std::nullptr_t) {}

  template <typename F>
  void begin(F function, std::string_view text) {
    conduit_builder *raw = nullptr;
    detail::check(function, detail::str(text), &raw);
    raw_.reset(raw);
  }

  static void answer(const tool &function, conduit_call *call) noexcept {
    const auto fail = [&](std::string_view text) { return conduit_call_fail(call, detail::str(text), {}, nullptr); };
    try {
      const std::string value = function(detail::view(conduit_call_arguments(call)));
      const conduit_status status = conduit_call_reply(call, detail::str(value), nullptr);
      if (status == CONDUIT_STATUS_INVALID_REQUEST) fail("the tool's value is not JSON");
    } catch (const std::exception &thrown) {
      if (fail(thrown.what()) == CONDUIT_STATUS_INVALID_REQUEST) fail("the tool threw a text that is not UTF-8");
    } catch (...) {
      fail("the tool threw what is no std::exception");
    }
  }

  detail::handle<conduit_builder, conduit_builder_free> raw_;
};

}  // namespace conduit

#endif  // CONDUIT_HPP
