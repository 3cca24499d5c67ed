// What the functions that combine tasks may ask of a handle.
#pragma once

#include <exception>
#include <expected>
#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include <simul/any_task.hpp>
#include <simul/cancelled.hpp>
#include <simul/exception_group.hpp>
#include <simul/task.hpp>

namespace simul::detail {

/// A T as a tuple, a variant or a vector can hold it.
template <typename T>
struct StoredAs {
  using type = T;
};
template <typename T>
struct StoredAs<T&> {
  using type = std::reference_wrapper<T>;
};
template <>
struct StoredAs<void> {
  using type = std::monostate;
};
template <typename T>
using Stored = typename StoredAs<T>::type;

/// As Stored, but for what can hold nothing.
template <typename T>
using StoredOrVoid = std::conditional_t<std::is_void_v<T>, void, Stored<T>>;

struct TaskAccess {
  /// Throws std::logic_error for an empty handle.
  template <typename T>
  static TaskStateOf<T>& state(const Task<T>& task) {
    return task.required();
  }

  static TaskBase& state(const AnyTask& task) { return task.required(); }
  static TaskBase& state(TaskBase* task) noexcept { return *task; }

  /// The result of a task that is `done`, moved out of it.
  template <typename T>
  static Stored<T> take(Task<T>& task) {
    if constexpr (std::is_void_v<T>) {
      std::move(task).take_result();
      return {};
    } else {
      return std::move(task).take_result();
    }
  }

  /// How a task has ended, whatever that is.
  template <typename T>
  static std::expected<StoredOrVoid<T>, std::exception_ptr> settle(Task<T>& task) {
    TaskBase& state = *task.state_;
    state.mark_observed();
    if (state.state() == TaskState::failed) {
      return std::unexpected(state.exception());
    }
    if (state.state() == TaskState::cancelled) {
      return std::unexpected(std::make_exception_ptr(TaskCancelled(describe(state.exception()))));
    }
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return take(task);
    }
  }
};

}  // namespace simul::detail
