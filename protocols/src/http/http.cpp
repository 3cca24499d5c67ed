#include <simul/protocols/http.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <simul/quote.hpp>

#include "http/access_log.hpp"
#include "http/http_server.hpp"
#include "http/site.hpp"
#include "http/static_files.hpp"

namespace simul {
namespace http {
namespace {

constexpr std::string_view kOutputs[] = {AccessLog::kStdout};
constexpr std::string_view kAccessFormats[] = {"common", "combined", "json"};

constexpr std::array kOptions = {
    OptionSpec{.name = "root",
               .type = OptionType::path,
               .help = "folder of files to serve; with hosts, to hosts that aren't among them"},
    OptionSpec{.name = "hosts",
               .type = OptionType::path_map,
               .help = "folders by host: example.org, or *.example.org for all names below it, "
                       "after the names themselves"},
    OptionSpec{.name = "index",
               .type = OptionType::string,
               .default_value = "index.html",
               .help = "file that is served for a folder"},
    OptionSpec{.name = "listing",
               .type = OptionType::boolean,
               .default_value = "false",
               .help = "whether a folder without such a file is listed"},
    OptionSpec{.name = "gzip",
               .type = OptionType::boolean,
               .default_value = "false",
               .help = "whether files that get shorter by it are compressed on their way"},
    OptionSpec{.name = "precompressed",
               .type = OptionType::boolean,
               .default_value = "false",
               .help = "whether name.br and name.gz, where they exist, are sent in place of name"},
    OptionSpec{.name = "routes",
               .type = OptionType::string_map,
               .help = "texts to answer with, by path (/hello, or example.org/hello for one host); "
                       "they go before files; an extension says of what type they are"},
    OptionSpec{.name = "redirects",
               .type = OptionType::string_map,
               .help = "targets by path: /old: /new, or with a status (301 is usual) /old: 302 "
                       "/new; /docs/* takes all below /docs/, and a * at the end of the target is "
                       "that rest with its query; a status alone, such as 410, is an error; a host "
                       "may stand before the path"},
    OptionSpec{
        .name = "error_pages",
        .type = OptionType::path_map,
        .help = "files to answer with by status: 404, 4xx, 5xx or default; read at the start"},
    OptionSpec{.name = "headers",
               .type = OptionType::string_map,
               .help = "fields that every answer has, such as X-Frame-Options: DENY"},
    OptionSpec{.name = "access_log",
               .type = OptionType::path,
               .default_value = "off",
               .help = "file to which a line is appended for each answer",
               .choices = kOutputs,
               .unset = "off"},
    OptionSpec{.name = "access_log_format",
               .type = OptionType::choice,
               .default_value = "combined",
               .help = "how these lines look: as Apache's, or a JSON object each",
               .choices = kAccessFormats},
    OptionSpec{.name = "header_timeout",
               .type = OptionType::duration,
               .default_value = "10s",
               .help = "time for all of a request's header, from its first byte",
               .minimum = "1ms",
               .maximum = "1h"},
    OptionSpec{.name = "keep_alive_timeout",
               .type = OptionType::duration,
               .default_value = "60s",
               .help = "a connection without a request for so long is closed; 0 leaves that to "
                       "idle_timeout",
               .minimum = "0s",
               .maximum = "365d"},
    OptionSpec{.name = "min_rate",
               .type = OptionType::size,
               .default_value = "240B",
               .help = "bytes a second that a client has to send a body with, and to take an "
                       "answer with; 0 is any",
               .maximum = "1GiB"},
    OptionSpec{.name = "rate_grace",
               .type = OptionType::duration,
               .default_value = "5s",
               .help = "how long a client may be slower than min_rate",
               .minimum = "1ms",
               .maximum = "1h"},
    OptionSpec{.name = "max_header_size",
               .type = OptionType::size,
               .default_value = "16KiB",
               .help = "of a request line and header together",
               .minimum = "256B",
               .maximum = "1MiB"},
    OptionSpec{.name = "max_header_count",
               .type = OptionType::integer,
               .default_value = "100",
               .help = "fields in a request's header",
               .minimum = "1",
               .maximum = "10000"},
    OptionSpec{.name = "max_target_size",
               .type = OptionType::size,
               .default_value = "8KiB",
               .help = "of a request's path and query",
               .minimum = "64B",
               .maximum = "32KiB"},
    OptionSpec{.name = "max_body_size",
               .type = OptionType::size,
               .default_value = "1MiB",
               .help = "of a request's body",
               .minimum = "0B"},
    OptionSpec{.name = "server_name",
               .type = OptionType::string,
               .default_value = "simul",
               .help = "what the field Server says; empty for none"},
};

Settings make_settings(const OptionValues& options) {
  return {.limits = {.target = options.get_size("max_target_size"),
                     .head = options.get_size("max_header_size"),
                     .fields = static_cast<std::size_t>(options.get_integer("max_header_count")),
                     .body = options.get_size("max_body_size")},
          .header_timeout = options.get_duration("header_timeout"),
          .keep_alive_timeout = options.get_duration("keep_alive_timeout"),
          .min_rate = options.get_size("min_rate"),
          .rate_grace = options.get_duration("rate_grace"),
          .server_line = make_server_line(options.get_string("server_name")),
          .access_log = make_access_log(options)};
}

StaticFileOptions file_options(const OptionValues& options) {
  const std::string& index = options.get_string("index");
  if (index.empty() || index.front() == '.' || index.contains('/') || index.contains('\0')) {
    throw std::invalid_argument("index " + quote(index) + " is not the name of a visible file");
  }
  return {.index = index,
          .listing = options.get_bool("listing"),
          .gzip = options.get_bool("gzip"),
          .precompressed = options.get_bool("precompressed")};
}

class Http final : public Protocol {
 public:
  explicit Http(const OptionValues& options)
      : server_(make_settings(options), std::make_unique<Site>(options, file_options(options))) {}

  Coro<> start(Loop& /*loop*/) override {
    server_.start();
    co_return;
  }

  Coro<> serve(Connection& peer) override { return server_.serve(peer); }

 private:
  HttpServer server_;
};

}  // namespace
}  // namespace http

const ProtocolType& http_protocol() {
  static constexpr std::string_view kAlpn[] = {"http/1.1"};
  static constexpr ProtocolType kType = {
      .spec = {.name = "http",
               .help = "HTTP/1.1: files from folders, fixed texts and redirects",
               .options = http::kOptions,
               .alpn = kAlpn},
      .make = [](const OptionValues& options) -> std::unique_ptr<Protocol> {
        return std::make_unique<http::Http>(options);
      },
  };
  return kType;
}

}  // namespace simul
