// The values of context variables that a task sees: an immutable table, shared by all tasks that
// inherited it. Nobody changes one; setting a variable makes another.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <simul/export.hpp>

namespace simul::detail {

class Context;  // context_var.cpp

/// A counted reference; one pointer, null where no variable is set. Thread: any.
class SIMUL_EXPORT ContextRef {
 public:
  ContextRef() noexcept = default;
  ContextRef(const ContextRef& other) noexcept : context_(other.context_) {
    if (context_ != nullptr) {
      add_reference();
    }
  }
  ContextRef(ContextRef&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
  ContextRef& operator=(ContextRef other) noexcept {
    std::swap(context_, other.context_);
    return *this;
  }
  ~ContextRef() {
    if (context_ != nullptr) {
      drop_reference();
    }
  }
  /// Those of the task, or of the job in the thread pool, that runs on this thread. Null elsewhere.
  static ContextRef here() noexcept;

  bool operator==(const ContextRef&) const noexcept = default;

  /// Null if this variable isn't set. Valid for as long as this reference.
  [[nodiscard]] const std::shared_ptr<const void>* find(std::uint64_t variable) const noexcept;
  /// The same table with another value of this variable; null unsets it.
  [[nodiscard]] ContextRef with(std::uint64_t variable, std::shared_ptr<const void> value) const;

 private:
  explicit ContextRef(Context* adopted) noexcept : context_(adopted) {}
  void add_reference() const noexcept;
  void drop_reference() noexcept;

  Context* context_ = nullptr;
};

/// What a job in the thread pool sees while it runs there.
class JobContext {
 public:
  explicit JobContext(const ContextRef& context) noexcept;
  ~JobContext();
  JobContext(const JobContext&) = delete;
  JobContext& operator=(const JobContext&) = delete;

 private:
  const ContextRef* outer_;
};

}  // namespace simul::detail
