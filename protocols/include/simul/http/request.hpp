// Request: what a handler is asked. Its head is there at once; its body is read when the handler wants
// it, or never.
//
//   Coro<Response> create(Request& request) {
//     const std::string name = request.param("name");
//     const std::string body = co_await request.body();
//     co_return Response::text("created " + name + "\n").with_status(201);
//   }
//
// Views that it gives are valid until the answer has been sent. It knows nothing of the connection, and
// requests of one client may be handled at the same time.
#pragma once

#include <any>
#include <cstdint>
#include <forward_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <simul/coro.hpp>
#include <simul/endpoint.hpp>
#include <simul/export.hpp>
#include <simul/http/form.hpp>
#include <simul/http/header_fields.hpp>
#include <simul/http/request_head.hpp>

namespace simul {
class Connection;
class TlsStream;
}  // namespace simul

namespace simul::http {

namespace detail {
/// Where the bytes of a body come from.
class SIMUL_EXPORT BodySource {
 public:
  BodySource(const BodySource&) = delete;
  BodySource& operator=(const BodySource&) = delete;
  /// The next bytes, none at the end. The view is valid until the next call. Throws HttpError.
  virtual Coro<std::string_view> next() = 0;

 protected:
  BodySource() noexcept = default;
  ~BodySource() = default;
};
struct RequestAccess;
}  // namespace detail

class SIMUL_EXPORT Request {
 public:
  /// All must outlive it. `connection` may be null.
  Request(const RequestHead& head, detail::BodySource& body, const Endpoint& peer,
          const Connection* connection) noexcept
      : head_(head), body_(body), peer_(peer), connection_(connection) {}
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  [[nodiscard]] std::string_view method() const noexcept { return head_.method; }
  /// As sent: "/users/7?verbose=1", "http://example.org/", "*".
  [[nodiscard]] std::string_view target() const noexcept { return head_.target; }
  /// Of the target, still encoded. Empty for "*".
  [[nodiscard]] std::string_view path() const noexcept { return head_.path; }
  [[nodiscard]] std::string_view host() const noexcept { return head_.host; }
  /// 1 for HTTP/1.1, 0 for HTTP/1.0.
  [[nodiscard]] int minor_version() const noexcept { return head_.minor_version; }
  [[nodiscard]] const HeaderFields& headers() const noexcept { return head_.fields; }
  /// The value of the first field of that name, in whatever case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept {
    return head_.fields.find(name);
  }
  [[nodiscard]] const RequestHead& head() const noexcept { return head_; }

  /// What stands in the path for `{name}` of the route's pattern, decoded. Throws std::out_of_range if the
  /// pattern has no such parameter.
  [[nodiscard]] const std::string& param(std::string_view name) const;
  /// What follows the question mark, decoded.
  [[nodiscard]] Form query() const { return parse_form(head_.query); }
  [[nodiscard]] std::optional<std::string> query(std::string_view name) const {
    return query().get(name);
  }

  /// The client, as far as it is known: behind a proxy with the PROXY protocol it is the proxy's.
  [[nodiscard]] const Endpoint& peer() const noexcept { return peer_; }
  /// What is known of the client by its TLS: its certificate, the name it asked for. Null without TLS.
  [[nodiscard]] const TlsStream* tls() const noexcept;
  /// Did it come over TLS?
  [[nodiscard]] bool secure() const noexcept { return tls() != nullptr; }

  // --- the body -----------------------------------------------------------------------------------
  // Whoever doesn't read it leaves it to the connection, which skips it, or closes after the answer if it is
  // long. They throw HttpError (413: longer than the listener allows; 400: malformed, or cut off; 408: slower
  // than it allows), which a handler best lets pass. Cancel safety: NOT safe; a body that was read in part is
  // lost.

  /// All of it, or what is left of it. `limit`: 413 for a longer one, besides the listener's limit.
  Coro<std::string> body(std::uint64_t limit = UINT64_MAX);
  /// The next piece, as it came; empty at the end. The view is valid until the next call.
  Coro<std::string_view> read() { return body_.next(); }
  /// The body as a form. Throws HttpError(415) if it doesn't say that it is one.
  Coro<Form> form(std::uint64_t limit = std::uint64_t{1} << 20);

  // --- for middleware -----------------------------------------------------------------------------

  /// Keeps something with the request for who handles it next: a user, a trace. One value per type.
  template <typename T>
  T& put(T value) {
    return *std::any_cast<T>(&extras_.emplace_front(std::in_place_type<T>, std::move(value)));
  }
  /// Null: nobody has put one.
  template <typename T>
  [[nodiscard]] T* get() noexcept {
    for (std::any& extra : extras_) {
      if (T* const value = std::any_cast<T>(&extra)) {
        return value;
      }
    }
    return nullptr;
  }

 private:
  friend struct detail::RequestAccess;

  const RequestHead& head_;
  detail::BodySource& body_;
  const Endpoint& peer_;
  std::vector<std::pair<std::string, std::string>> params_;
  std::forward_list<std::any> extras_;  // whose elements do not move
  const Connection* connection_;
};

namespace detail {
struct RequestAccess {
  static auto& params(Request& request) noexcept { return request.params_; }
};
}  // namespace detail
}  // namespace simul::http
