// TaskWalk: visits the tasks of a loop some at a time, while they come and go in between. A look at ten thousand of
// them then holds up nobody for longer than a few do.
//
//   TaskWalk walk(loop);
//   while (walk.go_on(256, [&](const TaskBase& task) { ... })) { let the others run }
//
// It holds no task: a reference would put off what the end of a task does, such as closing its connection. Its
// place in the tree of scopes is a mark that moves with the tree. Tasks that are there all the time are met once,
// those that begin or end meanwhile once or not at all. Thread: the loop's.
#pragma once

#include <cstddef>

#include <simul/cancel_scope.hpp>
#include <simul/detail/task_base.hpp>
#include <simul/loop.hpp>

namespace simul::detail {

class TaskWalk final : private CancelScope {
 public:
  explicit TaskWalk(Loop& loop) noexcept;
  ~TaskWalk() { unlink(); }
  TaskWalk(const TaskWalk&) = delete;
  TaskWalk& operator=(const TaskWalk&) = delete;

  /// Calls `visit` for at most so many tasks, which must neither begin nor end one. False: there are no more.
  template <typename Visit>
  bool go_on(std::size_t count, Visit visit) {
    CancelScope* scope = take_up();
    for (; scope != nullptr && count > 0; scope = following(*scope)) {
      if (TaskBase* const task = task_of(*scope)) {
        visit(*task);
        --count;
      }
    }
    if (scope != nullptr) {
      stop_before(*scope);
    }
    return scope != nullptr;
  }

 private:
  /// The task whose outermost scope this is, or null.
  static TaskBase* task_of(const CancelScope& scope) noexcept;
  /// What comes after it when each scope comes before those inside it; null: nothing.
  static CancelScope* following(CancelScope& scope) noexcept;
  static CancelScope* behind(const CancelScope& scope) noexcept;

  CancelScope* take_up() noexcept;
  void stop_before(CancelScope& next) noexcept;
};

}  // namespace simul::detail
