#include <simul/protocols/http.hpp>

#include <array>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

#include <simul/loop.hpp>
#include <simul/quote.hpp>

#include "http/conversation.hpp"

namespace simul {
namespace http {
namespace {

constexpr std::array kOptions = {
    OptionSpec{.name = "root", .type = OptionType::path, .help = "folder of files to serve"},
    OptionSpec{.name = "index",
               .type = OptionType::string,
               .default_value = "index.html",
               .help = "file that is served for a folder"},
    OptionSpec{.name = "routes",
               .type = OptionType::string_map,
               .help = "texts to answer with, by path; they go before files"},
    OptionSpec{.name = "header_timeout",
               .type = OptionType::duration,
               .default_value = "10s",
               .help = "time for a request's header, from its first byte",
               .minimum = "1ms",
               .maximum = "1h"},
    OptionSpec{.name = "body_timeout",
               .type = OptionType::duration,
               .default_value = "30s",
               .help = "time for a request's body",
               .minimum = "1ms",
               .maximum = "1d"},
    OptionSpec{.name = "max_header_size",
               .type = OptionType::size,
               .default_value = "16KiB",
               .help = "of a request line and header together",
               .minimum = "256B",
               .maximum = "1MiB"},
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
};

// The date caches of the loops that serve. Looked up once per connection.
class Dates {
 public:
  DateCache& of(const Loop& loop) {
    const std::scoped_lock lock(mutex_);
    return caches_[&loop];
  }
  void forget(const Loop& loop) {
    const std::scoped_lock lock(mutex_);
    caches_.erase(&loop);
  }

 private:
  std::mutex mutex_;
  std::unordered_map<const Loop*, DateCache> caches_;  // whose elements don't move
};

class Http final : public Protocol {
 public:
  explicit Http(const OptionValues& options)
      : settings_{.site = Site(options.get_map("routes"), make_files(options)),
                  .limits = {.target = options.get_size("max_target_size"),
                             .head = options.get_size("max_header_size"),
                             .body = options.get_size("max_body_size")},
                  .header_timeout = options.get_duration("header_timeout"),
                  .body_timeout = options.get_duration("body_timeout")} {}

  Coro<> serve(Connection& peer) override {
    DateCache& dates = dates_.of(Loop::current());
    while (auto chunk = co_await peer.recv_message()) {
      if (!co_await converse(peer, settings_, dates, *std::move(chunk))) {
        break;
      }
    }
  }

  Coro<> stop() override {
    dates_.forget(Loop::current());
    co_return;
  }

 private:
  static std::unique_ptr<StaticFiles> make_files(const OptionValues& options) {
    const std::string& index = options.get_string("index");
    if (index.empty() || index.front() == '.' || index.contains('/') || index.contains('\0')) {
      throw std::invalid_argument("index " + quote(index) + " is not the name of a visible file");
    }
    if (!options.has("root")) {
      return nullptr;
    }
    return std::make_unique<StaticFiles>(options.get_string("root"), index);
  }

  Settings settings_;
  Dates dates_;
};

}  // namespace
}  // namespace http

const ProtocolType& http_protocol() {
  static constexpr std::string_view kAlpn[] = {"http/1.1"};
  static constexpr ProtocolType kType = {
      .spec = {.name = "http",
               .help = "HTTP/1.1: fixed texts, and files from a folder",
               .options = http::kOptions,
               .alpn = kAlpn},
      .make = [](const OptionValues& options) -> std::unique_ptr<Protocol> {
        return std::make_unique<http::Http>(options);
      },
  };
  return kType;
}

}  // namespace simul
