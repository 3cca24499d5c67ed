#include "trace/handoff_tracer.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include <simul/call_graph.hpp>

#include "function_label.hpp"
#include "loop_access.hpp"

namespace simul::detail {
namespace {

bool hidden(const PromiseBase& coroutine) noexcept { return is_machinery(coroutine.site); }

std::string name_of(const PromiseBase& coroutine) { return function_label(coroutine.site) + "()"; }

/// What is awaited: "worker_task", "sleep".
std::string name_of(const Leaf& leaf) {
  const WaitDetail detail = leaf.wait_detail();
  return leaf.waits_for() == std::string_view("task") && detail.task != nullptr
             ? detail.task->label()
             : leaf.waits_for();
}

/// Deeper ones stand under each other: else the lines of a deep recursion would have its square in bytes.
constexpr std::size_t kDeepestIndent = 64;

std::atomic<int> alive = 0;  // tracers

}  // namespace

HandoffTracer::HandoffTracer(const Loop& loop, std::FILE* file, int number, bool narrated) noexcept
    : loop_(loop), file_(file), number_(number), narrated_(narrated) {
  ++alive;
}

HandoffTracer::~HandoffTracer() {
  flush();
  --alive;
}

std::string HandoffTracer::suffix() const { return alive > 1 ? ' ' + std::to_string(number_) : ""; }

std::string HandoffTracer::prefix() const { return alive > 1 ? "[loop" + suffix() + "] " : ""; }

// --- lines -----------------------------------------------------------------------------------------

void HandoffTracer::hand_over(std::size_t depth, std::string where) {
  flush();
  where_ = std::move(where);
  const std::size_t number = ++lines_;
  if (narrated_) {
    std::fprintf(file_, "%s%zu. Control is now in %s.\n", prefix().c_str(), number, where_.c_str());
  } else {
    std::fprintf(file_, "%s%-3zu%*s%s\n", prefix().c_str(), number,
                 static_cast<int>(4 * std::min(depth, kDeepestIndent)), "", where_.c_str());
  }
}

void HandoffTracer::tell(const std::string& sentence) {
  if (narrated_) {
    told_.push_back(sentence);
  }
}

void HandoffTracer::tell_queue() {
  if (!narrated_) {
    return;
  }
  std::string queue;
  LoopAccess::ready(loop_).for_each(
      [&](const Ready& entry) { queue += (queue.empty() ? "" : ", ") + entry.label(); });
  queue_was_empty_ = queue.empty();
  tell(queue.empty() ? "The queue is empty." : "The queue: " + queue + ".");
}

void HandoffTracer::tell_what_comes() {
  if (std::exchange(queue_was_empty_, false)) {
    tell(
        "It sleeps until the kernel has news: a timer, a descriptor, another thread. They fill the "
        "queue.");
  }
}

void HandoffTracer::flush() {
  for (const std::string& sentence : std::exchange(told_, {})) {
    std::fprintf(file_, "%s        %s\n", prefix().c_str(), sentence.c_str());
  }
}

// --- hand-overs ------------------------------------------------------------------------------------

void HandoffTracer::loop_runs() {
  hand_over(0, "program");
  tell("It runs the event-loop.");
  hand_over(1, "event-loop" + suffix());
  tell_queue();
}

void HandoffTracer::step_begins(const TaskBase& task) {
  task_ = &task;
  step_told_ = false;
  here_.clear();
}

/// Only now, for what a task is called by shows when its first coroutine begins.
void HandoffTracer::begin_step() {
  if (std::exchange(step_told_, true)) {
    return;
  }
  tell_what_comes();
  tell("It takes " + task_->label() + " off its queue, and makes its next step.");
  hand_over(2, task_->label() + ".step");
}

void HandoffTracer::goes_on(const Leaf& leaf) {
  begin_step();
  tell("It goes on where it waits: in the await of " + name_of(leaf) + ".");
  hand_over(depth(), name_of(leaf) + ".__await__");
  tell("It has what it waited for, and gives it to the coroutine that awaits it.");
  here_.push_back(nullptr);
}

void HandoffTracer::enters(const PromiseBase& coroutine) {
  if (hidden(coroutine)) {
    return;
  }
  begin_step();
  if (here_.empty()) {
    tell("It begins the coroutine " + name_of(coroutine) + ".");
  }
  if (!here_.empty() && here_.back() == &coroutine) {
    if (where_ != name_of(coroutine)) {
      hand_over(depth() - 1, name_of(coroutine));
    }
  } else {
    if (!here_.empty() && here_.back() != nullptr) {
      tell("It calls and awaits " + name_of(coroutine) + ", which begins at once.");
    }
    hand_over(depth(), name_of(coroutine));
    here_.push_back(&coroutine);
  }
}

void HandoffTracer::waits(const PromiseBase& coroutine, const Leaf& leaf) {
  begin_step();
  tell("It awaits " + name_of(leaf) +
       (hidden(coroutine) ? "." : " at " + place(coroutine.site) + '.'));
  tell_queue();
  hand_over(depth(), name_of(leaf) + ".__await__");
  tell("It isn't there, so the task has to wait for it.");
  for (; !here_.empty(); here_.pop_back()) {
    if (here_.back() != nullptr) {
      hand_over(depth() - 1, name_of(*here_.back()));
      tell("It stands still at its await, and hands control back.");
    }
  }
}

void HandoffTracer::returns(const PromiseBase& coroutine) {
  if (hidden(coroutine)) {
    return;
  }
  tell("It comes to its end, and gives its result to who awaits it.");
  if (!here_.empty()) {
    here_.pop_back();
  }
}

void HandoffTracer::step_ends(const TaskBase& task) {
  begin_step();
  if (where_ != task.label() + ".step") {
    hand_over(2, task.label() + ".step");
  }
  tell(task.ended() ? "Its coroutine has ended: " + task.label() +
                          " is done. Who waits for it goes to the queue. The step is over."
                    : "It will be woken when what it waits for is there. The step is over.");
  hand_over(1, "event-loop" + suffix());
  tell_queue();
  here_.clear();
  task_ = nullptr;
}

void HandoffTracer::called_back(const Ready& callback) {
  tell_what_comes();
  tell("It takes " + callback.label() + " off its queue, and calls it.");
  hand_over(2, callback.label());
  hand_over(1, "event-loop" + suffix());
  tell_queue();
}

}  // namespace simul::detail
