// LoopInquiry: a question to one loop from another thread. The loop answers it some tasks at a time, with its
// other work in between; it may also end meanwhile, or not come to it for long, because a step holds it up.
//
//   auto inquiry = LoopInquiry::begin(loop, LoopInquiry::Question::sketches, wakeup);
//   ...                                                       // wakeup says: look again
//   if (inquiry->state() == LoopInquiry::State::answered) use(inquiry->answer().sketches);
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

#include <simul/call_graph.hpp>
#include <simul/clock.hpp>
#include <simul/loop.hpp>

#include "inspect/task_sketch.hpp"
#include "inspect/wakeup.hpp"

namespace simul::detail {

class LoopInquiry {
 public:
  enum class Question : std::uint8_t {
    count,     // how many tasks there are
    sketches,  // of all tasks
    texts,     // the same, with their texts
    infos      // of those that are wanted
  };
  struct Answer {
    std::size_t task_count = 0;
    std::vector<TaskSketch> sketches;
    std::vector<TaskInfo> infos;
    Duration longest_pause{};  // for which it has held up its loop
  };
  enum class State : std::uint8_t { asked, answered, gone };
  using Ids = std::unordered_set<std::uintptr_t>;

  static std::shared_ptr<LoopInquiry> begin(Mailbox& mailbox, Question question,
                                            std::shared_ptr<Wakeup> wakeup, Ids wanted = {});

  [[nodiscard]] State state() const noexcept { return state_.load(std::memory_order_acquire); }
  /// Grows while the loop is at it.
  [[nodiscard]] std::uint32_t progress() const noexcept {
    return progress_.load(std::memory_order_relaxed);
  }
  /// If it has answered.
  [[nodiscard]] Answer& answer() noexcept { return answer_; }
  /// Nobody waits for the answer any more.
  void abandon() noexcept { abandoned_.store(true, std::memory_order_relaxed); }

 private:
  class Visit;

  LoopInquiry(Question question, std::shared_ptr<Wakeup> wakeup, Ids wanted)
      : question_(question), wakeup_(std::move(wakeup)), wanted_(std::move(wanted)) {}
  void settle(State state) noexcept;

  const Question question_;
  const std::shared_ptr<Wakeup> wakeup_;
  std::atomic<State> state_{State::asked};
  std::atomic<std::uint32_t> progress_{0};
  std::atomic<bool> abandoned_{false};
  // The loop's until it is settled:
  Ids wanted_;
  MachineryCache machinery_;
  Answer answer_;
};

}  // namespace simul::detail
