// The state of a task, without its result type: the coroutine that runs, the leaf it waits for, the
// scope it stands in. It outlives the coroutine's frame for as long as somebody holds a Task.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <simul/cancel_scope.hpp>
#include <simul/coro.hpp>
#include <simul/detail/completion.hpp>
#include <simul/detail/context.hpp>
#include <simul/detail/ready.hpp>
#include <simul/export.hpp>
#include <simul/leaf.hpp>

namespace simul {

class Loop;
class TaskGroup;
struct TaskInfo;

/// `pending` until it has ended.
enum class TaskState : std::uint8_t { pending, done, failed, cancelled };

namespace detail {

struct TaskAccess;
struct TaskSketch;
class MachineryCache;

class TaskBase;
/// Throws std::logic_error for none.
SIMUL_EXPORT void require_task(const TaskBase* task);

class SIMUL_EXPORT TaskBase : private Ready, public Trampoline {
 public:
  static void* operator new(std::size_t size) { return frame_allocate(size); }
  static void operator delete(void* block, std::size_t size) noexcept { frame_free(block, size); }

  // --- the life of a task; thread: the loop's -------------------------------------------------

  /// Ties the coroutine to this task and queues its first step, as a child of `group`.
  void start(PromiseBase& root, TaskGroup& group) noexcept;
  /// Its loop has ended before it could start: it counts as cancelled. Thread: any.
  void never_started() noexcept;

  void cancel(std::string_view reason) { scope_.cancel(reason); }
  void wake() noexcept;
  void deliver_cancel() noexcept;

  /// The coroutine that runs waits.
  void suspend_at(Leaf& leaf) noexcept { leaf_ = &leaf; }

  [[nodiscard]] CompletionWaiters& waiters() noexcept { return waiters_; }
  [[nodiscard]] const CompletionWaiters& waiters() const noexcept { return waiters_; }

  [[nodiscard]] Loop& loop() const noexcept { return *loop_; }
  [[nodiscard]] CancelScope& innermost_scope() const noexcept { return *innermost_; }
  [[nodiscard]] bool scope_cancelled() const noexcept { return innermost_->cancelled(); }

  /// The context variables as this task sees them. For one that is going to start elsewhere they have
  /// to be set before that; else it takes those of the task that starts it.
  [[nodiscard]] const ContextRef& context() const noexcept { return context_; }
  void set_context(ContextRef context) noexcept { context_ = std::move(context); }

  /// The place where each of its coroutines awaits, or has awaited last; the innermost first. The number
  /// of those that fit. A signal handler on the loop's thread may ask for this, and for the name.
  std::size_t await_sites(std::span<std::source_location> sites) const noexcept;
  /// "recv at echo.cpp:12, called from session.cpp:40".
  [[nodiscard]] std::string backtrace() const;
  /// What a call graph says of it; it has not ended.
  [[nodiscard]] TaskInfo info() const;
  /// The little of it that is cheap.
  [[nodiscard]] TaskSketch sketch(MachineryCache& machinery) const;
  /// The task in whose group it runs; null: the loop's own.
  [[nodiscard]] const TaskBase* parent() const noexcept;
  /// The coroutine that runs, or is the next to; null after its end.
  [[nodiscard]] const PromiseBase* innermost() const noexcept { return resume_; }
  /// The leaf that it waits at, or null.
  [[nodiscard]] const Leaf* waits_at() const noexcept { return queued_ ? nullptr : leaf_; }
  /// Does it stand at an await that only lets the others go first?
  [[nodiscard]] bool only_yields() const noexcept;
  /// "yield at poller.cpp:12", ready or not.
  [[nodiscard]] std::string where_it_stands() const;
  [[nodiscard]] StepTimes& times() { return scope_.extras().times; }
  static constexpr std::string_view kUnknownTask = "task";
  /// For a look at it when its coroutines are gone.
  void keep_label();
  /// Its name, or one made of what it runs.
  [[nodiscard]] std::string label() const final;
  /// More about it, for people: whom it serves.
  [[nodiscard]] virtual std::string note() const { return {}; }

  // --- what a handle may ask; thread: any ------------------------------------------------------

  [[nodiscard]] bool ended() const noexcept {
    return state_.load(std::memory_order_acquire) != TaskState::pending;
  }
  [[nodiscard]] TaskState state() const noexcept { return state_.load(std::memory_order_acquire); }
  [[nodiscard]] std::string_view name() const noexcept {
    const auto* extras = scope_.extras_.get();
    return extras != nullptr && extras->task_name ? std::string_view(*extras->task_name)
                                                  : std::string_view();
  }
  void set_name(std::string name);
  /// Somebody has seen its failure, so it needs no report.
  void mark_observed() noexcept { observed_.store(true, std::memory_order_relaxed); }
  /// It tidies up after somebody: a loop may end before it has, without a word. Thread: the loop's.
  void mark_expendable() noexcept { expendable_ = true; }
  [[nodiscard]] bool expendable() const noexcept { return expendable_; }
  /// Throws TaskCancelled if that is how it ended.
  void throw_if_cancelled() const;
  [[nodiscard]] virtual const std::exception_ptr& exception() const noexcept = 0;

  void add_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  /// The last one reports a failure that nobody has seen.
  void drop_reference() noexcept;

 protected:
  /// One reference belongs to the handle, one to the loop, from the start.
  explicit TaskBase(Loop& loop) noexcept : loop_(&loop), innermost_(&scope_) {}
  virtual ~TaskBase();

  virtual void store_exception(std::exception_ptr error) noexcept = 0;

 private:
  friend class simul::CancelScope;
  friend struct DebugLayout;
  friend class simul::ScopeEntry;
  friend class TaskWalk;

  class RootScope final : public CancelScope {};

  void run_ready() noexcept override;
  void run_observed(StepObserver& observer) noexcept override;
  template <typename Resume>
  void step(Resume resume) noexcept;
  void resume_until_suspended() noexcept;
  void resume_observed(StepObserver& observer, const Leaf* woken) noexcept;
  void finish() noexcept;
  [[nodiscard]] TaskGroup& group() const noexcept;
  void report_failure() const noexcept;
  [[nodiscard]] std::string description_of_wait() const;

  bool queued_ = false;  // these stand where the Trampoline leaves room
  bool expendable_ = false;
  std::uint32_t since_ = 0;  // the coarse time of its last step's end
  Loop* loop_;
  Leaf* leaf_ = nullptr;  // what it is suspended at
  CancelScope* innermost_;
  CompletionWaiters waiters_;
  ContextRef context_;
  std::atomic<std::uint32_t> references_{2};
  std::atomic<TaskState> state_{TaskState::pending};
  std::atomic<bool> observed_{false};
  [[no_unique_address]] RootScope scope_;
  std::uint32_t wake_ups_ = 0;  // where the scope leaves room
};

template <typename T>
class TaskStateOf final : public TaskBase {
 public:
  explicit TaskStateOf(Loop& loop) noexcept : TaskBase(loop) {}

  void start_with(Coro<T> coro, TaskGroup& group) {
    auto frame = coro.release();
    frame.promise().outcome = &outcome;
    start(frame.promise(), group);
  }
  [[nodiscard]] const std::exception_ptr& exception() const noexcept override {
    return outcome.exception();
  }

  Outcome<T> outcome;

 private:
  void store_exception(std::exception_ptr error) noexcept override {
    outcome.set_exception(std::move(error));
  }
};

}  // namespace detail
}  // namespace simul
