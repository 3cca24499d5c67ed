// as_completed: several tasks, one by one, in the order in which they end.
//
//   auto finished = as_completed(fetches);            // std::vector<Task<Page>>
//   while (Task<Page>* fetch = co_await finished.next()) {
//     show(co_await *fetch);                          // it has ended: this doesn't cede
//   }
//
// Tasks that end in the same turn of the loop come in the order in which they were given, so that a
// program does the same each time. It cancels nothing: put the tasks into a group for that, and
// fail_after around it for a time limit.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
#include <vector>

#include <simul/detail/task_set.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul {
namespace detail {

/// In which order tasks end.
class SIMUL_EXPORT CompletionOrder : private TaskSet {
 public:
  template <TaskRange R>
  explicit CompletionOrder(R& tasks) : TaskSet(tasks) {
    begin();
  }
  ~CompletionOrder();

  class SIMUL_EXPORT NextLeaf : public Leaf {
   public:
    bool await_ready();
    void await_suspend(std::coroutine_handle<>);
    [[nodiscard]] const char* waits_for() const noexcept final { return "as_completed"; }

   protected:
    explicit NextLeaf(CompletionOrder& order) noexcept : order_(order) {}
    ~NextLeaf() = default;
    /// The place of the next one; as many as there are if all were given.
    std::size_t take();

   private:
    bool on_cancel() noexcept final;
    CompletionOrder& order_;
  };

 private:
  void begin();
  /// Is there one that has ended in an earlier turn? (Until a turn is over it isn't known who comes
  /// first in it.)
  [[nodiscard]] bool one_is_due() const noexcept;
  void task_ended(std::size_t index) noexcept override;

  struct Ended {
    std::uint64_t turn;
    std::size_t index;
  };
  Loop* loop_ = nullptr;
  std::vector<Ended> ended_;
  std::size_t sorted_ = 0;  // up to here by turn and place, the rest by turn
  std::size_t given_ = 0;
  NextLeaf* waiting_ = nullptr;
};

}  // namespace detail

template <typename Handle>
class [[nodiscard]] AsCompleted {
 public:
  explicit AsCompleted(std::span<Handle> tasks) : tasks_(tasks), order_(tasks) {}

  class [[nodiscard]] Next final : public detail::CompletionOrder::NextLeaf {
   public:
    explicit Next(AsCompleted& from) noexcept : NextLeaf(from.order_), tasks_(from.tasks_) {}
    Handle* await_resume() {
      const std::size_t index = take();
      return index < tasks_.size() ? &tasks_[index] : nullptr;
    }

   private:
    std::span<Handle> tasks_;
  };

  /// The next task that has ended, however it did; nullptr when all were given. Cedes only if there
  /// is none yet. Throws std::logic_error if somebody else waits in it. Thread: the loop's.
  /// Cancel safety: a cancelled next() takes none.
  Next next() noexcept { return Next(*this); }

 private:
  std::span<Handle> tasks_;
  detail::CompletionOrder order_;
};

/// Watches `tasks` from now on: a vector, array or span of Task<T>, which has to stay where it is.
/// Throws std::logic_error for an empty handle, a task of another loop, and the current task. No tasks
/// at all are all right. Thread: the loop's, inside of a task.
template <std::ranges::contiguous_range R>
  requires detail::TaskRange<R>
auto as_completed(R& tasks) {
  using Handle = std::remove_reference_t<std::ranges::range_reference_t<R>>;
  return AsCompleted<Handle>(std::span<Handle>(tasks));
}

}  // namespace simul
