// gather: several coroutines at once; all of their results, or the first failure.
//
//   auto [user, mail] = co_await gather(fetch_user(id), fetch_mail(id));          // a tuple
//   std::vector<Page> pages = co_await gather(std::move(fetches));                // std::vector<Coro<Page>>
//   pages = co_await gather(urls | std::views::transform(fetch));                 // what a view makes
//
// gather owns what it is given. It runs coroutines as children of a task group: the first failure
// cancels the others and joins them, and is then rethrown as itself, several as an ExceptionGroup.
// Tasks that run already can be handed over (moved in) as well. To look at tasks without owning them
// there are wait and as_completed; to have every outcome, gather_settled.
#pragma once

#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <simul/coro.hpp>
#include <simul/detail/children.hpp>
#include <simul/detail/owned_tasks.hpp>
#include <simul/task.hpp>
#include <simul/task_group.hpp>

namespace simul {
namespace detail {

/// What gather gives for a range.
template <typename T>
using Gathered = std::conditional_t<std::is_void_v<T>, void, std::vector<Stored<T>>>;

template <typename T>
Gathered<T> take_all(std::vector<Task<T>>& tasks) {
  if constexpr (!std::is_void_v<T>) {
    std::vector<Stored<T>> results;
    results.reserve(tasks.size());
    for (Task<T>& task : tasks) {
      results.push_back(TaskAccess::take(task));
    }
    return results;
  }
}

template <typename... Ts>
std::tuple<Stored<Ts>...> take_all(std::tuple<Task<Ts>...>& tasks) {
  return std::apply(
      [](Task<Ts>&... each) { return std::tuple<Stored<Ts>...>{TaskAccess::take(each)...}; },
      tasks);
}

}  // namespace detail

/// Runs the coroutines as tasks of one group, in the order in which they are given; gives their results
/// in that order: a tuple, in which std::monostate holds the place of a void (and a
/// std::reference_wrapper that of a reference). A child that is cancelled by itself counts as failed,
/// with TaskCancelled. Thread: a loop's.
/// Cancel safety: a cancellation cancels and joins all children, and results of those that had ended
/// are lost; if all had, their results win, and the next await throws.
template <typename... Ts>
  requires(sizeof...(Ts) > 0)
Coro<std::tuple<detail::Stored<Ts>...>> gather(Coro<Ts>... coros) {
  std::tuple<Task<Ts>...> tasks;
  auto spawn = [&](TaskGroup& group) {
    tasks = std::tuple<Task<Ts>...>{group.spawn(std::move(coros))...};
  };
  co_await detail::run_children(detail::GroupPolicy::all_needed, tasks, spawn);
  co_return detail::take_all(tasks);
}

/// The same for a container of Coro<T> that is moved in, or a view that makes them one by one: gives a
/// std::vector<T>, or nothing if T is void. None at all are all right.
template <detail::CoroRange R>
Coro<detail::Gathered<detail::CoroRangeValue<R>>> gather(R coros) {
  std::vector<Task<detail::CoroRangeValue<R>>> tasks;
  auto spawn = [&](TaskGroup& group) { detail::spawn_all(group, coros, tasks); };
  co_await detail::run_children(detail::GroupPolicy::all_needed, tasks, spawn);
  co_return detail::take_all(tasks);
}

/// The same for tasks that run already, on this loop, and now belong to the gather: a failure or a
/// cancellation cancels and joins them. Throws std::logic_error for an empty handle and for the task
/// that waits.
template <typename... Ts>
  requires(sizeof...(Ts) > 0)
Coro<std::tuple<detail::Stored<Ts>...>> gather(Task<Ts>... handles) {
  std::tuple<Task<Ts>...> tasks(std::move(handles)...);
  const auto states = detail::states_of(tasks);
  co_await detail::OwnedTasks(states, true);
  co_return detail::take_all(tasks);
}
template <typename T>
Coro<detail::Gathered<T>> gather(std::vector<Task<T>> tasks) {
  co_await detail::OwnedTasks(tasks, true);
  co_return detail::take_all(tasks);
}

}  // namespace simul
