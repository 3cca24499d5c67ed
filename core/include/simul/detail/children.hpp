// What gather, gather_settled and race share: children made of what they were given.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <ranges>
#include <tuple>
#include <utility>
#include <vector>

#include <simul/cancelled.hpp>
#include <simul/coro.hpp>
#include <simul/detail/task_access.hpp>
#include <simul/task.hpp>
#include <simul/task_group.hpp>

namespace simul::detail {

template <typename T>
inline constexpr bool kIsCoro = false;
template <typename T>
inline constexpr bool kIsCoro<Coro<T>> = true;

/// A container of coroutines that is given away, or a view that makes them.
template <typename R>
concept CoroRange = std::ranges::input_range<R> && kIsCoro<std::ranges::range_value_t<R>>;

template <typename R>
using CoroRangeValue = typename std::ranges::range_value_t<R>::value_type;

template <CoroRange R>
void spawn_all(TaskGroup& group, R& coros, std::vector<Task<CoroRangeValue<R>>>& tasks) {
  if constexpr (std::ranges::sized_range<R>) {
    tasks.reserve(static_cast<std::size_t>(std::ranges::size(coros)));
  }
  for (auto&& coro : coros) {
    tasks.push_back(group.spawn(std::move(coro)));
  }
}

template <typename T>
bool none_cancelled(const std::vector<Task<T>>& tasks) {
  return std::ranges::none_of(
      tasks, [](const Task<T>& task) { return task.state() == TaskState::cancelled; });
}
template <typename... Ts>
bool none_cancelled(const std::tuple<Task<Ts>...>& tasks) {
  return std::apply(
      [](const Task<Ts>&... each) { return ((each.state() != TaskState::cancelled) && ...); },
      tasks);
}

template <typename... Ts>
std::array<TaskBase*, sizeof...(Ts)> states_of(const std::tuple<Task<Ts>...>& tasks) {
  return std::apply(
      [](const Task<Ts>&... each) {
        return std::array<TaskBase*, sizeof...(Ts)>{&TaskAccess::state(each)...};
      },
      tasks);
}

/// Runs what `spawn(group)` puts into `tasks`. A cancellation that came too late to cut one of them off
/// is left to the next await: the results are there.
template <typename Tasks, typename Spawn>
Coro<> run_children(GroupPolicy policy, Tasks& tasks, Spawn spawn) {
  auto body = [&](TaskGroup& group) -> Coro<> {
    spawn(group);
    co_return;
  };
  try {
    co_await run_group(policy, body);
  } catch (const Cancelled&) {
    if (!none_cancelled(tasks)) {
      throw;
    }
  }
}

}  // namespace simul::detail
