#include "inspect/loop_inquiry.hpp"

#include <algorithm>
#include <utility>

#include "loop_access.hpp"
#include "task_walk.hpp"

namespace simul::detail {
namespace {

/// Tasks that are looked at in one turn: about as much work as serving some dozen messages.
constexpr std::size_t kSketchesAtOnce = 256;
constexpr std::size_t kInfosAtOnce = 32;

}  // namespace

/// What is posted to the loop, and by itself again until all tasks were visited.
class LoopInquiry::Visit {
 public:
  explicit Visit(std::shared_ptr<LoopInquiry> inquiry) noexcept : inquiry_(std::move(inquiry)) {}
  Visit(Visit&&) noexcept = default;
  Visit& operator=(Visit&&) = delete;
  ~Visit() {
    if (inquiry_) {
      inquiry_->settle(State::gone);  // dropped on the way: the loop has ended
    }
  }

  void operator()() {
    Loop& loop = Loop::current();
    const TimePoint begin = Environment::real().now();
    const bool more = !inquiry_->abandoned_.load(std::memory_order_relaxed) && look(loop);
    Answer& answer = inquiry_->answer_;
    answer.longest_pause = std::max(answer.longest_pause, Environment::real().now() - begin);
    if (more) {
      inquiry_->progress_.fetch_add(1, std::memory_order_relaxed);
      loop.call_soon(Visit(std::move(*this)));
      LoopAccess::poll_next(loop);  // what has come meanwhile goes first
    } else {
      std::exchange(inquiry_, nullptr)->settle(State::answered);
    }
  }

 private:
  bool look(Loop& loop) {
    Answer& answer = inquiry_->answer_;
    if (!walk_) {
      answer.task_count = loop.task_count();
      if (inquiry_->question_ == Question::count) {
        return false;
      }
      walk_ = std::make_unique<TaskWalk>(loop);
    }
    if (inquiry_->question_ != Question::infos) {
      const bool with_texts = inquiry_->question_ == Question::texts;
      answer.sketches.reserve(answer.task_count);
      return walk_->go_on(with_texts ? kInfosAtOnce : kSketchesAtOnce, [&](const TaskBase& task) {
        answer.sketches.push_back(task.sketch(inquiry_->machinery_));
        if (with_texts) {
          TaskInfo info = task.info();
          answer.sketches.back().waits_for_in_full = std::move(info.waits_for);
          answer.sketches.back().note = std::move(info.note);
        }
      });
    }
    Ids& wanted = inquiry_->wanted_;
    const std::size_t left = wanted.size();
    bool more = true;
    for (std::size_t met = 0; more && met < kSketchesAtOnce && left - wanted.size() < kInfosAtOnce;
         ++met) {
      more = walk_->go_on(1, [&](const TaskBase& task) {
        if (wanted.erase(reinterpret_cast<std::uintptr_t>(&task)) > 0) {
          answer.infos.push_back(task.info());
        }
      });
    }
    return more && !wanted.empty();
  }

  std::shared_ptr<LoopInquiry> inquiry_;
  std::unique_ptr<TaskWalk> walk_;
};

std::shared_ptr<LoopInquiry> LoopInquiry::begin(Mailbox& mailbox, Question question,
                                                std::shared_ptr<Wakeup> wakeup, Ids wanted) {
  const std::shared_ptr<LoopInquiry> inquiry(
      new LoopInquiry(question, std::move(wakeup), std::move(wanted)));
  mailbox.post(Visit(inquiry));
  return inquiry;
}

void LoopInquiry::settle(State state) noexcept {
  state_.store(state, std::memory_order_release);
  wakeup_->signal();
}

}  // namespace simul::detail
