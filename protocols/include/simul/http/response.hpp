// Response: the answer to a request.
//
//   co_return Response::text("hello\n");
//   co_return Response::text("created\n").with_status(201).with("Location", "/users/7");
//   co_return Response::file("report.pdf");
//   co_return Response::stream("text/csv", producer);
//
// What belongs to the connection (date, length, transfer coding, keep-alive) is added when it is sent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <simul/connection.hpp>
#include <simul/coro.hpp>
#include <simul/export.hpp>
#include <simul/http/body_writer.hpp>
#include <simul/http/event_stream.hpp>
#include <simul/http/header_fields.hpp>

namespace simul::http {

class OpenFile;

inline constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

namespace detail {
/// Parts of a file: all of it, or the ranges that were asked for, with what stands around them.
struct FileBody {
  struct Part {
    std::string before;  // a boundary of multipart/byteranges, and the part's header
    std::uint64_t offset;
    std::uint64_t size;
  };
  std::shared_ptr<const OpenFile> file;
  std::vector<Part> parts;
  std::string after;
};
struct StreamBody {
  std::function<Coro<>(BodyWriter&)> produce;
};
/// 101: what the connection becomes.
struct UpgradeBody {
  std::string protocol;
  std::function<Coro<>(Connection&)> serve;
};
/// A view is of something that outlives the response.
using ResponseBody = std::variant<std::string_view, std::string, FileBody, StreamBody, UpgradeBody>;
struct ResponseAccess;
}  // namespace detail

class SIMUL_EXPORT Response {
 public:
  /// Without a body.
  explicit Response(int status = 200);
  Response(Response&&) noexcept;
  Response& operator=(Response&&) noexcept;
  ~Response();

  static Response text(std::string body, std::string_view content_type = kPlainText);
  static Response html(std::string body);
  static Response bytes(std::string body) {
    return text(std::move(body), "application/octet-stream");
  }
  /// "404 Not Found", or `text`.
  static Response error(int status, std::string text = {});
  /// 302, or another one of 3xx. `location` is encoded as it has to be.
  static Response redirect(std::string_view location, int status = 302);
  /// A regular file, sent without a copy where the kernel can. Throws HttpError: 404 if there is none, 403 if
  /// it may not be read. Conditional requests and ranges: see serve_file().
  static Response file(const std::filesystem::path& path);
  /// A body that is made while it is sent. `produce` runs after the handler has returned and may refer to its
  /// request; what it throws cuts the connection off, for the client must not take a part for the whole.
  static Response stream(std::string_view content_type, std::function<Coro<>(BodyWriter&)> produce);
  static Response events(std::function<Coro<>(EventStream&)> produce);
  /// 101: from here on the connection speaks `protocol` (RFC 9110, 7.8), if the request asks for that with
  /// Upgrade; 426 if it doesn't. `serve` gets it with everything that came after the request.
  static Response upgrade(std::string_view protocol, std::function<Coro<>(Connection&)> serve);

  [[nodiscard]] int status() const noexcept { return status_; }
  /// Throws std::invalid_argument for what is not from 200 to 599.
  Response& set_status(int status);
  [[nodiscard]] Response with_status(int status) &&;

  /// Replaces the fields of that name. Throws std::invalid_argument for what is no field, and for those that
  /// belong to the connection: Connection, Content-Length, Date, Keep-Alive, Trailer, Transfer-Encoding,
  /// Upgrade.
  Response& set(std::string_view name, std::string_view value);
  /// One more of that name, such as Set-Cookie.
  Response& add(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  [[nodiscard]] Response with(std::string_view name, std::string_view value) &&;
  /// The value of the first field of that name.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
  /// The body, if it is a text that is there already: for middleware and tests.
  [[nodiscard]] std::optional<std::string_view> text_body() const noexcept;

 private:
  friend struct detail::ResponseAccess;
  int status_;
  std::string
      fields_;  // lines, each with its CRLF; Content-Type too, unless it stands in content_type_
  std::string_view content_type_;  // of a constant; spares a copy
  detail::ResponseBody body_;
};

}  // namespace simul::http
