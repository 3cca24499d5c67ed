#include "session.hpp"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include <simul/task.hpp>
#include <simul/thrown_at.hpp>

#include "acceptor.hpp"
#include "peer_name.hpp"
#include "service.hpp"
#include "shard.hpp"

namespace simul::server {
/// A session with its stream inside. What it holds outlives the task that it is.
template <typename Held>
class Session::Of final : private Held, public Session {
 public:
  template <typename From>
  Of(Acceptor& acceptor, From from)
      : Held(std::move(from), acceptor.shard().next_id()), Session(acceptor) {}
  ~Of() override { finish(); }
  [[nodiscard]] Connection& connection() noexcept override { return Held::connection; }
  [[nodiscard]] const Connection& connection() const noexcept override { return Held::connection; }
};

namespace {

struct PlainSocket {
  PlainSocket(SocketListener::Accepted accepted, std::uint64_t id) noexcept
      : stream(std::move(accepted.stream)), connection(stream, std::move(accepted.peer), id) {}

  SocketStream stream;
  Connection connection;
};

struct AdmittedStream {
  class Proxied final : public Connection {
   public:
    Proxied(AdmittedStream& held, Endpoint peer, std::uint64_t id) noexcept
        : Connection(*held.stream, std::move(peer), id), held_(held) {}
    [[nodiscard]] const ProxyHeader* proxy_header() const noexcept override {
      return held_.header.get();
    }

   private:
    AdmittedStream& held_;
  };

  AdmittedStream(Admitted admitted, std::uint64_t id) noexcept
      : stream(std::move(admitted.stream)),
        header(std::move(admitted.proxy_header)),
        connection(*this, std::move(admitted.peer), id) {}

  std::unique_ptr<Stream> stream;
  std::unique_ptr<const ProxyHeader> header;
  Proxied connection;
};

}  // namespace

struct Session::Unstarted {
  void operator()(Session* session) const noexcept { delete session; }
};

Session::Session(Acceptor& acceptor) : TaskBase(acceptor.shard().loop()), acceptor_(acceptor) {}

void Session::start(Acceptor& acceptor, SocketListener::Accepted accepted) {
  start(std::unique_ptr<Session, Unstarted>(new Of<PlainSocket>(acceptor, std::move(accepted))));
}

void Session::start(Acceptor& acceptor, Admitted admitted) {
  start(std::unique_ptr<Session, Unstarted>(new Of<AdmittedStream>(acceptor, std::move(admitted))));
}

void Session::start(std::unique_ptr<Session, Unstarted> session) {
  Acceptor& acceptor = session->acceptor_;
  const Service& service = acceptor.service();
  Coro<> handler = service.protocol->serve(session->connection());
  handler.require_startable();
  session->connection().supervise(*session, service.settings.idle_timeout);
  session->mark_observed();  // it reports its failure itself

  auto frame = handler.release();
  frame.promise().outcome = &session->outcome_;
  session->TaskBase::start(frame.promise(), detail::root_group_of(session->loop()));
  acceptor.shard().opened(*session);
  session.release()->drop_reference();  // the loop's own keeps it until the task has ended
}

Session::~Session() = default;

void Session::finish() noexcept {
  if (link_ == nullptr) {
    return;
  }
  Shard& shard = acceptor_.shard();
  const CloseReason why = reason();
  if (why == CloseReason::failed) {
    shard.report_failure(
        [&] { return describe() + " failed: " + describe_with_place(exception()); });
  }
  // Whoever was cut off in the middle of an answer must not take it for a complete one.
  // And who has read nothing for so long won't read the rest: it would take a place that isn't counted.
  const bool cut_off = why == CloseReason::failed || why == CloseReason::shutdown ||
                       (why == CloseReason::idle_timeout &&
                        connection().stream().try_flush().blocked != Interest::none);
  connection().close(cut_off ? Stream::CloseMode::abort : Stream::CloseMode::graceful);
  shard.closed(*this, why);
  // Last: a permit stands for the descriptor as well.
  acceptor_.service().limit.leave();
  shard.total_limit().leave();
}

std::string Session::note() const {
  const Connection& served = connection();
  return fmt::format("connection {} of {} to '{}', {} bytes in, {} bytes out", served.id(),
                     peer_name(served.peer()), acceptor_.service().settings.name,
                     served.bytes_received(), served.bytes_sent());
}

std::string Session::describe() const {
  return note() + (ended() ? "" : ", waits for " + backtrace());
}

CloseReason Session::reason() const noexcept {
  if (state() == TaskState::failed) {
    return CloseReason::failed;
  }
  const CloseReason reason = connection().close_reason();
  const bool loop_ended = state() == TaskState::cancelled && reason == CloseReason::handler;
  return loop_ended ? CloseReason::shutdown : reason;
}

}  // namespace simul::server
