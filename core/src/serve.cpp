#include <simul/serve.hpp>

#include <exception>
#include <utility>

#include <simul/log.hpp>
#include <simul/sleep.hpp>
#include <simul/task_group.hpp>
#include <simul/thrown_at.hpp>

namespace simul {
namespace {

constexpr Duration kPauseWithoutResources = std::chrono::milliseconds(100);

Coro<> serve_connection(SocketListener::Accepted accepted, const Handler& handler, std::uint64_t id,
                        ServeOptions options) {
  Connection peer(accepted.stream, std::move(accepted.peer), id);
  peer.supervise(co_await detail::this_task, options.idle_timeout);
  try {
    co_await handler(peer);
  } catch (const Cancelled&) {
    throw;
  } catch (...) {
    log(LogLevel::error, "the handler of " + peer.peer().to_string() +
                             " failed: " + describe_with_place(std::current_exception()));
  }
}

}  // namespace

Coro<> serve(SocketListener listener, Handler handler, ServeOptions options) {
  auto accept_all = [&](TaskGroup& connections) -> Coro<> {
    for (std::uint64_t id = 1;; ++id) {
      auto accepted = co_await listener.accept();
      if (accepted) {
        connections.spawn(serve_connection(*std::move(accepted), handler, id, options));
      } else if (accepted.error() == Errc::closed) {
        break;
      } else {
        log(LogLevel::warning, "cannot accept: " + accepted.error().message());
        co_await sleep(kPauseWithoutResources);
      }
    }
    connections.cancel("the listener was closed");
  };
  co_await with_group(accept_all);
}

}  // namespace simul
