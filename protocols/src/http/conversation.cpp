#include "http/conversation.hpp"

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <system_error>
#include <utility>

#include <simul/cancel_scope.hpp>
#include <simul/loop.hpp>

#include "http/output.hpp"
#include "http/response_writer.hpp"

namespace simul::http {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// What a client may still send after its last answer, and how long.
constexpr std::size_t kLingerBytes = std::size_t{1} << 20;
constexpr Duration kLingerTime = std::chrono::seconds(2);

using Received = std::expected<Chunk, std::error_code>;

// Nothing: the time was up.
Coro<std::optional<Received>> receive_until(Connection& peer, TimePoint deadline) {
  const auto receive = [&peer]() -> Coro<Received> { co_return co_await peer.recv(); };
  co_return co_await move_on_at(deadline, receive);
}

Coro<bool> flush(Connection& peer, Output& output) {
  const auto sent = co_await peer.send(output.pieces());
  output.clear();
  co_return sent.has_value();
}

// Bytes that nobody reads turn a close into a reset, which can destroy the last answer on its way to
// the client. So only this side is closed, and what the client still sends is dropped for a while.
Coro<> linger(Connection& peer) {
  if (peer.shutdown()) {
    co_return;
  }
  const auto drop = [&peer]() -> Coro<> {
    std::size_t dropped = 0;
    while (dropped < kLingerBytes) {
      const auto chunk = co_await peer.recv();
      if (!chunk) {
        break;
      }
      dropped += chunk->size();
    }
  };
  co_await move_on_after(kLingerTime, drop);
}

}  // namespace

Coro<bool> converse(Connection& peer, const Settings& settings, DateCache& dates, Chunk input) {
  using Event = RequestParser::Event;
  Loop& loop = Loop::current();
  RequestParser parser(settings.limits);
  Output output;
  ResponseWriter writer(output);
  Response response;  // to the request at hand, for as long as its body is on its way
  Framing framing;
  TimePoint deadline = kNever;

  for (;;) {
    const auto [event, consumed, piece] = parser.parse(input.text());
    input.consume(consumed);
    int failure = event == Event::error ? parser.status() : 0;

    if (event == Event::more) {
      // Everything that had arrived is answered: now the answers leave, all at once. Nothing is read
      // meanwhile, so a client that doesn't take its answers can't ask for more.
      if (!output.empty()) {
        if (!co_await peer.send(output.pieces())) {
          co_return false;
        }
        output.clear();
      }
      if (parser.idle()) {
        co_return true;
      }
      if (deadline == kNever) {
        deadline = time_after(loop.now(),
                              parser.in_body() ? settings.body_timeout : settings.header_timeout);
      }
      input = Chunk();  // given back before the wait
      auto received = co_await receive_until(peer, deadline);
      if (received && !*received) {
        co_return false;
      }
      if (received) {
        input = **std::move(received);
        continue;
      }
      failure = 408;
    }

    if (event == Event::body) {
      continue;  // nobody wants it
    }

    if (event == Event::head) {
      const RequestHead& request = parser.request();
      deadline = kNever;
      framing.head_only = request.method == "HEAD";
      framing.persistence = !request.keep_alive          ? Persistence::close
                            : request.minor_version == 0 ? Persistence::keep_said
                                                         : Persistence::keep;
      response = settings.site.respond(request);
      if (request.expects_continue && input.empty()) {
        if (output.room() < kContinue.size() && !co_await flush(peer, output)) {
          co_return false;
        }
        output.append(kContinue);
      }
      continue;
    }

    // The request is complete, or there is none that could be completed.
    deadline = kNever;
    if (failure != 0) {
      response = error_response(failure);
    }
    const bool wanted = framing.persistence == Persistence::close && failure == 0;
    if (failure != 0 || (peer.draining() && input.empty())) {
      framing.persistence = Persistence::close;
    }
    framing.date = dates.now(loop);
    if (!writer.head_fits(response) && !co_await flush(peer, output)) {
      co_return false;
    }
    writer.begin(std::exchange(response, {}), framing);
    while (!writer.finished()) {
      if (!co_await flush(peer, output)) {
        co_return false;
      }
      if (!writer.fill()) {
        peer.close(Stream::CloseMode::abort);  // the only way to say that the rest is missing
        co_return false;
      }
    }
    if (framing.persistence == Persistence::close) {
      if (!co_await flush(peer, output)) {
        co_return false;
      }
      if (!wanted || !input.empty()) {
        co_await linger(peer);
      }
      co_return false;
    }
    framing = {};
  }
}

}  // namespace simul::http
