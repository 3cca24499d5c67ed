#include <simul/http/server.hpp>

#include <memory>
#include <optional>
#include <utility>

#include "http/application.hpp"
#include "http/http_server.hpp"

namespace simul::http {
namespace {

class RoutedApplication final : public Application {
 public:
  explicit RoutedApplication(Router router) noexcept : router_(std::move(router)) {}
  std::optional<Response> respond_at_once(Request&) override { return std::nullopt; }
  Coro<Response> respond(Request& request) override { return router_.respond(request); }

 private:
  Router router_;
};

class RouterProtocol final : public Protocol {
 public:
  RouterProtocol(Settings settings, std::unique_ptr<Application> application)
      : server_(std::move(settings), std::move(application)) {}
  Coro<> serve(Connection& peer) override { return server_.serve(peer); }

 private:
  HttpServer server_;
};

Settings make_settings(const ServerOptions& options) {
  return {.limits = {.target = options.max_target_size,
                     .head = options.max_header_size,
                     .fields = options.max_header_count,
                     .body = options.max_body_size},
          .header_timeout = options.header_timeout,
          .keep_alive_timeout = options.keep_alive_timeout,
          .min_rate = options.min_rate,
          .rate_grace = options.rate_grace,
          .server_line = make_server_line(options.server_name),
          .access_log = nullptr};
}

}  // namespace

simul::Handler handler(Router router, const ServerOptions& options) {
  auto server = std::make_shared<HttpServer>(
      make_settings(options), std::make_unique<RoutedApplication>(std::move(router)));
  return [server = std::move(server)](Connection& peer) { return server->serve(peer); };
}

std::unique_ptr<Protocol> make_protocol(Router router, const ServerOptions& options) {
  return std::make_unique<RouterProtocol>(make_settings(options),
                                          std::make_unique<RoutedApplication>(std::move(router)));
}

}  // namespace simul::http
