// BodyWriter: what a streamed answer is written to, piece by piece, while it is sent.
//
//   co_return Response::stream("text/plain", [](BodyWriter& out) -> Coro<> {
//     for (int i = 0; i < 10; ++i) {
//       if (!co_await out.write(fmt::format("{}\n", i))) co_return;   // the client has gone
//       co_await sleep(1s);
//     }
//   });
//
// Each write leaves at once, and waits while the client is slow: nothing piles up. An HTTP/1.1 client gets
// chunks; an older one gets bytes up to the end of the connection.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <system_error>

#include <simul/coro.hpp>
#include <simul/export.hpp>

namespace simul::http {

class SIMUL_EXPORT BodyWriter {
 public:
  BodyWriter(const BodyWriter&) = delete;
  BodyWriter& operator=(const BodyWriter&) = delete;

  using Result = std::expected<void, std::error_code>;

  /// `text` must stay where it is meanwhile. Errors: the connection's; std::errc::timed_out if the client
  /// takes it too slowly. After an error nothing more can be sent: return.
  /// Cancel safety: NOT safe; the connection can only be closed then.
  virtual Coro<Result> write(std::string_view text) = 0;

  /// A field that follows the body (RFC 9110, 6.5); sent if the client gets chunks, else dropped. Throws
  /// std::invalid_argument for what is no field, or may not stand in a trailer.
  virtual void trailer(std::string_view name, std::string_view value) = 0;

 protected:
  BodyWriter() noexcept = default;
  ~BodyWriter() = default;
};

}  // namespace simul::http
