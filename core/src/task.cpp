#include <simul/task.hpp>

#include <cstdio>
#include <utility>

#include <simul/cancelled.hpp>
#include <simul/exception_group.hpp>
#include <simul/log.hpp>
#include <simul/task_group.hpp>
#include <simul/thrown_at.hpp>

#include "coarse_time.hpp"
#include "loop_access.hpp"
#include "step_observer.hpp"
#include "thrown_at.hpp"

namespace simul::detail {

void require_task(const TaskBase* task) {
  if (task == nullptr) [[unlikely]] {
    throw std::logic_error("a Task that is empty (never assigned, or moved from)");
  }
}

TaskBase::~TaskBase() = default;

void TaskBase::start(PromiseBase& root, TaskGroup& group) noexcept {
  root.trampoline = this;
  resume_ = &root;
  scope_.task_ = this;
  if (const TaskBase* spawner = LoopAccess::current_task(*loop_)) {
    context_ = spawner->context_;
  }
  since_ = coarse(LoopAccess::last_now(*loop_));
  ++LoopAccess::task_count(*loop_);
  group.child_started(scope_);
  wake();
}

void TaskBase::never_started() noexcept {
  store_exception(std::make_exception_ptr(Cancelled("the loop has ended")));
  state_.store(TaskState::cancelled, std::memory_order_release);
  drop_reference();
}

void TaskBase::wake() noexcept {
  if (!queued_) {
    queued_ = true;
    LoopAccess::push_ready(*loop_, *this);
  }
}

void TaskBase::deliver_cancel() noexcept {
  // A task that is queued looks at its scope when its turn comes, one that runs at its next await.
  if (leaf_ == nullptr || queued_ || leaf_->cancelled_) {
    return;
  }
  if (leaf_->on_cancel()) {
    leaf_->cancelled_ = true;
    wake();
  }
}

void TaskBase::run_ready() noexcept {
  step([this](const Leaf*) { resume_until_suspended(); });
}

void TaskBase::run_observed(StepObserver& observer) noexcept {
  add_reference();  // for a look at it after its last step
  if (observer.traces()) {
    keep_label();
  }
  observer.begin(*this);
  step([&](const Leaf* woken) {
    if (observer.traces()) {
      resume_observed(observer, woken);
    } else {
      resume_until_suspended();
    }
  });
  observer.end(*this);
  drop_reference();
}

/// Calls `resume(the leaf that it waited at, or null)` if it can go on.
template <typename Resume>
void TaskBase::step(Resume resume) noexcept {
  Loop& loop = *loop_;  // the task may be gone at the end of its last step
  queued_ = false;
  ++wake_ups_;
  LoopAccess::budget(loop).refill();
  LoopAccess::current_task(loop) = this;
  if (leaf_ != nullptr) {
    if (!leaf_->cancelled_ && !leaf_->on_wake()) {
      if (scope_cancelled()) {
        deliver_cancel();  // it came while the task was queued
      }
    } else {
      resume(std::exchange(leaf_, nullptr));
    }
  } else if (scope_cancelled()) {  // before it started: it never will
    store_exception(std::make_exception_ptr(Cancelled(innermost_->reason())));
    finish();
  } else {
    resume(nullptr);
  }
  LoopAccess::current_task(loop) = nullptr;
}

void TaskBase::resume_until_suspended() noexcept {
  do {
    handle_of(*resume_).resume();
  } while (leaf_ == nullptr && !at_end_);
  if (at_end_) {
    finish();
  } else {
    since_ = coarse(LoopAccess::last_now(*loop_));
  }
}

/// As resume_until_suspended, and tells each hand-over from one coroutine to another.
void TaskBase::resume_observed(StepObserver& observer, const Leaf* woken) noexcept {
  Tracer& tracer = *observer.tracer();
  nest_nothing();
  if (woken != nullptr) {
    tracer.goes_on(*woken);
  }
  tracer.enters(*resume_);
  keep_label();
  do {
    PromiseBase& running = *resume_;
    handle_of(running).resume();
    if (leaf_ != nullptr) {
      tracer.waits(running, *leaf_);
    } else {
      if (at_end_ || resume_ == running.caller) {
        tracer.returns(running);
      }
      if (!at_end_) {
        tracer.enters(*resume_);
        keep_label();
      }
    }
  } while (leaf_ == nullptr && !at_end_);
  if (at_end_) {
    finish();
  } else {
    since_ = coarse(LoopAccess::last_now(*loop_));
  }
}

/// For a look at it when its coroutines are gone.
void TaskBase::keep_label() {
  if (name().empty() && label() != kUnknownTask) {
    set_name(label());
  }
}

void TaskBase::finish() noexcept {
  // Without the frame the chain of coroutines is gone, and the watchdog may look at any moment.
  const std::coroutine_handle<> root = handle_of(*std::exchange(resume_, nullptr));
  exception() ? destroy_failed(root) : root.destroy();
  TaskState state = TaskState::done;
  if (exception()) {
    state = TaskState::failed;
    try {
      std::rethrow_exception(exception());
    } catch (const Cancelled&) {
      state = TaskState::cancelled;
    } catch (...) {
    }
  }
  context_ = {};  // here, for a handle may be dropped on any thread
  TaskGroup& owner = group();
  scope_.abandon();
  --LoopAccess::task_count(*loop_);
  if (owner.child_ended(state, exception())) {
    mark_observed();
  }
  state_.store(state, std::memory_order_release);
  waiters_.tell_all();
  LoopAccess::current_task(*loop_) = nullptr;  // it may end here
  drop_reference();
}

TaskGroup& TaskBase::group() const noexcept { return TaskGroup::of(*scope_.parent_); }

void TaskBase::drop_reference() noexcept {
  // The usual last owner needs no locked instruction to know that it is the last.
  if (references_.load(std::memory_order_acquire) == 1 ||
      references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    if (state() == TaskState::failed && !observed_.load(std::memory_order_relaxed)) {
      report_failure();
    }
    delete this;
  }
}

void TaskBase::throw_if_cancelled() const {
  if (state() == TaskState::cancelled) {
    throw TaskCancelled(describe(exception()));
  }
}

void TaskBase::report_failure() const noexcept {
  const std::string who = name().empty() ? "a task" : "task '" + std::string(name()) + "'";
  log(LogLevel::error,
      who + " failed and nobody waits for it: " + describe_with_place(exception()));
}

std::size_t TaskBase::await_sites(std::span<std::source_location> sites) const noexcept {
  std::size_t count = 0;
  for (const PromiseBase* promise = resume_; promise != nullptr && count < sites.size();
       promise = promise->caller) {
    sites[count++] = promise->site;
  }
  return count;
}

void TaskBase::set_name(std::string name) {
  auto& published = scope_.extras().task_name;
  auto text = std::make_unique<const std::string>(std::move(name));
  std::atomic_signal_fence(std::memory_order_release);
  published.swap(text);  // before the old one is freed
}

// --- awaiting a task ---------------------------------------------------------------------------

/// Waits on the loop of the task for a leaf on another loop, and brings the news home. It is owned
/// by whichever thread has it in hand; `leaf` is only touched at home.
class TaskLeaf::Messenger final : public CompletionWaiter {
 public:
  Messenger(TaskLeaf& leaf, std::shared_ptr<Mailbox> home) : leaf_(&leaf), home_(std::move(home)) {
    leaf.awaited_.add_reference();
    awaited_ = &leaf.awaited_;
  }

  /// Thread: the awaited task's, or any if its loop has ended.
  void go_home() noexcept {
    awaited_->drop_reference();
    const std::shared_ptr<Mailbox> home = std::move(home_);
    home->post([arrived = std::unique_ptr<Messenger>(this)] {
      if (arrived->leaf_ != nullptr) {
        arrived->leaf_->messenger_ = nullptr;
        arrived->leaf_->wake();
      }
    });
  }
  void wait_there() noexcept {
    if (awaited_->ended()) {
      go_home();
    } else {
      awaited_->waiters().add(*this);
    }
  }
  void forget_leaf() noexcept { leaf_ = nullptr; }

 private:
  void on_completion() noexcept override { go_home(); }

  TaskLeaf* leaf_;
  TaskBase* awaited_;
  std::shared_ptr<Mailbox> home_;
};

const std::shared_ptr<Mailbox> TaskLeaf::kHere;

bool TaskLeaf::await_ready() {
  check_cancelled();
  return awaited_.ended();
}

void TaskLeaf::await_suspend(std::coroutine_handle<>) {
  if (&task() == &awaited_) {
    throw std::logic_error("a task can't wait for itself");
  }
  const bool here = &awaited_.loop() == &loop();
  if (remote_ == nullptr && !here) {
    throw std::logic_error("a task of another loop can be awaited if spawn(loop, ...) gave it");
  }
  awaited_.add_reference();
  holds_ = true;
  if (here) {
    suspend();
    awaited_.waiters().add(*this);
    return;
  }
  // Dropped on the way, because the other loop has ended and the task with it, it comes home.
  struct Sending {
    explicit Sending(Messenger* m) noexcept : messenger(m) {}
    Sending(Sending&& other) noexcept : messenger(std::exchange(other.messenger, nullptr)) {}
    Sending& operator=(Sending&&) = delete;
    ~Sending() {
      if (messenger != nullptr) {
        messenger->go_home();
      }
    }
    void operator()() { std::exchange(messenger, nullptr)->wait_there(); }
    Messenger* messenger;
  };
  messenger_ = new Messenger(*this, loop().mailbox());
  suspend();
  remote_->post(Sending(messenger_));
}

bool TaskLeaf::on_cancel() noexcept {
  if (messenger_ != nullptr) {
    std::exchange(messenger_, nullptr)->forget_leaf();
  } else {
    awaited_.waiters().remove(*this);
  }
  return true;
}

void TaskLeaf::check_outcome() {
  throw_if_cancelled();
  awaited_.mark_observed();
  awaited_.throw_if_cancelled();
  if (awaited_.state() == TaskState::failed) [[unlikely]] {
    rethrown_here(awaited_.exception());
  }
}

}  // namespace simul::detail
