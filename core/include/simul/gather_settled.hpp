// gather_settled: several coroutines at once, and how each of them ended.
//
//   auto [user, mail] = co_await gather_settled(fetch_user(id), fetch_mail(id));
//   if (!mail) log_warning("no mail: " + describe(mail.error()));
//
// As gather, but a child that fails neither cancels the others nor throws: it has its place among the
// results, a std::expected<T, std::exception_ptr> each.
#pragma once

#include <exception>
#include <expected>
#include <tuple>
#include <utility>
#include <vector>

#include <simul/coro.hpp>
#include <simul/detail/children.hpp>
#include <simul/detail/owned_tasks.hpp>
#include <simul/task.hpp>
#include <simul/task_group.hpp>

namespace simul {

/// A child's value, or what it threw: TaskCancelled if it was cancelled (it alone).
template <typename T>
using Settled = std::expected<detail::StoredOrVoid<T>, std::exception_ptr>;

namespace detail {

template <typename T>
std::vector<Settled<T>> settle_all(std::vector<Task<T>>& tasks) {
  std::vector<Settled<T>> outcomes;
  outcomes.reserve(tasks.size());
  for (Task<T>& task : tasks) {
    outcomes.push_back(TaskAccess::settle(task));
  }
  return outcomes;
}

template <typename... Ts>
std::tuple<Settled<Ts>...> settle_all(std::tuple<Task<Ts>...>& tasks) {
  return std::apply(
      [](Task<Ts>&... each) { return std::tuple<Settled<Ts>...>{TaskAccess::settle(each)...}; },
      tasks);
}

}  // namespace detail

/// Runs the coroutines as tasks of one group; gives a tuple of how each ended, in the order in which they
/// were given. Thread: a loop's.
/// Cancel safety: a cancellation cancels and joins all children and is rethrown; failures among them
/// are then reported to the log. If it comes too late to cut one off, the results win, and the next
/// await throws.
template <typename... Ts>
  requires(sizeof...(Ts) > 0)
Coro<std::tuple<Settled<Ts>...>> gather_settled(Coro<Ts>... coros) {
  std::tuple<Task<Ts>...> tasks;
  auto spawn = [&](TaskGroup& group) {
    tasks = std::tuple<Task<Ts>...>{group.spawn(std::move(coros))...};
  };
  co_await detail::run_children(detail::GroupPolicy::report, tasks, spawn);
  co_return detail::settle_all(tasks);
}

/// The same for a container of Coro<T> that is moved in, or a view that makes them: gives a vector.
template <detail::CoroRange R>
Coro<std::vector<Settled<detail::CoroRangeValue<R>>>> gather_settled(R coros) {
  std::vector<Task<detail::CoroRangeValue<R>>> tasks;
  auto spawn = [&](TaskGroup& group) { detail::spawn_all(group, coros, tasks); };
  co_await detail::run_children(detail::GroupPolicy::report, tasks, spawn);
  co_return detail::settle_all(tasks);
}

/// The same for tasks that run already and are handed over; see gather.
template <typename... Ts>
  requires(sizeof...(Ts) > 0)
Coro<std::tuple<Settled<Ts>...>> gather_settled(Task<Ts>... handles) {
  std::tuple<Task<Ts>...> tasks(std::move(handles)...);
  const auto states = detail::states_of(tasks);
  co_await detail::OwnedTasks(states, false);
  co_return detail::settle_all(tasks);
}
template <typename T>
Coro<std::vector<Settled<T>>> gather_settled(std::vector<Task<T>> tasks) {
  co_await detail::OwnedTasks(tasks, false);
  co_return detail::settle_all(tasks);
}

}  // namespace simul
