// ContextVar: a variable of which every task has its own value: a request's id, the user, a trace.
//
//   inline ContextVar<std::string> request_id("request_id", "-");
//
//   co_await request_id.with_value("r-17", [&]() -> Coro<> { co_await handle(peer); });
//   log(LogLevel::info, request_id.get() + ": done");     // anywhere below, without an argument
//
// A task that is spawned begins with the values that its spawner had at that moment, on whichever loop
// it runs; what either sets later is its own. A job of to_thread() sees the values too. It is not a
// place for what a function should get as an argument, nor a way to send something to another task.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <simul/cancel_scope.hpp>
#include <simul/coro.hpp>
#include <simul/detail/context.hpp>
#include <simul/export.hpp>

namespace simul {

template <std::copy_constructible T>
class ContextVar;

namespace detail {

/// What a set() has replaced.
class ContextToken {
 public:
  ContextToken(ContextToken&&) noexcept = default;
  ContextToken& operator=(ContextToken&&) noexcept = default;

 private:
  friend class ContextVarBase;
  ContextToken(std::uint64_t variable, const TaskBase& task, ContextRef before,
               ContextRef after) noexcept
      : variable_(variable), task_(&task), before_(std::move(before)), after_(std::move(after)) {}

  std::uint64_t variable_;
  const TaskBase* task_;
  ContextRef before_;
  ContextRef after_;
};

/// The part of a ContextVar that needs no template.
class SIMUL_EXPORT ContextVarBase {
 public:
  ContextVarBase(const ContextVarBase&) = delete;
  ContextVarBase& operator=(const ContextVarBase&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 protected:
  explicit ContextVarBase(std::string name);
  ~ContextVarBase() = default;

  /// Null if it isn't set here.
  [[nodiscard]] const void* find() const noexcept;
  [[nodiscard]] ContextToken replace(std::shared_ptr<const void> value) const;
  void restore(ContextToken token) const;
  [[noreturn]] void throw_missing() const;

 private:
  const std::string name_;
  const std::uint64_t id_;  // an address could be used twice
};

}  // namespace detail

template <std::copy_constructible T>
class ContextVar : public detail::ContextVarBase {
 public:
  using Token = detail::ContextToken;

  /// Name it for messages. Make it once, at namespace scope.
  explicit ContextVar(std::string name) : ContextVarBase(std::move(name)) {}
  ContextVar(std::string name, T default_value)
      : ContextVarBase(std::move(name)), default_(std::move(default_value)) {}

  /// The value that this task has, or the default; outside of a task the default. Throws
  /// std::logic_error if there is neither. Thread: any.
  [[nodiscard]] T get() const {
    if (const void* value = find()) {
      return *static_cast<const T*>(value);
    }
    if (!default_) {
      throw_missing();
    }
    return *default_;
  }
  /// The value that this task has, or `fallback`, whatever the default. Thread: any.
  [[nodiscard]] T get_or(T fallback) const {
    const void* value = find();
    return value != nullptr ? *static_cast<const T*>(value) : std::move(fallback);
  }

  /// Gives it a value in this task, until the task's end, or until reset() gets the token. Throws
  /// std::logic_error outside of a task. The value is destroyed on the thread of the last task that
  /// inherited it.
  Token set(T value) { return replace(std::make_shared<const T>(std::move(value))); }
  /// Back to what it was before that set(). Throws std::logic_error for a token of another variable or
  /// another task.
  void reset(Token token) { restore(std::move(token)); }

  /// Runs `fn` with this value; when it has ended, for whatever reason, the variable is what it was.
  /// Cancel safety: `fn`'s.
  template <typename Fn>
    requires detail::CoroFunction<Fn>
  Coro<detail::CoroValue<Fn>> with_value(T value, Fn fn) {
    struct Restored {
      ~Restored() { variable.reset(std::move(token)); }
      ContextVar& variable;
      Token token;
    };
    const Restored restored{*this, set(std::move(value))};
    co_return co_await fn();
  }

 private:
  const std::optional<T> default_;
};

}  // namespace simul
