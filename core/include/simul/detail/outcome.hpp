// Where a coroutine's result is built: a value, an exception, or nothing yet. It lives with whoever
// awaits (the caller's frame, a task's state), so that a finished frame can be freed at once.
#pragma once

#include <exception>
#include <memory>
#include <utility>

namespace simul::detail {

template <typename T>
class Outcome {
 public:
  Outcome() noexcept {}
  Outcome(const Outcome&) = delete;
  Outcome& operator=(const Outcome&) = delete;
  ~Outcome() {
    if (has_value_) {
      std::destroy_at(std::addressof(value_));
    }
  }

  template <typename U>
  void set_value(U&& value) {
    std::construct_at(std::addressof(value_), std::forward<U>(value));
    has_value_ = true;
  }
  void set_exception(std::exception_ptr error) noexcept { error_ = std::move(error); }
  [[nodiscard]] const std::exception_ptr& exception() const noexcept { return error_; }

  /// The value, or the exception thrown again. It stays here.
  T& get() {
    if (error_) {
      std::rethrow_exception(error_);
    }
    return value_;
  }

 private:
  union {
    T value_;
  };
  std::exception_ptr error_;
  bool has_value_ = false;
};

template <typename T>
class Outcome<T&> {
 public:
  void set_value(T& value) noexcept { value_ = std::addressof(value); }
  void set_exception(std::exception_ptr error) noexcept { error_ = std::move(error); }
  [[nodiscard]] const std::exception_ptr& exception() const noexcept { return error_; }
  T& get() {
    if (error_) {
      std::rethrow_exception(error_);
    }
    return *value_;
  }

 private:
  T* value_ = nullptr;
  std::exception_ptr error_;
};

template <>
class Outcome<void> {
 public:
  void set_exception(std::exception_ptr error) noexcept { error_ = std::move(error); }
  [[nodiscard]] const std::exception_ptr& exception() const noexcept { return error_; }
  void get() {
    if (error_) {
      std::rethrow_exception(error_);
    }
  }

 private:
  std::exception_ptr error_;
};

}  // namespace simul::detail
