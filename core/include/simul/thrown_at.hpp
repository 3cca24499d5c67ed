// Where an exception comes from: the coroutines that it has left.
//
//   try { co_await respond(request); } catch (...) {
//     log(LogLevel::error, describe_with_place(std::current_exception()));
//   }   // no such user; thrown at users.cpp:31 (show_user), called from router.cpp:80 (respond)
//
// Nothing has to be switched on for it, and what throws nothing pays nothing. It is for people: a thread
// remembers the last few exceptions that have left a coroutine on it, so the way of one may be unknown. Of a
// plain function that throws it has the coroutine that called it.
#pragma once

#include <exception>
#include <string>

#include <simul/export.hpp>

namespace simul {

/// "users.cpp:31 (show_user), called from router.cpp:80 (respond)": the coroutines which that exception has
/// left so far, the innermost first, each with the place of its last await (of its function, if it has not
/// awaited). They may be of several tasks, each of which has waited for the one before. Without those of the
/// library. Empty if nothing is known: of a Cancelled always. Thread: any, but another one than it was thrown
/// on knows of it what it has left there.
[[nodiscard]] SIMUL_EXPORT std::string thrown_at(const std::exception_ptr& exception) noexcept;

/// For logs: describe(exception), and "; thrown at ..." if that is known.
[[nodiscard]] SIMUL_EXPORT std::string describe_with_place(
    const std::exception_ptr& exception) noexcept;

}  // namespace simul
