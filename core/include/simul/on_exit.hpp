// on_exit: a cleanup that awaits, said before what it cleans up after, as a destructor would be.
//
//   co_await on_exit(1s, [&] { return say_goodbye(peer); }, [&]() -> Coro<> {
//     co_await serve(peer);                // value, exception, cancellation: goodbye comes next
//   });
//
// It is not for what a destructor can do: closing, freeing, counting down need no await.
#pragma once

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include <simul/cancel_scope.hpp>
#include <simul/cancelled.hpp>
#include <simul/coro.hpp>
#include <simul/detail/outcome.hpp>
#include <simul/exception_group.hpp>
#include <simul/export.hpp>

namespace simul {
namespace detail {

/// What on_exit throws after `body` and `cleanup` threw these (null: they didn't); null: nothing.
SIMUL_EXPORT std::exception_ptr exit_failure(TaskBase& task, std::exception_ptr body,
                                             std::exception_ptr cleanup) noexcept;

}  // namespace detail

/// Runs `body`, then `cleanup`, shielded from cancellations for up to `grace`; then goes on with what
/// the body did: gives its value, throws its exception or Cancelled. When the cleanup fails too, both
/// failures are thrown as an ExceptionGroup, the body's first. A cancelled body with a failed cleanup
/// throws the failure alone: the cancellation comes again at the next await. So it does after a
/// cleanup whose grace is used up, which changes nothing else.
/// Cancel safety: the body's value wins over a cancellation that comes during the cleanup.
template <typename Cleanup, typename Body>
  requires detail::CoroFunction<Cleanup> && detail::CoroFunction<Body>
Coro<detail::CoroValue<Body>> on_exit(Duration grace, Cleanup cleanup, Body body) {
  using T = detail::CoroValue<Body>;
  detail::Outcome<T> outcome;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await body();
    } else {
      outcome.set_value(co_await body());
    }
  } catch (...) {
    outcome.set_exception(std::current_exception());
  }
  std::exception_ptr cleanup_failure;
  try {
    (void)co_await shielded(grace, std::ref(cleanup));
  } catch (...) {
    cleanup_failure = std::current_exception();
  }
  outcome.set_exception(detail::exit_failure(co_await detail::this_task, outcome.exception(),
                                             std::move(cleanup_failure)));
  if constexpr (std::is_void_v<T>) {
    outcome.get();
  } else {
    co_return static_cast<T&&>(outcome.get());
  }
}

}  // namespace simul
