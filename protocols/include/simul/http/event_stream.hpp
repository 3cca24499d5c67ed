// EventStream: server-sent events (WHATWG HTML, 9.2), for a browser's EventSource.
//
//   co_return Response::events([](EventStream& events) -> Coro<> {
//     while (co_await events.send({.data = next_price(), .event = "price"})) {
//       co_await sleep(1s);
//     }
//   });
//
// An event leaves at once. While none does, a comment is sent every 15 seconds, so that proxies keep the
// connection and a client that has gone is noticed; then the producer is cancelled.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include <simul/coro.hpp>
#include <simul/export.hpp>
#include <simul/http/body_writer.hpp>
#include <simul/lock.hpp>

namespace simul::http {

struct ServerEvent {
  std::string_view data;        ///< its lines may end in CRLF, LF or CR
  std::string_view event = {};  ///< its type; empty: "message"
  std::string_view id = {};     ///< what the client sends as Last-Event-ID when it comes back
  std::optional<std::chrono::milliseconds> retry = {};  ///< how long it waits before that
};

class SIMUL_EXPORT EventStream {
 public:
  explicit EventStream(BodyWriter& out) noexcept : out_(out) {}
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  /// Errors and cancel safety: as BodyWriter::write. Throws std::invalid_argument for a line break in
  /// `event` or `id`, or a NUL in `id`.
  Coro<BodyWriter::Result> send(ServerEvent event);

 private:
  friend class Response;
  Coro<BodyWriter::Result> write(std::string_view text);
  Coro<> keep_alive();

  BodyWriter& out_;
  Lock lock_;  // between events and comments
  std::uint64_t writes_ = 0;
};

}  // namespace simul::http
