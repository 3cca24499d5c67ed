// race: several coroutines at once; the first one that ends wins, the others are cancelled.
//
//   auto race_result = co_await race(next_job(queue), closed(peer));
//   if (race_result.winner.index() == 0) handle(std::get<0>(race_result.winner));
//
// The first to end wins, be it with a value or with a failure, which is then thrown (JavaScript's
// Promise.race, not Promise.any). When race returns, the losers have ended. For "the first of these
// tasks, and let the others run" take wait; for a time limit fail_after.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <simul/cancelled.hpp>
#include <simul/coro.hpp>
#include <simul/detail/children.hpp>
#include <simul/detail/task_set.hpp>
#include <simul/export.hpp>
#include <simul/task.hpp>
#include <simul/task_group.hpp>

namespace simul {

/// Who won, and with what: winner.index() is its place. `late` holds the values of losers that had
/// theirs already when they were cancelled (both were ready in the same turn). If these are things that
/// must not be lost, look at them.
template <typename... Ts>
struct RaceResult {
  std::variant<detail::Stored<Ts>...> winner;
  std::tuple<std::optional<detail::Stored<Ts>>...> late;
};

/// The same for a range.
template <typename T>
struct RangeRaceResult {
  struct Entry {
    std::size_t index;
    detail::Stored<T> value;
  };
  Entry winner;
  std::vector<Entry> late;
};

namespace detail {

/// Notes which of a group's tasks ends first, and cancels the others in the same step.
class SIMUL_EXPORT FinishLine final : private TaskSet {
 public:
  template <TaskRange R>
  FinishLine(TaskGroup& group, R& tasks) : TaskSet(tasks), group_(group) {
    watch();
  }
  ~FinishLine();

  /// One that was cancelled has not won.
  [[nodiscard]] std::optional<std::size_t> winner() const noexcept { return winner_; }

 private:
  void task_ended(std::size_t index) noexcept override;

  TaskGroup& group_;
  std::optional<std::size_t> winner_;
};

[[noreturn]] SIMUL_EXPORT void throw_no_winner();

/// Runs what `spawn(group, line)` spawns and lines up; gives the winner's place.
template <typename Spawn>
Coro<std::size_t> run_race(Spawn spawn) {
  std::optional<FinishLine> line;
  auto body = [&](TaskGroup& group) -> Coro<> {
    spawn(group, line);
    co_return;
  };
  try {
    co_await run_group(GroupPolicy::report, body);
  } catch (const Cancelled&) {
    if (!line || !line->winner()) {
      throw;
    }
  }
  if (!line->winner()) {
    throw_no_winner();
  }
  co_return *line->winner();
}

template <typename... Ts, std::size_t... I>
RaceResult<Ts...> race_result(std::size_t winner, std::tuple<Task<Ts>...>& tasks,
                              std::index_sequence<I...>) {
  using Winner = std::variant<Stored<Ts>...>;
  std::optional<Winner> first;
  std::tuple<std::optional<Stored<Ts>>...> late;
  const auto look_at = [&]<std::size_t kIndex>(std::integral_constant<std::size_t, kIndex>) {
    auto& task = std::get<kIndex>(tasks);
    if (kIndex == winner) {
      first.emplace(std::in_place_index<kIndex>, TaskAccess::take(task));
    } else if (task.state() == TaskState::done) {
      std::get<kIndex>(late).emplace(TaskAccess::take(task));
    }
  };
  (look_at(std::integral_constant<std::size_t, I>{}), ...);
  return {*std::move(first), std::move(late)};
}

}  // namespace detail

/// Runs the coroutines as tasks of one group, in the order in which they are given; of two that end in
/// the same turn the one that ran first wins. Cancels and joins the losers, then gives the winner's
/// value, or throws its failure. Failures of losers are reported to the log; a child that was
/// cancelled by itself is out of the race, and if all were, TaskCancelled is thrown.
/// Thread: a loop's.
/// Cancel safety: a cancellation cancels and joins all children; a winner that is there wins over it.
template <typename... Ts>
  requires(sizeof...(Ts) > 0)
Coro<RaceResult<Ts...>> race(Coro<Ts>... coros) {
  std::tuple<Task<Ts>...> tasks;
  auto spawn = [&](TaskGroup& group, std::optional<detail::FinishLine>& line) {
    tasks = std::tuple<Task<Ts>...>{group.spawn(std::move(coros))...};
    const auto states = detail::states_of(tasks);
    line.emplace(group, states);
  };
  const std::size_t winner = co_await detail::run_race(spawn);
  co_return detail::race_result(winner, tasks, std::index_sequence_for<Ts...>{});
}

/// The same for a container of Coro<T> that is moved in, or a view that makes them. Throws
/// std::logic_error if there are none: nobody could win.
template <detail::CoroRange R>
Coro<RangeRaceResult<detail::CoroRangeValue<R>>> race(R coros) {
  using Result = RangeRaceResult<detail::CoroRangeValue<R>>;
  std::vector<Task<detail::CoroRangeValue<R>>> tasks;
  auto spawn = [&](TaskGroup& group, std::optional<detail::FinishLine>& line) {
    detail::spawn_all(group, coros, tasks);
    if (tasks.empty()) {
      throw std::logic_error("race: nobody takes part");
    }
    line.emplace(group, tasks);
  };
  const std::size_t winner = co_await detail::run_race(spawn);
  Result result{{winner, detail::TaskAccess::take(tasks[winner])}, {}};
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (i != winner && tasks[i].state() == TaskState::done) {
      result.late.push_back({i, detail::TaskAccess::take(tasks[i])});
    }
  }
  co_return result;
}

}  // namespace simul
